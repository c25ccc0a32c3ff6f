package rules

import (
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// LookBack is how far back traffic is read: 14 days, which CloudWatch still keeps in
// periods of a minute.
const LookBack = 14 * 24 * time.Hour // guard: 14 days are read

// FreshSlots at the end of a window are not searched for gaps: CloudWatch may not show yet
// what was published there.
const FreshSlots = 2 // guard: gap up to the newest windows

// upTo is the window of a length that ends at a time.
func upTo(end time.Time, length time.Duration) model.Window {
	return model.NewWindow(end.Add(-length), end)
}

// within is upTo, but begins no earlier than born. It may be empty.
func within(born, end time.Time, length time.Duration) model.Window {
	start := end.Add(-length)
	if born.After(start) { // guard: nothing before the creation is read
		start = born
	}
	return model.NewWindow(model.Earlier(start, end), end)
}

// LookBackWindow is the whole hours before end that the step-down rule reads: 14 days, but
// nothing before the resource was created. It may be empty.
func LookBackWindow(r model.Resource, end time.Time) model.Window {
	born := r.Created.Add(time.Hour - time.Nanosecond).Truncate(time.Hour) // guard: only whole hours since the creation; each
	return within(born, end, LookBack)
}

// lookBackWindow is the whole hours that the rule reads. They end 6 hours ago, as no later count
// would be believed.
func lookBackWindow(r model.Resource, m EvaluationTime) model.Window {
	return LookBackWindow(r, EvidenceEnd(m.Window.End))
}

// EvidenceEnd is the end of the last whole hour whose count is believed at a time.
func EvidenceEnd(at time.Time) time.Time {
	return at.Add(-countSettles).Truncate(time.Hour) // guard: only whole, settled hours; each
}

// regionWindow is the look-back that the endpoints of a region share, whatever their age.
func regionWindow(m EvaluationTime) model.Window { return upTo(EvidenceEnd(m.Window.End), LookBack) }

// dayWindow is the day up to the end of the measured window.
func dayWindow(m EvaluationTime) model.Window { return upTo(m.Window.End, 24*time.Hour) }

func idleWindow(s Settings, m EvaluationTime) model.Window {
	return model.NewWindow(m.Window.End.Add(-s.IdleTime()), m.Window.End) // guard: the whole idle time; each
}

// RequestMetric counts the requests of a resource, unless why says that it is not known. A
// recommender's does not depend on the recipe.
func RequestMetric(r model.Resource) (metric model.Metric, why string) {
	if r.Kind == model.Campaign && r.Recipe == "" { // guard: recipe not read
		return model.Metric{}, "its recipe could not be read, so it is not known which metric counts its requests"
	}
	return model.ResourceMetric(r, model.NamespacePersonalize, model.RecipeOf(r.Kind, r.Recipe).Metric), ""
}

// RequestsQuery asks for the requests of a resource, by its recipe.
func RequestsQuery(r model.Resource, w model.Window, period time.Duration) model.Query {
	metric, _ := RequestMetric(r)
	return model.Query{Region: r.Region(), Metric: metric, Stat: model.Sum, Window: w, Period: period}
}

// query asks for a metric of a resource.
func query(r model.Resource, namespace, name string, stat model.Stat, w model.Window, period time.Duration) model.Query {
	return model.Query{Region: r.Region(), Metric: model.ResourceMetric(r, namespace, name), Stat: stat, Window: w, Period: period}
}

// callQuery asks for a metric that counts calls.
func callQuery(r model.Resource, name string, w model.Window, period time.Duration) model.Query {
	return query(r, model.NamespacePersonalize, name, model.Sum, w, period)
}

// ownQuery asks for a metric of our own.
func ownQuery(r model.Resource, name string, stat model.Stat, w model.Window, period time.Duration) model.Query {
	return query(r, model.NamespaceMonitor, name, stat, w, period)
}

// MinimumQuery asks for our own series of the minimum.
func MinimumQuery(r model.Resource, w model.Window) model.Query {
	return ownQuery(r, r.Kind.MinimumMetric(), model.Minimum, w, WindowLength)
}

// WatchedQuery is the key, among the readings, of the hours of a window in which a resource
// was watched. CloudWatch cannot answer it: it is derived from MinimumQuery by WatchedHours.
func WatchedQuery(r model.Resource, w model.Window) model.Query {
	return ownQuery(r, r.Kind.MinimumMetric(), model.Watched, w, time.Hour)
}

// RecordQuery asks for our own record of the demand: the hourly sums of the utilization that was
// published for each window, 0 where no one called. It is not the counts' word but our own.
func RecordQuery(r model.Resource, w model.Window) model.Query {
	return ownQuery(r, r.Kind.UtilizationMetric(), model.Sum, w, time.Hour)
}

// RunningQuery asks when the monitor itself was running, in its deployment region.
func RunningQuery(deploymentRegion string, w model.Window) model.Query {
	metric := model.Metric{Namespace: model.NamespaceMonitor, Name: model.MetricResourceCount}
	return model.Query{Region: deploymentRegion, Metric: metric, Stat: model.Count, Window: w, Period: WindowLength}
}

// hourlyQuery asks for the hourly requests of the look-back, with an hour more on either side.
func hourlyQuery(r model.Resource, m EvaluationTime) model.Query {
	w := lookBackWindow(r, m)
	return RequestsQuery(r, model.NewWindow(w.Start.Add(-time.Hour), w.End.Add(time.Hour)), time.Hour)
}

func watchedQuery(r model.Resource, m EvaluationTime) model.Query {
	return WatchedQuery(r, regionWindow(m))
}

func gapsQuery(r model.Resource, m EvaluationTime) model.Query {
	return GapsQuery(r.Region(), regionWindow(m))
}

// minimumQuery asks for our own series of the minimum over the day up to the measured
// window: a raise shows as a lower value in it.
func minimumQuery(r model.Resource, m EvaluationTime) model.Query {
	return MinimumQuery(r, dayWindow(m))
}

// outcomes are the ends of the names of the metrics that count served and failed calls.
var outcomes = []string{"", model.Suffix4xx, model.Suffix5xx} // guard: served and failed calls; each

// failure reports whether a metric counts failed calls.
func failure(metric string) bool {
	return strings.HasSuffix(metric, model.Suffix4xx) || strings.HasSuffix(metric, model.Suffix5xx)
}

// perOutcome asks a question about served calls of each of some outcomes.
func perOutcome(q model.Query, names []string) []model.Query {
	queries := make([]model.Query, len(names))
	for i, outcome := range names {
		queries[i] = q
		queries[i].Metric.Name += outcome
	}
	return queries
}

// FailedQueries ask a question about served calls of the failed ones.
func FailedQueries(q model.Query) []model.Query { return perOutcome(q, outcomes[1:]) }

// CallQueries ask for every call to a resource: served and failed ones, of every operation,
// whatever the recipe. A wrong guess at the recipe must not make a busy resource look idle.
func CallQueries(r model.Resource, w model.Window, period time.Duration) []model.Query {
	var queries []model.Query
	for _, name := range model.RequestMetrics() { // guard: calls of every operation; each
		queries = append(queries, perOutcome(callQuery(r, name, w, period), outcomes)...)
	}
	return queries
}

// Calls are the calls to a resource in some time.
type Calls struct {
	Served, Failed float64
	Complete       bool // all series were read completely; else there may be more
}

// CountCalls adds up the answers to CallQueries, from a time on.
func CountCalls(queries []model.Query, readings model.Readings, since time.Time) Calls {
	c := Calls{Complete: true}
	for _, q := range queries {
		series := readings.Get(q)
		c.Complete = c.Complete && series.Complete // guard: each series complete; each
		for _, p := range series.Points {
			switch {
			case p.Time.Before(since):
			case failure(q.Metric.Name):
				c.Failed += p.Value
			default:
				c.Served += p.Value
			}
		}
	}
	return c
}
