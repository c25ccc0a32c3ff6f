package dashboard

import (
	"encoding/json"
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// The grid of a dashboard is 24 columns wide ("Dashboard body structure and syntax" in
// the CloudWatch user guide). A row has the height of its widgets.
const (
	gridWidth    = 24
	countWidth   = 4
	introHeight  = 4
	headerHeight = 1
	graphHeight  = 8
)

// Widget is one widget at its place.
type Widget struct {
	Type       string `json:"type"`
	X          int    `json:"x"`
	Y          int    `json:"y"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	Properties any    `json:"properties"` // a Text or a Graph
}

// Views of a Graph.
const (
	viewLines  = "timeSeries"
	viewNumber = "singleValue"
)

// Graph shows metrics of one region, as lines or as a number.
type Graph struct {
	Title       string       `json:"title"`
	Region      string       `json:"region"`
	View        string       `json:"view"`
	Stacked     bool         `json:"stacked"`
	Stat        model.Stat   `json:"stat"`
	Period      int          `json:"period"` // seconds
	Lines       []Line       `json:"metrics"`
	YAxis       *YAxis       `json:"yAxis,omitempty"`
	Annotations *Annotations `json:"annotations,omitempty"`
}

// Line is one metric of a graph, with the label in its legend; empty for CloudWatch's own.
type Line struct {
	Metric model.Metric
	Label  string
}

// MarshalJSON writes CloudWatch's row for a metric: namespace, name, dimension, options.
func (l Line) MarshalJSON() ([]byte, error) {
	cells := []any{l.Metric.Namespace, l.Metric.Name}
	if l.Metric.DimensionName != "" {
		cells = append(cells, l.Metric.DimensionName, l.Metric.DimensionValue)
	}
	if l.Label != "" {
		cells = append(cells, map[string]string{"label": l.Label})
	}
	return json.Marshal(cells)
}

// YAxis holds the axes of a graph. The left one begins at Min.
type YAxis struct {
	Left struct {
		Label     string `json:"label"`
		Min       int    `json:"min"`
		ShowUnits bool   `json:"showUnits"`
	} `json:"left"`
}

// Annotations are the marks of a graph.
type Annotations struct {
	Horizontal []Mark `json:"horizontal"`
}

// Mark is a line across a graph.
type Mark struct {
	Label string `json:"label"`
	Value int    `json:"value"`
}

// grid places widgets, row below row.
type grid struct {
	widgets []Widget
	y       int
}

// row adds a row of widgets. Those of width 0 share evenly what the others leave.
func (g *grid) row(height int, widgets ...Widget) {
	free, sharing := gridWidth, 0
	for _, w := range widgets {
		free -= w.Width
		if w.Width == 0 {
			sharing++
		}
	}
	x := 0
	for _, w := range widgets {
		if w.Width == 0 {
			w.Width = free / sharing
		}
		w.X, w.Y, w.Height = x, g.y, height
		x += w.Width
		g.widgets = append(g.widgets, w)
	}
	g.y += height
}

func textWidget(text ...Paragraph) Widget { return Widget{Type: "text", Properties: Text{text}} }

func graphWidget(g Graph) Widget { return Widget{Type: "metric", Properties: g} }

const periodSeconds = 300

// lowestMinimum is the lowest minimum that Personalize accepts, for either kind.
const lowestMinimum = 1

// countWidget shows the number of monitored resources, which is published in the
// deployment region.
func countWidget(region string) Widget {
	w := graphWidget(Graph{
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
	widgets := []Widget{graphWidget(throughput), graphWidget(g.graph("Utilization", r, "percent", utilizationLines))}
	if latency := g.graph("Latency", r, "milliseconds", latencyLines); len(latency.Lines) > 0 {
		widgets = append(widgets, graphWidget(latency))
	}
	return widgets
}

func (g group) graph(title string, r row, unit string, lines func(model.Resource) []Line) Graph {
	if r.of > 1 {
		title = fmt.Sprintf("%s (%d of %d)", title, r.number, r.of)
	}
	graph := Graph{Title: title, Region: g.region, View: viewLines, Stat: model.Average, Period: periodSeconds, YAxis: &YAxis{}}
	graph.YAxis.Left.Label = unit
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
