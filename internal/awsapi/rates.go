package awsapi

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/aws/smithy-go"
	"golang.org/x/time/rate"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// personalizeRate is the limit on each operation of the Personalize control plane, in
// calls a second and region. AWS publishes none, and Describe calls are known to be
// throttled easily; 50 a second is what a single caller reaches at 20 ms a call. It is
// far above what a warm cycle needs, and the retries see to it if AWS takes less.
const personalizeRate = 50

// usualRate is the limit on operations without an entry below, in calls a second and
// region: below the lowest of the published ones that are not about alarms.
const usualRate = 10

// usualRates are the documented limits in calls a second and region. CloudWatch:
// "CloudWatch service quotas" in its user guide, 2023. SNS: the API reference pages of
// the operations. EventBridge: "Amazon EventBridge quotas", whose lowest region takes
// far more than is ever sent. CloudWatch Logs: AWS re:Post, "How do I determine throttling in
// my CloudWatch logs?", 2023, says 5 for FilterLogEvents; DescribeLogGroups is not named there
// and is held to the same.
var usualRates = map[string]float64{
	"cloudwatch.GetMetricData":           50,
	"cloudwatch.PutMetricData":           500,
	"cloudwatch.DescribeAlarms":          9,
	"cloudwatch.DescribeAlarmsForMetric": 9,
	"cloudwatch.PutMetricAlarm":          3,
	"cloudwatch.DeleteAlarms":            3,
	"cloudwatch.SetAlarmState":           3,
	"cloudwatch.EnableAlarmActions":      3,
	"cloudwatch.DisableAlarmActions":     3,
	"cloudwatch.PutDashboard":            10,
	"cloudwatch.GetDashboard":            10,
	"cloudwatch.ListDashboards":          10,
	"cloudwatch.DeleteDashboards":        10,
	"logs.FilterLogEvents":               5,
	"logs.DescribeLogGroups":             5,
	"events.PutEvents":                   100,
	"sns.Subscribe":                      100,
	"sns.ListSubscriptionsByTopic":       30,
}

// usual is the limit on an operation, unless the options say otherwise.
func usual(service, operation string) float64 {
	if perSecond, ok := usualRates[service+"."+operation]; ok {
		return perSecond
	}
	if service == servicePersonalize {
		return personalizeRate
	}
	return usualRate
}

// rateLimits holds a token bucket per operation and region. A bucket holds one
// second's worth of calls, and at least one.
type rateLimits struct {
	clock     model.Clock
	overrides map[string]float64

	mu      sync.Mutex
	buckets map[bucketKey]*rate.Limiter
}

type bucketKey struct{ region, service, operation string }

func newRateLimits(clock model.Clock, overrides map[string]float64) *rateLimits {
	copied := make(map[string]float64, len(overrides))
	for name, perSecond := range overrides {
		copied[name] = perSecond
	}
	return &rateLimits{clock: clock, overrides: copied, buckets: map[bucketKey]*rate.Limiter{}}
}

// wait blocks until the operation may be called, or ctx ends.
func (l *rateLimits) wait(ctx context.Context, region, service, operation string) error {
	return waitFor(ctx, l.clock, l.bucket(bucketKey{region, service, operation}), 1)
}

func (l *rateLimits) bucket(key bucketKey) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.buckets[key]
	if !ok {
		perSecond, overridden := l.overrides[key.service+"."+key.operation]
		if !overridden {
			perSecond = usual(key.service, key.operation)
		}
		bucket = newBucket(perSecond)
		l.buckets[key] = bucket
	}
	return bucket
}

// newBucket lets perSecond tokens through in a second, after a burst of as many.
func newBucket(perSecond float64) *rate.Limiter {
	if perSecond <= 0 || math.IsInf(perSecond, 1) {
		return rate.NewLimiter(rate.Inf, 1)
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond)))
}

// waitFor takes n tokens, at most a full bucket, and waits on the clock until they are
// there, to the next millisecond: AWS counts as well, and rounds as it likes. If ctx ends first the tokens go back, and the error is a cancellation.
func waitFor(ctx context.Context, clock model.Clock, bucket *rate.Limiter, n int) error {
	if err := ctx.Err(); err != nil {
		return &smithy.CanceledError{Err: err}
	}
	now := clock.Now()
	reservation := bucket.ReserveN(now, min(n, bucket.Burst()))
	delay := reservation.DelayFrom(now)
	if delay <= 0 {
		return nil
	}
	if err := clock.Sleep(ctx, delay.Truncate(time.Millisecond)+time.Millisecond); err != nil {
		reservation.CancelAt(clock.Now())
		return &smithy.CanceledError{Err: err}
	}
	return nil
}

// pointLimits holds the two datapoint rates of GetMetricData, by region.
type pointLimits struct {
	clock model.Clock

	mu      sync.Mutex
	buckets map[pointKey]*rate.Limiter
}

type pointKey struct {
	region string
	recent bool
}

func newPointLimits(clock model.Clock) *pointLimits {
	return &pointLimits{clock: clock, buckets: map[pointKey]*rate.Limiter{}}
}

// WaitDatapoints blocks until a GetMetricData call that starts at start and asks for
// the given number of datapoints (queries × window ÷ period) may be sent to the region,
// or ctx ends. It is taken once for every page, on top of the limit on calls.
func (c *Clients) WaitDatapoints(ctx context.Context, region string, start time.Time, points int) error {
	recent := c.clock.Now().Sub(start) <= RecentStart
	return waitFor(ctx, c.clock, c.points.bucket(pointKey{region, recent}), points)
}

func (l *pointLimits) bucket(key pointKey) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.buckets[key]
	if !ok {
		bucket = newBucket(OlderDatapointsPerSecond)
		if key.recent {
			bucket = newBucket(RecentDatapointsPerSecond)
		}
		l.buckets[key] = bucket
	}
	return bucket
}
