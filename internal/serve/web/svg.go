package web

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
)

// Sizes of drawings, in units of their view boxes.
const (
	plotWidth, plotHeight   = 640.0, 200.0
	plotLeft, plotBottom    = 44.0, 22.0
	plotTop, plotRight      = 8.0, 8.0
	sparkWidth, sparkHeight = 132.0, 30.0
	colours                 = 8 // that the style sheet has for lines
)

// drawing is a chart as SVG paths, for who has no script.
type drawing struct {
	Paths []drawnLine
	Ticks []tick // across, from the bottom
	Dates []tick // along
}

type drawnLine struct {
	D      string
	Colour int // 0 to colours-1
	Dashed bool
}

type tick struct {
	X, Y  string
	Label string
}

// Drawing draws the chart.
func (p plot) Drawing() drawing {
	top := p.top()
	place := frameOf(len(p.Times), top, plotLeft, plotTop, plotWidth-plotLeft-plotRight, plotHeight-plotTop-plotBottom)
	var d drawing
	for _, line := range p.Lines {
		d.Paths = append(d.Paths, drawnLine{D: place.path(line.Values, line.Steps), Colour: line.Colour, Dashed: line.Dashed})
	}
	for i := range 3 {
		v := top * float64(i) / 2
		d.Ticks = append(d.Ticks, tick{X: coordinate(plotLeft - 6), Y: coordinate(place.y(v)), Label: figure(v)})
	}
	for i := range 3 {
		if n := len(p.Times); n > 1 {
			at := (n - 1) * i / 2
			label := time.Unix(p.Times[at], 0).UTC().Format("01-02 15:04")
			d.Dates = append(d.Dates, tick{X: coordinate(place.x(at)), Y: coordinate(plotHeight - 6), Label: label})
		}
	}
	return d
}

// top is a round number above all values.
func (p plot) top() float64 {
	high := 0.0
	for _, line := range p.Lines {
		for _, v := range line.Values {
			if v != nil {
				high = max(high, *v)
			}
		}
	}
	for _, m := range p.Marks {
		high = max(high, m.Value)
	}
	return roundUp(high)
}

// roundUp is the next number above of the form 1, 2, 3, 4, 5, 6 or 8 times a power of ten.
func roundUp(v float64) float64 {
	if v <= 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 3, 4, 5, 6, 8, 10} {
		if n*unit >= v {
			return n * unit
		}
	}
	return 10 * unit
}

// place says where values stand in a drawing.
type place struct {
	n                    int
	top                  float64
	left, high, wide, up float64
}

func frameOf(n int, top, left, high, wide, up float64) place {
	return place{n: n, top: top, left: left, high: high, wide: wide, up: up}
}

func (p place) x(i int) float64 { return p.left + p.wide*float64(i)/float64(max(1, p.n-1)) }

func (p place) y(v float64) float64 { return p.high + p.up*(1-min(1, max(0, v)/p.top)) }

// path joins values, and leaves a gap where there is none.
func (p place) path(values []*float64, steps bool) string {
	var d strings.Builder
	pen := false
	for i, v := range values {
		if v == nil {
			pen = false
			continue
		}
		x, y := coordinate(p.x(i)), coordinate(p.y(*v))
		switch {
		case !pen:
			d.WriteString("M" + x + " " + y)
			if i+1 == len(values) || values[i+1] == nil {
				d.WriteString("h1") // a point by itself
			}
		case steps:
			d.WriteString("H" + x + "V" + y)
		default:
			d.WriteString("L" + x + " " + y)
		}
		pen = true
	}
	return d.String()
}

// coordinate has one decimal, which is finer than anybody sees.
func coordinate(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}

// spark is a small drawing of the last days of a resource.
type spark struct {
	Actual, Area, Provisioned string
	Text                      string
}

// SparkHours is how many hours of each resource the page shows in small. More are only
// needed of those whose minimum the monitor has lowered.
const SparkHours = 72

func sparkOf(hours []billing.Hour, unit string) *spark {
	if len(hours) < 2 {
		return nil
	}
	hours = hours[max(0, len(hours)-SparkHours):]
	actual, provisioned := make([]*float64, len(hours)), make([]*float64, len(hours))
	high := 0.0
	for i := range hours {
		actual[i], provisioned[i] = &hours[i].Actual, &hours[i].Provisioned
		high = max(high, hours[i].Actual, hours[i].Provisioned)
	}
	at := frameOf(len(hours), max(high, 0.001), 1, 2, sparkWidth-2, sparkHeight-4)
	line := at.path(actual, false)
	p := hoursPlot("", unit, hours)
	return &spark{
		Actual: line, Provisioned: at.path(provisioned, true),
		Area: line + "V" + coordinate(sparkHeight-2) + "H1Z",
		Text: "Last " + plural(len(hours), "hour") + ". " + p.Summary(),
	}
}
