// Package billing holds the rules by which Amazon Personalize meters throughput, and what
// follows from them: how many TPS-hours of a resource were paid for, used and wasted, and
// what a lower minimum, a stop or a deletion would have saved. It is pure; what would be
// done is for the rules package to decide.
//
// A TPS-hour is one request a second, provisioned or served, for an hour; a recommender's
// are RPS-hours, which is the same thing. A campaign is metered in slots of 5 minutes, a
// recommender in hours, and each slot counts the larger of its minimum and its actual
// average (Personalize developer guide, "Minimum provisioned transactions per second and
// auto-scaling", and CreateRecommender in the API reference).
package billing

import (
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Slot is the step in which demand is measured, and campaigns are metered.
const Slot = rules.WindowLength

// slotsPerHour is how many slots an hour has: what a recommender is metered in.
const slotsPerHour = int(time.Hour / Slot)

// HoursPerMonth is the length of the month that projections are made for, as in AWS's own
// calculators.
const HoursPerMonth = 730

// Limits on the days of a span.
const (
	MinDays = 1
	MaxDays = int(rules.LookBack / (24 * time.Hour))
)

// ReportTime is the time that a report is made for.
type ReportTime struct {
	Now  time.Time
	Span model.Window // whole hours
	// Until is the end of the last whole 5 minutes whose counts have arrived; it is less
	// than an hour after the span. A resource called in between is not idle.
	Until time.Time
	// usageOnly is set for a span that nothing is proposed by: in the past, or longer than the 14
	// days that rules go by. What happened since is not read.
	usageOnly bool
}

// evaluation is the time that rules are applied for.
func (m ReportTime) evaluation() rules.EvaluationTime {
	return rules.EvaluationTime{Now: m.Now, Window: model.NewWindow(m.Until.Add(-Slot), m.Until)}
}

// ReportTimeOf is the time of a report over so many times 24 whole hours, up to the last
// full hour that ended at least delay ago, as counts arrive late.
func ReportTimeOf(now time.Time, days int, delay time.Duration) ReportTime {
	arrived := now.UTC().Add(-delay)
	end := arrived.Truncate(time.Hour)
	return ReportTime{
		Now: now, Span: model.NewWindow(end.Add(-time.Duration(days)*24*time.Hour), end), Until: arrived.Truncate(Slot),
	}
}

// meteredWindow is the part of the span that a resource is metered over: since its creation, in
// whole slots of its kind. It may be empty.
func meteredWindow(r model.Resource, span model.Window) model.Window {
	start := model.Later(span.Start, ceil(r.Created, Unit(r.Kind)))
	return model.NewWindow(model.Earlier(start, span.End), span.End)
}

// ceil is the first multiple of a unit that is not before a time, in UTC.
func ceil(t time.Time, unit time.Duration) time.Time {
	return t.UTC().Add(unit - time.Nanosecond).Truncate(unit)
}

// requestsQuery asks for the requests in every slot of the span. All resources are asked
// about the same span, young ones too, so that their questions fit into the same calls.
func requestsQuery(r model.Resource, m ReportTime) model.Query {
	return rules.RequestsQuery(r, m.Span, Slot)
}

// minimumQuery asks for our own series of the minimum in every slot of the span, and of the 14
// days that the step-down rule reads.
func minimumQuery(r model.Resource, m ReportTime) model.Query {
	w := lookBack(m)
	if m.usageOnly || m.Span.Start.Before(w.Start) {
		w = m.Span
	}
	return rules.MinimumQuery(r, w)
}

func lookBack(m ReportTime) model.Window {
	return model.NewWindow(m.Span.End.Add(-rules.LookBack), m.Span.End)
}

// hourlyQuery asks for the hourly requests of the 14 days that the step-down rule reads.
func hourlyQuery(r model.Resource, m ReportTime) model.Query {
	return rules.RequestsQuery(r, lookBack(m), time.Hour)
}

// Queries are the questions whose answers Measure needs, rules.RunningQuery aside.
func Queries(r model.Resource, m ReportTime) []model.Query {
	if _, why := rules.RequestMetric(r); why != "" {
		return nil
	}
	queries := []model.Query{requestsQuery(r, m), minimumQuery(r, m)}
	if m.Span.Duration() < rules.LookBack && !m.usageOnly {
		queries = append(queries, hourlyQuery(r, m))
	}
	return queries
}

// evidenceWindow is the whole hours of a window that something may follow from: those since its
// creation, but not the first, which has no neighbour, and none too recent to be believed.
func evidenceWindow(r model.Resource, w model.Window) model.Window {
	end := rules.EvidenceEnd(w.End)
	return model.NewWindow(model.Earlier(model.Later(w.Start.Add(time.Hour), ceil(r.Created, time.Hour)), end), end)
}

// idleQueries ask for every call to a resource in the span, in the idle time if that
// reaches further back, and since.
func idleQueries(r model.Resource, idle time.Duration, m ReportTime) []model.Query {
	return rules.CallQueries(r, model.NewWindow(model.Earlier(m.Span.Start, m.Span.End.Add(-idle)), m.Until), Slot)
}
