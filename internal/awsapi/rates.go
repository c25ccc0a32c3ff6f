package awsapi

import (
	"context"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	"golang.org/x/time/rate"
)

// personalizeRate is the limit on each operation of the Personalize control plane, in
// calls a second and region. AWS publishes none, and Describe calls are known to be
// throttled easily; 50 a second is what a single caller reaches at 20 ms a call. It is
// far above what a warm cycle needs; the retries handle it if AWS accepts less.
const personalizeRate = 50

// defaultRate is the limit on operations without an entry below, in calls a second and
// region: below the lowest of the published limits that are not about alarms.
const defaultRate = 10

// The names of the two datapoint rates of GetMetricData.
const (
	recentDatapoints = "cloudwatch.GetMetricData datapoints, recent"
	olderDatapoints  = "cloudwatch.GetMetricData datapoints, older"
)

// rates are the documented limits in calls (or datapoints) a second and region.
// CloudWatch: "CloudWatch service quotas" in its user guide, 2023. SNS: the API reference
// pages of the operations. EventBridge: "Amazon EventBridge quotas", whose lowest region
// accepts far more than the program sends. CloudWatch Logs: AWS re:Post, "How do I
// determine throttling in my CloudWatch logs?", 2023, says 5 for FilterLogEvents; it does
// not name DescribeLogGroups, which gets the same.
var rates = map[string]int{
	"cloudwatch.GetMetricData":           50,
	recentDatapoints:                     180_000,
	olderDatapoints:                      396_000,
	"cloudwatch.PutMetricData":           500,
	"cloudwatch.DescribeAlarms":          9,
	"cloudwatch.DescribeAlarmsForMetric": 9,
	"cloudwatch.PutMetricAlarm":          3,
	"cloudwatch.DeleteAlarms":            3,
	"cloudwatch.SetAlarmState":           3,
	"cloudwatch.EnableAlarmActions":      3,
	"cloudwatch.DisableAlarmActions":     3,
	"logs.FilterLogEvents":               5,
	"logs.DescribeLogGroups":             5,
	"events.PutEvents":                   100,
	"sns.Subscribe":                      100,
	"sns.ListSubscriptionsByTopic":       30,
}

type bucketKey struct{ region, name string }

// WaitDatapoints blocks until a GetMetricData call that starts at start and asks for
// the given number of datapoints (queries × window ÷ period) may be sent to the region,
// or ctx ends. Call it once for every page, on top of the limit on calls.
func (c *Clients) WaitDatapoints(ctx context.Context, region string, start time.Time, points int) error {
	name := olderDatapoints
	if c.attempts.clock.Now().Sub(start) <= recentStart {
		name = recentDatapoints
	}
	return c.attempts.wait(ctx, region, name, points)
}

// wait takes n tokens, at most a full bucket, and waits on the clock until they are
// available, rounded up to the next millisecond because AWS may round as well. If ctx
// ends first the tokens go back, and the error is a cancellation.
func (a *attempts) wait(ctx context.Context, region, name string, n int) error {
	if err := ctx.Err(); err != nil {
		return &smithy.CanceledError{Err: err}
	}
	now, bucket := a.clock.Now(), a.bucket(bucketKey{region, name})
	reservation := bucket.ReserveN(now, min(n, bucket.Burst()))
	delay := reservation.DelayFrom(now)
	if delay <= 0 {
		return nil
	}
	if err := a.clock.Sleep(ctx, delay.Truncate(time.Millisecond)+time.Millisecond); err != nil {
		reservation.CancelAt(a.clock.Now())
		return &smithy.CanceledError{Err: err}
	}
	return nil
}

// bucket returns the token bucket of a name and region, which holds one second's worth.
func (a *attempts) bucket(key bucketKey) *rate.Limiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	bucket, ok := a.buckets[key]
	if !ok {
		perSecond, known := rates[key.name]
		switch {
		case known:
		case strings.HasPrefix(key.name, "personalize."):
			perSecond = personalizeRate
		default:
			perSecond = defaultRate
		}
		bucket = rate.NewLimiter(rate.Limit(perSecond), perSecond)
		a.buckets[key] = bucket
	}
	return bucket
}
