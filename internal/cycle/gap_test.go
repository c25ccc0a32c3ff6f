package cycle_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// A process that begins tells since when no cycle came to its end; one that goes on from
// window to window does not ask.
func TestGapIsNoticed(t *testing.T) {
	log := &bytes.Buffer{}
	b := newBed(t, flat(2, home))
	b.log = log
	b.restart(b.clock)
	told := func() bool {
		defer log.Reset()
		return strings.Contains(log.String(), "no cycle was completed for a while")
	}
	b.run(nil)
	if told() {
		t.Error("told at the very first cycle")
	}
	b.next()
	b.restart(b.clock)
	b.run(nil)
	if told() {
		t.Error("told though there is no gap")
	}
	b.next()
	b.next()
	b.run(nil)
	if text := log.String(); !strings.Contains(text, "from=2026-03-04T12:05:00.000Z to=2026-03-04T12:10:00.000Z") || !told() {
		t.Errorf("a window that was left out is not told: %s", text)
	}
	b.next()
	b.aws.ResetCalls()
	b.aws.AddFault(localaws.Fault{Operation: "GetMetricData", Code: "AccessDenied", Status: 403})
	b.next()
	b.restart(b.clock)
	if result := b.run(nil); told() || len(result.Problems) != 1 {
		t.Errorf("told though it could not be read, or problems beyond the window's: %v", result.Problems)
	}
}
