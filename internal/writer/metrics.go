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
	putTarget
	data []model.Datum
}

type putTarget struct{ region, namespace string }

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
		arn := call.data[0].Metric.DimensionValue
		if slices.ContainsFunc(call.data, func(d model.Datum) bool { return d.Metric.DimensionValue != arn }) {
			arn = "" // several resources
		}
		err := fmt.Errorf("%d metric values were not published: %w", len(call.data), errs[i])
		problems = append(problems, Problem(call.region, arn, opPutMetricData, err))
	}
	return published, problems
}

func (w *Writer) putMetricData(ctx context.Context, call putCall) error {
	intent := Intent{
		Op: opPutMetricData, Region: call.region, Routine: true,
		What: fmt.Sprintf("publish %d metric values to %s", len(call.data), call.namespace),
	}
	in := &cloudwatch.PutMetricDataInput{Namespace: aws.String(call.namespace), MetricData: make([]types.MetricDatum, 0, len(call.data))}
	for _, d := range call.data {
		in.MetricData = append(in.MetricData, types.MetricDatum{
			MetricName: aws.String(d.Metric.Name), Dimensions: Dimensions(d.Metric),
			Timestamp: aws.Time(d.Time), Unit: types.StandardUnit(d.Unit), Value: aws.Float64(d.Value),
		})
	}
	_, err := w.Do(ctx, intent, Call(w.Clients.CloudWatch(call.region).PutMetricData, in))
	return err
}

// RefusedKey is what refusals are counted by.
type RefusedKey struct {
	Region  string
	Verdict rules.Verdict // Refused if a rule refused before it came to an action
}

// CountRefused publishes how many actions rules and guards refused.
func (w *Writer) CountRefused(ctx context.Context, counts map[RefusedKey]int) {
	data := make([]model.Datum, 0, len(counts))
	for key, n := range counts {
		data = append(data, w.count(key.Region, n, model.Metric{
			Name: model.MetricActionsRefused, DimensionName: rules.DimensionAction, DimensionValue: string(key.Verdict),
		}))
	}
	w.publishCounts(ctx, "refusals", data...)
}

// CountLostRecords publishes how many audit records could not be written.
func (w *Writer) CountLostRecords(ctx context.Context, n int) {
	if n > 0 {
		w.publishCounts(ctx, "lost audit records", w.count(w.DeploymentRegion, n, model.Metric{Name: model.MetricAuditRecordsLost}))
	}
}

// count is a number of things that happened now, in a metric of the monitor.
func (w *Writer) count(region string, n int, metric model.Metric) model.Datum {
	metric.Namespace = model.NamespaceMonitor
	return model.Datum{Region: region, Metric: metric, Unit: "Count", Value: float64(n), Time: w.Clock.Now().UTC()}
}

// publishCounts logs what cannot be published: nothing depends on it.
func (w *Writer) publishCounts(ctx context.Context, what string, data ...model.Datum) {
	_, problems := w.Publish(ctx, data)
	for _, p := range problems {
		w.Logger.WarnContext(ctx, "counts not published", "counts", what, "op", p.Operation, "region", p.Region, "err", p.Err)
	}
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
// appearance, as many in a call as it accepts. They stay far below its limit of 1 MB: a datum, whose
// ARN has up to 256 characters, takes less than 700 bytes.
func planCalls(data []model.Datum) (calls []putCall) {
	open := map[putTarget]int{} // the last call of each
	for _, d := range data {
		t := putTarget{d.Region, d.Metric.Namespace}
		i, ok := open[t]
		if !ok || len(calls[i].data) == awsapi.MaxMetricData {
			i = len(calls)
			open[t], calls = i, append(calls, putCall{putTarget: t})
		}
		calls[i].data = append(calls[i].data, d)
	}
	return calls
}

// Dimensions are the dimensions of a metric as CloudWatch takes them: one or none.
func Dimensions(m model.Metric) []types.Dimension {
	if m.DimensionName == "" {
		return nil
	}
	return []types.Dimension{{Name: aws.String(m.DimensionName), Value: aws.String(m.DimensionValue)}}
}
