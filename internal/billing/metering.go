// Package metering holds the rules by which Amazon Personalize meters throughput, and
// what follows from them: how many TPS-hours of a resource were paid for, used and
// wasted, and what a lower minimum, a stop or a deletion would have saved. It is pure and
// stands beside decide on the line discover → measure → decide → act → report.
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
)

// Slot is the step in which demand is measured, and campaigns are metered.
const Slot = 5 * time.Minute

// slotsPerHour is how many steps an hour has: what a recommender is metered in.
const slotsPerHour = int(time.Hour / Slot)

// HoursPerMonth is the length of the month that projections are made for, as AWS's own
// calculators have it.
const HoursPerMonth = 730

// LookBack is the longest span that can be metered: 14 days, which is also how far back
// the step-down rule looks.
const LookBack = 14 * 24 * time.Hour

// Limits on the days of a span.
const (
	MinDays = 1
	MaxDays = int(LookBack / (24 * time.Hour))
)

// SpanOf is the span of a report: so many times 24 whole hours up to the last full hour
// that ended at least delay ago, as counts arrive late.
func SpanOf(now time.Time, days int, delay time.Duration) model.Window {
	end := now.UTC().Add(-delay).Truncate(time.Hour)
	return model.NewWindow(end.Add(-time.Duration(days)*24*time.Hour), end)
}

// ReportTime is the time that a report is made for.
type ReportTime struct {
	Now  time.Time
	Span model.Window // whole hours
	// Until is the end of the last whole 5 minutes whose counts have arrived; it lies less
	// than an hour behind the span. Who was called in between is not idle.
	Until time.Time
}

// ReportTimeOf is the moment of a report over so many days.
func ReportTimeOf(now time.Time, days int, delay time.Duration) ReportTime {
	return ReportTime{Now: now, Span: SpanOf(now, days, delay), Until: now.UTC().Add(-delay).Truncate(Slot)}
}

// Metered is the part of the span that a resource is metered over: since its creation, in
// whole slots of its kind. It may be empty.
func Metered(r model.Resource, span model.Window) model.Window {
	unit := Slot
	if r.Kind == model.Recommender {
		unit = time.Hour
	}
	start := span.Start
	if born := ceil(r.Created, unit); born.After(start) {
		start = born
	}
	if start.After(span.End) {
		start = span.End
	}
	return model.NewWindow(start, span.End)
}

// ceil is the first multiple of the unit that is not before t.
func ceil(t time.Time, unit time.Duration) time.Time {
	return t.UTC().Add(unit - time.Nanosecond).Truncate(unit)
}

// requestMetric counts the requests of a resource. It is not known for a campaign whose
// recipe could not be read.
func requestMetric(r model.Resource) (metric model.Metric, known bool) {
	if r.Kind == model.Campaign && r.Recipe == "" {
		return model.Metric{}, false
	}
	return model.ResourceMetric(r, model.NamespacePersonalize, model.RecipeOf(r.Kind, r.Recipe).Metric), true
}

// requestsQuery asks for the requests in every slot of the span. All resources are asked
// about the same span, young ones too, so that their questions fit into the same calls.
func requestsQuery(r model.Resource, m ReportTime) model.Query {
	metric, _ := requestMetric(r)
	return model.Query{Region: r.Region(), Metric: metric, Stat: model.Sum, Window: m.Span, Period: Slot}
}

// minimumQuery asks our own series for the minimum in every slot of the span.
func minimumQuery(r model.Resource, m ReportTime) model.Query {
	metric := model.ResourceMetric(r, model.NamespaceMonitor, r.Kind.MinimumMetric())
	return model.Query{Region: r.Region(), Metric: metric, Stat: model.Minimum, Window: m.Span, Period: Slot}
}

// hourlyQuery asks for the hourly requests of the 14 days that the step-down rule goes by.
func hourlyQuery(r model.Resource, m ReportTime) model.Query {
	q := requestsQuery(r, m)
	q.Window, q.Period = model.NewWindow(m.Span.End.Add(-LookBack), m.Span.End), time.Hour
	return q
}

// Queries are the questions whose answers Measure needs, RunningQuery aside.
func Queries(r model.Resource, m ReportTime) []model.Query {
	if _, known := requestMetric(r); !known {
		return nil
	}
	queries := []model.Query{requestsQuery(r, m), minimumQuery(r, m)}
	if m.Span.Duration() < LookBack {
		queries = append(queries, hourlyQuery(r, m))
	}
	return queries
}

// RunningQuery asks when the monitor itself was running, in the deployment region.
func RunningQuery(deploymentRegion string, m ReportTime) model.Query {
	return model.Query{
		Region: deploymentRegion,
		Metric: model.Metric{Namespace: model.NamespaceMonitor, Name: model.MetricResourceCount},
		Stat:   model.Count, Window: m.Span, Period: Slot,
	}
}

// failedQueries ask for the calls that failed in every slot of the span.
func failedQueries(r model.Resource, m ReportTime) []model.Query {
	var queries []model.Query
	for _, suffix := range []string{model.Suffix4xx, model.Suffix5xx} {
		q := requestsQuery(r, m)
		q.Metric.Name += suffix
		queries = append(queries, q)
	}
	return queries
}

// idleQueries ask for every call to a resource, successful or failed, of whichever
// operation, in the span, in the idle time if that reaches further back, and since.
func idleQueries(r model.Resource, idle time.Duration, m ReportTime) []model.Query {
	start := m.Span.End.Add(-idle)
	if m.Span.Start.Before(start) {
		start = m.Span.Start
	}
	w := model.NewWindow(start, m.Until)
	var queries []model.Query
	for _, name := range model.RequestMetrics() {
		for _, suffix := range []string{"", model.Suffix4xx, model.Suffix5xx} {
			queries = append(queries, model.Query{
				Region: r.Region(), Metric: model.ResourceMetric(r, model.NamespacePersonalize, name+suffix),
				Stat: model.Sum, Window: w, Period: Slot,
			})
		}
	}
	return queries
}
