package awsapi

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/time/rate"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// serviceNames maps the SDK's service ids to the names in call counts, rates and IAM
// actions.
var serviceNames = map[string]string{
	"Personalize":     "personalize",
	"CloudWatch":      "cloudwatch",
	"CloudWatch Logs": "logs",
	"EventBridge":     "events",
	"SNS":             "sns",
	"STS":             "sts",
	"Pricing":         "pricing",
	"IAM":             "iam",
	"KMS":             "kms",
	"Organizations":   "organizations",
}

// serviceName returns the name of an SDK service id, or the id itself for a service that
// this package makes no client for.
func serviceName(id string) string { return cmp.Or(serviceNames[id], id) }

// attempts limits the rate of all attempts, counts them, and compares the host's clock with the
// dates of their responses.
type attempts struct {
	clock       model.Clock
	credentials credentialsUse
	dates       clockCheck

	mu      sync.Mutex
	calls   map[string]int // by "service.Operation"
	buckets map[bucketKey]*rate.Limiter
}

// addMiddleware adds what belongs to an operation (the attempt counter that the retries
// read) and what belongs to each attempt, hence after the SDK's Retry: the wait for the
// rate limit and the call count. Both run before the request is signed, so that no wait
// makes a signature old.
func (a *attempts) addMiddleware(stack *middleware.Stack) error {
	err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("PersonalizeMonitorAttempts", startOperation), middleware.Before)
	if err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("PersonalizeMonitorRate", a.attempt), "Retry", middleware.After)
}

func startOperation(
	ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
) (middleware.InitializeOutput, middleware.Metadata, error) {
	return next.HandleInitialize(middleware.WithStackValue(ctx, attemptsKey{}, new(int)), in)
}

// attempt sends a request, and once more if AWS rejected credentials that could be renewed: it has
// executed nothing. The request is signed after this step, with the credentials of that moment.
func (a *attempts) attempt(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (middleware.FinalizeOutput, middleware.Metadata, error) {
	request, ok := in.Request.(*smithyhttp.Request)
	if !ok || a.credentials.renew == nil {
		return a.send(ctx, in, next)
	}
	used := a.credentials.generation()
	out, metadata, err := a.send(ctx, middleware.FinalizeInput{Request: request.Clone()}, next)
	if !a.credentials.replaced(used, err) || request.RewindStream() != nil {
		return out, metadata, err
	}
	return a.send(ctx, in, next)
}

func (a *attempts) send(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (middleware.FinalizeOutput, middleware.Metadata, error) {
	service := serviceName(awsmiddleware.GetServiceID(ctx))
	name := service + "." + awsmiddleware.GetOperationName(ctx)
	region := awsmiddleware.GetRegion(ctx)
	if err := a.wait(ctx, region, name, 1); err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, err
	}
	a.mu.Lock()
	a.calls[name]++
	a.mu.Unlock()
	sent := a.clock.Now()
	out, metadata, err := next.HandleFinalize(ctx, in)
	a.dates.hear(service, metadata, sent, a.clock.Now())
	if n, ok := ctx.Value(lostKey{}).(*atomic.Int32); ok && lost(err) {
		n.Add(1)
	}
	return out, metadata, a.credentials.judge(region, err, a.clock.Now())
}

type lostKey struct{}

// CountLost counts the attempts under the returned context whose outcome is unknown: AWS
// sent no response, or one that does not say. Attempts that were throttled, refused or
// never sent do not count.
func CountLost(ctx context.Context) (context.Context, *atomic.Int32) {
	n := new(atomic.Int32)
	return context.WithValue(ctx, lostKey{}, n), n
}

// lost reports whether an attempt's error leaves the outcome of the call unknown.
func lost(err error) bool {
	kind := KindOf(err)
	return is[*smithy.DeserializationError](err) || kind == Canceled || kind == Unreachable || kind == Unavailable
}

// CaptureBody makes one call keep the raw body of its response in body, because the SDK
// drops what it does not know. Pass it as personalize.WithAPIOptions(CaptureBody(&body)).
// Of several attempts it keeps the last one's; body is empty if there was no response.
func CaptureBody(body *[]byte) func(*middleware.Stack) error {
	capture := func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		*body = nil
		out, metadata, err := next.HandleDeserialize(ctx, in)
		response, ok := out.RawResponse.(*smithyhttp.Response)
		if err != nil || !ok {
			return out, metadata, err
		}
		raw, err := io.ReadAll(response.Body)
		if err != nil {
			return out, metadata, fmt.Errorf("read the response: %w", err)
		}
		*body = raw
		response.Body = struct {
			io.Reader
			io.Closer
		}{bytes.NewReader(raw), response.Body}
		return out, metadata, nil
	}
	return func(stack *middleware.Stack) error {
		// After OperationDeserializer means nearer to the network than it.
		return stack.Deserialize.Insert(
			middleware.DeserializeMiddlewareFunc("PersonalizeMonitorCapture", capture), "OperationDeserializer", middleware.After)
	}
}

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

// attemptsKey is the stack value key of the failed attempts (*int) of the current
// operation.
type attemptsKey struct{}

// clockRetryers makes, for each client, the retryer of the configuration (by default
// standard; AWS_RETRY_MODE can choose adaptive), which then waits on the clock. The SDK
// itself applies AWS_MAX_ATTEMPTS. Only the send-rate limit inside the adaptive mode
// waits in real time.
func clockRetryers(cfg aws.Config, clock model.Clock) func() aws.Retryer {
	inner := cfg.Retryer
	if inner == nil {
		inner = func() aws.Retryer {
			if cfg.RetryMode == aws.RetryModeAdaptive {
				return retry.NewAdaptiveMode()
			}
			return retry.NewStandard()
		}
	}
	return func() aws.Retryer {
		// Every retryer of the SDK is a RetryerV2.
		return &clockRetryer{RetryerV2: inner().(aws.RetryerV2), clock: clock}
	}
}

// clockRetryer waits between attempts on the injected clock. The SDK asks for a retry
// token, then for the delay, and then sleeps. Only the first step has the context, so
// that step waits and the delay returned to the SDK is 0.
type clockRetryer struct {
	aws.RetryerV2
	clock model.Clock
}

// GetRetryToken takes a token from the wrapped retryer's budget and waits for that
// retryer's delay. If ctx ends first, the error is a cancellation.
func (r *clockRetryer) GetRetryToken(ctx context.Context, opErr error) (func(error) error, error) {
	release, err := r.RetryerV2.GetRetryToken(ctx, opErr)
	if err != nil {
		return nil, err
	}
	number := 1
	if attempts, ok := middleware.GetStackValue(ctx, attemptsKey{}).(*int); ok {
		number += *attempts
		*attempts++
	}
	delay, err := r.RetryerV2.RetryDelay(number, opErr)
	if err != nil {
		return nil, err
	}
	if err := r.clock.Sleep(ctx, delay); err != nil {
		_ = release(nil) // nothing was sent: return the tokens to the budget
		return nil, &smithy.CanceledError{Err: err}
	}
	return release, nil
}

// RetryDelay is 0: GetRetryToken has waited.
func (r *clockRetryer) RetryDelay(int, error) (time.Duration, error) { return 0, nil }
