package dashboard

import (
	"encoding/json"

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
	Type       string     `json:"type"`
	X          int        `json:"x"`
	Y          int        `json:"y"`
	Width      int        `json:"width"`
	Height     int        `json:"height"`
	Properties Properties `json:"properties"`
}

// Properties are a Text or a Graph.
type Properties interface{ widgetType() string }

type Text struct {
	Markdown string `json:"markdown"`
}

func (Text) widgetType() string { return "text" }

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

func (Graph) widgetType() string { return "metric" }

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
	Left Axis `json:"left"`
}

type Axis struct {
	Label     string `json:"label"`
	Min       int    `json:"min"`
	ShowUnits bool   `json:"showUnits"`
}

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

func textWidget(markdown string) Widget { return widgetOf(Text{Markdown: markdown}) }

func widgetOf(p Properties) Widget { return Widget{Type: p.widgetType(), Properties: p} }
