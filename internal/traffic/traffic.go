// Package traffic reads metrics. It sends all queries of a region for the same window
// together, in as few GetMetricData calls as the API allows, and reads every page. A
// series is complete only if nothing contradicts it: data that could not be read must
// never look like no traffic.
package traffic

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

const operation = "GetMetricData"

// Options configures a Meter.
type Options struct {
	Clients *awsapi.Clients
	Clock   model.Clock  // nil means the system clock
	Logger  *slog.Logger // nil discards
}

// Meter reads metrics. It keeps nothing and is safe for concurrent use.
type Meter struct{ o Options }

// New makes a Meter.
func New(o Options) *Meter {
	return &Meter{Options{o.Clients, cmp.Or[model.Clock](o.Clock, model.SystemClock{}), cmp.Or(o.Logger, slog.New(slog.DiscardHandler))}}
}

// Measure reads the queries, each once however often it occurs. The readings have a series
// for every one, incomplete where anything failed; the problems say what, once for each
// cause and region. It reports progress, one call at a time, as queries done of all; nil
// is allowed.
func (m *Meter) Measure(ctx context.Context, queries []model.Query, progress func(done, total int)) (model.Readings, []model.Problem) {
	readings := make(model.Readings, len(queries))
	failures := &failureList{list: map[cause]failure{}}
	now := m.o.Clock.Now()
	var valid []model.Query
	for _, q := range queries {
		if _, ok := readings[q]; ok {
			continue
		}
		readings[q] = model.Series{}
		if err := check(q, now); err != nil {
			failures.add(q.Region, q.Metric.DimensionValue, 1, err)
			continue
		}
		valid = append(valid, q)
	}
	var mu sync.Mutex
	done := 0
	calls := plan(valid)
	awsapi.ParallelByRegion(calls, func(c call) string { return c.region }, func(i int) {
		series := m.measure(ctx, calls[i], failures)
		mu.Lock()
		defer mu.Unlock()
		for k, s := range series {
			readings[calls[i].queries[k]] = s
		}
		if done += len(series); progress != nil {
			progress(done, len(valid))
		}
	})
	problems := failures.problems()
	for _, p := range problems {
		m.o.Logger.Debug("data not read", "region", p.Region, "arn", p.ARN, "op", p.Operation, "err", p.Err)
	}
	return readings, problems
}

// measure executes one call and records what fails. It returns a series for each query.
func (m *Meter) measure(ctx context.Context, c call, failures *failureList) []model.Series {
	series := make([]model.Series, len(c.queries))
	results, err := m.read(ctx, c)
	if err != nil {
		failures.add(c.region, "", len(c.queries), awsapi.Plain(err))
		return series
	}
	for i, q := range c.queries {
		if series[i], err = results.series(i); err != nil {
			failures.add(q.Region, q.Metric.DimensionValue, 1, err)
		}
	}
	return series
}

func (m *Meter) read(ctx context.Context, c call) (*results, error) {
	client := m.o.Clients.CloudWatch(c.region)
	input := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(c.window.Start), EndTime: aws.Time(c.window.End),
		ScanBy: types.ScanByTimestampAscending, MetricDataQueries: metricQueries(c.queries),
	}
	all := newResults(c)
	return all, awsapi.ReadPages(func(token *string) (*string, error) {
		if err := m.o.Clients.WaitDatapoints(ctx, c.region, c.window.Start, c.points); err != nil {
			return nil, err
		}
		input.NextToken = token
		out, err := client.GetMetricData(ctx, input)
		if err != nil {
			return nil, err
		}
		all.add(out.MetricDataResults, out.Messages)
		return out.NextToken, nil
	})
}

func metricQueries(queries []model.Query) []types.MetricDataQuery {
	list := make([]types.MetricDataQuery, len(queries))
	for i, q := range queries {
		metric := &types.Metric{Namespace: aws.String(q.Metric.Namespace), MetricName: aws.String(q.Metric.Name)}
		if q.Metric.DimensionName != "" {
			metric.Dimensions = []types.Dimension{
				{Name: aws.String(q.Metric.DimensionName), Value: aws.String(q.Metric.DimensionValue)},
			}
		}
		seconds := int32(min(int64(q.Period/time.Second), math.MaxInt32))
		list[i] = types.MetricDataQuery{
			Id:         aws.String(queryID(i)),
			ReturnData: aws.Bool(true),
			MetricStat: &types.MetricStat{Metric: metric, Stat: aws.String(string(q.Stat)), Period: aws.Int32(seconds)},
		}
	}
	return list
}

// call is one GetMetricData call: queries of one region over one window.
type call struct {
	region  string
	window  model.Window
	queries []model.Query
	points  int // datapoints that may be returned: the sum of window ÷ period
}

// plan divides queries into as few calls as the API allows: one region and window a call,
// at most 500 queries and 100,800 datapoints. A query that exceeds the datapoints alone
// has its own call, whose response has several pages. The order of the queries is kept.
func plan(queries []model.Query) []call {
	type key struct {
		region string
		window model.Window
	}
	var calls []call
	open := map[key]int{} // index of the call that is not full yet
	for _, q := range queries {
		k, points := key{q.Region, q.Window}, datapoints(q)
		i, ok := open[k]
		if !ok || len(calls[i].queries) == awsapi.MaxMetricQueries || calls[i].points+points > awsapi.MaxDatapoints {
			i = len(calls)
			calls = append(calls, call{region: q.Region, window: q.Window})
			open[k] = i
		}
		calls[i].queries = append(calls[i].queries, q)
		calls[i].points += points
	}
	return calls
}

func datapoints(q model.Query) int { return int(q.Window.Duration() / q.Period) }

// check rejects queries for which CloudWatch would return nothing, or data with another
// meaning: it fits datapoints into periods that begin at multiples of the period, and
// omits, without an error, what it does not keep at so fine a resolution.
func check(q model.Query, now time.Time) error {
	start := q.Window.Start.Format(time.RFC3339)
	switch age := now.Sub(q.Window.Start); {
	case q.Region == "":
		return fmt.Errorf("a query for %s names no region", q.Metric.Name)
	case q.Period < time.Minute || q.Period%time.Minute != 0:
		return fmt.Errorf("the period %v is not a number of whole minutes", q.Period)
	case !aligned(q.Window.Start, q.Period):
		return fmt.Errorf("the window from %s does not begin at a multiple of %v", start, q.Period)
	case q.Window.Duration() <= 0 || q.Window.Duration()%q.Period != 0:
		return fmt.Errorf("the window of %v is not a number of whole periods of %v", q.Window.Duration(), q.Period)
	case age > awsapi.FiveMinuteRetention && q.Period%time.Hour != 0:
		return fmt.Errorf("CloudWatch keeps the window from %s by the hour only, not by %v", start, q.Period)
	case age > awsapi.MinuteRetention && q.Period%(5*time.Minute) != 0:
		return fmt.Errorf("CloudWatch keeps the window from %s by 5 minutes only, not by %v", start, q.Period)
	}
	return nil
}

// aligned reports whether t is a multiple of the period since the Unix epoch.
func aligned(t time.Time, period time.Duration) bool {
	return t.Nanosecond() == 0 && t.Unix()%int64(period/time.Second) == 0
}
