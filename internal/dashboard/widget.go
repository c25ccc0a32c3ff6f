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

// Widget is one widget in its place.
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

// Text is a text in Markdown.
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

// Line is one metric of a graph, with the label that its legend shows; empty for
// CloudWatch's own.
type Line struct {
	Metric model.Metric
	Label  string
}

// MarshalJSON writes the row that CloudWatch has for a metric: namespace, name,
// dimension, options.
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

// YAxis describes the axes of a graph.
type YAxis struct {
	Left Axis `json:"left"`
}

// Axis begins at Min and is labelled.
type Axis struct {
	Label     string `json:"label"`
	Min       int    `json:"min"`
	ShowUnits bool   `json:"showUnits"`
}

// Annotations are marks in a graph.
type Annotations struct {
	Horizontal []Mark `json:"horizontal"`
}

// Mark is a line across a graph.
type Mark struct {
	Label string `json:"label"`
	Value int    `json:"value"`
}

// canvas places widgets, row below row.
type canvas struct {
	widgets []Widget
	y       int
}

// row adds a row of widgets beside each other. Those of width 0 share evenly what the
// others leave of the grid.
func (c *canvas) row(height int, widgets ...Widget) {
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
		w.X, w.Y, w.Height = x, c.y, height
		x += w.Width
		c.widgets = append(c.widgets, w)
	}
	c.y += height
}

func textWidget(markdown string) Widget { return widgetOf(Text{Markdown: markdown}) }

func widgetOf(p Properties) Widget { return Widget{Type: p.widgetType(), Properties: p} }
