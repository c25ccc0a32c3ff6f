package rules_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// demand is the calls of each hour, by kinds of callers.
func (h *history) demand(first int64) map[int64]int64 {
	level := h.between(2, 60) * hour
	kind, quiet := h.IntN(5), h.between(0, 23)
	calls := map[int64]int64{}
	for at := first; at < h.now; at += hour {
		n := level
		switch of := at / hour % 24; {
		case kind == 1: // by day and night
			n = level/2 + level*(of-12)*(of-12)/288
		case kind == 2 && (of-quiet+24)%24 < 8: // closed at night
			n = 0
		case kind == 3: // anything
			n = h.Int64N(level + 1)
		case kind == 4 && h.oneIn(100): // an odd hour
			n = level / 10
		}
		calls[at] = n
	}
	return calls
}

// dataFaults are what keeps an observer from seeing the demand. Those that hide counts of an
// endpoint alone, with the monitor's metrics complete, may look like low demand on two occasions.
var dataFaults = [...]struct {
	name  string
	hides bool
	do    func(h *history, at, long int64)
}{
	{"none", false, func(*history, int64, int64) {}},
	{"counts lost", true, func(h *history, at, long int64) { h.lost = [][2]int64{{at, at + long}} }},
	{"counts late", true, func(h *history, _, long int64) { h.late = long }},
	{"counts partial", true, func(h *history, at, long int64) { h.reduced = [2]int64{at, at + long} }},
	{"the newest counts partial", true, func(h *history, _, long int64) { h.reduced = [2]int64{h.now - long, h.now} }},
	{"stopped", false, func(h *history, at, long int64) { h.stops = [][2]int64{{at, at + long}} }},
	{"stopped every night", false, func(h *history, _, _ int64) {
		for at := h.now/day*day - 20*day; at < h.now; at += day {
			h.stops = append(h.stops, [2]int64{at, at + 7*hour + 20*minute})
		}
	}},
	{"monitor down", false, func(h *history, at, long int64) { h.monitor.outFrom, h.monitor.outTill = at, at+long }},
	{"monitor and counts lost", false, func(h *history, at, long int64) {
		h.monitor.outFrom, h.monitor.outTill, h.lost = at-slot, at+long+slot, [][2]int64{{at, at + long}}
	}},
	{"installed today, counts lost before", true, func(h *history, at, long int64) {
		h.monitor.since = h.now - 12*hour
		h.lost = [][2]int64{{at, min(at+long, h.monitor.since)}}
	}},
	{"installed today, stopped before", false, func(h *history, at, long int64) {
		h.monitor.since = h.now - 12*hour
		at, long = min(at, h.monitor.since-3*hour), max(long, 3*hour) // shorter ones leave no hour without a count
		h.stops = [][2]int64{{at, min(at+long, h.monitor.since)}}
	}},
}

// checkFaults has a resource with a known demand observed through a fault. A step must not go
// below the lowest level that its demand reached three times, a day apart each time; where counts were hidden, not below
// its lowest hour.
func checkFaults(seed, index int, count tally) string {
	s := newScene(seed, index)
	s.settings.AdjustMinTPS, s.settings.StopIdle, s.settings.HourlyChecks, s.settings.NoChecks = model.On, model.Off, model.Always, ""
	s.moment.Now = s.moment.Window.End.Add(2 * time.Minute)
	s.now, s.monitor = s.moment.Now.Unix(), monitor{every: slot, since: s.end - 30*day}
	h := &history{scene: s, victim: -1, created: s.now - 2*day - s.Int64N(18*day)}
	h.resource = model.Resource{
		ARN:  model.NewARN("aws", "personalize", "eu-west-1", "123456789012", "campaign/home"),
		Kind: model.Campaign, Name: "home", Recipe: ordinary[s.IntN(len(ordinary))], Status: "ACTIVE", MinTPS: 2 + s.IntN(80), Described: true,
		Created: time.Unix(h.created, 0).UTC(), LastUpdated: time.Unix(h.created, 0).UTC(),
	}
	h.arn = h.resource.ARN.String()
	h.setRecipe()
	fault := dataFaults[s.IntN(len(dataFaults))]
	fault.do(h, h.now-1-s.Int64N(15*day), s.between(10*minute, 47*hour))
	var truth []knownHour
	demand := h.demand((h.created + hour - 1) / hour * hour)
	for at := (h.created + hour - 1) / hour * hour; at < h.now; at += hour {
		up := int64(0)
		for window := at; window < at+hour; window += slot {
			if n := demand[at] / 12; window < h.now && h.isUp(window) {
				if up++; n > 0 { // CloudWatch has no datapoint without calls
					h.calls[h.metric][succeeded] = append(h.calls[h.metric][succeeded], call{window, n})
				}
			}
		}
		if up == 12 {
			truth = append(truth, knownHour{at: at, n: demand[at] / 12 * 12})
		}
	}
	d := decideOn(h, model.Readings{})
	if d.Verdict != rules.StepDown {
		return ""
	}
	count[fault.name]++
	low, found := lowest(truth)
	if fault.hides {
		low, found = int64(math.MaxInt64), true
		for _, k := range truth {
			low = min(low, k.n)
		}
	}
	if !found || int64(d.NewMinTPS) < low/hour {
		return fmt.Sprintf("%s: demand never was below %d on three occasions (%v), and: %s\n%s", fault.name, low/hour, found, d.Reason, describe(h))
	}
	return ""
}

// Whatever hides the demand from view, no minimum is lowered below it.
func TestRandomFaultsCutNoDemand(t *testing.T) {
	n := histories(t) / 5 * 2
	count := inParallel(t, n, checkFaults)
	if t.Failed() || n < 5000 {
		return
	}
	for _, fault := range dataFaults {
		if count[fault.name] < n/500 {
			t.Errorf("only %d of %d histories step down with: %s", count[fault.name], n, fault.name)
		}
	}
	t.Log(count)
}
