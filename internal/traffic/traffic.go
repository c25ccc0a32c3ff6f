// Package traffic is the second step of discover → measure → decide → act → report: it
// reads metrics. All questions of a region about the same window go out together, in
// as few GetMetricData calls as the API allows; every page is read; and a series is
// complete only if nothing speaks against it, as data that were not read must never
// pass for no traffic.
package traffic

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// operation is the one that everything here is about.
const operation = "GetMetricData"

// defaultConcurrency is how many calls are under way in one region at a time: enough
// for the 50 a second that CloudWatch takes when one needs well under 200 ms.
const defaultConcurrency = 8

// regionsAtOnce bounds the regions measured at the same time.
const regionsAtOnce = 16

// Options says what a Meter works with.
type Options struct {
	Clients *awsapi.Clients
	Clock   model.Clock  // nil means the system clock
	Logger  *slog.Logger // nil discards
	// Concurrency bounds the calls under way in one region; zero means 8.
	Concurrency int
}

// Meter answers questions about metrics. It keeps nothing and is safe for concurrent use.
type Meter struct {
	cloudwatch  func(region string) metricAPI
	wait        func(ctx context.Context, region string, start time.Time, points int) error
	clock       model.Clock
	logger      *slog.Logger
	concurrency int
}

// metricAPI is what the meter asks of CloudWatch.
type metricAPI interface {
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

// New makes a Meter.
func New(o Options) *Meter {
	m := &Meter{
		cloudwatch:  func(region string) metricAPI { return o.Clients.CloudWatch(region) },
		wait:        o.Clients.WaitDatapoints,
		clock:       o.Clock,
		logger:      o.Logger,
		concurrency: o.Concurrency,
	}
	if m.clock == nil {
		m.clock = model.SystemClock{}
	}
	if m.logger == nil {
		m.logger = slog.New(slog.DiscardHandler)
	}
	if m.concurrency <= 0 {
		m.concurrency = defaultConcurrency
	}
	return m
}

// Measure answers the questions, each once however often it is asked. The readings
// hold a series for every one, incomplete where anything stood in the way; what that
// was is among the problems, once for each cause and region. Progress is told, one call
// at a time, how many of the questions are done; nil is allowed.
func (m *Meter) Measure(ctx context.Context, queries []model.Query, progress func(done, total int)) (model.Readings, []model.Problem) {
	readings := make(model.Readings, len(queries))
	failures := &failureList{}
	now := m.clock.Now()
	var asked []model.Query
	for _, q := range queries {
		if _, ok := readings[q]; ok {
			continue
		}
		readings[q] = model.Series{}
		if err := check(q, now); err != nil {
			failures.addQueries(q.Region, []model.Query{q}, err)
			continue
		}
		asked = append(asked, q)
	}
	var mu sync.Mutex
	done := 0
	m.eachCall(plan(asked), func(c call) {
		results := m.measure(ctx, c, failures)
		mu.Lock()
		defer mu.Unlock()
		for i, series := range results {
			readings[c.queries[i]] = series
		}
		if done += len(c.queries); progress != nil {
			progress(done, len(asked))
		}
	})
	problems := failures.problems()
	for _, p := range problems {
		m.logger.Debug("data not read", "region", p.Region, "arn", p.ARN, "op", p.Operation, "err", p.Err)
	}
	return readings, problems
}

// eachCall runs the calls, those of different regions side by side.
func (m *Meter) eachCall(calls []call, run func(call)) {
	byRegion := map[string][]call{}
	for _, c := range calls {
		byRegion[c.region] = append(byRegion[c.region], c)
	}
	var regions errgroup.Group
	regions.SetLimit(regionsAtOnce)
	for _, list := range byRegion {
		regions.Go(func() error {
			var group errgroup.Group
			group.SetLimit(m.concurrency)
			for _, c := range list {
				group.Go(func() error {
					run(c)
					return nil
				})
			}
			return group.Wait()
		})
	}
	_ = regions.Wait() // failures are in the list
}

// measure carries out one call and notes what fails. There is a series for each query.
func (m *Meter) measure(ctx context.Context, c call, failures *failureList) []model.Series {
	series := make([]model.Series, len(c.queries))
	got, err := m.read(ctx, c)
	if err != nil {
		failures.addCall(c, awsapi.Plain(err))
		return series
	}
	causes := map[string][]model.Query{}
	errs := map[string]error{}
	for i, q := range c.queries {
		var err error
		if series[i], err = got.series(i); err != nil {
			causes[err.Error()] = append(causes[err.Error()], q)
			errs[err.Error()] = err
		}
	}
	for cause, affected := range causes {
		failures.addQueries(c.region, affected, errs[cause])
	}
	return series
}

// read asks a call's queries and reads all pages of the answer.
func (m *Meter) read(ctx context.Context, c call) (*answers, error) {
	client := m.cloudwatch(c.region)
	input := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(c.window.Start), EndTime: aws.Time(c.window.End),
		ScanBy: types.ScanByTimestampAscending, MetricDataQueries: metricQueries(c.queries),
	}
	got := newAnswers(c)
	var guard awsapi.Pages
	for {
		if err := m.wait(ctx, c.region, c.window.Start, c.points); err != nil {
			return nil, err
		}
		out, err := client.GetMetricData(ctx, input)
		if err != nil {
			return nil, err
		}
		got.add(out.MetricDataResults, out.Messages)
		more, err := guard.More(aws.ToString(out.NextToken))
		if err != nil {
			return nil, err
		}
		if !more {
			return got, nil
		}
		input.NextToken = out.NextToken
	}
}

// metricQueries are the queries as CloudWatch takes them.
func metricQueries(queries []model.Query) []types.MetricDataQuery {
	list := make([]types.MetricDataQuery, len(queries))
	for i, q := range queries {
		metric := &types.Metric{Namespace: aws.String(q.Metric.Namespace), MetricName: aws.String(q.Metric.Name)}
		if q.Metric.DimensionName != "" {
			metric.Dimensions = []types.Dimension{
				{Name: aws.String(q.Metric.DimensionName), Value: aws.String(q.Metric.DimensionValue)},
			}
		}
		list[i] = types.MetricDataQuery{
			Id:         aws.String(queryID(i)),
			ReturnData: aws.Bool(true),
			MetricStat: &types.MetricStat{
				Metric: metric, Stat: aws.String(string(q.Stat)), Period: aws.Int32(seconds(q.Period)),
			},
		}
	}
	return list
}

// seconds is a period in seconds, as far as CloudWatch's type for it goes.
func seconds(d time.Duration) int32 { return int32(min(int64(d/time.Second), math.MaxInt32)) }
