package billing

import (
	"iter"
	"math"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Demand is what a resource was called for in steps of 5 minutes: its successful requests.
type Demand struct {
	Kind  model.Kind
	Start time.Time // of the first step
	// Requests of each step; NaN where they are not known. They are known by whole hours; see
	// rules.Evidence. They are whole numbers, so that comparisons are exact.
	Requests []float64
}

// demandOf spreads 5-minute sums over the known hours of the evidence. A known hour without a count
// in a step had no request in it. Hours without any count are known only if what confirms silence
// was read.
func demandOf(kind model.Kind, e rules.Evidence, requests model.Series, now time.Time) Demand {
	confirmed := e.Regional.Complete && e.Record.Complete
	d := Demand{Kind: kind, Start: e.Window.Start, Requests: make([]float64, int(e.Window.Duration()/Slot))}
	for i, hour := range e.Hours(now) {
		sum := 0.0
		if hour.State == rules.HourUnknown || hour.State == rules.HourSilent && !confirmed {
			sum = math.NaN()
		}
		for j := range slotsPerHour {
			d.Requests[i*slotsPerHour+j] = sum
		}
	}
	d.each(requests, func(i int, value float64) { d.Requests[i] += value }) // NaN stays
	return d
}

// each calls f for every datapoint of a series that is within the demand.
func (d Demand) each(series model.Series, f func(i int, value float64)) {
	for _, p := range series.Points {
		if i := int(p.Time.Sub(d.Start) / Slot); !p.Time.Before(d.Start) && i < len(d.Requests) {
			f(i, p.Value)
		}
	}
}

// within is the part of the demand in the whole hours of a window.
func (d Demand) within(w model.Window) Demand {
	from, to := d.index(ceil(w.Start, time.Hour)), d.index(w.End)
	return Demand{Kind: d.Kind, Start: d.Time(from), Requests: d.Requests[from:max(from, to)]}
}

// index is that of the first step of the hour of a time, within bounds.
func (d Demand) index(at time.Time) int {
	return min(max(0, int(at.UTC().Truncate(time.Hour).Sub(d.Start)/Slot)), len(d.Requests))
}

// Split divides the demand at a time, a whole hour. The second part lacks what was before.
func (d Demand) Split(at time.Time) (before, after Demand) {
	i := d.index(at)
	return Demand{d.Kind, d.Start, d.Requests[:i]}, Demand{d.Kind, d.Time(i), d.Requests[i:]}
}

// Time is the start of a step.
func (d Demand) Time(i int) time.Time { return d.Start.Add(time.Duration(i) * Slot) }

// End is the end of the last step.
func (d Demand) End() time.Time { return d.Time(len(d.Requests)) }

// Rate is the demand of a step, in requests a second; NaN if it is not known.
func (d Demand) Rate(i int) float64 { return d.Requests[i] / slotSeconds }

// Percentile is the demand, in requests a second, that at least a percentage (0 to 100) of the known
// steps do not exceed, by nearest rank. It is not ok if no step is known.
func (d Demand) Percentile(percent float64) (rate float64, ok bool) {
	known := slices.DeleteFunc(slices.Clone(d.Requests), math.IsNaN)
	if len(known) == 0 {
		return 0, false
	}
	slices.Sort(known)
	return nearestRank(known, percent) / slotSeconds, true
}

// nearestRank is a percentile of sorted values, of which there is at least one.
func nearestRank(sorted []float64, percent float64) float64 {
	rank := int(math.Ceil(percent * float64(len(sorted)) / 100))
	return sorted[max(rank, 1)-1]
}

// minimums are the minimum of each step, in requests a second, for a hypothesis.
type minimums = func(i int) float64

// meteredHour is an hour of the clock, or the part of one that is within the demand, metered with
// some minimums, in requests. Only what is known counts: steps of a campaign, hours of a recommender.
type meteredHour struct {
	from, to               int // steps
	known, above           int // steps; with a demand above the minimum
	provided, made, billed float64
}

// hours meters the demand.
func (d Demand) hours(minimum minimums) iter.Seq[meteredHour] {
	return func(yield func(meteredHour) bool) {
		next := int(ceil(d.Start.Add(1), time.Hour).Sub(d.Start) / Slot)
		for from := 0; from < len(d.Requests); from, next = next, next+slotsPerHour {
			h := meteredHour{from: from, to: min(next, len(d.Requests))}
			for i := from; i < h.to; i++ {
				floor, requests := minimum(i)*slotSeconds, d.Requests[i]
				if math.IsNaN(requests) {
					continue
				}
				h.known++
				if requests > floor {
					h.above++
				}
				h.provided, h.made, h.billed = h.provided+floor, h.made+requests, h.billed+Metering(floor, requests)
			}
			switch {
			case d.Kind != model.Recommender:
			case h.known < h.to-from:
				h = meteredHour{from: from, to: h.to}
			default:
				h.billed = Metering(h.provided, h.made)
			}
			if !yield(h) {
				return
			}
		}
	}
}

// paid is the TPS-hours that are paid for.
func (d Demand) paid(minimum minimums) float64 {
	billed := 0.0
	for h := range d.hours(minimum) {
		billed += h.billed
	}
	return billed / PerTPSHour
}

// Metered are the known hours of the clock as they would be billed with a minimum, in requests a
// second, of each step. The first one may be a part of an hour.
func (d Demand) Metered(minimum func(i int) float64) []Hour {
	list := make([]Hour, 0, len(d.Requests)/slotsPerHour+1)
	for h := range d.hours(minimum) {
		if seconds := float64(h.to-h.from) * slotSeconds; h.known == h.to-h.from {
			list = append(list, Hour{
				Start: d.Time(h.from).Truncate(time.Hour), Provisioned: h.provided / seconds, Actual: h.made / seconds,
				Paid: h.billed / PerTPSHour, Used: h.made / PerTPSHour,
			})
		}
	}
	return list
}

// Trial is how known demand would have been billed and served with some minimum.
type Trial struct {
	Hours    float64   // that are known
	TPSHours float64   // billed in these hours
	Used     float64   // TPS-hours served in these hours
	Above    float64   // percent of the known steps with a demand above the minimum; 0 if none is known
	Cold     ColdSteps // of all steps
}

// Try meters the demand with a minimum, in requests a second, of each step.
func (d Demand) Try(minimum func(i int) float64) Trial {
	known, above, billed, made := 0, 0, 0.0, 0.0
	for h := range d.hours(minimum) {
		known, above, billed, made = known+h.known, above+h.above, billed+h.billed, made+h.made
	}
	t := Trial{Hours: hours(known), TPSHours: billed / PerTPSHour, Used: made / PerTPSHour, Cold: d.coldSteps(minimum)}
	if known > 0 {
		t.Above = float64(above) / float64(known) * 100
	}
	return t
}

// At is Try with a constant minimum, in requests a second.
func (d Demand) At(minimum float64) Trial { return d.Try(func(int) float64 { return minimum }) }

// PerMonth are the TPS-hours billed in a month of 730 hours like the known ones; nil if none is known.
func (t Trial) PerMonth() *float64 { return finite(t.TPSHours * HoursPerMonth / t.Hours) }

const slotsPerWeek = int(7 * 24 * time.Hour / Slot)

// ColdSteps are the cold 5-minute steps of some time; see rules.Cold. Its JSON keys are stable.
type ColdSteps struct {
	Cold  int `json:"cold"`
	Known int `json:"known"` // steps whose demand is known, and that of the three before
	Steps int `json:"steps"` // of the time
	// PerWeek is how many of a week's steps are cold, if those that are not known are like the known
	// ones; nil if none is known.
	PerWeek *float64 `json:"perWeek"`
	Worst   *Surge   `json:"worst"` // the cold step with most demand above what was warm; nil if there is no cold one
}

// Surge is a cold step.
type Surge struct {
	At   time.Time `json:"at"`   // its start
	From float64   `json:"from"` // the highest of the three steps before; TPS or RPS
	To   float64   `json:"to"`   // its demand
}

// coldSteps are those with a minimum of each step.
func (d Demand) coldSteps(minimum minimums) ColdSteps {
	c := ColdSteps{Steps: len(d.Requests)}
	worst := 0.0
	for i, requests := range d.Requests {
		before := d.before(i)
		if math.IsNaN(requests) || math.IsNaN(before) {
			continue
		}
		c.Known++
		floor := minimum(i) * slotSeconds
		if !rules.Cold(requests, floor, before) {
			continue
		}
		c.Cold++
		if beyond := requests - max(floor, before); beyond > worst {
			worst, c.Worst = beyond, &Surge{At: d.Time(i), From: before / slotSeconds, To: requests / slotSeconds}
		}
	}
	if c.Known > 0 {
		c.PerWeek = finite(float64(c.Cold) * float64(slotsPerWeek) / float64(c.Known))
	}
	return c
}

// before is the highest count of requests of the three steps before one. It is NaN if one of them
// is not known.
func (d Demand) before(i int) float64 {
	if i < rules.ColdReach {
		return math.NaN()
	}
	highest := 0.0
	for _, requests := range d.Requests[i-rules.ColdReach : i] {
		highest = max(highest, requests) // NaN wins
	}
	return highest
}

// Cold are the cold steps with a constant minimum, in requests a second.
func (d Demand) Cold(minimum float64) ColdSteps {
	return d.coldSteps(func(int) float64 { return minimum })
}

// IsCold reports whether a step is known to be cold with a minimum, in requests a second.
func (d Demand) IsCold(i int, minimum float64) bool {
	return rules.Cold(d.Requests[i], minimum*slotSeconds, d.before(i))
}

// Risk is how much more often demand would come faster than capacity.
type Risk string

// The risks, by how many more cold steps there are in a week than now.
const (
	RiskUnknown Risk = "unknown" // nothing is known of the demand
	RiskLow     Risk = "low"     // less than one
	RiskMedium  Risk = "medium"  // less than seven, one a day
	RiskHigh    Risk = "high"
)

// RiskOf compares cold steps with those of now, of the same demand.
func RiskOf(then, now ColdSteps) Risk {
	switch {
	case then.PerWeek == nil || now.PerWeek == nil:
		return RiskUnknown
	case *then.PerWeek-*now.PerWeek < 1:
		return RiskLow
	case *then.PerWeek-*now.PerWeek < 7:
		return RiskMedium
	}
	return RiskHigh
}

// Limits on the days of a history. CloudWatch keeps its 5-minute data for 63 days (API reference,
// GetMetricData).
const (
	MinHistoryDays = MaxDays
	MaxHistoryDays = 56
)

// History is what was observed of the demand of one resource over 14 to 56 days.
type History struct {
	Demand Demand
	Why    string // why nothing is known; otherwise empty

	evidence rules.Evidence
	now      time.Time
}

// HistorySilence asks for what confirms the silence of hours without a count; see
// rules.ConfirmQueries.
func HistorySilence(r model.Resource, readings model.Readings, m ReportTime) []model.Query {
	if h := HistoryOf(r, readings, m); h.Why == "" && rules.LoadOf(r, h.evidence, m.Now).Silent > 0 {
		return rules.ConfirmQueries(r, m.Span)
	}
	return nil
}

// HistoryOf is the history of a resource over the span of m. The readings must hold the answers to
// Queries and HistorySilence; what is missing counts as unread.
func HistoryOf(r model.Resource, readings model.Readings, m ReportTime) History {
	h := History{Demand: Demand{Kind: r.Kind, Start: m.Span.Start}, now: m.Now}
	requests, minimums := readings.Get(requestsQuery(r, m)), readings.Get(minimumQuery(r, m))
	if h.Why = uncounted(r, requests); h.Why == "" && !minimums.Complete {
		h.Why = "when it was watched could not be read completely"
	}
	if h.Why == "" {
		h.evidence = confirmed(evidenceOf(r, m.Span, hourlySums(requests), minimums, m.Span.Start), r, readings, m.Span)
		h.Demand = demandOf(r.Kind, h.evidence, requests, m.Now)
	}
	return h
}

// Watermark is the minimum that step-downs lead to by the whole hours of a window: the low
// watermark, at least 1. It is not ok if nothing confirms one.
func (h History) Watermark(r model.Resource, w model.Window) (minimum int, ok bool) {
	if h.Why != "" {
		return 0, false
	}
	e := h.evidence
	e.Window = model.Window{Start: model.Later(w.Start, e.Window.Start), End: model.Earlier(w.End, e.Window.End)}
	load := rules.LoadOf(r, e, h.now)
	if !load.Confirmed || load.Silent > 0 && (!e.Regional.Complete || !e.Record.Complete) {
		return 0, false
	}
	return max(1, load.Watermark()), true
}
