package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Calls that failed for some days are demand: whoever makes them needs the minimum again when they
// are served.
func TestFailedCallsAreDemand(t *testing.T) {
	r := campaign(40)
	days := func(q model.Query, rate float64, from, until int) (s model.Series) { // so many days ago
		s.Complete = true
		for at := q.Window.Start; at.Before(q.Window.End); at = at.Add(time.Hour) {
			if ago := int(q.Window.End.Sub(at) / (24 * time.Hour)); ago < from && ago >= until {
				s.Points = append(s.Points, model.Datapoint{Time: at, Value: perHour(rate)})
			}
		}
		return s
	}
	for name, tt := range map[string]struct {
		kind   int // 4xx or 5xx
		failed float64
		want   int // 0: refused
		reason string
	}{
		"none failed":           {0, 0, 30, "lowest level reached 3 times: 0.5 TPS"},
		"all of its calls, 5xx": {1, 50, 0, "with its failed calls: kept at 40"},
		"all of its calls, 4xx": {0, 50, 0, "with its failed calls: kept at 40"},
		"some":                  {0, 34, 34, "step down from 40 to 34: lowest level reached 3 times: 34.5 TPS (336 of 336 h known), failed calls included"},
		"few":                   {0, 7, 30, "lowest level reached 3 times: 0.5 TPS"},
	} {
		readings := cautionReadings(r)
		watchAll(readings, r, testMoment)
		served := days(hourlyQuery(r, testMoment), 50, 15, 5)
		served.Points = append(served.Points, days(hourlyQuery(r, testMoment), 0.5, 5, 0).Points...)
		readings[hourlyQuery(r, testMoment)] = served
		q := failedQueries(r, testMoment)[tt.kind]
		readings[q] = days(q, tt.failed, 5, 0)
		for _, dry := range []bool{false, true} {
			s := testSettings()
			if dry {
				s.AdjustMinTPS = model.DryRun
			}
			d := decideWithCaution(r, readings, s)
			got := d.NewMinTPS
			if dry {
				got = d.WouldMin
			}
			if tt.want > 0 && d.StepDown.NewMinTPS != tt.want {
				t.Errorf("%s, dry run %v: the rule's minimum is %d, want %d", name, dry, d.StepDown.NewMinTPS, tt.want)
			}
			if got != tt.want || !strings.Contains(d.Reason, tt.reason) || (tt.want == 0) != d.Has(ReasonFailing) {
				t.Errorf("%s, dry run %v: %s to %d, want %d (%s)", name, dry, d.Verdict, got, tt.want, d.Reason)
			}
		}
		delete(readings, q)
		if d := decideWithCaution(r, readings, testSettings()); d.Verdict != Refused || !d.Has(ReasonUnread) {
			t.Errorf("%s, not read: %s (%s)", name, d.Verdict, d.Reason)
		}
	}
}
