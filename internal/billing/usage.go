package billing

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Usage is what a resource did, and was paid for, over the metered part of a span. Its JSON
// keys are stable.
type Usage struct {
	Window       model.Window `json:"window"` // since its creation, if that lies within the span
	Hours        float64      `json:"hours"`  // in which it ran
	StoppedHours float64      `json:"stoppedHours"`
	// MinKnown is the share of Hours whose minimum is known from our own series; in the
	// others it is assumed, see AssumeMinimums.
	MinKnown float64 `json:"minKnownPercent"`
	Requests float64 `json:"requests"`
	Throughput
	// IdleHours are those in whose slots of 5 minutes no one called, nil if that is not
	// known; IdleSince is when the last such stretch began, nil if it has ended.
	IdleHours *float64   `json:"idleHours"`
	IdleSince *time.Time `json:"idleSince"`
	TPSHours  `json:"tpsHours"`
}

// Metered is the usage of a resource with the series that it rests on. Unless it is Readable
// only Window and Why are set: what could not be read is not zero.
type Metered struct {
	Usage
	Readable   bool
	Why        string // why it is not readable
	Assumption string // why nothing is known of the minimum although it was read; usually empty
	Hourly     []Hour

	slots      *slots
	evidence   rules.Evidence // what the step-down rule goes by
	quietSince *time.Time     // as IdleSince, but since the last successful request
}

// Measure meters one resource. The readings must hold the answers to Queries and
// rules.RunningQuery; what is missing counts as unread.
func Measure(r model.Resource, readings model.Readings, running model.Series, m ReportTime) Metered {
	u := Metered{Usage: Usage{Window: meteredWindow(r, m.Span)}, slots: &slots{}}
	if u.Why = unreadable(r, readings, u.Window, m); u.Why != "" {
		return u
	}
	minimums := readings.Get(minimumQuery(r, m))
	if !minimums.Complete {
		u.Assumption = "its past minimum could not be read"
	}
	s := newSlots(r, u.Window, readings.Get(requestsQuery(r, m)), minimums, running)
	u.Readable, u.slots = true, s
	if !m.usageOnly {
		requests := readings.Get(hourlyQuery(r, m))
		if m.Span.Duration() >= rules.LookBack {
			requests = hourlySums(readings.Get(requestsQuery(r, m)))
		}
		u.evidence = evidenceOf(r, lookBack(m), requests, minimums, minimumQuery(r, m).Window.Start)
	}
	stopped := count(s.stopped)
	u.StoppedHours, u.Hours = hours(stopped), hours(len(s.Requests)-stopped)
	if u.Hours > 0 {
		u.MinKnown = hours(count(s.known)) / u.Hours * 100
	}
	u.Requests = sum(s.Requests)
	u.Used = u.Requests / PerTPSHour
	u.Paid = s.paid(s.inForce)
	u.Wasted = max(0, u.Paid-u.Used)
	u.Throughput = s.throughput()
	u.Hourly = s.Metered(s.inForce)
	u.findIdle()
	u.quietSince = u.IdleSince
	return u
}

// evidenceOf is what the step-down rule goes by in a window, from hourly requests and from minimums that
// were read since a time.
func evidenceOf(r model.Resource, w model.Window, hourly, minimums model.Series, since time.Time) rules.Evidence {
	return rules.Evidence{
		Window: evidenceWindow(r, w), Requests: hourly, Watched: rules.WatchedHours(minimums, since),
		Proxy: !model.RecipeOf(r.Kind, r.Recipe).Sure,
	}
}

// Demand is the demand over the metered time, as far as it is known. The readings must hold the
// answers to SilenceQueries. Nothing is known unless u is Readable.
func (u Metered) Demand(r model.Resource, readings model.Readings, m ReportTime) Demand {
	if !u.Readable {
		return Demand{Kind: r.Kind, Start: m.Span.Start}
	}
	d := demandOf(r.Kind, confirmed(u.evidence, r, readings, lookBack(m)), model.Series{}, m.Now).within(u.Window)
	first := int(d.Start.Sub(u.slots.Start) / Slot)
	for i := range d.Requests {
		d.Requests[i] += u.slots.Requests[first+i] // NaN stays
	}
	return d
}

// confirmed is evidence with what confirms silence in a window; see rules.ConfirmQueries.
func confirmed(e rules.Evidence, r model.Resource, readings model.Readings, w model.Window) rules.Evidence {
	confirm := rules.ConfirmQueries(r, w)
	e.Regional, e.Record = readings.Get(confirm[0]), readings.Get(confirm[1])
	return e
}

// HourlyAtMost returns the hours as they would be metered with a minimum that never exceeded the
// given one. Like the following ones it returns nothing unless u is Readable.
func (u Metered) HourlyAtMost(minimum int) []Hour {
	return u.slots.Metered(u.slots.atMost(float64(minimum)))
}

// HourlyAt returns the hours as they would be metered with the given minimum all the time that
// the resource ran.
func (u Metered) HourlyAt(minimum int) []Hour {
	if u.slots == nil {
		return nil
	}
	return u.slots.Metered(u.slots.throughout(float64(minimum)))
}

// HourlyRemoved returns the hours as they would be metered if the resource had been stopped or
// deleted right after its last call.
func (u Metered) HourlyRemoved() []Hour {
	_, since := u.slots.idle()
	return u.slots.Metered(u.slots.removed(since))
}

// SilenceQueries ask for what confirms the silence that advice would rest on; see rules.ConfirmQueries.
func (u Metered) SilenceQueries(r model.Resource, m ReportTime) []model.Query {
	if rules.LoadOf(r, u.evidence, m.Now).Silent > 0 {
		return rules.ConfirmQueries(r, lookBack(m))
	}
	return nil
}

// ContestQueries ask whether somebody sets the minimum back after step-downs, where a step-down
// would be advised; see rules.ContestOf. One that was not changed lately is not contested.
func (u Metered) ContestQueries(r model.Resource, m ReportTime) []model.Query {
	if !u.Readable || !rules.ChangedLately(r, m.Now) || rules.LoadOf(r, u.evidence, m.Now).Watermark() >= r.MinTPS {
		return nil
	}
	return rules.ContestQueries(r, m.evaluation())
}

// hourlySums adds slots up to whole hours of the clock. An hour without a datapoint has none.
func hourlySums(requests model.Series) model.Series {
	sums := model.Series{Complete: requests.Complete}
	for _, p := range requests.Points { // ascending
		hour := p.Time.UTC().Truncate(time.Hour)
		if n := len(sums.Points); n > 0 && sums.Points[n-1].Time.Equal(hour) {
			sums.Points[n-1].Value += p.Value
			continue
		}
		sums.Points = append(sums.Points, model.Datapoint{Time: hour, Value: p.Value})
	}
	return sums
}

func (u *Metered) findIdle() {
	n, since := u.slots.idle()
	u.IdleHours, u.IdleSince = finite(hours(n)), nil
	if since < len(u.slots.Requests) {
		u.IdleSince = new(u.slots.Time(since))
	}
}

// CallQueries ask for the calls that are not among the requests of a resource, if there
// was time without requests: failed ones, and if it looks idle those of every operation.
// AddCalls and Advise need the answers.
func (u Metered) CallQueries(r model.Resource, idle time.Duration, m ReportTime) []model.Query {
	switch {
	case u.looksIdle(r, idle, m):
		return idleQueries(r, idle, m)
	case u.IdleHours != nil && *u.IdleHours > 0:
		return rules.FailedQueries(requestsQuery(r, m))
	}
	return nil
}

// looksIdle reports whether the resource had no request in the idle time.
func (u Metered) looksIdle(r model.Resource, idle time.Duration, m ReportTime) bool {
	if m.usageOnly || u.quietSince == nil || m.Now.Sub(r.Created) < idle {
		return false
	}
	// What the span does not reach back to, the idle queries do.
	start := m.Span.End.Add(-idle)
	return !u.quietSince.After(start) || u.quietSince.Equal(u.Window.Start) && start.Before(u.Window.Start)
}

// AddCalls takes out of the idle time what had calls that are not among the requests: a
// resource whose calls fail is broken, not idle. Where these could not be read, idle time
// is unknown.
func (u *Metered) AddCalls(r model.Resource, readings model.Readings, idle time.Duration, m ReportTime) {
	queries, complete := u.CallQueries(r, idle, m), true
	for _, q := range queries {
		series := readings.Get(q)
		complete = complete && series.Complete
		u.slots.each(series, func(i int, value float64) { u.slots.called[i] = u.slots.called[i] || value > 0 })
	}
	if len(queries) > 0 {
		u.findIdle()
	}
	if !complete {
		u.IdleHours, u.IdleSince = nil, nil
	}
}

// unreadable is why a resource cannot be metered, or empty.
func unreadable(r model.Resource, readings model.Readings, w model.Window, m ReportTime) string {
	requests := readings.Get(requestsQuery(r, m))
	_, why := rules.RequestMetric(r)
	if why == "" && requests.Complete && w.Duration() <= 0 {
		return "too new: created after the last whole hour began"
	}
	return uncounted(r, requests)
}

// uncounted is why the requests of a resource are not known, or empty. A recipe whose calls may be
// counted by another metric is not silent if it has no data.
func uncounted(r model.Resource, requests model.Series) string {
	recipe := model.RecipeOf(r.Kind, r.Recipe)
	_, why := rules.RequestMetric(r)
	switch {
	case why != "":
		return why
	case !requests.Complete:
		return "its requests could not be read completely"
	case !recipe.Sure && len(requests.Points) == 0:
		return fmt.Sprintf("traffic of recipe %s cannot be seen: there are no %s data", r.Recipe, recipe.Metric)
	}
	return ""
}

// Whole adds resources up slot by slot, to know what they did together: the highest slot of
// two is not the sum of their highest slots. A campaign's TPS and a recommender's RPS are
// the same thing. It does not grow with the resources.
type Whole struct {
	slots slots
	count int
}

// NewWhole makes a Whole of the span of a report, without resources.
func NewWhole(span model.Window) *Whole {
	n := int(span.Duration() / Slot)
	s := slots{Demand: Demand{Start: span.Start, Requests: make([]float64, n)}, minimum: make([]float64, n)}
	s.stopped = slices.Repeat([]bool{true}, n)
	return &Whole{slots: s}
}

// Add adds the usage of a resource over the same span. One that is not readable is left out.
func (w *Whole) Add(m Metered) {
	if m.Readable {
		w.add(m.slots, 1)
	}
}

// Join adds the resources of another Whole of the same span, and reports whether it is of the same.
func (w *Whole) Join(o *Whole) bool {
	if !o.slots.Start.Equal(w.slots.Start) || len(o.slots.Requests) != len(w.slots.Requests) {
		return false
	}
	w.add(&o.slots, o.count)
	return true
}

func (w *Whole) add(s *slots, count int) {
	w.count += count
	from := int(s.Start.Sub(w.slots.Start) / Slot)
	for i := range s.Requests {
		w.slots.Requests[from+i] += s.Requests[i]
		w.slots.minimum[from+i] += s.minimum[i]
		w.slots.stopped[from+i] = w.slots.stopped[from+i] && s.stopped[i]
	}
}

// Clone is a copy that shares nothing.
func (w *Whole) Clone() *Whole {
	s := w.slots
	s.Requests, s.minimum, s.stopped = slices.Clone(s.Requests), slices.Clone(s.minimum), slices.Clone(s.stopped)
	return &Whole{s, w.count}
}

// Throughput is that of all resources together; nil if nothing was added.
func (w *Whole) Throughput() *Throughput {
	if w.count == 0 {
		return nil
	}
	return new(w.slots.throughput())
}

// AddHours adds hours up by their beginnings.
func AddHours(a, b []Hour) []Hour {
	sums := make(map[int64]Hour, len(a))
	for _, h := range slices.Concat(a, b) {
		sum := sums[h.Start.Unix()]
		sum.Start = h.Start
		sum.Provisioned, sum.Actual, sum.Paid = sum.Provisioned+h.Provisioned, sum.Actual+h.Actual, sum.Paid+h.Paid
		sums[h.Start.Unix()] = sum
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b Hour) int { return a.Start.Compare(b.Start) })
}
