package whatif

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

// find is the option with a reason.
func find(options []Option, why Reason) *Option {
	if i := slices.IndexFunc(options, func(o Option) bool { return slices.Contains(o.Reasons, why) }); i >= 0 {
		return &options[i]
	}
	return nil
}

func TestOptions(t *testing.T) {
	// 10 TPS, and 40 in one of ten steps of each hour but the last two.
	spiky := func(at time.Time) float64 {
		if at.Minute() == 30 {
			return 40
		}
		return 10
	}
	r := endpoint(model.Campaign, 25)
	options := Options(r, history(r, span(14), spiky), nil)
	for why, want := range map[Reason]int{Present: 25, Lowest: 1, Watermark: 12, P50: 10, P90: 10, P995: 40, Waste1: 10, Waste5: 10} {
		o := find(options, why)
		if o == nil || o.Minimum != want {
			t.Errorf("%s: %+v, want %d", why, o, want)
		}
	}
	if !slices.IsSortedFunc(options, func(a, b Option) int { return a.Minimum - b.Minimum }) || len(options) != 5 {
		t.Errorf("options %+v", options)
	}
	now, lowest, high := find(options, Present), find(options, Lowest), find(options, P995)
	if now.ColdSteps.Cold != lowest.ColdSteps.Cold || now.PerColdStep != nil || now.Risk != billing.RiskLow {
		t.Errorf("now %+v", now)
	}
	// Each hour has one cold step, which 40 avoids at 11 × 30 TPS for 5 minutes.
	if high.ColdSteps.Cold != 0 || math.Abs(*high.PerColdStep-11*30/12.0) > 0.01 || math.Abs(high.Above) > 0 {
		t.Errorf("p99.5: %+v, %v for each", high, high.PerColdStep)
	}
	if got := fmt.Sprintf("%.3f %.3f", lowest.Above, now.Above); got != "100.000 8.333" {
		t.Errorf("above: %s %%", got)
	}

	quiet := Options(r, history(r, span(14), func(time.Time) float64 { return 0.25 }), nil)
	if find(quiet, Waste1) != nil || find(quiet, Waste5) != nil || find(quiet, Lowest) == nil {
		t.Errorf("a minimum of 1 wastes three quarters: %+v", quiet)
	}
	if find(quiet, Lowest).Risk != billing.RiskLow {
		t.Errorf("%+v", quiet)
	}
	unread := billing.HistoryOf(r, nil, span(14))
	if got := Options(r, unread, nil); len(got) != 0 || unread.Why == "" {
		t.Errorf("of what could not be read: %+v", got)
	}
}

// The row of a schedule is about the whole time, and compares with the present minimum.
func TestTheScheduleIsTheLastOption(t *testing.T) {
	r := endpoint(model.Campaign, 10)
	h := history(r, span(56), lunchRush(schedule.Daily))
	p, why := Propose(r, h)
	options := Options(r, h, p)
	last := options[len(options)-1]
	if why != "" || last.Schedule != p.Schedule.String() || last.Minimum != p.Schedule.Base || !slices.Equal(last.Reasons, []Reason{Proposed}) {
		t.Fatalf("%+v, %s", last, why)
	}
	base := h.Demand.At(float64(p.Schedule.Base))
	if last.ColdSteps.Cold >= base.Cold.Cold/2 || last.Known != base.Hours || last.TPSHours <= *base.PerMonth() || last.Risk != billing.RiskLow {
		t.Errorf("%+v beside %+v", last, base)
	}
	if got := last.Reasons[0].Text() + ", " + Watermark.Text() + ", " + Waste1.Text() + ", " + Waste5.Text(); got != "schedule, low watermark, 1 % waste, 5 % waste" {
		t.Error(got)
	}
}

// Steps go from 1 to beyond the present minimum, not more than a slider needs, with each minimum given among them.
func TestSteps(t *testing.T) {
	for _, tt := range []struct{ present, among, last int }{{20, 33, 41}, {1, 1, 2}, {5000, 4999, 6196}} {
		r := endpoint(model.Campaign, tt.present)
		steps := Steps(r, history(r, span(14), func(time.Time) float64 { return 7 }), []int{tt.among})
		found := map[int]bool{}
		for i, s := range steps {
			found[s.Minimum] = true
			if i > 0 && s.Minimum <= steps[i-1].Minimum || s.TPSHours < s.Used*billing.HoursPerMonth/s.Known || len(s.Reasons) != 0 {
				t.Errorf("step %d: %+v", i, s)
			}
		}
		if !found[1] || !found[tt.present] || !found[tt.among] || steps[len(steps)-1].Minimum != tt.last || len(steps) > mostSteps+3 {
			t.Errorf("of %d: %d steps to %d", tt.present, len(steps), steps[len(steps)-1].Minimum)
		}
	}
	if r := endpoint(model.Campaign, 20); Steps(r, billing.HistoryOf(r, nil, span(14)), nil) != nil {
		t.Error("there are steps although nothing is known")
	}
}
