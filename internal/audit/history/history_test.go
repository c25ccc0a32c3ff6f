package history_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/audit/history"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

const home = "arn:aws:personalize:eu-west-1:123456789012:campaign/home"

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// record is one made so long after noon.
func record(after time.Duration, outcome string) events.Audit {
	return events.Audit{Time: noon.Add(after), ARN: home, Action: model.ActionUpdate, Outcome: outcome, Automatic: true, Reason: "why", NewMinTPS: 7}
}

// logged is the log line of a record.
func logged(a events.Audit) string {
	return fmt.Sprintf(`{"time":"2026-07-01T12:00:00Z","level":"INFO","msg":"audit","audit":%s}`, a.Raw())
}

// gathered collects a history's faults.
func gathered(f history.Filter) (h *history.History, faults *[]string) {
	faults = &[]string{}
	return history.New(f, func(f history.Fault) { *faults = append(*faults, f.Where+": "+f.Err.Error()) }), faults
}

// told is what a history holds, in short.
func told(h *history.History) string {
	var list []string
	for _, a := range h.Records() {
		list = append(list, fmt.Sprintf("%s %s", a.Time.Sub(noon), a.Outcome))
	}
	return strings.Join(list, ", ")
}

func TestReadLines(t *testing.T) {
	done := record(0, "done")
	text, err := done.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	event := fmt.Sprintf(`{"detail-type":"X","detail":{"ARN":"%s","Audit":%s}}`, home, done.Raw())
	long := strings.Repeat("x", 5<<20)
	tests := []struct {
		name, lines  string
		want, faults string
	}{
		{"nothing", "", "", ""},
		{"a bare record", string(done.Raw()), "0s done", ""},
		{"a log line", logged(done), "0s done", ""},
		{"a log line in text form", fmt.Sprintf("level=INFO msg=audit audit=%q request_id=1", text), "0s done", ""},
		{"an event", event, "0s done", ""},
		{"a detail", fmt.Sprintf(`{"ARN":"%s","Audit":%s}`, home, done.Raw()), "0s done", ""},
		{"after a time", "2026-07-01T12:00:00 " + logged(done), "0s done", ""},
		{"with a byte order mark and carriage returns", "\ufeff" + logged(done) + "\r\n\r\n" + logged(record(time.Second, "failed")) + "\r\n", "0s done, 1s failed", ""},
		{"the newest first", logged(record(time.Hour, "done")) + "\n" + logged(done), "0s done, 1h0m0s done", ""},
		{"twice, in two forms", logged(done) + "\n" + event, "0s done", ""},
		{"twice, but with another outcome", logged(done) + "\n" + logged(record(0, "failed")), "0s done, 0s failed", ""},
		{"other lines", "START\n{}\n[1]\n{\"msg\":\"audit\"}\n{\"outcome\":\"x\"}\n{\"detail\":\"the \\\"audit\\\"\"}\n" + logged(done), "0s done", ""},
		{"a log line with an outcome", `{"time":"2026-07-01T12:00:00Z","msg":"x","arn":"` + home + `","outcome":"done"}`, "", ""},
		{"a torn line", logged(done)[:100], "", "f:1: "},
		{"a line torn before its outcome", string(done.Raw()[:60]) + "\n" + logged(done), "0s done", "f:1: the line is not complete"},
		{"a line of another log, torn", `{"level":"INFO","time` + "\n" + logged(done), "0s done", ""},
		{"a long line without a record", long + "\n" + logged(done), "0s done", ""},
		{"a long line with one", `{"audit":"` + long + "\n" + logged(done), "0s done", "f:1: the line has more than 4 MB"},
		{"a damaged record", logged(done) + "\n" + `{"audit":{"outcome":"done"}}`, "0s done", "f:2: the audit record's arn"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, faults := gathered(history.Filter{})
			if err := h.ReadLines(t.Context(), "f", iotest.HalfReader(strings.NewReader(tt.lines))); err != nil {
				t.Fatal(err)
			}
			if got := told(h); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			got := strings.Join(*faults, "\n")
			if !strings.HasPrefix(got, tt.faults) || (got == "") != (tt.faults == "") {
				t.Errorf("faults %q, want %q", got, tt.faults)
			}
		})
	}
}

func TestTheRecordThatTellsMoreStays(t *testing.T) {
	full := record(0, "done")
	full.Before = &events.Before{Name: "home", MinTPS: 10}
	full.Restore = "personalize-monitor update-tps " + home + " 10"
	for _, lines := range []string{logged(full) + "\n" + logged(record(0, "done")), logged(record(0, "done")) + "\n" + logged(full)} {
		h, _ := gathered(history.Filter{})
		if err := h.ReadLines(t.Context(), "f", strings.NewReader(lines)); err != nil {
			t.Fatal(err)
		}
		if got := h.Records(); len(got) != 1 || got[0].Before == nil || got[0].Restore == "" {
			t.Errorf("%+v", got)
		}
	}
}

func TestReadLinesEndsWithWhatItReads(t *testing.T) {
	broken := errors.New("broken")
	h, _ := gathered(history.Filter{})
	err := h.ReadLines(t.Context(), "f", io.MultiReader(strings.NewReader(logged(record(0, "done"))+"\n"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || told(h) != "0s done" {
		t.Errorf("%v, %s", err, told(h))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.ReadLines(ctx, "f", strings.NewReader("\n\n")); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestFilter(t *testing.T) {
	a := record(0, "done")
	tests := []struct {
		name   string
		filter history.Filter
		want   bool
	}{
		{"none", history.Filter{}, true},
		{"its first moment", history.Filter{Since: noon}, true},
		{"a later one", history.Filter{Since: noon.Add(1)}, false},
		{"its end", history.Filter{Until: noon}, false},
		{"a later end", history.Filter{Until: noon.Add(1)}, true},
		{"its resource", history.Filter{ARNs: []string{"x", home}}, true},
		{"another resource", history.Filter{ARNs: []string{home + "2"}}, false},
		{"its outcome", history.Filter{Outcomes: []string{"failed", "done"}}, true},
		{"another outcome", history.Filter{Outcomes: []string{"failed"}}, false},
		{"its action", history.Filter{Actions: []model.Action{model.ActionUpdate}}, true},
		{"another action", history.Filter{Actions: []model.Action{model.ActionStop}}, false},
	}
	for _, tt := range tests {
		if got := tt.filter.Matches(a); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func FuzzReadLines(f *testing.F) {
	done := record(0, "done")
	for _, seed := range []string{
		"", string(done.Raw()), logged(done), `{"detail":{"Audit":` + string(done.Raw()) + `}}`, `audit="{\"time\":1}"`, `audit="{\`, "x {\"audit\":\n{}", "\ufeff{\"outcome\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, faults := gathered(history.Filter{})
		if err := h.ReadLines(t.Context(), "f", strings.NewReader(string(data))); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(data), "\n") + 1; len(*faults)+h.Len() > n {
			t.Errorf("%d records and %d faults on %d lines", h.Len(), len(*faults), n)
		}
		// What was read is read again from what it is written as.
		for _, a := range h.Records() {
			raw, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			again, _ := gathered(history.Filter{})
			if err := again.ReadLines(t.Context(), "f", strings.NewReader(string(raw))); err != nil || again.Len() != 1 {
				t.Errorf("%s is not read again: %v", raw, err)
			}
		}
	})
}
