package chart

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Drawing is a chart as SVG paths, for browsers without scripts. The view box is 640 by 200.
type Drawing struct {
	Shade string // path of the area between the first two lines; empty without one
	Pins  []Tick // numbered
	Gaps  []Area // to be hatched
	Paths []DrawnLine
	Ticks []Tick // across, from the bottom
	Dates []Tick // along
}

// DrawnLine is a line as an SVG path.
type DrawnLine struct {
	D      string
	Colour int // 0 to Colours-1
	Dashed bool
}

// Area is a part of the plot, from its top to its bottom.
type Area struct{ X, Width string }

// Tick is a label at a place.
type Tick struct{ X, Y, Label string }

// Drawing draws the chart.
func (c Chart) Drawing() Drawing {
	const width, height, left, top, right, bottom = 640, 200, 44, 8, 8, 22
	s := scale{n: len(c.Times), max: c.top(), left: left, top: top, width: width - left - right, height: height - top - bottom}
	var d Drawing
	for _, line := range c.Lines {
		d.Paths = append(d.Paths, DrawnLine{D: s.path(line.Values, line.Steps), Colour: line.Colour, Dashed: line.Dashed})
	}
	if c.Shade != "" && len(c.Lines) > 1 {
		d.Shade = s.area(c.Lines[0].Values, c.Lines[1].Values)
	}
	for i := range 3 {
		v := s.max * float64(i) / 2
		d.Ticks = append(d.Ticks, Tick{X: coordinate(left - 6), Y: coordinate(s.y(v)), Label: model.Figure(v)})
	}
	if s.n < 2 {
		return d
	}
	along := func(at int64) float64 {
		return s.left + s.width*min(1, max(0, float64(at-c.Times[0])/float64(c.Times[s.n-1]-c.Times[0])))
	}
	for i, pin := range c.Pins {
		if pin.At >= c.Times[0] {
			d.Pins = append(d.Pins, Tick{X: coordinate(along(pin.At)), Label: strconv.Itoa(i + 1)})
		}
	}
	for _, g := range c.Gaps {
		from, until := along(g.From), along(g.Until)
		d.Gaps = append(d.Gaps, Area{X: coordinate(min(from, s.left+s.width-2)), Width: coordinate(max(2, until-from))})
	}
	for i := range 3 {
		at := (s.n - 1) * i / 2
		d.Dates = append(d.Dates, Tick{X: coordinate(s.x(at)), Y: coordinate(height - 6), Label: secondsText(c.Times[at])})
	}
	return d
}

// top is a round number above all values.
func (c Chart) top() float64 {
	high := 0.0
	for _, line := range c.Lines {
		for _, v := range line.Values {
			if v != nil {
				high = max(high, *v)
			}
		}
	}
	for _, m := range c.Marks {
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
	for _, n := range []float64{1, 2, 3, 4, 5, 6, 8} {
		if n*unit >= v {
			return n * unit
		}
	}
	return 10 * unit
}

// scale converts values to coordinates: n values along width, 0 to max along height.
type scale struct {
	n                             int
	max, left, top, width, height float64
	coarse                        bool // whole pixels along: a table has many small drawings
}

func (s scale) x(i int) float64 {
	x := s.left + s.width*float64(i)/float64(max(1, s.n-1))
	if s.coarse {
		return math.Round(x)
	}
	return x
}

func (s scale) y(v float64) float64 { return s.top + s.height*(1-min(1, max(0, v)/s.max)) }

// path joins values, and leaves a gap where one is unknown.
func (s scale) path(values []*float64, steps bool) string {
	var d strings.Builder
	drawing := false
	for i, v := range values {
		if v == nil {
			drawing = false
			continue
		}
		x, y := coordinate(s.x(i)), coordinate(s.y(*v))
		switch {
		case !drawing:
			d.WriteString("M" + x + " " + y)
			if i+1 == len(values) || values[i+1] == nil {
				d.WriteString("h1") // a single point
			}
		case steps && *v == *values[i-1]:
			if i+1 == len(values) || values[i+1] == nil || *values[i+1] != *v {
				d.WriteString("H" + x)
			}
		case steps:
			d.WriteString("H" + x + "V" + y)
		default:
			d.WriteString("L" + x + " " + y)
		}
		drawing = true
	}
	return d.String()
}

// area is what lies between an upper and a lower line, where both are known and in this order.
func (s scale) area(upper, lower []*float64) string {
	var d strings.Builder
	top := func(j int) float64 { return max(*upper[j], *lower[j]) }
	for i := 0; i < len(upper); i++ {
		from := i
		for i < len(upper) && upper[i] != nil && lower[i] != nil {
			i++
		}
		if i-from < 2 {
			continue
		}
		for j := from; j < i; j++ {
			letter := "L"
			if j == from {
				letter = "M"
			} else if j+1 < i && top(j-1) == top(j) && top(j) == top(j+1) {
				continue // on the way
			}
			d.WriteString(letter + coordinate(s.x(j)) + " " + coordinate(s.y(top(j))))
		}
		for j := i - 1; j >= from; j-- {
			d.WriteString("L" + coordinate(s.x(j)) + " " + coordinate(s.y(*lower[j])))
		}
		d.WriteString("Z")
	}
	return d.String()
}

// coordinate has one decimal, finer than anyone can see.
func coordinate(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

// SparkHours is how many hours of a resource a small drawing shows.
const SparkHours = 72

// Spark is a small drawing of the last hours of a resource. The view box is 112 by 28.
type Spark struct{ Actual, Waste, Provisioned, Text string }

// SparkHour is an hour of a small drawing, which needs little memory: a page keeps them of every resource.
type SparkHour struct{ Provisioned, Actual float32 }

// SparkHoursOf are the last SparkHours, without their times.
func SparkHoursOf(hours []billing.Hour) []SparkHour {
	hours = hours[max(0, len(hours)-SparkHours):]
	kept := make([]SparkHour, len(hours))
	for i, h := range hours {
		kept[i] = SparkHour{float32(h.Provisioned), float32(h.Actual)}
	}
	return kept
}

// SparkOf draws hours; nil if there are not two of them.
func SparkOf(kept []SparkHour, unit string) *Spark {
	if len(kept) < 2 {
		return nil
	}
	const width, height = 112, 28
	hours := make([]billing.Hour, len(kept))
	for i, h := range kept { // the drawing shows no times
		hours[i] = billing.Hour{Start: time.Unix(int64(i)*3600, 0), Provisioned: float64(h.Provisioned), Actual: float64(h.Actual)}
	}
	actual, provisioned := make([]*float64, len(hours)), make([]*float64, len(hours))
	high := 0.001
	for i := range hours {
		actual[i], provisioned[i] = &hours[i].Actual, &hours[i].Provisioned
		high = max(high, hours[i].Actual, hours[i].Provisioned)
	}
	s := scale{n: len(hours), max: high, left: 1, top: 2, width: width - 2, height: height - 4, coarse: true}
	return &Spark{
		Actual: s.path(actual, false), Provisioned: s.path(provisioned, true), Waste: s.area(provisioned, actual),
		Text: "Last " + model.Plural(len(hours), "hour") + ". " + OfHours("", unit, hours).Summary(),
	}
}
