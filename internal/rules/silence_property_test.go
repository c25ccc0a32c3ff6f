package rules

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// habit reports whether a caller calls in an hour, counted from any Monday at midnight.
type habit struct {
	name   string
	period int // hours after which a call comes again at the latest
	calls  func(hour int) bool
}

// habits are callers who go on calling.
func habits(r *rand.Rand) []habit {
	phase, kept := r.IntN(1000), r.Uint64()
	once := func(name string, period int) habit {
		return habit{name, period, func(hour int) bool { return (hour+phase)%period == 0 }}
	}
	return []habit{
		{"all the time", 1, func(int) bool { return true }},
		once("every few hours", 2+r.IntN(12)),
		once("daily", 24),
		{"daily, and misses days", 72, func(hour int) bool {
			day := hour / 24
			return hour%24 == phase%24 && (day%3 == 0 || kept>>(day%64)&1 == 0)
		}},
		{"working hours, not at weekends", 80, func(hour int) bool { return hour/24%7 < 5 && hour%24 >= 8 && hour%24 < 18 }},
		{"not at weekends", 49, func(hour int) bool { return hour/24%7 < 5 }},
		once("weekly", 168),
		once("every ten days", 240),
		once("fortnightly", 336),
		once("monthly", 720),
	}
}

// A caller who keeps a habit that has shown twice is never taken for gone, however late the counts
// are, up to four days, and though hours of the frequent ones are lost. One who has left is.
func TestCallersWithHabitsKeepTheirEndpoints(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1_000
	}
	s, resource := testSettings(), campaign(1, createdAgo(200*24*time.Hour))
	watched := steady(historyMinimums(resource, testMoment), 1)
	end, queries := testMoment.Window.End.Truncate(time.Hour), historyCalls(resource, testMoment)
	kept, left := 0, 0
	for i := range n {
		r := rand.New(rand.NewPCG(7, uint64(i)))
		all := habits(r)
		caller := all[r.IntN(len(all))]
		s.IdleHours, s.UsedIdleHours = 1+r.IntN(168), 192
		gone := 0 // hours since the caller left
		if r.IntN(3) == 0 {
			gone = 24 + max(192, s.IdleHours, 2*caller.period) + r.IntN(200)
		}
		late, start := r.IntN(97), r.IntN(10_000)
		age := 2*caller.period + late + gone + 48 + r.IntN(1000)
		if age > 90*24 {
			continue
		}
		lost := r.IntN(age)
		points := []model.Datapoint{}
		for hour := range age - max(late, gone) {
			hole := caller.period <= 24 && gone == 0 && hour >= lost && hour < lost+24
			if caller.calls(start+hour) && !hole {
				points = append(points, model.Datapoint{Time: end.Add(time.Duration(hour-age) * time.Hour), Value: 1})
			}
		}
		readings := model.Readings{}
		resource.Created = end.Add(-time.Duration(age) * time.Hour)
		for _, q := range historyCalls(resource, testMoment) {
			readings[q] = model.Series{Complete: true}
		}
		readings[historyCalls(resource, testMoment)[i%len(queries)]] = model.Series{Points: points, Complete: true}
		readings[historyMinimums(resource, testMoment)] = watched
		readings[historyRecord(resource, testMoment)] = steady(historyRecord(resource, testMoment), 0) // it saw no call
		silence, ok := silenceOf(resource, readings, s, testMoment)
		switch {
		case !ok:
			t.Fatalf("%d: not read", i)
		case gone == 0 && silence.Enough():
			t.Fatalf("%d: %s, %d h late, %d h old: taken for gone: %s", i, caller.name, late, age, silence.Text())
		case gone > 0 && gone >= 24+int(silence.Needed.Hours()) && !silence.Enough():
			t.Fatalf("%d: %s, left %d h ago: kept: %s", i, caller.name, gone, silence.Text())
		case gone > 0 && silence.Enough():
			left++
		case gone == 0:
			kept++
		}
	}
	if kept < n/4 || left < n/20 {
		t.Errorf("of %d callers %d were kept, and %d found to have left", n, kept, left)
	}
}
