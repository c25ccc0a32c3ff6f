package web

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// plot is a chart: lines over time. It is drawn as SVG where there is no script, told in
// words for those who do not see it, and given as a table.
type plot struct {
	Title string     `json:"title"`
	Unit  string     `json:"unit"`
	Times []int64    `json:"t"` // seconds, ascending, evenly spaced
	Lines []plotLine `json:"lines"`
	Marks []plotMark `json:"marks,omitempty"`
	Note  string     `json:"note,omitempty"` // what to know of the data
	step  time.Duration
}

// plotLine has a value for each time; nil where there is none.
type plotLine struct {
	Label  string     `json:"label"`
	Values []*float64 `json:"v"`
	Colour int        `json:"colour"` // 0 to colours-1; 0 is for what is provisioned
	Dashed bool       `json:"dashed,omitempty"`
	Steps  bool       `json:"steps,omitempty"` // a value holds until the next
}

// plotMark is a line across the chart.
type plotMark struct {
	Label string  `json:"label"`
	Value float64 `json:"value"`
}

// newPlot is a chart without lines yet over a window.
func newPlot(title, unit string, w model.Window, step time.Duration) plot {
	p := plot{Title: title, Unit: unit, Lines: []plotLine{}, Times: []int64{}, step: step}
	for at := w.Start; at.Before(w.End); at = at.Add(step) {
		p.Times = append(p.Times, at.Unix())
	}
	return p
}

// values fits datapoints into the chart's times, each times factor.
func (p *plot) values(points []model.Datapoint, factor float64) []*float64 {
	out := make([]*float64, len(p.Times))
	if len(p.Times) == 0 {
		return out
	}
	for _, point := range points {
		i := (point.Time.Unix() - p.Times[0]) / int64(p.step/time.Second)
		if i >= 0 && i < int64(len(out)) && !math.IsNaN(point.Value) && !math.IsInf(point.Value, 0) {
			v := brief(point.Value * factor)
			out[i] = &v
		}
	}
	return out
}

// add adds a line of what was measured.
func (p *plot) add(label string, values []*float64) *plotLine {
	measured := 0
	for _, line := range p.Lines {
		if !line.Dashed {
			measured++
		}
	}
	p.Lines = append(p.Lines, plotLine{Label: label, Values: values, Colour: 1 + measured%(colours-1)})
	return &p.Lines[len(p.Lines)-1]
}

// addMinimum adds a line of what was provisioned.
func (p *plot) addMinimum(label string, values []*float64) {
	line := p.add(label, values)
	line.Colour, line.Dashed, line.Steps = 0, true, true
}

// brief keeps four significant digits, which is all that a chart can show.
func brief(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	if math.IsInf(scale, 0) || scale == 0 {
		return 0
	}
	return math.Round(v*scale) / scale
}

// Empty tells whether there is nothing to draw.
func (p plot) Empty() bool {
	for _, line := range p.Lines {
		for _, v := range line.Values {
			if v != nil {
				return false
			}
		}
	}
	return true
}

// Summary tells in words what the chart shows.
func (p plot) Summary() string {
	if p.Empty() {
		return "There are no data in this time."
	}
	var parts []string
	for _, line := range p.Lines {
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
			parts = append(parts, fmt.Sprintf("%s: %s throughout", line.Label, figure(low)))
		default:
			parts = append(parts, fmt.Sprintf("%s: %s on average, from %s to %s", line.Label, figure(sum/float64(n)), figure(low), figure(high)))
		}
	}
	if len(parts) > maxTold {
		parts = append(parts[:maxTold], fmt.Sprintf("and %d more lines", len(p.Lines)-maxTold))
	}
	return strings.Join(parts, "; ") + " (" + p.Unit + ")."
}

// maxTold is how many lines a summary tells of, one by one.
const maxTold = 4

// plotRow is a row of the table of a chart.
type plotRow struct {
	Time  string
	Cells []string
}

// Rows are the chart as a table, the newest first.
func (p plot) Rows() []plotRow {
	rows := make([]plotRow, 0, len(p.Times))
	for i := len(p.Times) - 1; i >= 0; i-- {
		row := plotRow{Time: time.Unix(p.Times[i], 0).UTC().Format("01-02 15:04")}
		for _, line := range p.Lines {
			cell := "–"
			if v := line.Values[i]; v != nil {
				cell = figure(*v)
			}
			row.Cells = append(row.Cells, cell)
		}
		rows = append(rows, row)
	}
	return rows
}

// hoursPlot draws provisioned and actual throughput by the hour.
func hoursPlot(title, unit string, hours []billing.Hour) plot {
	if len(hours) == 0 {
		return plot{Title: title, Unit: unit}
	}
	w := model.NewWindow(hours[0].Start, hours[len(hours)-1].Start.Add(time.Hour))
	p := newPlot(title, unit, w, time.Hour)
	provisioned, actual := make([]model.Datapoint, len(hours)), make([]model.Datapoint, len(hours))
	for i, h := range hours {
		provisioned[i] = model.Datapoint{Time: h.Start, Value: h.Provisioned}
		actual[i] = model.Datapoint{Time: h.Start, Value: h.Actual}
	}
	p.addMinimum("provisioned "+unit, p.values(provisioned, 1))
	p.add("actual "+unit, p.values(actual, 1))
	return p
}
