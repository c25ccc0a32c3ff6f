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
	// With this variable, the SDK numbers a first retry 0, not 1, when it asks for the
	// delay (aws/retry/middleware.go).
	first := 1
	if os.Getenv("AWS_NEW_RETRIES_2026") == "true" {
		first = 0
	}
	return func() aws.Retryer {
		// Every retryer of the SDK is a RetryerV2.
		return &clockRetryer{RetryerV2: inner().(aws.RetryerV2), clock: clock, first: first}
	}
}

// clockRetryer waits between attempts on the injected clock. The SDK asks for a retry
// token, then for the delay, and then sleeps. Only the first step has the context, so
// that step waits and the delay returned to the SDK is 0.
type clockRetryer struct {
	aws.RetryerV2
	clock model.Clock
	first int // the number of a first retry for the wrapped retryer
}

// GetRetryToken takes a token from the wrapped retryer's budget and waits for that
// retryer's delay. If ctx ends first, the error is a cancellation.
func (r *clockRetryer) GetRetryToken(ctx context.Context, opErr error) (func(error) error, error) {
	release, err := r.RetryerV2.GetRetryToken(ctx, opErr)
	if err != nil {
		return nil, err
	}
	number := r.first
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
