package writer

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
)

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "because"} }

func TestGate(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	tests := []struct {
		name    string
		ctx     context.Context
		dryRun  bool
		result  error
		outcome Outcome
		written bool
		logged  string
	}{
		{"a write", context.Background(), false, nil, Done, true, "written"},
		{"a dry run writes nothing, and says what it would", context.Background(), true, nil, DryRun, false, "dry run, would write"},
		{"nothing to do", context.Background(), false, ErrAlreadySo, AlreadySo, true, "nothing to write, already so"},
		{"AWS says no", context.Background(), false, apiError("AccessDenied"), Refused, true, "write refused"},
		{"AWS does not take it", context.Background(), false, apiError("ValidationError"), Refused, true, "write refused"},
		{"another time perhaps", context.Background(), false, apiError("Throttling"), Failed, true, "write failed"},
		{"something else", context.Background(), false, errors.New("broken"), Failed, true, "write failed"},
		{"too late", ended, false, nil, Failed, false, ""},
		{"too late for a dry run, too", ended, true, nil, Failed, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			w := New(Options{DryRun: tt.dryRun, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			written := false
			outcome, err := w.Do(tt.ctx, Intent{Op: "PutRule", Region: "r1", ARN: "arn:x", What: "put a rule"}, func(context.Context) error {
				written = true
				return tt.result
			})
			if outcome != tt.outcome || written != tt.written || (err == nil) != outcome.Counts() {
				t.Errorf("got %s, written %v, error %v", outcome, written, err)
			}
			if tt.logged == "" && log.Len() > 0 || !strings.Contains(log.String(), tt.logged) {
				t.Errorf("logged %s", log.String())
			}
			if tt.logged != "" && !strings.Contains(log.String(), `op=PutRule region=r1 arn=arn:x what="put a rule"`) {
				t.Errorf("logged %s", log.String())
			}
		})
	}
}

func TestBreaker(t *testing.T) {
	const denied, throttled = "AccessDenied", "Throttling"
	tests := []struct {
		name    string
		results []string // error codes, "" for a success
		open    bool
		want    []string // in the problems, in order
	}{
		{"all well", []string{"", ""}, false, nil},
		{"one and another", []string{throttled, denied}, false, []string{"Throttling", "AccessDenied"}},
		{"two denials", []string{denied, denied}, false, []string{"AccessDenied", "AccessDenied"}},
		{"three denials are one problem", []string{denied, denied, denied}, true, []string{"failed 3 times in a row, 7 more not tried: AccessDenied: because"}},
		{"a success between", []string{denied, denied, "", denied, denied}, false, []string{"AccessDenied", "AccessDenied", "AccessDenied", "AccessDenied"}},
		{"what failed before is reported on its own", []string{throttled, denied, denied, denied}, true, []string{"Throttling", "failed 3 times in a row, 7 more"}},
		{"other failures never stop it", []string{throttled, throttled, throttled, throttled}, false, []string{"Throttling", "Throttling", "Throttling", "Throttling"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := NewBreaker("r1", "PutMetricAlarm")
			for _, code := range tt.results {
				if code == "" {
					b.Succeed()
				} else {
					b.Fail("arn:x", apiError(code))
				}
			}
			if b.Open() != tt.open {
				t.Fatalf("open: %v", b.Open())
			}
			b.Skip(7)
			problems := b.Problems()
			if len(problems) != len(tt.want) {
				t.Fatalf("problems %v", problems)
			}
			for i, want := range tt.want {
				if p := problems[i]; !strings.HasPrefix(p.Err.Error(), want) || p.Region != "r1" || p.Operation != "PutMetricAlarm" {
					t.Errorf("problem %d: %v", i, p)
				}
			}
		})
	}
}
