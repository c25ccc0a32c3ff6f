package rules_test

import (
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// tally counts what came of the histories.
type tally map[string]int

// decideOn asks and answers as a cycle does, and decides.
func decideOn(h *history, readings model.Readings) rules.Decision {
	h.read(readings, rules.WindowQueries([]model.Resource{h.resource}, h.moment))
	t := rules.ThroughputOf(h.resource, readings, h.moment)
	h.read(readings, rules.CheckQueries(h.resource, t, h.settings, h.moment))
	d := rules.Decide(h.resource, readings, h.settings, h.moment)
	for _, more := range []func(rules.Decision) []model.Query{rules.HistoryQueries, rules.SilenceQueries} {
		if queries := more(d); len(queries) > 0 {
			h.read(readings, queries)
			d = rules.Decide(h.resource, readings, h.settings, h.moment)
		}
	}
	return d
}

// checkDecision holds a decision against the raw history; the empty string means that it is right.
func checkDecision(h *history, d rules.Decision, count tally) string {
	f := examine(h)
	count[string(d.Verdict)]++
	count["stop but for: "+alone(f.againstStop)]++
	if len(f.againstStop) > 0 {
		count["step-down but for: "+alone(f.against)]++
	}
	wantEnd := rules.Delete
	if h.resource.Kind == model.Recommender {
		wantEnd = rules.Stop
	}
	mustStop := len(f.againstStop) == 0 && !doubtsOfStop(h)
	switch {
	case d.Verdict != rules.StepDown && d.NewMinTPS != 0:
		return fmt.Sprintf("a new minimum of %d without a step-down", d.NewMinTPS)
	case d.Verdict == rules.StepDown:
		if len(f.against) > 0 {
			return "stepped down against: " + strings.Join(f.against, ", ")
		}
		return checkStep(h, d, f.watermark)
	case d.Verdict.Changes() && d.Verdict != wantEnd:
		return fmt.Sprintf("a %s was to be done to a %s", d.Verdict, h.resource.Kind)
	case d.Verdict.Changes() && len(f.againstStop) > 0:
		return "ended against: " + strings.Join(f.againstStop, ", ")
	case mustStop && d.Verdict != wantEnd:
		return "nothing stood against ending it"
	case !d.Verdict.Changes() && len(f.against) == 0 && len(f.againstStop) > 0 && !doubtsOfStep(h, f):
		return "nothing stood against a step-down"
	}
	return ""
}

func checkStep(h *history, d rules.Decision, low int64) string {
	switch want := nextStep(h.resource.MinTPS, low); {
	case d.NewMinTPS < 1, int64(d.NewMinTPS) < low, d.NewMinTPS >= h.resource.MinTPS:
		return fmt.Sprintf("a step from %d to %d leaves its bounds (watermark %d)", h.resource.MinTPS, d.NewMinTPS, low)
	case d.NewMinTPS != want:
		return fmt.Sprintf("a step from %d to %d, should be to %d (watermark %d)", h.resource.MinTPS, d.NewMinTPS, want, low)
	}
	return ""
}

// checkDryRun holds what would happen against what does with switches at Yes instead
// of DryRun.
func checkDryRun(h *history, d rules.Decision, readings model.Readings, count tally) string {
	s := h.settings
	for _, position := range []*model.Switch{&s.StopIdle, &s.AdjustMinTPS} {
		if *position == model.DryRun {
			*position = model.On
		}
	}
	on := rules.Decide(h.resource, readings, s, h.moment)
	would := d.Would.Changes()
	if would {
		count["dry run"]++
	}
	switch {
	case s == h.settings && (would || d.WouldMin != 0):
		return fmt.Sprintf("nothing is a dry run, and yet it would %s", d.Would)
	case !would && (d.Verdict != on.Verdict || d.NewMinTPS != on.NewMinTPS):
		return fmt.Sprintf("switched on it is %s (%s), and a dry run does not report it", on.Verdict, on.Reason)
	case would && (d.Would != on.Verdict || d.WouldMin != on.NewMinTPS):
		return fmt.Sprintf("it would %s to %d, and switched on it is %s to %d", d.Would, d.WouldMin, on.Verdict, on.NewMinTPS)
	}
	return ""
}

// checkRecentCalls holds the last look before a stop or deletion against the calls since.
func checkRecentCalls(h *history, d rules.Decision, readings model.Readings, count tally) string {
	if h.damage != unasked && h.damage != hollow && h.oneIn(4) { // by now something else cannot be read
		h.victim = len(h.asked) + h.IntN(9)
	}
	queries := rules.RecentCallQueries(h.resource, h.moment)
	h.read(readings, queries)
	calls := calledAtAll(h, h.end, h.now+1)
	read := len(queries) == 0 || allRead(h, h.end, h.now)
	refused := rules.RefuseIfCalled(d, readings, h.moment)
	switch {
	case calls > 0:
		count["called since"]++
	case !read:
		count["calls since not read"]++
	}
	switch free := calls == 0 && read; {
	case !free && refused.Verdict != rules.Refused:
		return fmt.Sprintf("it was called %d times since, read: %v, and is ended all the same", calls, read)
	case free && refused.Verdict != d.Verdict:
		return "nothing came since, and it is not ended: " + refused.Reason
	}
	return ""
}

func checkHistory(seed, index int, count tally) string {
	h := newHistory(newScene(seed, index), "home")
	readings := make(model.Readings, 24)
	d := decideOn(h, readings)
	if fault := checkDecision(h, d, count); fault != "" {
		return fault + "\ndecided: " + string(d.Verdict) + " (" + d.Reason + ")\n" + describe(h)
	}
	if fault := checkDryRun(h, d, readings, count); fault != "" {
		return fault + "\n" + describe(h)
	}
	if d.Verdict == rules.Stop || d.Verdict == rules.Delete {
		if fault := checkRecentCalls(h, d, readings, count); fault != "" {
			return fault + "\n" + describe(h)
		}
	}
	return ""
}

// describe prints a history for people.
func describe(h *history) string {
	var b strings.Builder
	at := func(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.DateTime) }
	fmt.Fprintf(&b, "now %s, window ends %s, settings %+v\n", at(h.now), at(h.end), h.settings)
	fmt.Fprintf(&b, "resource %+v\n", h.resource)
	if h.resource.Update != nil {
		fmt.Fprintf(&b, "update %+v by %d, minimum before %d, marks %v\n", *h.resource.Update, h.by, h.oldMin, h.marks)
	}
	fmt.Fprintf(&b, "monitor %+v, down from %s to %s, missed %v, fresh %d\n", h.monitor, at(h.down), at(h.until), h.missed, h.fresh)
	for metric := range metrics {
		for outcome := range outcomes {
			if calls := h.calls[metric][outcome]; len(calls) > 0 {
				last := calls[len(calls)-1]
				fmt.Fprintf(&b, "%s outcome %d: %d minutes with calls, the last at %s (%d)\n", metrics[metric], outcome, len(calls), at(last.at), last.n)
			}
		}
	}
	for _, q := range h.asked {
		if !q.whole {
			fmt.Fprintf(&b, "not whole (%d): %+v\n", h.damage, q.Query)
		}
	}
	return b.String()
}

// inParallel checks histories 0 to n-1 on all processors and adds up what came of them.
// It stops at the first fault.
func inParallel(t *testing.T, n int, check func(seed, index int, count tally) string) tally {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(2000)) // little is alive at any time
	seed, workers := number(t, seedVariable, 1), runtime.GOMAXPROCS(0)
	var mu sync.Mutex
	var group sync.WaitGroup
	total, found := tally{}, false
	for worker := range workers {
		group.Go(func() {
			count := tally{}
			for index := worker; index < n; index += workers {
				if fault := check(seed, index, count); fault != "" {
					mu.Lock()
					if !found {
						t.Errorf("%s=%d, history %d: %s", seedVariable, seed, index, fault)
					}
					found = true
					mu.Unlock()
				}
				if index%64 == worker {
					mu.Lock()
					stop := found
					mu.Unlock()
					if stop {
						return
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for name, c := range count {
				total[name] += c
			}
		})
	}
	group.Wait()
	return total
}

// Whatever the history, nothing is done against a guard, and what may be done is.
func TestRandomHistories(t *testing.T) {
	n := histories(t) / 5 * 3
	count := inParallel(t, n, checkHistory)
	if t.Failed() || n < 20_000 {
		return // too few to say anything of how they are spread
	}
	for _, name := range []string{"stop", "delete", "step-down", "refused", "none"} {
		if c := count[name]; c < n/50 {
			t.Errorf("only %d of %d histories lead to %s", c, n, name)
		}
	}
	f := examine(newHistory(newScene(1, 1), "home"))
	for what, guards := range map[string][]guard{"stop": f.stop, "step-down": f.step} {
		for _, g := range guards {
			if what == "step-down" && (g.name == "requests visible" || g.name == "a day old") {
				continue // three occasions in counted hours need both
			}
			if c := count[what+" but for: "+g.name]; c < n/6000 {
				t.Errorf("only %d of %d histories are a %s but for: %s", c, n, what, g.name)
			}
		}
	}
	for _, name := range []string{"called since", "calls since not read", "dry run"} {
		if c := count[name]; c < n/6000 {
			t.Errorf("only %d of %d histories: %s", c, n, name)
		}
	}
	t.Log(maps.Clone(count))
}
