package writer

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

const opPutMetricData = "PutMetricData"

// putCall is one PutMetricData call.
type putCall struct {
	region, namespace string
	data              []model.Datum
}

// Publish writes the data to the regions they name, in as few calls as the API allows, in
// parallel. A call that fails affects its own data only, and is one problem. A value that
// CloudWatch would reject is left out, as a problem of its resource, because the whole call
// would be rejected. The result counts the data written.
func (w *Writer) Publish(ctx context.Context, data []model.Datum) (published int, problems []model.Problem) {
	sendable, problems := checkData(data)
	calls := planCalls(sendable)
	errs := make([]error, len(calls))
	var group errgroup.Group
	group.SetLimit(ParallelCalls)
	for i, call := range calls {
		group.Go(func() error {
			errs[i] = w.putMetricData(ctx, call)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	for i, call := range calls {
		if errs[i] == nil {
			published += len(call.data)
			continue
		}
		err := fmt.Errorf("%d metric values were not published: %w", len(call.data), errs[i])
		problems = append(problems, Problem(call.region, onlyResource(call.data), opPutMetricData, err))
	}
	return published, problems
}

func (w *Writer) putMetricData(ctx context.Context, call putCall) error {
	in := Intent{
		Op: opPutMetricData, Region: call.region, Routine: true,
		What: fmt.Sprintf("publish %d metric values to %s", len(call.data), call.namespace),
	}
	_, err := w.Do(ctx, in, func(ctx context.Context) error {
		_, err := w.Clients.CloudWatch(call.region).PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
			Namespace: aws.String(call.namespace), MetricData: toMetricData(call.data),
		})
		return err
	})
	return err
}

// RefusedKey is what refusals are counted by.
type RefusedKey struct {
	Region  string
	Verdict rules.Verdict // Refused if a rule refused before it came to an action
}

// CountRefused publishes how many actions rules and guards refused. What cannot be published
// is logged: nothing depends on it.
func (w *Writer) CountRefused(ctx context.Context, counts map[RefusedKey]int) {
	data := make([]model.Datum, 0, len(counts))
	for key, n := range counts {
		data = append(data, model.Datum{
			Region: key.Region, Unit: "Count", Value: float64(n), Time: w.Clock.Now().UTC(),
			Metric: model.Metric{
				Namespace: model.NamespaceMonitor, Name: model.MetricActionsRefused,
				DimensionName: rules.DimensionAction, DimensionValue: string(key.Verdict),
			},
		})
	}
	_, problems := w.Publish(ctx, data)
	for _, p := range problems {
		w.Logger.WarnContext(ctx, "refusals not counted", "op", p.Operation, "region", p.Region, "err", p.Err)
	}
}

// CountLostRecords publishes how many audit records could not be written. What cannot be
// published is logged.
func (w *Writer) CountLostRecords(ctx context.Context, n int) {
	if n == 0 {
		return
	}
	metric := model.Metric{Namespace: model.NamespaceMonitor, Name: model.MetricAuditRecordsLost}
	_, problems := w.Publish(ctx, []model.Datum{{
		Region: w.DeploymentRegion, Metric: metric, Unit: "Count", Value: float64(n), Time: w.Clock.Now().UTC(),
	}})
	for _, p := range problems {
		w.Logger.WarnContext(ctx, "lost audit records not counted", "op", p.Operation, "region", p.Region, "err", p.Err)
	}
}

// onlyResource is the resource that all data are about; empty if there are several.
func onlyResource(data []model.Datum) string {
	arn := data[0].Metric.DimensionValue
	if slices.ContainsFunc(data, func(d model.Datum) bool { return d.Metric.DimensionValue != arn }) {
		return ""
	}
	return arn
}

// checkData leaves out the values that CloudWatch does not accept (MetricDatum in its API
// reference: no NaN, no infinity, nothing beyond ±2^360).
func checkData(data []model.Datum) (sendable []model.Datum, problems []model.Problem) {
	sendable = make([]model.Datum, 0, len(data))
	for _, d := range data {
		if math.IsNaN(d.Value) || math.Abs(d.Value) > awsapi.MaxMetricValue {
			err := fmt.Errorf("%s is %v, which CloudWatch does not accept", d.Metric.Name, d.Value)
			problems = append(problems, Problem(d.Region, d.Metric.DimensionValue, opPutMetricData, err))
			continue
		}
		sendable = append(sendable, d)
	}
	return sendable, problems
}

// planCalls sorts the data into calls, by region and namespace in the order of their first
// appearance, within the limits of one call. A single datum beyond the limit of bytes, which does
// not occur with names and ARNs of valid lengths, goes alone, for the service to check.
func planCalls(data []model.Datum) []putCall {
	type target struct{ region, namespace string }
	var order []target
	byTarget := map[target][]putCall{}
	bytes := map[target]int{} // of the last call
	for _, d := range data {
		t := target{d.Region, d.Metric.Namespace}
		calls, size := byTarget[t], datumSize(d)
		if calls == nil {
			order = append(order, t)
		}
		limit := awsapi.MaxMetricDataBytes - requestFixedBytes - len(t.namespace)
		if last := len(calls) - 1; last < 0 || len(calls[last].data) >= awsapi.MaxMetricData || bytes[t]+size > limit {
			calls, bytes[t] = append(calls, putCall{t.region, t.namespace, nil}), 0
		}
		call := &calls[len(calls)-1]
		call.data = append(call.data, d)
		byTarget[t], bytes[t] = calls, bytes[t]+size
	}
	var all []putCall
	for _, t := range order {
		all = append(all, byTarget[t]...)
	}
	return all
}

// What the request and each datum take beside their own texts, in bytes: keys, lengths,
// numbers and the timestamp. In CBOR, which the SDK sends, they come to about 40 and 100
// bytes; rounded up, as the limit counts the request before compression, and in whatever
// protocol the SDK may use another day.
const (
	requestFixedBytes = 1_000
	datumFixedBytes   = 250
)

// datumSize is an upper estimate of a datum's share of the request, in bytes.
func datumSize(d model.Datum) int {
	return datumFixedBytes + len(d.Metric.Name) + len(d.Metric.DimensionName) + len(d.Metric.DimensionValue) + len(d.Unit)
}

func toMetricData(data []model.Datum) []types.MetricDatum {
	out := make([]types.MetricDatum, 0, len(data))
	for _, d := range data {
		out = append(out, types.MetricDatum{
			MetricName: aws.String(d.Metric.Name), Dimensions: Dimensions(d.Metric),
			Timestamp: aws.Time(d.Time), Unit: types.StandardUnit(d.Unit), Value: aws.Float64(d.Value),
		})
	}
	return out
}

// Dimensions are the dimensions of a metric as CloudWatch takes them: one or none.
func Dimensions(m model.Metric) []types.Dimension {
	if m.DimensionName == "" {
		return nil
	}
	return []types.Dimension{{Name: aws.String(m.DimensionName), Value: aws.String(m.DimensionValue)}}
}
