package billing

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// stepDownAge is how old a resource must be to be stepped down, as the rule has it.
const stepDownAge = 24 * time.Hour

// jumpFactor is how many times its minimum a resource is taken to bear without warning.
// Personalize scales out with a short delay, in which requests may be lost (CreateCampaign
// in the API reference); how much it bears until then is not documented, so this is a
// measure of exposure, not of loss.
const jumpFactor = 2

// Saving is what an action on a resource would save. An action of None saves nothing, and
// the reason tells why.
type Saving struct {
	Action rules.Verdict // StepDown, Stop, Delete, or None
	NewMin int           // StepDown only
	// TPSHours would have been saved within the span: with the new minimum in force all the
	// time, or with the resource gone since its last request.
	TPSHours float64
	// PerMonth are the TPS-hours that would be saved in a month of 730 hours, if demand
	// stays as it was in the span, from the present minimum on.
	PerMonth float64
	// Jumps counts how often demand rose above twice the new minimum within one 5-minute
	// step, and Sudden those of them that began at or below the new minimum; JumpsNow is
	// Jumps for the present minimum. StepDown only.
	Jumps, Sudden, JumpsNow int
	Reason                  string
}

// looksIdle tells whether the resource had no request in the idle time.
func (u Usage) looksIdle(r model.Resource, idle time.Duration, m ReportTime) bool {
	if !u.Readable || u.quietSince.IsZero() || m.Now.Sub(r.Created) < idle {
		return false
	}
	// What the span does not reach back to, the idle queries do.
	start := m.Span.End.Add(-idle)
	return !u.quietSince.After(start) || u.quietSince.Equal(u.Window.Start) && start.Before(u.Window.Start)
}

// Advise finds what would save most: to stop or delete what nobody calls, or else to step
// down to the low watermark of 14 days. The readings must hold the answers to CallQueries. Unlike a decision it does not heed what only
// stands against acting just now, such as an update in progress.
func Advise(r model.Resource, u Usage, readings model.Readings, idle time.Duration, m ReportTime) Saving {
	if !u.Readable {
		return Saving{Action: rules.None, Reason: u.Why}
	}
	note := ""
	if u.looksIdle(r, idle, m) {
		why, unseen := notIdle(r, readings, idle, m)
		switch {
		case why == "":
			return u.RemovalSaving(r)
		case unseen: // its requests are not all that it serves
			return Saving{Action: rules.None, Reason: why}
		}
		note = why + "; "
	}
	s := u.adviseStep(r, m)
	s.Reason = note + s.Reason
	return s
}

// notIdle says why a resource without requests does not count as idle, or gives the empty
// string. Unseen tells that it served calls which are not among its requests: by another
// operation than its recipe lets one expect, or after the span.
func notIdle(r model.Resource, readings model.Readings, idle time.Duration, m ReportTime) (why string, unseen bool) {
	served, failed := 0.0, 0.0
	complete := true
	for _, q := range idleQueries(r, idle, m) {
		series := readings.Get(q)
		complete = complete && series.Complete
		calls := sumSince(series, m.Span.End.Add(-idle))
		if strings.HasSuffix(q.Metric.Name, model.Suffix4xx) || strings.HasSuffix(q.Metric.Name, model.Suffix5xx) {
			failed += calls
		} else {
			served += calls
		}
	}
	hours := int(idle.Hours())
	switch {
	case served > 0:
		return fmt.Sprintf("not idle: it served %.0f calls in the last %d h that are not among its requests in the span", served, hours), true
	case failed > 0:
		return fmt.Sprintf("broken, not idle: all its %.0f calls in the last %d h failed", failed, hours), false
	case !complete:
		return fmt.Sprintf("whether it is idle could not be read (its calls in the last %d h)", hours), false
	}
	return "", false
}

// sumSince adds up what a series has from a time on.
func sumSince(series model.Series, start time.Time) float64 {
	total := 0.0
	for _, p := range series.Points {
		if !p.Time.Before(start) {
			total += p.Value
		}
	}
	return total
}

// RemovalSaving is what stopping a recommender or deleting a campaign would save that has had
// no request since u.IdleSince.
func (u Usage) RemovalSaving(r model.Resource) Saving {
	s := Saving{Action: rules.Delete, PerMonth: float64(r.MinTPS) * HoursPerMonth}
	if r.Kind == model.Recommender {
		s.Action = rules.Stop
	}
	_, since := u.steps.idle()
	s.TPSHours = u.Paid - u.steps.paid(func(i int) float64 {
		if i >= since {
			return 0
		}
		return u.steps.minimum[i]
	})
	s.Reason = "no request since " + u.IdleSince.Format("2006-01-02 15:04") + " UTC"
	if since == 0 {
		s.Reason = "no request in all the time looked at"
	}
	return s
}

// adviseStep steps down to the watermark, if that is below the minimum.
func (u Usage) adviseStep(r model.Resource, m ReportTime) Saving {
	unit := r.Kind.RateUnit()
	switch {
	case r.MinTPS <= 1:
		return Saving{Action: rules.None, Reason: "its minimum is 1, the lowest there is"}
	case m.Now.Sub(r.Created) < stepDownAge:
		return Saving{Action: rules.None, Reason: "too new to step down: at least 24 h are needed"}
	case u.low.why != "":
		return Saving{Action: rules.None, Reason: u.low.why}
	}
	// Rounded down, like the watermark: 9.99 told as 10.0 would look like enough.
	rate := fmt.Sprintf("lowest hour averaged %.1f %s over %d hours", math.Floor(u.low.rate*10)/10, unit, u.low.hours)
	newMin := max(1, int(math.Floor(u.low.rate)))
	if newMin >= r.MinTPS {
		return Saving{Action: rules.None, Reason: fmt.Sprintf("needs its minimum of %d: %s", r.MinTPS, rate)}
	}
	s := u.SavingOf(r, newMin)
	s.Reason = rate
	return s
}

// SavingOf is what a given lower minimum would save.
func (u Usage) SavingOf(r model.Resource, newMin int) Saving {
	s := Saving{Action: rules.StepDown, NewMin: newMin}
	lower := float64(newMin)
	s.TPSHours = u.Paid - u.steps.paid(func(i int) float64 { return min(u.steps.minimum[i], lower) })
	present := func(minimum float64) func(int) float64 {
		return func(i int) float64 {
			if u.steps.stopped[i] {
				return 0
			}
			return minimum
		}
	}
	if u.Hours > 0 {
		difference := u.steps.paid(present(float64(r.MinTPS))) - u.steps.paid(present(lower))
		s.PerMonth = difference * HoursPerMonth / u.Hours
	}
	s.Jumps = u.steps.jumps(jumpFactor*lower, jumpFactor*lower)
	s.Sudden = u.steps.jumps(lower, jumpFactor*lower)
	s.JumpsNow = u.steps.jumps(jumpFactor*float64(r.MinTPS), jumpFactor*float64(r.MinTPS))
	return s
}

// watermark is the lowest hour of the 14 days that the step-down rule looks at, unless
// why says that it is not known.
type watermark struct {
	rate  float64 // requests per second
	hours int
	why   string
}

// watermarkOf finds the lowest whole hour since creation; an hour without data had no
// requests. A span of 14 days holds what is needed; a shorter one does not.
func watermarkOf(r model.Resource, s *steps, readings model.Readings, m ReportTime) watermark {
	start := m.Span.End.Add(-LookBack)
	if born := ceil(r.Created, time.Hour); born.After(start) {
		start = born
	}
	sums := map[time.Time]float64{}
	if m.Span.Duration() >= LookBack {
		s.eachWholeHour(func(from int) { sums[s.at(from)] = sum(s.requests[from:from+slotsPerHour]) / perTPSHour })
	} else {
		hourly := readings.Get(hourlyQuery(r, m))
		if !hourly.Complete {
			return watermark{why: "whether it could be stepped down is not known: its hourly requests of 14 days could not be read completely"}
		}
		for _, p := range hourly.Points {
			sums[p.Time.UTC()] = p.Value / perTPSHour
		}
	}
	low := watermark{rate: math.Inf(1)}
	for hour := start; hour.Before(m.Span.End); hour = hour.Add(time.Hour) {
		low.hours++
		low.rate = min(low.rate, sums[hour])
	}
	if low.hours == 0 {
		return watermark{why: "there is no whole hour to look at"}
	}
	return low
}
