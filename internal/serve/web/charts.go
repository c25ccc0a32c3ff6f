package web

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// chartView is a chart in a page.
type chartView struct {
	ID   string
	Plot chart.Chart
	Link string // to the chart alone; empty if it has no page of its own
	CSV  string // link to its numbers; empty without one
	Lazy bool   // its data are read when it becomes visible
}

// resourceCharts are the charts of a resource, and how many of its latest calls failed.
type resourceCharts struct {
	List   []chartView
	Failed *float64 // share of the calls of the last hour in percent; nil if it is unknown or there were none
	Fault  string   // what could not be read
}

// Failing reports whether most of the latest calls failed.
func (c resourceCharts) Failing() bool { return c.Failed != nil && *c.Failed > 50 }

// resourceCharts draws demand, failed calls and latency of a resource. late means that the data of its region are.
func (r *reader) resourceCharts(ctx context.Context, one model.Resource, s span, w model.Window, late bool) (c resourceCharts) {
	query := func(namespace, metric string, stat model.Stat) model.Query {
		return model.Query{Region: one.Region(), Metric: model.ResourceMetric(one, namespace, metric), Stat: stat, Window: w, Period: s.Period}
	}
	name := model.RecipeOf(one.Kind, one.Recipe).Metric
	requests := query(model.NamespacePersonalize, name, model.Sum)
	client := query(model.NamespacePersonalize, name+model.Suffix4xx, model.Sum)
	server := query(model.NamespacePersonalize, name+model.Suffix5xx, model.Sum)
	minimum := query(model.NamespaceMonitor, one.Kind.MinimumMetric(), model.Average)
	queries := []model.Query{requests, minimum, client, server}
	latencyMetric := model.LatencyMetric(one.Kind, one.Recipe) // empty for some recipes
	latency := query(model.NamespacePersonalize, latencyMetric, model.Average)
	if latencyMetric != "" {
		queries = append(queries, latency)
	}
	readings, err := r.read(ctx, one.ARN.String()+" "+s.Name+" "+w.Start.Format(time.RFC3339), queries)
	if err != nil {
		c.Fault = err.Error()
	}
	throughput := throughputChart(one, s.Period, w, readings.Get(requests), readings.Get(minimum), late)
	errors, failed := errorsChart(s.Period, w, readings.Get(requests), readings.Get(client), readings.Get(server))
	errors.Gaps, c.Failed = throughput.Gaps, failed
	c.List = []chartView{{ID: "throughput", Plot: throughput}, {ID: "errors", Plot: errors}}
	if latencyMetric != "" {
		plot := chart.New("Latency", "ms", w, s.Period)
		plot.Add("average latency", plot.Values(readings.Get(latency).Points, 1))
		plot.Note = partialNote(readings.Get(latency))
		if plot.Empty() && plot.Note == "" {
			plot.Note = "No line: no call was answered in this time."
		}
		plot.Gaps = throughput.Gaps
		c.List = append(c.List, chartView{ID: "latency", Plot: plot})
	}
	return c
}

// errorsChart draws the share of calls that failed. Without calls there is no share. latest is that of
// the last hour.
func errorsChart(period time.Duration, w model.Window, served, client, server model.Series) (c chart.Chart, latest *float64) {
	c = chart.New("Failed calls", "% of calls", w, period)
	c.Note = cmp.Or(partialNote(served), partialNote(client), partialNote(server))
	ok, bad, worse := c.Values(served.Points, 1), c.Values(client.Points, 1), c.Values(server.Points, 1)
	count := func(v *float64) float64 {
		if v == nil {
			return 0
		}
		return *v
	}
	recent := len(c.Times) - max(1, int(time.Hour/period))
	calls, failed := 0.0, 0.0
	for i := range c.Times {
		four, five := count(bad[i]), count(worse[i])
		all := count(ok[i]) + four + five
		if i >= recent {
			calls, failed = calls+all, failed+four+five
		}
		bad[i], worse[i] = nil, nil
		if all > 0 && c.Note == "" { // a share of what was not read would be wrong
			bad[i], worse[i] = new(chart.Brief(four/all*100)), new(chart.Brief(five/all*100))
		}
	}
	c.Add("4xx, the call itself is refused", bad).Colour = 5
	c.Add("5xx, the service fails", worse).Colour = 3
	if calls > 0 && c.Note == "" {
		latest = new(failed / calls * 100)
	}
	return c, latest
}

// pinsOf marks the changes of minimums, stops and deletions of an endpoint in a chart; of all, with their names,
// without an ARN.
func (s Snapshot) pinsOf(c chart.Chart, arn string) []chart.Pin {
	const most = 12
	var pins []chart.Pin
	for _, a := range s.Audits {
		at := a.Time.Unix()
		if arn != "" && a.ARN != arn || a.Outcome != events.OutcomeDone || len(pins) == most {
			continue
		}
		if len(c.Times) == 0 || at < c.Times[0] || at > c.Times[len(c.Times)-1]+int64(c.Step/time.Second) {
			continue
		}
		text := happeningOf(decision{&a}.entry(), a.Outcome).Title
		if arn == "" {
			text = s.label(a.ARN) + " " + text
		}
		pins = append(pins, chart.Pin{At: at, Label: text})
	}
	slices.SortStableFunc(pins, func(a, b chart.Pin) int { return cmp.Compare(a.At, b.At) })
	return pins
}

// partialNote is about a series that is incomplete.
func partialNote(s model.Series) string {
	if s.Complete {
		return ""
	}
	return "These data could not be read completely; what is missing is not zero."
}

// throughputChart draws requests against the minimum. A period without data had no requests.
// Where the monitor published no minimum, because it did not run, one is assumed
// (billing.AssumeMinimums) and the chart has a note. If data are late, what follows the newest is not
// known.
func throughputChart(r model.Resource, period time.Duration, w model.Window, requests, minimum model.Series, late bool) chart.Chart {
	unit := r.Kind.RateUnit()
	c := chart.New("Demand and minimum", unit, w, period)
	actual := c.Values(requests.Points, 1/period.Seconds())
	provisioned := c.Values(minimum.Points, 1)
	lateFrom := lateSince(late, period, requests, minimum)
	assumed, minimums := 0, assumedMinimums(r, provisioned, c.Times)
	for i, at := range c.Times {
		if at < r.Created.Unix() {
			actual[i] = nil
			continue
		}
		if actual[i] == nil && requests.Complete && at < lateFrom && model.RecipeOf(r.Kind, r.Recipe).Sure {
			actual[i] = new(float64)
		}
		// For a resource out of service it is unknown since when it is.
		if provisioned[i] == nil && r.MinTPS > 0 && minimum.Complete && r.Status == model.StatusActive {
			provisioned[i] = &minimums[i]
			if at < lateFrom {
				assumed++
			}
		}
	}
	c.AddGaps(func(i int) string {
		if actual[i] != nil || c.Times[i] < r.Created.Unix() {
			return ""
		}
		return missing(c.Times[i] >= lateFrom, requests)
	})
	c.AddMinimum("minimum "+unit, provisioned)
	c.Add("demand "+unit, actual)
	c.Shade = chart.Paid
	c.Note = cmp.Or(partialNote(requests), partialNote(minimum), assumedNote(assumed, len(actual)))
	return c
}

// assumedNote is about periods whose minimum is assumed; empty if there is none.
func assumedNote(assumed, all int) string {
	if assumed == 0 {
		return ""
	}
	verb := "have"
	if assumed == 1 {
		verb = "has"
	}
	return model.Plural(assumed, "period") + " of " + number(all) + " " + verb +
		" no published minimum, as the monitor did not run; it is assumed from the values before and after."
}

// missing is why a value of a series is not known.
func missing(late bool, s model.Series) string {
	switch {
	case late:
		return dataLate
	case !s.Complete:
		return "not read"
	}
	return "not known"
}

// dataLate is the reason of a gap.
const dataLate = "CloudWatch data are late"

// lateSince is from when on nothing is known if data are late: after the newest datapoint of the series. It is far in the
// future if they are not, or if there is no datapoint.
func lateSince(late bool, period time.Duration, series ...model.Series) int64 {
	newest := time.Time{}
	for _, one := range series {
		for _, p := range one.Points {
			if p.Time.After(newest) {
				newest = p.Time
			}
		}
	}
	if !late || newest.IsZero() {
		return math.MaxInt64
	}
	return newest.Add(period).Unix()
}

// assumedMinimums are the published minimums, and assumed ones where there are none.
func assumedMinimums(r model.Resource, published []*float64, times []int64) []float64 {
	minimums := make([]float64, len(published))
	for i, v := range published {
		if v != nil {
			minimums[i] = *v
		}
	}
	billing.AssumeMinimums(r, minimums, func(i int) time.Time { return time.Unix(times[i], 0) }, 0, 0)
	return minimums
}
