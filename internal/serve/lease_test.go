package serve

import (
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/notify"
)

func TestNextStep(t *testing.T) {
	tick := time.Date(2026, 3, 4, 12, 5, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return tick.Add(d) }
	for name, c := range map[string]struct {
		claim notify.Lease
		now   time.Time
		want  step
	}{
		"no one ever led":                                {notify.Lease{}, at(0), contend},
		"we led the mark before":                         {notify.Lease{Holder: "me", Tick: at(-cycleEvery)}, at(0), renew},
		"we led before, and are just in time":            {notify.Lease{Holder: "me", Tick: at(-cycleEvery)}, at(renewGrace - 1), renew},
		"we led before, and are late":                    {notify.Lease{Holder: "me", Tick: at(-cycleEvery)}, at(renewGrace), contend},
		"another leads this mark":                        {notify.Lease{Holder: "other", Tick: tick}, at(0), standBy},
		"another leads a later mark, by its clock":       {notify.Lease{Holder: "other", Tick: at(cycleEvery)}, at(0), standBy},
		"another claims what lies far ahead":             {notify.Lease{Holder: "other", Tick: at(time.Hour)}, at(0), contend},
		"another led before":                             {notify.Lease{Holder: "other", Tick: at(-cycleEvery)}, at(0), wait},
		"another led before, and has a moment left":      {notify.Lease{Holder: "other", Tick: at(-cycleEvery)}, at(takeoverAfter - 1), wait},
		"another led before, and is gone":                {notify.Lease{Holder: "other", Tick: at(-cycleEvery)}, at(takeoverAfter), contend},
		"another was stopped after its work":             {notify.Lease{Tick: at(-cycleEvery)}, at(0), contend},
		"another was stopped after the work of our mark": {notify.Lease{Tick: tick}, at(0), standBy},
	} {
		t.Run(name, func(t *testing.T) {
			if got := nextStep(c.claim, "me", tick, c.now); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestSchedules(t *testing.T) {
	day := func(clock string) time.Time {
		at, err := time.Parse(time.TimeOnly, clock)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct{ mark, now, want string }{
		{"12:05:00", "12:05:20", "12:10:00"},
		{"12:05:00", "12:09:59", "12:10:00"},
		{"12:05:00", "12:11:00", "12:10:00"}, // late, and done at once
		{"12:05:00", "12:15:00", "12:15:00"}, // too late for 12:10
		{"12:05:00", "15:07:00", "15:05:00"},
		{"12:05:00", "12:01:00", "12:10:00"}, // the clock was set back
	} {
		if got := nextTick(day(c.mark), day(c.now)); !got.Equal(day(c.want)) {
			t.Errorf("after %s at %s: %s, want %s", c.mark, c.now, got.Format(time.TimeOnly), c.want)
		}
	}
	for _, c := range []struct{ now, want string }{
		{"12:00:00", "12:03:00"}, {"12:02:59", "12:03:00"}, {"12:03:00", "13:03:00"}, {"12:59:59", "13:03:00"},
	} {
		if got := nextBuild(day(c.now)); !got.Equal(day(c.want)) {
			t.Errorf("at %s: %s, want %s", c.now, got.Format(time.TimeOnly), c.want)
		}
	}
}

func TestMemoryForgets(t *testing.T) {
	r := ring[int]{limit: 3}
	for i := range 5 {
		r.add(i)
	}
	if got := r.newestFirst(); len(got) != 3 || got[0] != 4 || got[2] != 2 {
		t.Errorf("%v", got)
	}
}
