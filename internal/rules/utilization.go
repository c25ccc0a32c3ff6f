package rules

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Throughput is what a resource did in the window.
type Throughput struct {
	Readable    bool    // the fields below are known
	Requests    float64 // in the window
	Average     float64 // requests per second
	Utilization float64 // percent of the minimum; above 100 where Personalize scaled out
	Invisible   bool    // not readable because nothing counts this recipe's traffic; no fault
	Why         string  // why it is not readable
}

// WindowQueries are the questions whose answers ThroughputOf needs: one per resource,
// and one more where the recipe does not show whether traffic can be seen at all.
// A campaign whose recipe could not be read has none.
func WindowQueries(rs []model.Resource, m EvaluationTime) []model.Query {
	queries := make([]model.Query, 0, len(rs))
	for _, r := range rs {
		if _, why := RequestMetric(r); why != "" {
			continue
		}
		queries = append(queries, windowQuery(r, m))
		if !model.RecipeOf(r.Kind, r.Recipe).Sure {
			queries = append(queries, presenceQuery(r, m))
		}
	}
	return queries
}

func windowQuery(r model.Resource, m EvaluationTime) model.Query {
	return RequestsQuery(r, m.Window, WindowLength)
}

// presenceQuery asks for any request in the last 14 days, the open hour included.
func presenceQuery(r model.Resource, m EvaluationTime) model.Query {
	end := m.Window.End.Truncate(time.Hour).Add(time.Hour)
	return RequestsQuery(r, model.NewWindow(end.Add(-LookBack), end), time.Hour)
}

// ThroughputOf is the throughput of a resource in the window. No datapoint in a complete
// answer means no request.
func ThroughputOf(r model.Resource, readings model.Readings, m EvaluationTime) Throughput {
	if _, why := RequestMetric(r); why != "" {
		return Throughput{Why: why}
	}
	recipe := model.RecipeOf(r.Kind, r.Recipe)
	if !recipe.Sure { // guard: recipe in doubt
		presence := readings.Get(presenceQuery(r, m))
		switch {
		case len(presence.Points) > 0: // traffic has been seen, so it can be // guard: requests of a recipe in doubt: some seen; boundary
		case !presence.Complete: // guard: requests of a recipe in doubt: not read
			return Throughput{Why: fmt.Sprintf("whether %s counts its requests could not be read", recipe.Metric)}
		default:
			return Throughput{Invisible: true, Why: fmt.Sprintf(
				"traffic of recipe %s cannot be seen: no %s data in 14 days; only its minimum is published", r.Recipe, recipe.Metric)}
		}
	}
	series := readings.Get(windowQuery(r, m))
	if !series.Complete { // guard: window read in part
		return Throughput{Why: "its requests in the window could not be read completely"}
	}
	requests := series.Sum()
	average := requests / WindowLength.Seconds()
	return Throughput{Readable: true, Requests: requests, Average: average, Utilization: average / float64(r.MinTPS) * 100}
}

// CloudWatch units of our metrics.
const (
	unitRate    = "Count/Second"
	unitPercent = "Percent"
	unitCount   = "Count"
)

// ownDatum is a value of our own about a resource, for a window.
func ownDatum(r model.Resource, name, unit string, value float64, w model.Window) model.Datum {
	return model.Datum{
		Region: r.Region(), Metric: model.ResourceMetric(r, model.NamespaceMonitor, name), Unit: unit, Value: value, Time: w.Start,
	}
}

// Metrics are the values to publish for a resource: its minimum always, utilization if
// the window could be read, the average if there were requests in it.
func Metrics(r model.Resource, t Throughput, w model.Window) []model.Datum {
	data := []model.Datum{ownDatum(r, r.Kind.MinimumMetric(), unitRate, float64(r.MinTPS), w)}
	if !t.Readable {
		return data
	}
	if t.Requests > 0 {
		data = append(data, ownDatum(r, r.Kind.AverageMetric(), unitRate, t.Average, w))
	}
	return append(data, ownDatum(r, r.Kind.UtilizationMetric(), unitPercent, t.Utilization, w))
}

// CountMetric is the number of monitored resources, published in the deployment region.
func CountMetric(region string, count int, w model.Window) model.Datum {
	metric := model.Metric{Namespace: model.NamespaceMonitor, Name: model.MetricResourceCount}
	return model.Datum{Region: region, Metric: metric, Unit: unitCount, Value: float64(count), Time: w.Start}
}

// LateMetric shows that the data of a region are late. It is published in the deployment region,
// where the data may be on time.
func LateMetric(late LateRegion, s Settings, m EvaluationTime) model.Datum {
	metric := model.Metric{
		Namespace: model.NamespaceMonitor, Name: model.MetricDataLate, DimensionName: "Region", DimensionValue: late.Region,
	}
	return model.Datum{Region: s.DeploymentRegion, Metric: metric, Unit: unitCount, Value: 1, Time: m.Window.Start}
}
