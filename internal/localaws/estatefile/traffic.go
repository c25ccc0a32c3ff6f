package estatefile

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// Step is the length of a period of request counts.
const Step = 5 * time.Minute

// Shapes of generated traffic.
const (
	ShapeConstant = "constant"
	ShapeDaily    = "daily"
	ShapeSpikes   = "spikes"
	ShapeStopped  = "stopped"
)

// Traffic describes the calls to a resource while it is ACTIVE: generated after a shape, or
// replayed from a CSV of request counts. The zero value means none.
type Traffic struct {
	// Shape is constant (TPS all the time), daily (a cosine over the UTC day, TPS on
	// average, PeakTPS at PeakHour), spikes (TPS, and PeakTPS once in each stretch of
	// length Every, for the time Lasting) or stopped (TPS until the age Since, then none).
	Shape   string  `yaml:"shape"`
	TPS     float64 `yaml:"tps"`     // calls a second; more than zero, except for spikes out of nothing
	PeakTPS float64 `yaml:"peakTPS"` // daily: at most twice TPS; spikes: more than TPS
	// PeakHour is the hour of the daily peak, 0 to 23, UTC.
	PeakHour int `yaml:"peakHour"`
	// Every and Lasting place the spikes, in multiples of 5 minutes: 6 hours and 15 minutes
	// if zero.
	Every   time.Duration `yaml:"every"`
	Lasting time.Duration `yaml:"lasting"`
	// Since is how long ago stopped traffic ended, counted from the endpoint's start.
	Since time.Duration `yaml:"since"`
	// JitterPercent varies each five minutes' calls by up to so much, the same way in
	// every run. Zero means none.
	JitterPercent float64 `yaml:"jitterPercent"`
	// Percent4xx and Percent5xx are the shares of calls that fail, in percent. Failed
	// calls are not among the requests but in the …4xxErrors and …5xxErrors metrics.
	Percent4xx float64 `yaml:"percent4xx"`
	Percent5xx float64 `yaml:"percent5xx"`
	// LatencyMillis is the mean latency of successful calls, 35 ms if zero.
	LatencyMillis float64 `yaml:"latencyMillis"`
	// Visible counts the calls of a next-best-action campaign under
	// GetActionRecommendations. AWS documents no such metric, so without it they are not.
	Visible bool `yaml:"visible"`

	// CSV is a file of timestamp,value rows (see ParseTrace), read by Load into Trace. A
	// program sets Trace itself. The end of the last row is moved to the latest five-minute
	// boundary at the endpoint's start, the other rows by as much.
	CSV   string `yaml:"csv"`
	Trace *Trace `yaml:"-"`
	// faulty is set where the CSV could not be read, which is reported once for all that name it.
	faulty bool
	// Scale multiplies the values, 1 if zero. MeanTPS sets the scale so that the rows
	// average so many calls a second, and excludes Scale.
	Scale   float64 `yaml:"scale"`
	MeanTPS float64 `yaml:"meanTPS"`
	// Repeat starts the CSV again after its last row. Without it there are no calls then.
	Repeat bool `yaml:"repeat"`
}

// None reports whether there is no traffic.
func (t *Traffic) None() bool { return t.Shape == "" && t.Trace == nil && t.CSV == "" }

// Spikes returns how often spikes come and how long they last.
func (t *Traffic) Spikes() (every, lasting time.Duration) {
	return cmp.Or(t.Every, 6*time.Hour), cmp.Or(t.Lasting, 15*time.Minute)
}

// Factor is the factor of the trace's values.
func (t *Traffic) Factor() float64 {
	if t.MeanTPS > 0 {
		return t.MeanTPS * Step.Seconds() / t.Trace.Mean()
	}
	return cmp.Or(t.Scale, 1)
}

func (t *Traffic) check(at place, what string) {
	forbid := func(wrong bool, key, format string, args ...any) {
		at.forbid(wrong, key, what+": traffic: "+format, args...)
	}
	if t.None() {
		forbid(at.given(), "shape", "give a shape (constant, daily, spikes, stopped) or a csv")
		return
	}
	for key, v := range map[string]float64{
		"tps": t.TPS, "peakTPS": t.PeakTPS, "jitterPercent": t.JitterPercent, "percent4xx": t.Percent4xx,
		"percent5xx": t.Percent5xx, "latencyMillis": t.LatencyMillis, "scale": t.Scale, "meanTPS": t.MeanTPS,
	} {
		forbid(v < 0 || math.IsNaN(v) || v > 1e9, key, "%s is %v; it is from 0 to 1,000,000,000", key, v)
	}
	forbid(t.JitterPercent > 100, "jitterPercent", "jitterPercent is %v; it is at most 100", t.JitterPercent)
	failing := t.Percent4xx + t.Percent5xx
	forbid(failing > 100, "percent5xx", "percent4xx and percent5xx are %v together; they are at most 100", failing)
	kind, name := t.Shape, "shape: "+t.Shape
	if kind == "" {
		kind, name = "csv", "a csv"
	}
	valid, ok := shapeKeys[kind]
	if !ok {
		forbid(true, "shape", "shape is %q; it is constant, daily, spikes, stopped", t.Shape)
		return
	}
	for key, given := range map[string]bool{
		"tps": t.TPS != 0, "peakTPS": t.PeakTPS != 0, "peakHour": t.PeakHour != 0, "every": t.Every != 0, "lasting": t.Lasting != 0,
		"since": t.Since != 0, "jitterPercent": t.JitterPercent != 0,
		"csv": t.CSV != "" || t.Trace != nil, "scale": t.Scale != 0, "meanTPS": t.MeanTPS != 0, "repeat": t.Repeat,
	} {
		forbid(given && !slices.Contains(strings.Fields(valid), key), key, "%s does not go with %s", key, name)
	}
	t.checkShape(forbid)
}

// shapeKeys are the keys that go with each shape and with a csv, besides the general ones.
var shapeKeys = map[string]string{
	ShapeConstant: "tps jitterPercent",
	ShapeDaily:    "tps jitterPercent peakTPS peakHour",
	ShapeSpikes:   "tps jitterPercent peakTPS every lasting",
	ShapeStopped:  "tps jitterPercent since",
	"csv":         "csv scale meanTPS repeat",
}

func (t *Traffic) checkShape(forbid func(wrong bool, key, format string, args ...any)) {
	forbid(t.TPS <= 0 && api.Is(t.Shape, ShapeConstant, ShapeDaily, ShapeStopped), "tps",
		"tps is %v; with shape: %s it is more than 0", t.TPS, t.Shape)
	switch every, lasting := t.Spikes(); t.Shape {
	case ShapeDaily:
		forbid(t.PeakTPS < t.TPS || t.PeakTPS > 2*t.TPS, "peakTPS",
			"peakTPS is %v; around a mean of %v it is from %v to %v", t.PeakTPS, t.TPS, t.TPS, 2*t.TPS)
		forbid(t.PeakHour < 0 || t.PeakHour > 23, "peakHour", "peakHour is %d; it is from 0 to 23, UTC", t.PeakHour)
	case ShapeSpikes:
		forbid(t.PeakTPS <= t.TPS, "peakTPS", "peakTPS is %v; it is more than tps, %v", t.PeakTPS, t.TPS)
		forbid(lasting <= 0 || lasting > every || lasting%Step != 0 || every%Step != 0, "lasting",
			"spikes last %v in every %v; both are multiples of 5 minutes, and every is the longer", lasting, every)
	case ShapeStopped:
		forbid(t.Since <= 0, "since", "give since: how long ago the traffic stopped, such as 31h")
	case "":
		forbid(t.Scale != 0 && t.MeanTPS != 0, "meanTPS", "scale and meanTPS exclude each other")
		forbid(t.Trace == nil && !t.faulty, "csv", "csv %q was not read; load the estate from a file, or set Trace", t.CSV)
		forbid(t.MeanTPS != 0 && t.Trace != nil && t.Trace.Mean() <= 0, "meanTPS", "meanTPS needs a csv with requests in it")
	}
}

// maxTraceSpan bounds the time from a trace's first row to its last.
const maxTraceSpan = 10 * 366 * 24 * time.Hour

// Trace is a series of request counts to replay, each for the five minutes from its stamp.
// Only distances count: a replay moves the end of the last row to the present.
type Trace struct {
	// rows are the counts by period before the last row's, which is 0; ascending, with
	// rows that fall into one period added up and those of zero left out.
	rows []traceRow
	// before is the time from the first row's stamp to the last row's.
	before time.Duration
	mean   float64
	notes  []string
}

type traceRow struct {
	period int64 // 0 for the last row, -1 for the five minutes before it …
	count  float64
}

// Mean is the average value of the rows, zeros included.
func (t *Trace) Mean() float64 { return t.mean }

// Notes name what is odd about the rows but does not keep them from being replayed: equal time
// stamps and gaps, each with the first or longest one. Each begins with the file's name.
func (t *Trace) Notes() []string { return t.notes }

// Peak is the highest count of any five minutes of the trace.
func (t *Trace) Peak() float64 {
	peak := 0.0
	for _, row := range t.rows {
		peak = max(peak, row.count)
	}
	return peak
}

// Span is the time from the first row's stamp to the end of the last row.
func (t *Trace) Span() time.Duration { return t.before + Step }

// At is the count of a period, counted from the last row's; zero where there is no row.
func (t *Trace) At(period int64, repeat bool) float64 {
	if period > 0 && repeat {
		length := int64((t.before+Step-1)/Step) + 1
		period = (period-1)%length - length + 1
	}
	i := sort.Search(len(t.rows), func(i int) bool { return t.rows[i].period >= period })
	if i == len(t.rows) || t.rows[i].period != period {
		return 0
	}
	return t.rows[i].count
}

// Layouts of the stamps; without a zone they are taken for UTC, which makes no difference.
var traceLayouts = []string{"2006-01-02 15:04:05", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04"}

// ParseTrace reads a CSV of the columns timestamp,value, with that header, in ascending
// order of time and mostly 5 minutes apart. A value is a count of requests, whole or not, zero
// or more. The error names the file, the line of the first fault and what is valid.
func ParseTrace(data []byte, name string) (*Trace, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	r.ReuseRecord = true
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil || !strings.EqualFold(strings.Join(header, ","), "timestamp,value") {
		return nil, fmt.Errorf("%s:1: the first line is not the header timestamp,value", name)
	}
	var stamps []time.Time
	var values []float64
	var lines []int
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if bad, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, fmt.Errorf("%s:%d:%d: %w", name, bad.Line, bad.Column, bad.Err)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := r.FieldPos(0)
		at, value, err := readTraceRow(record)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if n := len(stamps); n > 0 && at.Before(stamps[n-1]) {
			return nil, fmt.Errorf("%s:%d: %s is before the row above; rows are in ascending order of time", name, line, record[0])
		}
		stamps, values, lines = append(stamps, at), append(values, value), append(lines, line)
	}
	if len(stamps) == 0 {
		return nil, fmt.Errorf("%s: no rows below the header", name)
	}
	// The first stamp is compared with the last through seconds: a difference of years
	// does not fit a Duration.
	if stamps[len(stamps)-1].Unix()-stamps[0].Unix() > int64(maxTraceSpan/time.Second) {
		return nil, fmt.Errorf("%s: the rows span more than ten years", name)
	}
	if apart := usualStep(stamps); apart < Step-time.Minute || apart > Step+time.Minute {
		return nil, fmt.Errorf("%s: the rows are %s apart; replayed are counts of 5 minutes each", name, apart)
	}
	t := newTrace(stamps, values)
	t.notes = traceNotes(name, stamps, lines)
	return t, nil
}

// traceNotes names equal time stamps and gaps between rows that are in order of time.
func traceNotes(name string, stamps []time.Time, lines []int) []string {
	equal, gaps, longest := []int{}, 0, 0 // indexes of rows after the first
	for i := 1; i < len(stamps); i++ {
		switch apart := stamps[i].Sub(stamps[i-1]); {
		case apart == 0:
			equal = append(equal, i)
		case apart > Step+Step/2:
			gaps++
			if longest == 0 || apart > stamps[longest].Sub(stamps[longest-1]) {
				longest = i
			}
		}
	}
	const layout = "2006-01-02 15:04:05"
	var notes []string
	if n := len(equal); n > 0 {
		first := equal[0]
		notes = append(notes, fmt.Sprintf("%s:%d: the time stamp %s is that of the row above, too; both counts are added up (rows like this: %d)",
			name, lines[first], stamps[first].Format(layout), n))
	}
	if gaps > 0 {
		notes = append(notes, fmt.Sprintf("%s:%d: no row between %s and %s; no request is replayed there (gaps like this: %d, this is the longest)",
			name, lines[longest], stamps[longest-1].Format(layout), stamps[longest].Format(layout), gaps))
	}
	return notes
}

// usualStep is the median distance of neighbouring rows. A single row is as far apart as it
// should be.
func usualStep(stamps []time.Time) time.Duration {
	if len(stamps) < 2 {
		return Step
	}
	steps := make([]time.Duration, 0, len(stamps)-1)
	for i := 1; i < len(stamps); i++ {
		steps = append(steps, stamps[i].Sub(stamps[i-1]))
	}
	slices.Sort(steps)
	return steps[len(steps)/2]
}

func readTraceRow(record []string) (time.Time, float64, error) {
	if len(record) != 2 {
		return time.Time{}, 0, fmt.Errorf("%d columns instead of timestamp,value", len(record))
	}
	value, err := strconv.ParseFloat(record[1], 64)
	if err != nil || math.IsNaN(value) || value < 0 || value > 1e12 {
		return time.Time{}, 0, fmt.Errorf("value %q is not a count of requests: a number from 0 on", record[1])
	}
	for _, layout := range traceLayouts {
		if at, err := time.Parse(layout, record[0]); err == nil {
			return at, value, nil
		}
	}
	return time.Time{}, 0, fmt.Errorf("timestamp %q is not a time such as 2006-01-02 15:04:05 or 2006-01-02T15:04:05Z", record[0])
}

func newTrace(stamps []time.Time, values []float64) *Trace {
	last := stamps[len(stamps)-1]
	t := &Trace{before: last.Sub(stamps[0]), rows: make([]traceRow, 0, len(stamps))}
	var sum float64
	for i, at := range stamps {
		sum += values[i]
		if values[i] == 0 {
			continue
		}
		period := -int64((last.Sub(at) + Step - 1) / Step)
		if n := len(t.rows); n > 0 && t.rows[n-1].period == period {
			t.rows[n-1].count += values[i]
			continue
		}
		t.rows = append(t.rows, traceRow{period: period, count: values[i]})
	}
	t.mean = sum / float64(len(stamps))
	return t
}
