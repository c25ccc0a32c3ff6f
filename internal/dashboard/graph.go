package dashboard

import (
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// periodSeconds is the interval of our metrics.
const periodSeconds = 300

// lowestMinimum is the lowest minimum that Personalize accepts, for either kind.
const lowestMinimum = 1

// countWidget shows the number of monitored resources, which is published in the
// deployment region.
func countWidget(region string) Widget {
	w := widgetOf(Graph{
		Title: "Resources monitored", Region: region, View: viewNumber, Stat: model.Average, Period: periodSeconds,
		Lines: []Line{{Metric: model.Metric{Namespace: model.NamespaceMonitor, Name: model.MetricResourceCount}}},
	})
	w.Width = countWidth
	return w
}

// graphs returns the widgets of one row: throughput, utilization and, if any resource has
// one, latency.
func (g group) graphs(r row) []Widget {
	throughput := g.graph("Actual vs Provisioned TPS/RPS", r, "TPS/RPS", throughputLines)
	throughput.Annotations = &Annotations{Horizontal: []Mark{{Label: "lowest allowed", Value: lowestMinimum}}}
	widgets := []Widget{widgetOf(throughput), widgetOf(g.graph("Utilization", r, "percent", utilizationLines))}
	if latency := g.graph("Latency", r, "milliseconds", latencyLines); len(latency.Lines) > 0 {
		widgets = append(widgets, widgetOf(latency))
	}
	return widgets
}

// graph returns a graph with the lines of all resources of a row.
func (g group) graph(title string, r row, unit string, lines func(model.Resource) []Line) Graph {
	if r.of > 1 {
		title = fmt.Sprintf("%s (%d of %d)", title, r.number, r.of)
	}
	graph := Graph{
		Title: title, Region: g.region, View: viewLines, Stat: model.Average, Period: periodSeconds,
		YAxis: &YAxis{Left: Axis{Label: unit}},
	}
	for _, resource := range r.resources {
		graph.Lines = append(graph.Lines, lines(resource)...)
	}
	return graph
}

func throughputLines(r model.Resource) []Line {
	return []Line{
		{model.ResourceMetric(r, model.NamespaceMonitor, r.Kind.MinimumMetric()), r.Name + " provisioned " + r.Kind.RateUnit()},
		{model.ResourceMetric(r, model.NamespaceMonitor, r.Kind.AverageMetric()), r.Name + " actual " + r.Kind.RateUnit()},
	}
}

func utilizationLines(r model.Resource) []Line {
	return []Line{{model.ResourceMetric(r, model.NamespaceMonitor, r.Kind.UtilizationMetric()), kindLabel(r)}}
}

// latencyLines returns no line for action recommendations, for which AWS documents no such
// metric. An unknown recipe is assumed to be served by GetRecommendations, as most are.
func latencyLines(r model.Resource) []Line {
	metric := model.LatencyMetric(r.Kind, r.Recipe)
	if metric == "" {
		return nil
	}
	return []Line{{model.ResourceMetric(r, model.NamespacePersonalize, metric), kindLabel(r)}}
}

// kindLabel distinguishes a campaign from a recommender of the same name.
func kindLabel(r model.Resource) string { return r.Name + " (" + string(r.Kind) + ")" }
