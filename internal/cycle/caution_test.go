package cycle_test

import (
	"math"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// What caution costs on real traffic: the TPS-hours that are saved by going down to the lowest hour of 14
// days, as soon as that hour is over, against those saved by the rule. After the first three days
// of an endpoint no more than 1 % of the saving is lost.
func TestCautionCostsLittle(t *testing.T) {
	for _, name := range []string{"elb_request_count_8c0756.csv", "Twitter_volume_AAPL.csv", "Twitter_volume_AMZN.csv"} {
		_, rows := readTrace(t, name)
		a, b := savedOn(rows)
		lost := 100 * (a - b) / a
		t.Logf("%s: %.0f TPS-hours by the lowest hour, %.0f by three occasions: %.2f %% less", name, a, b, lost)
		if a <= 0 || lost > 1 {
			t.Errorf("%s: caution costs %.2f %% of the saving", name, lost)
		}
	}
}

// savedOn is what is saved after the first three days by going down to the lowest hour, and by the rule.
func savedOn(rows []row) (lowest, confirmed float64) {
	const start = 50 // TPS, at a mean of 20
	sum := 0.0
	for _, r := range rows {
		sum += r.count
	}
	scale := 20 * 300 / (sum / float64(len(rows)))
	counts := map[time.Time]float64{}
	for _, r := range rows {
		counts[r.at.Truncate(time.Hour)] += r.count * scale
	}
	born, end := rows[0].at.Add(time.Hour).Truncate(time.Hour), rows[len(rows)-1].at.Truncate(time.Hour)
	r := model.Resource{Kind: model.Campaign, Recipe: "aws-sims", MinTPS: start, Created: born}
	evidence := rules.Evidence{
		Requests: model.Series{Complete: true}, Watched: model.Series{Complete: true}, Regional: model.Series{Complete: true},
	}
	byLowest := start
	for now := born; now.Before(end); now = now.Add(time.Hour) {
		// What the hour that begins now costs; before, the minimums may be lowered.
		evidence.Window = rules.LookBackWindow(r, rules.EvidenceEnd(now))
		if goal, _ := rules.FinalMinimum(r, evidence, now); goal > 0 {
			r.MinTPS = max(1, goal, r.MinTPS*3/4)
		}
		if now.Sub(born) >= 24*time.Hour {
			low := math.Inf(1)
			for at := rules.LookBackWindow(r, now).Start; at.Before(now); at = at.Add(time.Hour) {
				if n, ok := counts[at]; ok {
					low = min(low, n/3600)
				}
			}
			if int(low) < byLowest {
				byLowest = max(1, int(low), byLowest*3/4)
			}
		}
		const day = 24
		if n := len(evidence.Watched.Points); n > 16*day { // what is over for good
			evidence.Watched.Points = evidence.Watched.Points[n-15*day:]
			evidence.Requests.Points = evidence.Requests.Points[max(0, len(evidence.Requests.Points)-15*day):]
		}
		requests, known := counts[now]
		if known && now.Sub(born) >= 72*time.Hour {
			paid := func(minimum int) float64 { return max(float64(minimum), requests/3600) }
			lowest += paid(start) - paid(byLowest)
			confirmed += paid(start) - paid(r.MinTPS)
		}
		if known {
			evidence.Watched.Points = append(evidence.Watched.Points, model.Datapoint{Time: now, Value: 12})
		}
		if requests > 0 {
			evidence.Requests.Points = append(evidence.Requests.Points, model.Datapoint{Time: now, Value: requests})
		}
	}
	return lowest, confirmed
}

// Callers all of whose calls fail need the minimum when they are served again.
func TestFailedCallsAreNotLowDemand(t *testing.T) {
	for failing, want := range map[float64]rules.Verdict{0: rules.None, 100: rules.Refused} {
		e := busyAt(1, 40)
		e.Regions[0].DatasetGroups[0].Campaigns[0].Traffic.Percent5xx = failing
		if r := byName(t, newBedInMemory(t, e).run(always), "c"); r.Decision != want {
			t.Errorf("%v %% fail: %s to %d (%s)", failing, r.Decision, r.NewMin, r.Reason)
		}
	}
}
