package whatif

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

// lunchRush has three times the demand for two hours of some days.
func lunchRush(days schedule.Days) func(at time.Time) float64 {
	return func(at time.Time) float64 {
		if h := at.Hour(); days.Has(at.Weekday()) && (h == 12 || h == 13) {
			return 60 * noise(at, 0.2)
		}
		return 20 * noise(at, 0.2)
	}
}

const workdays = schedule.Daily &^ (1<<time.Saturday | 1<<time.Sunday)

func nightlyZero(at time.Time) float64 {
	if h := at.Hour(); h >= 22 || h < 6 {
		return -1
	}
	return 30 * noise(at, 0.2)
}

// held counts, by means of its own, the cold steps of the last 14 days with a minimum for each step,
// and what it costs for what is used. Steps of the last six hours are not known, nor is the first one
// of the days preceded by known ones.
func held(rate func(time.Time) float64, minimum func(time.Time) float64) (cold int, cost float64) {
	demand := func(at time.Time) float64 { return math.Round(max(0, rate(at))*300) / 300 }
	end := span(56).Span.End.Add(-6 * time.Hour)
	billed, used := 0.0, 0.0
	for at := end.AddDate(0, 0, -14); at.Before(end); at = at.Add(5 * time.Minute) {
		d, before := demand(at), 0.0
		for i := 1; i <= 3; i++ {
			before = max(before, demand(at.Add(time.Duration(-5*i)*time.Minute)))
		}
		if at.Sub(end.AddDate(0, 0, -14)) >= 15*time.Minute && d > minimum(at) && d > 1.5*before {
			cold++
		}
		billed, used = billed+max(d, minimum(at)), used+d
	}
	return cold, billed / used
}

// The promise of a proposal, checked by other arithmetic than its own.
func TestRecurringRisesGetASchedule(t *testing.T) {
	for _, tt := range []struct {
		name string
		kind model.Kind
		rate func(time.Time) float64
		want string // the days and hours of the only rule
	}{
		{"lunch rush", model.Campaign, lunchRush(schedule.Daily), "daily@12:00-13:00="},
		{"lunch rush of a recommender", model.Recommender, lunchRush(schedule.Daily), "daily@12:00-13:00="},
		{"lunch rush on working days", model.Campaign, lunchRush(workdays), "mon-fri@12:00-13:00="},
		{"nightly zero", model.Campaign, nightlyZero, "daily@06:00-07:00="},
	} {
		r := endpoint(tt.kind, 10)
		p, why := Propose(r, history(r, span(56), tt.rate))
		if p == nil {
			t.Errorf("%s: %s", tt.name, why)
			continue
		}
		text := p.Schedule.String()
		if len(p.Schedule.Rules) != 1 || !strings.Contains(text, tt.want) || p.Schedule.Validate() != nil {
			t.Errorf("%s: %s", tt.name, text)
		}
		base, _ := held(tt.rate, func(time.Time) float64 { return float64(p.Schedule.Base) })
		cold, cost := held(tt.rate, func(at time.Time) float64 { return float64(p.Schedule.At(at)) })
		if 2*cold > base || base < MinColdSteps || tt.kind == model.Campaign && cost > 1.075 {
			t.Errorf("%s: %s leaves %d of %d cold steps for %v of what is used", tt.name, text, cold, base, cost)
		}
		if p.With.Cold.Cold != cold || p.Base.Cold.Cold != base || tt.kind == model.Campaign && math.Abs(p.With.TPSHours/p.With.Used-cost) > 0.005 { // hours may be unknown
			t.Errorf("%s: %+v and %+v; counted %d of %d for %v", tt.name, p.With, p.Base, cold, base, cost)
		}
	}
}

func TestTrafficWithoutAPatternGetsNoSchedule(t *testing.T) {
	r, m := endpoint(model.Campaign, 10), span(56)
	twice := func(at time.Time) float64 { // rises at the same hour, but on two days before the test alone
		rush := at.Hour() == 12 && (at.Day() == 5 || at.Day() == 12) && at.Month() == time.February
		if rush || at.After(m.Span.End.AddDate(0, 0, -13)) && at.Hour() == 12 {
			return 60
		}
		return 20
	}
	random := func(at time.Time) float64 { return 20 * math.Exp(3*noise(at, 1)-3) }
	dear := func(at time.Time) float64 { // five minutes of a rush each day, at night
		if at.Hour() == 3 && at.Minute() == 30 {
			return 90
		}
		return 1.2
	}
	cases := map[string]func(time.Time) float64{
		"random bursts": random, "two days do not make a pattern": twice, "a short rush that would cost too much": dear,
		"steady": func(time.Time) float64 { return 20 },
	}
	for _, name := range []string{"AMZN", "AAPL"} {
		for _, mean := range []float64{2, 20, 200} {
			cases[name+" with a mean of "+model.Number(mean, 0)] = trace(t, "Twitter_volume_"+name+".csv", m.Span.End, mean)
		}
	}
	for name, rate := range cases {
		if p, why := Propose(r, history(r, m, rate)); p != nil || !strings.HasPrefix(why, "no schedule: ") {
			t.Errorf("%s: %+v %s", name, p, why)
		}
	}
}

func TestNoScheduleWithoutEnoughData(t *testing.T) {
	m := span(56)
	end := m.Span.End.Add(-6 * time.Hour)
	lunch := lunchRush(schedule.Daily)
	for _, tt := range []struct {
		name string
		days int
		rate func(at time.Time) float64
		want string // empty: a schedule
	}{
		{"a tenth of the days is missing", 56, func(at time.Time) float64 {
			if at.Before(end.AddDate(0, 0, -14-38)) {
				return math.NaN()
			}
			return lunch(at)
		}, ""},
		{"a little more is missing", 56, func(at time.Time) float64 {
			if at.Before(end.AddDate(0, 0, -14-37)) {
				return math.NaN()
			}
			return lunch(at)
		}, "too little of the demand is known, 887 of the 1008 h that it would be fitted on and 336 of the last 336 h; at least 90 % of both are needed"},
		{"two of the days that test it are missing", 56, func(at time.Time) float64 {
			if at.After(end.AddDate(0, 0, -9)) && at.Before(end.AddDate(0, 0, -7)) {
				return math.NaN()
			}
			return lunch(at)
		}, "of the last 336 h"},
		{"fewer days", 28, lunch, "the 1008 h that it would be fitted on"},
		{"three cold steps", 56, func(at time.Time) float64 {
			if at.After(end.AddDate(0, 0, -11)) {
				return 20
			}
			return lunch(at)
		}, "the last 14 days have 3 cold steps at a minimum of 19, fewer than 4"},
	} {
		r := endpoint(model.Campaign, 10)
		p, why := Propose(r, history(r, span(tt.days), tt.rate))
		if (p != nil) != (tt.want == "") || !strings.Contains(why, tt.want) {
			t.Errorf("%s: %+v %q", tt.name, p, why)
		}
	}
	r := endpoint(model.Campaign, 10)
	r.Recipe = ""
	if p, why := Propose(r, billing.HistoryOf(r, nil, m)); p != nil || !strings.Contains(why, "recipe could not be read") {
		t.Errorf("%+v %s", p, why)
	}
	r.Recipe = "aws-sims"
	if p, why := Propose(r, billing.HistoryOf(r, nil, m)); p != nil || !strings.Contains(why, "could not be read completely") {
		t.Errorf("%+v %s", p, why)
	}
}

// Demand that rises at many hours of every day differently still fits into a tag.
func TestAScheduleFitsIntoATag(t *testing.T) {
	r := endpoint(model.Campaign, 10)
	busy := func(at time.Time) float64 {
		level := 100 + 13*float64((at.Hour()*7+int(at.Weekday())*5)%11)
		if at.Minute() < 30 { // half an hour of less, so that each hour has a rise
			return 60
		}
		return level
	}
	h := history(r, span(56), busy)
	for i, l := range layouts() {
		s, ok := fit(h.Demand, 55, l)
		if !ok || s.Validate() != nil || len(s.String()) > schedule.MaxLength || len(s.Rules) == 0 {
			t.Errorf("layout %d: %s, %v", i, s, s.Validate())
		}
		if trial := try(h.Demand, s); trial.TPSHours > fitCost*trial.Used {
			t.Errorf("layout %d: %s costs %v of what is used", i, s, trial.TPSHours/trial.Used)
		}
	}
}

// The fast way of trying gives what the schedule itself gives, lead times included.
func TestMinimumsAreThoseOfTheSchedule(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	r := endpoint(model.Recommender, 10)
	d := history(r, span(56), lunchRush(workdays)).Demand
	for range 20 {
		s := schedule.Schedule{Base: 1 + random.IntN(20), Lead: schedule.DefaultLead}
		for range random.IntN(5) {
			from := random.IntN(23)
			s.Rules = append(s.Rules, schedule.Rule{
				Days: schedule.Days(1 + random.IntN(127)), From: from * 60, Until: (from + 1 + random.IntN(24-from)) * 60, Level: s.Base + 1 + random.IntN(60),
			})
		}
		slow, fast := try(d, s), d.Try(minimums(d, s))
		if slow.TPSHours != fast.TPSHours || slow.Cold.Cold != fast.Cold.Cold || slow.Above != fast.Above {
			t.Fatalf("%s: %+v and %+v", s, slow, fast)
		}
	}
}
