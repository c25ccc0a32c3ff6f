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

// settleTime is how long ago an hour must have ended to be read: counts that arrive late, or
// a clock of ours that is ahead, would make it look lower than it was.
const settleTime = 30 * time.Minute // guard: only settled hours: the limit

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

// hourlyWindow is the whole, settled hours that the rule reads.
func hourlyWindow(r model.Resource, m EvaluationTime) model.Window {
	return LookBackWindow(r, m.Window.End.Add(-settleTime).Truncate(time.Hour)) // guard: only whole, settled hours; each
}

func hourlyQuery(r model.Resource, m EvaluationTime) model.Query {
	return RequestsQuery(r, hourlyWindow(r, m), time.Hour)
}

// Load is the range of a resource's hourly averages, in requests per second.
type Load struct {
	Lowest, Highest float64
	Hours           int // whole hours; the rest is zero if there is none
}

// loadOf finds the lowest and the highest hour of a window. An hour without a datapoint had
// no requests.
func loadOf(hourly model.Series, w model.Window) Load {
	load := Load{Hours: int(w.Duration() / time.Hour)}
	lowest, hours := math.Inf(1), 0
	for _, p := range hourly.Points {
		if p.Time.Before(w.Start) || !p.Time.Before(w.End) {
			continue
		}
		hours++
		rate := p.Value / time.Hour.Seconds()
		lowest = min(lowest, rate) // guard: lowest hour; each
		load.Highest = max(load.Highest, rate)
	}
	if hours >= load.Hours && load.Hours > 0 { // guard: an hour without data had no requests; each:1
		load.Lowest = lowest
	}
	return load
}

// Watermark is the low watermark: the lowest hour's average, rounded down to a whole TPS.
func (l Load) Watermark() int { return int(math.Floor(l.Lowest)) } // guard: watermark rounded down; each

// Text reports the lowest hour. Its rate is rounded down, like the watermark: 9.99 printed
// as 10.0 would look like enough.
func (l Load) Text(kind model.Kind) string {
	return fmt.Sprintf("lowest hour averaged %.1f %s over %d hours", math.Floor(l.Lowest*10)/10, kind.RateUnit(), l.Hours)
}
