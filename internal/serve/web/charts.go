package web

import (
	"cmp"
	"context"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// chartView is a chart in a page.
type chartView struct {
	ID   string
	Plot chart.Chart
	Link string // to the chart alone; empty if it has no page of its own
	Lazy bool   // its data are read when it becomes visible
}

// resourceCharts draws throughput, utilization and latency of a resource. The fault is what
// could not be read.
func (r *reader) resourceCharts(ctx context.Context, one model.Resource, s span, w model.Window) (charts []chartView, fault string) {
	query := func(namespace, metric string, stat model.Stat) model.Query {
		return model.Query{Region: one.Region(), Metric: model.ResourceMetric(one, namespace, metric), Stat: stat, Window: w, Period: s.Period}
	}
	requests := query(model.NamespacePersonalize, model.RecipeOf(one.Kind, one.Recipe).Metric, model.Sum)
	minimum := query(model.NamespaceMonitor, one.Kind.MinimumMetric(), model.Average)
	queries := []model.Query{requests, minimum}
	latencyMetric := model.LatencyMetric(one.Kind, one.Recipe) // empty for some recipes
	latency := query(model.NamespacePersonalize, latencyMetric, model.Average)
	if latencyMetric != "" {
		queries = append(queries, latency)
	}
	readings, err := r.read(ctx, one.ARN.String()+" "+s.Name+" "+w.Start.Format(time.RFC3339), queries)
	if err != nil {
		fault = err.Error()
	}
	throughput, utilization := throughputCharts(one, s.Period, w, readings.Get(requests), readings.Get(minimum))
	charts = []chartView{{ID: "throughput", Plot: throughput}, {ID: "utilization", Plot: utilization}}
	if latencyMetric != "" {
		c := chart.New("Latency", "ms", w, s.Period)
		c.Add("average latency", c.Values(readings.Get(latency).Points, 1))
		c.Note = partialNote(readings.Get(latency))
		charts = append(charts, chartView{ID: "latency", Plot: c})
	}
	return charts, fault
}

// partialNote is about a series that is incomplete.
func partialNote(s model.Series) string {
	if s.Complete {
		return ""
	}
	return "These data could not be read completely; what is missing is not zero."
}

// throughputCharts draw requests against the minimum. A period without data had no requests.
// Where the monitor published no minimum, because it did not run, one is assumed
// (billing.AssumeMinimums) and the chart has a note.
func throughputCharts(
	r model.Resource, period time.Duration, w model.Window, requests, minimum model.Series,
) (throughput, utilization chart.Chart) {
	unit := r.Kind.RateUnit()
	throughput = chart.New("Actual and provisioned", unit, w, period)
	utilization = chart.New("Utilization", "percent", w, period)
	actual := throughput.Values(requests.Points, 1/period.Seconds())
	provisioned := throughput.Values(minimum.Points, 1)
	ratio := make([]*float64, len(actual))
	assumed, minimums := 0, assumedMinimums(r, provisioned, throughput.Times)
	for i, at := range throughput.Times {
		if at < r.Created.Unix() {
			actual[i] = nil
			continue
		}
		if actual[i] == nil && requests.Complete && model.RecipeOf(r.Kind, r.Recipe).Sure {
			actual[i] = new(float64)
		}
		// For a resource out of service it is unknown since when it is.
		if provisioned[i] == nil && r.MinTPS > 0 && minimum.Complete && r.Status == model.StatusActive {
			provisioned[i] = &minimums[i]
			assumed++
		}
		if actual[i] != nil && provisioned[i] != nil && *provisioned[i] > 0 {
			v := chart.Brief(*actual[i] / *provisioned[i] * 100)
			ratio[i] = &v
		}
	}
	throughput.AddMinimum("provisioned "+unit, provisioned)
	throughput.Add("actual "+unit, actual)
	utilization.Add("utilization", ratio)
	utilization.Marks = []chart.Mark{{Label: "everything that is paid for is used", Value: 100}}
	note := cmp.Or(partialNote(requests), partialNote(minimum))
	if note == "" && assumed > 0 {
		note = model.Plural(assumed, "period") + " of " + model.Number(float64(len(actual)), 0) +
			" have no published minimum, as the monitor did not run; it is assumed from the values before and after."
	}
	throughput.Note, utilization.Note = note, note
	return throughput, utilization
}

// assumedMinimums are the published minimums, and assumed ones where there are none.
func assumedMinimums(r model.Resource, published []*float64, times []int64) []float64 {
	minimums := make([]float64, len(published))
	for i, v := range published {
		if v != nil {
			minimums[i] = *v
		}
	}
	billing.AssumeMinimums(r, minimums, func(i int) time.Time { return time.Unix(times[i], 0) })
	return minimums
}
