package awsapi

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// attemptsKey finds the count of failed attempts (*int) of the operation under way.
type attemptsKey struct{}

// patientRetryers makes for each client the retryer that the configuration asks for
// (standard with three attempts, unless AWS_RETRY_MODE and AWS_MAX_ATTEMPTS say
// otherwise), waiting on the clock. Only the send-rate limit of the adaptive mode, which
// is the SDK's own affair, waits in real time.
func patientRetryers(cfg aws.Config, clock model.Clock) func() aws.Retryer {
	inner := cfg.Retryer
	if inner == nil {
		inner = func() aws.Retryer { return retryerOf(cfg.RetryMode, cfg.RetryMaxAttempts) }
	}
	// With this set, the SDK numbers a first retry 0 when it asks for the delay, not 1
	// (aws/retry/middleware.go).
	first := 1
	if os.Getenv("AWS_NEW_RETRIES_2026") == "true" {
		first = 0
	}
	return func() aws.Retryer {
		r := inner()
		v2, ok := r.(aws.RetryerV2)
		if !ok {
			v2 = attemptTokens{r}
		}
		return &patientRetryer{RetryerV2: v2, clock: clock, first: first}
	}
}

// attemptTokens makes a retryer of the older interface one of the newer.
type attemptTokens struct{ aws.Retryer }

// GetAttemptToken is the initial token of the older interface.
func (r attemptTokens) GetAttemptToken(context.Context) (func(error) error, error) {
	return r.GetInitialToken(), nil
}

// retryerOf is what the SDK itself makes of the two settings; the zero values mean the
// standard mode and three attempts.
func retryerOf(mode aws.RetryMode, attempts int) aws.Retryer {
	set := func(o *retry.StandardOptions) {
		if attempts > 0 {
			o.MaxAttempts = attempts
		}
	}
	if mode == aws.RetryModeAdaptive {
		return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
			o.StandardOptions = append(o.StandardOptions, set)
		})
	}
	return retry.NewStandard(set)
}

// patientRetryer waits between attempts on the injected clock. The SDK asks for a
// retry token, then for the delay, and sleeps by itself; only the first of the three
// has the context, so the waiting is done there and the delay told to the SDK is 0.
type patientRetryer struct {
	aws.RetryerV2
	clock model.Clock
	first int // the number the wrapped retryer has for a first retry
}

// GetRetryToken takes a token from the wrapped retryer's budget and waits for as long
// as that retryer wants to back off. If ctx ends first, the error is a cancellation.
func (r *patientRetryer) GetRetryToken(ctx context.Context, opErr error) (func(error) error, error) {
	release, err := r.RetryerV2.GetRetryToken(ctx, opErr)
	if err != nil {
		return nil, err
	}
	delay, err := r.RetryerV2.RetryDelay(r.first+retriesSoFar(ctx), opErr)
	if err != nil {
		return nil, err
	}
	if err := r.clock.Sleep(ctx, delay); err != nil {
		_ = release(nil) // nothing was sent: the budget gets its tokens back
		return nil, &smithy.CanceledError{Err: err}
	}
	return release, nil
}

// RetryDelay is 0: GetRetryToken has waited.
func (r *patientRetryer) RetryDelay(int, error) (time.Duration, error) { return 0, nil }

// retriesSoFar counts the retries of the operation under way, this one not included.
func retriesSoFar(ctx context.Context) int {
	attempts, ok := middleware.GetStackValue(ctx, attemptsKey{}).(*int)
	if !ok {
		return 0
	}
	*attempts++
	return *attempts - 1
}
