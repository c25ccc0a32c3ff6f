package personalize

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

// Suffixes of the metrics that go with a request metric.
const (
	suffix4xx     = "4xxErrors"
	suffix5xx     = "5xxErrors"
	suffixLatency = "Latency"
)

// interval is a half-open stretch of time, in milliseconds since the epoch. An end of
// openEnd means it has not ended. Numbers, for they are compared millions of times.
type interval struct {
	from, to int64
}

const openEnd = math.MaxInt64

// traffic computes the requests to one resource, period by period, from its description
// and the times it was there to serve them. Nothing is stored: the same period always
// has the same counts.
type traffic struct {
	conf   *estatefile.Traffic
	seed   uint64
	served *[]interval // of the resource; it grows with stops and starts
	// end is when requests stop for good, as in an interval.
	end int64
	// base is the period of a CSV's last row, in steps since the epoch.
	base int64
}

const (
	stepSeconds = int64(estatefile.Step / time.Second)
	stepMillis  = int64(estatefile.Step / time.Millisecond)
)

// attempts is the number of calls in a period, counted in steps since the epoch, with the
// failed ones.
func (t *traffic) attempts(period int64) float64 {
	from := period * stepMillis
	to := min(from+stepMillis, t.end)
	var there int64
	for _, i := range *t.served {
		there += max(min(to, i.to)-max(from, i.from), 0)
	}
	if there == 0 {
		return 0
	}
	share := float64(there) / float64(stepMillis)
	if t.conf.Trace != nil {
		return t.conf.Trace.At(period-t.base, t.conf.Repeat) * t.conf.Factor() * share
	}
	rate := t.rate(period)
	if t.conf.JitterPercent > 0 {
		rate *= 1 + t.conf.JitterPercent/100*spread(t.seed, period)
	}
	return math.Round(rate * float64(stepSeconds) * share)
}

// counts splits the calls of a period into successful and failed ones. Generated calls
// are whole; a CSV's keep its fractions.
func (t *traffic) counts(period int64) (ok, failed4xx, failed5xx float64) {
	all := t.attempts(period)
	failed4xx, failed5xx = all*t.conf.Percent4xx/100, all*t.conf.Percent5xx/100
	if t.conf.Trace == nil {
		failed4xx = math.Round(failed4xx)
		failed5xx = min(math.Round(failed5xx), all-failed4xx)
	}
	return max(all-failed4xx-failed5xx, 0), failed4xx, failed5xx
}

// trafficMetric is one metric of a resource's traffic; an api.Source.
type trafficMetric struct {
	*traffic
	suffix string
}

// Value returns the metric for the five minutes from start. A period without calls of the
// metric's sort has no value.
func (m trafficMetric) Value(start time.Time) (float64, bool) {
	period := start.Unix() / stepSeconds
	ok, failed4xx, failed5xx := m.counts(period)
	switch m.suffix {
	case suffix4xx:
		return failed4xx, failed4xx > 0
	case suffix5xx:
		return failed5xx, failed5xx > 0
	case suffixLatency:
		return cmp.Or(m.conf.LatencyMillis, 35) * (1 + 0.2*spread(m.seed+1, period)), ok > 0
	}
	return ok, ok > 0
}

// metrics returns the metrics of the traffic, by name.
func (t *traffic) metrics(metric string) map[string]api.Source {
	all := map[string]api.Source{metric: trafficMetric{t, ""}, metric + suffixLatency: trafficMetric{t, suffixLatency}}
	if t.conf.Percent4xx > 0 {
		all[metric+suffix4xx] = trafficMetric{t, suffix4xx}
	}
	if t.conf.Percent5xx > 0 {
		all[metric+suffix5xx] = trafficMetric{t, suffix5xx}
	}
	return all
}

// rate is the shape's rate of calls a second in a period, before jitter.
func (t *traffic) rate(period int64) float64 {
	c := t.conf
	switch c.Shape {
	case estatefile.ShapeDaily:
		// The cosine is taken in the middle of the period.
		slot := (period - int64(c.PeakHour)*stepsPerDay/24) % stepsPerDay
		return c.TPS + (c.PeakTPS-c.TPS)*dayCosine[(slot+stepsPerDay)%stepsPerDay]
	case estatefile.ShapeSpikes:
		if t.spiking(period) {
			return c.PeakTPS
		}
	}
	return c.TPS
}

const stepsPerDay = int64(24 * time.Hour / estatefile.Step)

// dayCosine is a cosine over the day, by step.
var dayCosine = func() (table [stepsPerDay]float64) {
	for i := range table {
		table[i] = math.Cos(2 * math.Pi * (float64(i) + 0.5) / float64(stepsPerDay))
	}
	return table
}()

// spiking reports whether a period is in a spike: there is one in every stretch of length
// Every, at a place that differs from stretch to stretch.
func (t *traffic) spiking(period int64) bool {
	howOften, howLong := t.conf.Spikes()
	every, lasting := int64(howOften/estatefile.Step), int64(howLong/estatefile.Step)
	stretch := period / every
	begin := int64(float64(every-lasting+1) * (spread(t.seed+2, stretch) + 1) / 2)
	into := period - stretch*every - begin
	return into >= 0 && into < lasting
}

// spread is a number from -1 up to 1, always the same for a seed and a number, and far apart
// for neighbouring numbers (the finalizer of SplitMix64).
func spread(seed uint64, n int64) float64 {
	x := seed + uint64(n)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return float64(x>>11)/(1<<52) - 1
}

// seedOf makes a resource's seed from the estate's and its ARN (FNV-1a).
func seedOf(seed int64, arn string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(arn) {
		h = (h ^ uint64(arn[i])) * 1099511628211
	}
	return h ^ uint64(seed)*0x9e3779b97f4a7c15
}

// The metrics of a monitor, of the whole of it and of each endpoint.
const (
	monitorNamespace = "PersonalizeMonitor"
	metricCount      = "monitoredResourceCount"

	unitCount   = "Count"
	unitRate    = "Count/Second"
	unitPercent = "Percent"
)

// monitored adds the metrics that a monitor published before the endpoint started.
type monitored struct {
	register    Register
	since, ends int64   // in steps since the epoch; the step that ended last is left to the next monitor
	begins      []int64 // of each endpoint's metrics
}

func newMonitored(howLong time.Duration, now time.Time, register Register) *monitored {
	return &monitored{register: register, since: stepFrom(now.Add(-howLong).UnixMilli()), ends: now.Unix()/stepSeconds - 1}
}

// stepFrom is the first step that begins at a time or later.
func stepFrom(millis int64) int64 { return -floorDiv(-millis, stepMillis) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// add adds the metrics of an endpoint for the time that it was ACTIVE. t is its traffic, nil
// without any. Of one whose requests are not visible there is only the minimum.
func (m *monitored) add(e *endpoint, dims map[string]string, t *traffic, visible bool) {
	if m.since >= m.ends || len(e.served) == 0 {
		return
	}
	begin := max(m.since, stepFrom(e.served[0].from))
	m.begins = append(m.begins, begin)
	minimum, average, utilization := e.MinTPS, "averageTPS", "campaignUtilization"
	name := "minProvisionedTPS"
	if e.kind == kindRecommender {
		minimum, average, utilization = *e.recommender.MinRPS, "averageRPS", "recommenderUtilization"
		name = "minRecommendationRequestsPerSecond"
	}
	put := func(name, unit, measured string, value func(step int64) (float64, bool)) {
		m.register(e.region.Home, monitorNamespace, name, dims, past{begin, m.ends, unit, measured, value})
	}
	put(name, unitRate, "", func(int64) (float64, bool) { return float64(minimum), true })
	rate := func(step int64) float64 {
		if t == nil {
			return 0
		}
		served, _, _ := t.counts(step)
		return served / float64(stepSeconds)
	}
	if visible {
		put(average, unitRate, namespace, func(step int64) (float64, bool) { v := rate(step); return v, v > 0 })
		put(utilization, unitPercent, namespace, func(step int64) (float64, bool) { return rate(step) / float64(minimum) * 100, true })
	}
}

// count adds the number of endpoints, in the region of the monitor.
func (m *monitored) count(h api.Home) {
	if m.since >= m.ends {
		return
	}
	slices.Sort(m.begins)
	m.register(h, monitorNamespace, metricCount, nil, past{m.since, m.ends, unitCount, "", func(step int64) (float64, bool) {
		n, _ := slices.BinarySearch(m.begins, step+1)
		return float64(n), true
	}})
}

// past is a metric of the monitor; an api.Past.
type past struct {
	begin, end int64 // in steps since the epoch
	unit       string
	measured   string // namespace of the data that the values were made of
	value      func(step int64) (float64, bool)
}

func (p past) Unit() string { return p.unit }

func (p past) Measured() string { return p.measured }

func (p past) End() time.Time { return time.Unix(p.end*stepSeconds, 0).UTC() }

func (p past) Value(start time.Time) (float64, bool) {
	step := start.Unix() / stepSeconds
	if step < p.begin || step >= p.end {
		return 0, false
	}
	return p.value(step)
}
