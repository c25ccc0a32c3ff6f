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
	quoted := func(s string) string {
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	docker := func(s string) string {
		return `{"log":` + quoted(s+"\n") + `,"stream":"stderr","time":"2026-07-01T12:00:00.1Z"}`
	}
	journal := func(message string) string {
		return `{"__CURSOR":"s=1","MESSAGE":` + message + `,"_PID":"7","__REALTIME_TIMESTAMP":"1"}`
	}
	logEvent := func(s string) string {
		return `{"logStreamName":"a","timestamp":1,"message":` + quoted(s) + `,"ingestionTime":2,"eventId":"3"}`
	}
	textLine := fmt.Sprintf("level=INFO msg=audit audit=%q request_id=1", text)
	octets := strings.ReplaceAll(fmt.Sprint([]byte("\x1b[0m "+logged(done))), " ", ",")
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
		{"of docker", docker(logged(done)) + "\n" + docker("started"), "0s done", ""},
		{"of docker, in text form", docker(textLine), "0s done", ""},
		{"of docker, after a byte order mark", "\ufeff" + docker(logged(done)) + "\r\n", "0s done", ""},
		{"of docker, torn", docker(logged(done))[:150], "", "f:1: the line is not complete"},
		{"of docker, split by it", docker(logged(done)[:100]) + "\n" + docker(logged(record(time.Second, "done"))), "1s done", "f:1: "},
		{"of docker, long", `{"log":"` + long + "\n" + `{"log":"{\"audit\":` + long, "", "f:2: the line has more than 4 MB"},
		{"of docker, damaged", docker(`{"audit":{"outcome":"done"}}`), "", "f:1: the audit record's arn"},
		{"of the journal", journal(quoted(logged(done))), "0s done", ""},
		{"of the journal, as bytes", journal(octets), "0s done", ""},
		{"of the journal, left out", journal("null") + "\n" + logged(done), "0s done", "f:1: the journal has left out a long message"},
		{"of the journal, wrapped by docker", journal(quoted(docker(logged(done)))), "0s done", ""},
		{"of filter-log-events", "{\n    \"events\": [\n        {\n            \"logStreamName\": \"a\",\n            \"message\": " +
			quoted(logged(done)) + ",\n            \"eventId\": \"3\"\n        }\n    ]\n}", "0s done", ""},
		{"of filter-log-events, on one line", `{"events":[` + logEvent("START") + "," + logEvent(logged(done)) + "," +
			logEvent(logged(record(time.Hour, "failed"))) + `],"searchedLogStreams":[]}`, "0s done, 1h0m0s failed", ""},
		{"of filter-log-events, an event a line", logEvent(logged(done)) + "\n" + logEvent("END"), "0s done", ""},
		{"wrapped too often", docker(docker(docker(docker(logged(done))))), "", ""},
		{"other objects with such keys", `{"log":{"audit":1},"message":7,"events":"x"}` + "\n" + `{"message":null}` + "\n" + `{"MESSAGE":["a"]}`, "", ""},
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

func TestSeen(t *testing.T) {
	h, _ := gathered(history.Filter{Outcomes: []string{"failed"}})
	lines := strings.Join([]string{
		logged(record(0, "done")), "", "text", `{"msg":"x"}`, `{"log":"started\n"}`, `{"audit":{"outcome":"done"}}`, "  ", logged(record(0, "failed")),
	}, "\n")
	if err := h.ReadLines(t.Context(), "f", strings.NewReader(lines)); err != nil {
		t.Fatal(err)
	}
	want := history.Seen{Lines: 6, Records: 3, Objects: 2, Wrapped: 1}
	if got := h.Seen(); got != want || h.Len() != 1 {
		t.Errorf("%+v with %d records, want %+v", got, h.Len(), want)
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
		`{"log":"{\"audit\":{}}\n"}`, `{"__CURSOR":"","MESSAGE":null}`, `{"MESSAGE":[123,125]}`, `{"events":[{"message":"{\"audit\":1}"},{}]}`, `"message": "x",`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, faults := gathered(history.Filter{})
		if err := h.ReadLines(t.Context(), "f", strings.NewReader(string(data))); err != nil {
			t.Fatal(err)
		}
		// A line wraps several only as objects of their own.
		if n := strings.Count(string(data), "\n") + 1 + strings.Count(string(data), "{"); len(*faults)+h.Len() > n {
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
