// Package chart defines a chart once: its lines, unit, marks, its summary and its table. The
// web page of the daemon and the HTML report show it with the same script.
package chart

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Colours is how many colours the style sheets have for lines: --c0 to --c7. The first is
// for what is provisioned.
const Colours = 8

// Chart has lines over time. Its JSON is what the script draws.
type Chart struct {
	Title string        `json:"title"`
	Unit  string        `json:"unit"`
	Times []int64       `json:"t"` // seconds, ascending, evenly spaced
	Lines []Line        `json:"lines"`
	Marks []Mark        `json:"marks,omitempty"`
	Pins  []Pin         `json:"pins,omitempty"`  // what happened, in the order of time
	Gaps  []Gap         `json:"gaps,omitempty"`  // where values are not known, which is not zero; ascending
	Shade string        `json:"shade,omitempty"` // names the area between the first line and the second; empty shades nothing
	Note  string        `json:"note,omitempty"`  // what to know about the data
	Step  time.Duration `json:"-"`               // between two times
}

// Line has a value for each time; nil where the value is unknown.
type Line struct {
	Label  string     `json:"label"`
	Values []*float64 `json:"v"`
	Colour int        `json:"colour"` // 0 to Colours-1
	Dashed bool       `json:"dashed,omitempty"`
	Steps  bool       `json:"steps,omitempty"` // a value holds until the next
}

// Mark is a horizontal line across the chart.
type Mark struct {
	Label string  `json:"label"`
	Value float64 `json:"value"`
}

// Pin marks a time at which something happened. Its number is its position in the list.
type Pin struct {
	At    int64  `json:"t"` // seconds
	Label string `json:"label"`
	Bad   bool   `json:"bad,omitempty"`
}

// Gap is a time in which values are not known.
type Gap struct {
	From  int64  `json:"t"` // seconds
	Until int64  `json:"u"`
	Label string `json:"label"` // why
}

// Paid names the area between a minimum and the demand below it.
const Paid = "Paid for, not used"

// New is a chart without lines over a window.
func New(title, unit string, w model.Window, step time.Duration) Chart {
	c := Chart{Title: title, Unit: unit, Lines: []Line{}, Times: []int64{}, Step: step}
	for t := w.Start; t.Before(w.End); t = t.Add(step) {
		c.Times = append(c.Times, t.Unix())
	}
	return c
}

// OfHours shows provisioned and actual throughput by the hour.
func OfHours(title, unit string, hours []billing.Hour) Chart {
	if len(hours) == 0 {
		return Chart{Title: title, Unit: unit}
	}
	c := New(title, unit, model.NewWindow(hours[0].Start, hours[len(hours)-1].Start.Add(time.Hour)), time.Hour)
	provisioned, actual := make([]model.Datapoint, len(hours)), make([]model.Datapoint, len(hours))
	for i, h := range hours {
		provisioned[i] = model.Datapoint{Time: h.Start, Value: h.Provisioned}
		actual[i] = model.Datapoint{Time: h.Start, Value: h.Actual}
	}
	c.AddMinimum("provisioned "+unit, c.Values(provisioned, 1))
	c.Add("actual "+unit, c.Values(actual, 1))
	c.Shade = Paid
	return c
}

// Values assigns datapoints to the chart's times, each multiplied by factor.
func (c *Chart) Values(points []model.Datapoint, factor float64) []*float64 {
	values := make([]*float64, len(c.Times))
	if len(c.Times) == 0 {
		return values
	}
	for _, point := range points {
		i := (point.Time.Unix() - c.Times[0]) / int64(c.Step/time.Second)
		if i >= 0 && i < int64(len(values)) && !math.IsNaN(point.Value) && !math.IsInf(point.Value, 0) {
			v := Brief(point.Value * factor)
			values[i] = &v
		}
	}
	return values
}

// Add adds a line of measured values, and returns it to be styled.
func (c *Chart) Add(label string, values []*float64) *Line {
	measured := 0
	for _, line := range c.Lines {
		if !line.Steps {
			measured++
		}
	}
	c.Lines = append(c.Lines, Line{Label: label, Values: values, Colour: 1 + measured%(Colours-1)})
	return &c.Lines[len(c.Lines)-1]
}

// AddMinimum adds a line of what is provisioned.
func (c *Chart) AddMinimum(label string, values []*float64) {
	c.Lines = append(c.Lines, Line{Label: label, Values: values, Steps: true})
}

// AddGaps adds the times whose values are not known: why is the reason at a position, empty where they are known.
func (c *Chart) AddGaps(why func(i int) string) {
	for i, at := range c.Times {
		label, until := why(i), at+int64(c.Step/time.Second)
		switch last := len(c.Gaps) - 1; {
		case label == "":
		case last >= 0 && c.Gaps[last].Until == at && c.Gaps[last].Label == label:
			c.Gaps[last].Until = until
		default:
			c.Gaps = append(c.Gaps, Gap{at, until, label})
		}
	}
}

// Unknown are the reasons of the gaps, each once.
func (c Chart) Unknown() []string {
	var list []string
	for _, g := range c.Gaps {
		if !slices.Contains(list, g.Label) {
			list = append(list, g.Label)
		}
	}
	return list
}

// Brief keeps four significant digits, more than a chart can show.
func Brief(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	if math.IsInf(scale, 0) || scale == 0 {
		return 0
	}
	return math.Round(v*scale) / scale
}

// Empty reports whether the chart has no value.
func (c Chart) Empty() bool {
	return !slices.ContainsFunc(c.Lines, func(l Line) bool { return slices.ContainsFunc(l.Values, func(v *float64) bool { return v != nil }) })
}

// Latest is the newest known value of a line, for people.
func (l Line) Latest() string {
	for _, v := range slices.Backward(l.Values) {
		if v != nil {
			return model.Figure(*v)
		}
	}
	return "–"
}

// maxSummarized is how many lines a summary describes one by one.
const maxSummarized = 4

// Summary describes the chart in words, for people who do not see it.
func (c Chart) Summary() string {
	if c.Empty() {
		return "There are no data in this time."
	}
	var parts []string
	for _, line := range c.Lines {
		low, high, sum, n := math.Inf(1), math.Inf(-1), 0.0, 0
		for _, v := range line.Values {
			if v != nil {
				low, high, sum, n = min(low, *v), max(high, *v), sum+*v, n+1
			}
		}
		switch {
		case n == 0:
			parts = append(parts, line.Label+": no data")
		case low == high:
			parts = append(parts, fmt.Sprintf("%s: %s throughout", line.Label, model.Figure(low)))
		default:
			parts = append(parts, fmt.Sprintf("%s: %s on average, from %s to %s", line.Label, model.Figure(sum/float64(n)), model.Figure(low),
				model.Figure(high)))
		}
	}
	if more := len(parts) - maxSummarized; more > 0 {
		parts = append(parts[:maxSummarized], fmt.Sprintf("and %d more lines", more))
	}
	text := strings.Join(parts, "; ") + " (" + c.Unit + ")."
	const most = 3
	for i, g := range c.Gaps {
		if i == most {
			return text + " More times are not known."
		}
		text += fmt.Sprintf(" Not known from %s to %s: %s.", secondsText(g.From), secondsText(g.Until), g.Label)
	}
	return text
}

// Rows are the chart as a table, newest first. The first cell is the time.
func (c Chart) Rows() [][]string {
	rows := make([][]string, 0, len(c.Times))
	for i, at := range slices.Backward(c.Times) {
		row := []string{secondsText(at)}
		for _, line := range c.Lines {
			cell := "–"
			if v := line.Values[i]; v != nil {
				cell = model.Figure(*v)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	return rows
}

func secondsText(at int64) string { return time.Unix(at, 0).UTC().Format("2 Jan 15:04") }
