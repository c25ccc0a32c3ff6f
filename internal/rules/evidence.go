package rules

import (
	"fmt"
	"math"
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

// MinimumQuery asks for our own series of the minimum.
func MinimumQuery(r model.Resource, w model.Window) model.Query {
	return ownQuery(r, r.Kind.MinimumMetric(), model.Minimum, w)
}

func ownQuery(r model.Resource, name string, stat model.Stat, w model.Window) model.Query {
	return model.Query{
		Region: r.Region(), Metric: model.ResourceMetric(r, model.NamespaceMonitor, name), Stat: stat, Window: w, Period: WindowLength,
	}
}

// RecordQuery asks for our own record of the demand: the hourly sums of the utilization that was
// published for each window, 0 where no one called. It is not the counts' word but our own.
func RecordQuery(r model.Resource, w model.Window) model.Query {
	q := ownQuery(r, r.Kind.UtilizationMetric(), model.Sum, w)
	q.Period = time.Hour
	return q
}

// RunningQuery asks when the monitor itself was running, in its deployment region.
func RunningQuery(deploymentRegion string, w model.Window) model.Query {
	return model.Query{
		Region: deploymentRegion,
		Metric: model.Metric{Namespace: model.NamespaceMonitor, Name: model.MetricResourceCount},
		Stat:   model.Count, Window: w, Period: WindowLength,
	}
}

// CallQueries ask for every call to a resource: served and failed ones, of every operation,
// whatever the recipe. A wrong guess at the recipe must not make a busy resource look idle.
func CallQueries(r model.Resource, w model.Window) []model.Query {
	var queries []model.Query
	for _, name := range model.RequestMetrics() { // guard: calls of every operation; each
		for _, suffix := range []string{"", model.Suffix4xx, model.Suffix5xx} { // guard: served and failed calls; each
			queries = append(queries, model.Query{
				Region: r.Region(), Metric: model.ResourceMetric(r, model.NamespacePersonalize, name+suffix),
				Stat: model.Sum, Window: w, Period: WindowLength,
			})
		}
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
			case strings.HasSuffix(q.Metric.Name, model.Suffix4xx), strings.HasSuffix(q.Metric.Name, model.Suffix5xx):
				c.Failed += p.Value
			default:
				c.Served += p.Value
			}
		}
	}
	return c
}

// LookBackWindow is the whole hours before end that the step-down rule reads: 14 days, but
// nothing before the resource was created. It may be empty.
func LookBackWindow(r model.Resource, end time.Time) model.Window {
	start := end.Add(-LookBack)
	// guard: only whole hours since the creation; each, never
	if born := r.Created.Add(time.Hour - time.Nanosecond).Truncate(time.Hour); born.After(start) {
		start = born
	}
	if start.After(end) {
		start = end
	}
	return model.NewWindow(start, end)
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

// hourlyQuery asks for the hourly requests of the look-back, with an hour more on either side.
func hourlyQuery(r model.Resource, m EvaluationTime) model.Query {
	w := lookBackWindow(r, m)
	return RequestsQuery(r, model.NewWindow(w.Start.Add(-time.Hour), w.End.Add(time.Hour)), time.Hour)
}

// WatchedQuery is the key, among the readings, of the hours of a window in which a resource
// was watched. CloudWatch cannot answer it: it is derived from MinimumQuery by WatchedHours.
func WatchedQuery(r model.Resource, w model.Window) model.Query {
	q := MinimumQuery(r, w)
	q.Stat, q.Period = model.Watched, time.Hour
	return q
}

// regionWindow is the look-back that the endpoints of a region share, whatever their age.
func regionWindow(m EvaluationTime) model.Window {
	end := EvidenceEnd(m.Window.End)
	return model.NewWindow(end.Add(-LookBack), end)
}

func watchedQuery(r model.Resource, m EvaluationTime) model.Query {
	return WatchedQuery(r, regionWindow(m))
}

func gapsQuery(r model.Resource, m EvaluationTime) model.Query {
	return GapsQuery(r.Region(), regionWindow(m))
}

// evidenceOf is what was observed of a resource over the look-back.
func evidenceOf(r model.Resource, readings model.Readings, m EvaluationTime) Evidence {
	return Evidence{
		Window:   lookBackWindow(r, m),
		Requests: readings.Get(hourlyQuery(r, m)), Watched: readings.Get(watchedQuery(r, m)), Regional: readings.Get(gapsQuery(r, m)),
		Record: readings.Get(RecordQuery(r, regionWindow(m))), Proxy: !model.RecipeOf(r.Kind, r.Recipe).Sure,
	}
}

// Load is what the known hours of a resource show of its demand, in requests per second.
type Load struct {
	Lowest  float64 // the lowest level that was reached three times; 0 unless Confirmed
	Highest float64 // of all known hours
	Hours   int     // whole hours; the rest is zero if there is none
	Known   int     // of the hours
	Silent  int     // of the known hours
	Unknown string  // why the others are not known; empty if all are
	// Confirmed is set if any level was reached three times; otherwise nothing follows.
	Confirmed bool
	Below     int // on how many occasions the demand was below the minimum
}

// loadOf sums up hours for a resource with the given minimum.
func loadOf(hours []Hour, minimum int) Load {
	load := Load{Hours: len(hours), Unknown: unknownHours(hours)}
	for _, h := range hours {
		if h.State == HourUnknown {
			continue
		}
		load.Known++
		if h.State == HourSilent {
			load.Silent++
		}
		load.Highest = max(load.Highest, h.Rate())
	}
	load.Lowest, load.Confirmed = lowWatermark(hours)
	load.Below = reached(hours, math.Nextafter(float64(minimum), 0))
	return load
}

// Watermark is the low watermark: the lowest confirmed level, rounded down to a whole TPS.
func (l Load) Watermark() int { return int(math.Floor(l.Lowest)) } // guard: watermark rounded down; each

// Health is how much is known, and why not more.
func (l Load) Health() string {
	text := fmt.Sprintf("%d of %d h known", l.Known, l.Hours)
	if l.Unknown != "" {
		text += "; " + l.Unknown
	}
	return text
}

// Text reports the low watermark. Its rate is rounded down, like the watermark: 9.99 printed
// as 10.0 would look like enough.
func (l Load) Text(kind model.Kind) string {
	return fmt.Sprintf("lowest level reached %d times: %.1f %s (%s)", occasions, math.Floor(l.Lowest*10)/10, kind.RateUnit(), l.Health())
}
