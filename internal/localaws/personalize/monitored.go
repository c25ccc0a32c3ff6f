package personalize

import (
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

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
