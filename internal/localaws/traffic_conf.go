package localaws

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Shapes of generated traffic.
const (
	shapeConstant = "constant"
	shapeDaily    = "daily"
	shapeSpikes   = "spikes"
	shapeStopped  = "stopped"
)

// EstateTraffic describes the calls to a resource while it is ACTIVE: generated after a
// shape, or replayed from a CSV of request counts. The zero value means none.
type EstateTraffic struct {
	// Shape is constant (TPS all the time), daily (a cosine over the UTC day, TPS on
	// average, PeakTPS at PeakHour), spikes (TPS, and PeakTPS once in each stretch of
	// length Every, for the time Lasting) or stopped (TPS until the age Since, then none).
	Shape   string
	TPS     float64 // calls a second; more than zero, except for spikes out of nothing
	PeakTPS float64 // daily: at most twice TPS; spikes: more than TPS
	// PeakHour is the hour of the daily peak, 0 to 23, UTC.
	PeakHour int
	// Every and Lasting place the spikes, in multiples of 5 minutes: 6 hours and 15 minutes
	// if zero.
	Every, Lasting time.Duration
	// Since is how long ago stopped traffic ended, counted from the endpoint's start.
	Since time.Duration
	// JitterPercent varies each five minutes' calls by up to so much, the same way in
	// every run. Zero means none.
	JitterPercent float64
	// Percent4xx and Percent5xx are the shares of calls that fail, in percent. Failed
	// calls are not among the requests but in the …4xxErrors and …5xxErrors metrics.
	Percent4xx, Percent5xx float64
	// LatencyMillis is the mean latency of successful calls, 35 ms if zero.
	LatencyMillis float64
	// Visible counts the calls of a next-best-action campaign under
	// GetActionRecommendations. AWS documents no such metric, so without it they are not.
	Visible bool

	// CSV is a file of timestamp,value rows (see ParseTrace), read by LoadEstate into
	// Trace. A program sets Trace itself. The end of the last row is moved to the latest
	// five-minute boundary at the endpoint's start, the other rows by as much.
	CSV   string
	Trace *Trace
	// Scale multiplies the values, 1 if zero. MeanTPS sets the scale so that the rows
	// average so many calls a second, and excludes Scale.
	Scale, MeanTPS float64
	// Repeat starts the CSV again after its last row. Without it there are no calls then.
	Repeat bool

	where place
}

func (c *EstateTraffic) none() bool { return c.Shape == "" && c.Trace == nil && c.CSV == "" }

func (c *EstateTraffic) every() time.Duration { return orElse(c.Every, 6*time.Hour) }

func (c *EstateTraffic) lasting() time.Duration { return orElse(c.Lasting, 15*time.Minute) }

func (c *EstateTraffic) latency() float64 { return orElse(c.LatencyMillis, 35) }

func (c *EstateTraffic) scale() float64 {
	if c.MeanTPS > 0 {
		return c.MeanTPS * step.Seconds() / c.Trace.Mean()
	}
	return orElse(c.Scale, 1)
}

// orElse is v, or the default if v is zero.
func orElse[T comparable](v, standard T) T {
	var zero T
	if v == zero {
		return standard
	}
	return v
}

// check reports what is wrong with the traffic of the resource named by what.
func (c *EstateTraffic) check(what string, found *faultList) {
	bad := func(key, format string, args ...any) {
		found.add(c.where.of(key), what+": traffic: "+format, args...)
	}
	if c.none() {
		if len(c.where.keys) > 0 {
			bad("shape", "give a shape (constant, daily, spikes, stopped) or a csv")
		}
		return
	}
	for key, v := range map[string]float64{
		"tps": c.TPS, "peakTPS": c.PeakTPS, "jitterPercent": c.JitterPercent, "percent4xx": c.Percent4xx,
		"percent5xx": c.Percent5xx, "latencyMillis": c.LatencyMillis, "scale": c.Scale, "meanTPS": c.MeanTPS,
	} {
		if v < 0 || math.IsNaN(v) || v > 1e9 {
			bad(key, "%s is %v; it is from 0 to 1,000,000,000", key, v)
		}
	}
	if c.JitterPercent > 100 {
		bad("jitterPercent", "jitterPercent is %v; it is at most 100", c.JitterPercent)
	}
	if c.Percent4xx+c.Percent5xx > 100 {
		bad("percent5xx", "percent4xx and percent5xx are %v together; they are at most 100", c.Percent4xx+c.Percent5xx)
	}
	if c.Shape != "" {
		c.checkShape(bad)
	} else {
		c.checkReplay(bad)
	}
}

// shapeKeys are the keys that belong to each shape, besides tps and the general ones.
var shapeKeys = map[string][]string{
	shapeConstant: {},
	shapeDaily:    {"peakTPS", "peakHour"},
	shapeSpikes:   {"peakTPS", "every", "lasting"},
	shapeStopped:  {"since"},
}

func (c *EstateTraffic) checkShape(bad func(key, format string, args ...any)) {
	allowed, ok := shapeKeys[c.Shape]
	if !ok {
		bad("shape", "shape is %q; it is %s", c.Shape, strings.Join(slices.Sorted(maps.Keys(shapeKeys)), ", "))
		return
	}
	for key, given := range map[string]bool{
		"peakTPS": c.PeakTPS != 0, "peakHour": c.PeakHour != 0, "every": c.Every != 0, "lasting": c.Lasting != 0, "since": c.Since != 0,
		"csv": c.CSV != "" || c.Trace != nil, "scale": c.Scale != 0, "meanTPS": c.MeanTPS != 0, "repeat": c.Repeat,
	} {
		if given && !slices.Contains(allowed, key) {
			bad(key, "%s does not go with shape: %s", key, c.Shape)
		}
	}
	if c.TPS <= 0 && c.Shape != shapeSpikes {
		bad("tps", "tps is %v; with shape: %s it is more than 0", c.TPS, c.Shape)
	}
	c.checkPeaks(bad)
}

// checkPeaks checks what only one of the shapes has.
func (c *EstateTraffic) checkPeaks(bad func(key, format string, args ...any)) {
	switch c.Shape {
	case shapeDaily:
		if c.PeakTPS < c.TPS || c.PeakTPS > 2*c.TPS {
			bad("peakTPS", "peakTPS is %v; around a mean of %v it is from %v to %v", c.PeakTPS, c.TPS, c.TPS, 2*c.TPS)
		}
		if c.PeakHour < 0 || c.PeakHour > 23 {
			bad("peakHour", "peakHour is %d; it is from 0 to 23, UTC", c.PeakHour)
		}
	case shapeSpikes:
		if c.PeakTPS <= c.TPS {
			bad("peakTPS", "peakTPS is %v; it is more than tps, %v", c.PeakTPS, c.TPS)
		}
		if c.lasting() <= 0 || c.lasting() > c.every() || c.lasting()%step != 0 || c.every()%step != 0 {
			bad("lasting", "spikes last %v in every %v; both are multiples of 5 minutes, and every is the longer", c.lasting(), c.every())
		}
	case shapeStopped:
		if c.Since <= 0 {
			bad("since", "give since: how long ago the traffic stopped, such as 31h")
		}
	}
}

func (c *EstateTraffic) checkReplay(bad func(key, format string, args ...any)) {
	for key, given := range map[string]bool{
		"tps": c.TPS != 0, "peakTPS": c.PeakTPS != 0, "peakHour": c.PeakHour != 0, "every": c.Every != 0, "lasting": c.Lasting != 0,
		"since": c.Since != 0, "jitterPercent": c.JitterPercent != 0,
	} {
		if given {
			bad(key, "%s does not go with a csv", key)
		}
	}
	if c.Scale != 0 && c.MeanTPS != 0 {
		bad("meanTPS", "scale and meanTPS exclude each other")
	}
	if c.Trace == nil {
		bad("csv", "csv %q was not read; load the estate from a file, or set Trace", c.CSV)
		return
	}
	if c.MeanTPS != 0 && c.Trace.Mean() <= 0 {
		bad("meanTPS", "meanTPS needs a csv with requests in it")
	}
}

// useCasesOf lists the recommenders' recipes with a prefix, sorted.
func useCasesOf(prefix string) []string {
	var names []string
	for name := range useCases {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
