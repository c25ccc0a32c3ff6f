package awsapi_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

// steps is a back-off whose delay shows the number of the attempt.
func steps() func() awssdk.Retryer {
	return func() awssdk.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 4
			o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
				return time.Duration(attempt) * time.Minute, nil
			})
		})
	}
}

func TestBackOffWaitsOnTheClockAndCountsAttempts(t *testing.T) {
	tests := []struct {
		name   string
		status int
		code   string
		fails  int // how many attempts fail before one succeeds
		naps   []time.Duration
		calls  int
		kind   awsapi.Kind
	}{
		{"no failure, no wait", 400, "ThrottlingException", 0, nil, 1, awsapi.None},
		{"one retry after the first delay", 400, "ThrottlingException", 1, []time.Duration{time.Minute}, 2, awsapi.None},
		{
			"each retry has the delay of its number", 400, "ThrottlingException", 3,
			[]time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute},
			4, awsapi.None,
		},
		{
			"no wait after the last attempt", 400, "ThrottlingException", 9,
			[]time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute},
			4, awsapi.Throttled,
		},
		{"faults of the service are retried", 500, "InternalFailure", 1, []time.Duration{time.Minute}, 2, awsapi.None},
		{"a resource in use is not", 400, "ResourceInUseException", 9, nil, 1, awsapi.InUse},
		{"nor one that is gone", 400, "ResourceNotFoundException", 9, nil, 1, awsapi.NotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := newAWS(t, func(w http.ResponseWriter, operation string, before int) {
				if before%10 < tt.fails {
					refuse(w, tt.status, tt.code, "no")
					return
				}
				accept(w, operation)
			})
			clk := newClock()
			cfg := awsapi.LocalConfig("eu-west-1", server.URL, "AKIDEXAMPLE", nil)
			cfg.Retryer = steps()
			clients := server.clients(t, awsapi.Options{Config: cfg, Clock: clk})
			began := time.Now()
			_, err := clients.Personalize("eu-west-1").ListCampaigns(t.Context(), nil)
			if got := awsapi.KindOf(err); got != tt.kind {
				t.Errorf("error %v is %q, want %q", err, got, tt.kind)
			}
			if got := clk.naps(); !slices.Equal(got, tt.naps) {
				t.Errorf("waited %v, want %v", got, tt.naps)
			}
			if got := clients.Calls()["personalize.ListCampaigns"]; got != tt.calls {
				t.Errorf("%d calls, want %d", got, tt.calls)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("waited %v in real time", took)
			}
		})
	}
}

func TestAttemptsAreNumberedPerOperation(t *testing.T) {
	server := newAWS(t, func(w http.ResponseWriter, operation string, before int) {
		if before%2 == 0 {
			refuse(w, 400, "ThrottlingException", "Rate exceeded")
			return
		}
		accept(w, operation)
	})
	clk := newClock()
	cfg := awsapi.LocalConfig("eu-west-1", server.URL, "AKIDEXAMPLE", nil)
	cfg.Retryer = steps()
	client := server.clients(t, awsapi.Options{Config: cfg, Clock: clk}).Personalize("eu-west-1")
	for range 3 {
		if _, err := client.ListCampaigns(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := clk.naps(), []time.Duration{time.Minute, time.Minute, time.Minute}; !slices.Equal(got, want) {
		t.Errorf("waited %v, want %v", got, want)
	}
}

func TestStandardRetriesByDefaultAndAsConfigured(t *testing.T) {
	for attempts, want := range map[int]int{0: 3, 1: 1, 5: 5} {
		server := newAWS(t, func(w http.ResponseWriter, _ string, _ int) { refuse(w, 400, "ThrottlingException", "no") })
		cfg := awsapi.LocalConfig("eu-west-1", server.URL, "AKIDEXAMPLE", nil)
		cfg.RetryMaxAttempts = attempts
		for _, mode := range []awssdk.RetryMode{"", awssdk.RetryModeStandard} {
			cfg.RetryMode = mode
			clients := server.clients(t, awsapi.Options{Config: cfg, Clock: newClock()})
			_, err := clients.Personalize("eu-west-1").ListCampaigns(t.Context(), nil)
			if awsapi.KindOf(err) != awsapi.Throttled || clients.Calls()["personalize.ListCampaigns"] != want {
				t.Errorf("AWS_MAX_ATTEMPTS=%d mode %q: %d calls, want %d (%v)", attempts, mode, clients.Calls()["personalize.ListCampaigns"], want, err)
			}
		}
	}
}

func TestBackOffEndsWithItsContext(t *testing.T) {
	server := newAWS(t, func(w http.ResponseWriter, _ string, _ int) { refuse(w, 400, "ThrottlingException", "no") })
	clk := newClock()
	clk.block = make(chan struct{})
	cfg := awsapi.LocalConfig("eu-west-1", server.URL, "AKIDEXAMPLE", nil)
	cfg.Retryer = steps()
	clients := server.clients(t, awsapi.Options{Config: cfg, Clock: clk})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-clk.block
		cancel()
	}()
	_, err := clients.Personalize("eu-west-1").ListCampaigns(ctx, nil)
	if awsapi.KindOf(err) != awsapi.Canceled {
		t.Errorf("got %v, want a cancellation", err)
	}
}
