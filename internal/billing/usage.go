package billing

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Usage is what a resource did, and was paid for, over the metered part of a span. Unless
// it is Readable only Window and Why are set: what could not be read is not zero.
type Usage struct {
	Readable bool
	Why      string       // why it is not readable
	Window   model.Window // the metered time

	Hours        float64 // in which it ran
	StoppedHours float64 // in which it was seen not to run, and nothing was paid for
	// KnownHours of Hours are those whose minimum is known from our own series; in the
	// others AssumeMinimums tells what is taken to have been in force.
	KnownHours float64
	Assumption string // why nothing is known of the minimum although it was asked for; usually empty

	Requests    float64
	Provisioned float64 // mean minimum while it ran
	Actual      float64 // mean requests per second while it ran
	Peak        float64 // requests per second of the highest 5 minutes
	Utilization Utilization

	// IdleHours are those in whose steps of 5 minutes nobody called, NaN if that is not
	// known; IdleSince is when the last such stretch began, if it still lasts, else zero.
	// Until Heed has been told of other calls they go by successful requests alone.
	IdleHours float64
	IdleSince time.Time

	Paid   float64 // TPS-hours
	Used   float64
	Wasted float64 // Paid − Used, never negative

	Hourly []Hour

	steps      *steps
	low        watermark
	quietSince time.Time // as IdleSince, but since the last successful request
}

// Utilization says how the ratio of demand to minimum was spread, in percent. The mean is
// that of the whole time, percentiles are those of 5-minute steps (nearest rank), and the
// lowest and highest are whole hours of the clock, NaN if there was none.
type Utilization struct {
	Mean, P50, P95, LowestHour, HighestHour float64
}

// Hour is one hour of the clock: means over the part of it that was metered.
type Hour struct {
	Start       time.Time
	Provisioned float64
	Actual      float64
	Paid        float64 // TPS-hours
}

// Measure meters one resource. The readings must hold the answers to Queries and
// RunningQuery; what is missing counts as unread.
func Measure(r model.Resource, readings model.Readings, running model.Series, m ReportTime) Usage {
	u := Usage{Window: Metered(r, m.Span)}
	if u.Why = unreadable(r, readings, u.Window, m); u.Why != "" {
		return u
	}
	minimums := readings.Get(minimumQuery(r, m))
	if !minimums.Complete {
		u.Assumption = "its past minimum could not be read"
	}
	s := stepsOf(r, u.Window, readings.Get(requestsQuery(r, m)), minimums, running)
	u.Readable, u.steps = true, s
	u.low = watermarkOf(r, s, readings, m)

	u.StoppedHours = hours(count(s.stopped))
	u.Hours = hours(len(s.requests) - count(s.stopped))
	u.KnownHours = hours(count(s.known))
	u.Requests = sum(s.requests)
	u.Used = u.Requests / perTPSHour
	u.Paid = s.paid(s.asItWas)
	u.Wasted = max(0, u.Paid-u.Used)
	u.Provisioned, u.Actual, u.Peak = s.rates()
	u.Hourly = s.hourly()
	u.Utilization = s.utilization()
	u.settleIdle()
	u.quietSince = u.IdleSince
	return u
}

// settleIdle finds when nobody called.
func (u *Usage) settleIdle() {
	idle, since := u.steps.idle()
	u.IdleHours, u.IdleSince = hours(idle), time.Time{}
	if since < len(u.steps.requests) {
		u.IdleSince = u.steps.at(since)
	}
}

// CallQueries ask for the calls that are not among the requests of a resource, if there
// was time without requests: failed ones, and if it looks idle those of every operation.
// Heed and Advise need the answers.
func (u Usage) CallQueries(r model.Resource, idle time.Duration, m ReportTime) []model.Query {
	switch {
	case u.looksIdle(r, idle, m):
		return idleQueries(r, idle, m)
	case u.Readable && u.steps.quiet():
		return failedQueries(r, m)
	}
	return nil
}

// AddCalls takes time in which calls came that are not among the requests as not idle: who is
// called in vain is broken. Where these could not be read, idle time is not known.
func (u *Usage) AddCalls(r model.Resource, readings model.Readings, idle time.Duration, m ReportTime) {
	queries := u.CallQueries(r, idle, m)
	if len(queries) == 0 {
		return
	}
	complete := true
	for _, q := range queries {
		series := readings.Get(q)
		complete = complete && series.Complete
		u.steps.each(series, func(i int, value float64) { u.steps.called[i] = u.steps.called[i] || value > 0 })
	}
	u.settleIdle()
	if !complete {
		u.IdleHours, u.IdleSince = math.NaN(), time.Time{}
	}
}

// unreadable says why a resource cannot be metered, or gives the empty string.
func unreadable(r model.Resource, readings model.Readings, w model.Window, m ReportTime) string {
	if _, known := requestMetric(r); !known {
		return "its recipe could not be read, so it is not known which metric counts its requests"
	}
	requests := readings.Get(requestsQuery(r, m))
	recipe := model.RecipeOf(r.Kind, r.Recipe)
	switch {
	case !requests.Complete:
		return "its requests could not be read completely"
	case w.Duration() <= 0:
		return "too new: created after the last whole hour began"
	case !recipe.Sure && len(requests.Points) == 0:
		return fmt.Sprintf("traffic of recipe %s cannot be seen: there are no %s data", r.Recipe, recipe.Metric)
	}
	return ""
}

// rates are the mean minimum and demand of the time in which it ran, and the highest
// demand of 5 minutes, in requests per second.
func (s *steps) rates() (provisioned, actual, peak float64) {
	if ran := float64(len(s.requests) - count(s.stopped)); ran > 0 {
		provisioned = sum(s.minimum) / ran
		actual = sum(s.requests) / (ran * slotSeconds)
	}
	return provisioned, actual, slices.Max(s.requests) / slotSeconds
}

// utilization spreads demand over minimum.
func (s *steps) utilization() Utilization {
	ratios := make([]float64, 0, len(s.requests))
	for i := range s.requests {
		if !s.stopped[i] {
			ratios = append(ratios, s.ratio(i, i+1))
		}
	}
	if len(ratios) == 0 {
		nan := math.NaN()
		return Utilization{nan, nan, nan, nan, nan}
	}
	slices.Sort(ratios)
	out := Utilization{
		Mean: s.ratio(0, len(s.requests)), P50: nearestRank(ratios, 50), P95: nearestRank(ratios, 95),
		LowestHour: math.NaN(), HighestHour: math.NaN(),
	}
	s.eachWholeHour(func(from int) {
		if count(s.stopped[from:from+slotsPerHour]) > 0 {
			return
		}
		ratio := s.ratio(from, from+slotsPerHour)
		// A comparison with NaN is false, so the first hour is taken.
		if !(out.LowestHour <= ratio) {
			out.LowestHour = ratio
		}
		if !(out.HighestHour >= ratio) {
			out.HighestHour = ratio
		}
	})
	return out
}

// ratio is demand over minimum in the slots [from, to), in percent.
func (s *steps) ratio(from, to int) float64 {
	return sum(s.requests[from:to]) / (sum(s.minimum[from:to]) * slotSeconds) * 100
}

// nearestRank is a percentile of sorted values, of which there is at least one.
func nearestRank(sorted []float64, percent int) float64 {
	rank := (len(sorted)*percent + 99) / 100
	return sorted[max(rank, 1)-1]
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}

// eachWholeHour calls f with the first slot of every hour of the clock that lies within
// the window.
func (s *steps) eachWholeHour(f func(from int)) {
	first := int(ceil(s.window.Start, time.Hour).Sub(s.window.Start) / Slot)
	for from := first; from+slotsPerHour <= len(s.requests); from += slotsPerHour {
		f(from)
	}
}

// hourly gathers the slots by hours of the clock; the first may be a part of one.
func (s *steps) hourly() []Hour {
	var list []Hour
	for from := 0; from < len(s.requests); {
		start := s.at(from).Truncate(time.Hour)
		to := min(from+int(start.Add(time.Hour).Sub(s.at(from))/Slot), len(s.requests))
		part := steps{kind: s.kind, requests: s.requests[from:to], minimum: s.minimum[from:to]}
		n := float64(to - from)
		list = append(list, Hour{
			Start: start, Provisioned: sum(part.minimum) / n, Actual: sum(part.requests) / (n * slotSeconds), Paid: part.paid(part.asItWas),
		})
		from = to
	}
	return list
}
