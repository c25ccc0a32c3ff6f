package estatefile

import (
	"cmp"
	"math"
	"slices"
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

// check checks the traffic of a resource.
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
