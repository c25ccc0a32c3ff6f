package lambda

import (
	"bytes"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// TestLateLineKeepsItsInvocation logs from work that goes on after its invocation has ended.
func TestLateLineKeepsItsInvocation(t *testing.T) {
	var out bytes.Buffer
	current := &atomic.Pointer[string]{}
	next := "request-2"
	current.Store(&next)
	log := newLogger(&out, "info", current)
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "request-1"})
	log.InfoContext(ctx, "late")
	log.Info("without a context")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"request_id":"request-1"`) || !strings.Contains(lines[1], `"request_id":"request-2"`) {
		t.Errorf("got %q", lines)
	}
}

// TestAwaitPrefersTheResult has both the result and the end of the time, as after a pause of the
// process.
func TestAwaitPrefersTheResult(t *testing.T) {
	want := errors.New("refused")
	ended := make(chan struct{})
	close(ended)
	for range 100 {
		done := make(chan error, 1)
		done <- want
		if err := await(done, ended); !errors.Is(err, want) {
			t.Fatalf("got %v", err)
		}
	}
	if err := await(make(chan error), ended); !errors.Is(err, errLate) {
		t.Errorf("without a result: %v", err)
	}
}
