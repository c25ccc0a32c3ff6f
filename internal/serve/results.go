package serve

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// resultCollector has the metrics of the last result. Those of the resources are not collected but written, one
// after the other, while they are read: of 100,000 resources they would take 100 MB. A resource that is no longer in
// the result has none.
type resultCollector struct {
	last    atomic.Pointer[shownResult] // nil if the last cycle measured nothing
	account prometheus.Labels           // the label of one of several accounts; nil if there is one

	resources, late, left, windowEnd *prometheus.Desc
}

// shownResult is the result of a cycle that has decided all.
type shownResult struct {
	report.Result      // its alarms are those of the last cycle that has ended
	wrote         bool // that cycle led, so that its alarms are known
}

// decided shows what a cycle has decided, before it changes alarms.
func (c *resultCollector) decided(result report.Result) {
	shown := &shownResult{Result: result}
	if last := c.last.Load(); last != nil {
		shown.Alarms, shown.wrote = last.Alarms, last.wrote
	}
	c.last.Store(shown)
}

// resourceMetric is a gauge of each resource.
type resourceMetric struct {
	name, help string
	value      func(report.Resource) *float64 // nil if it is unknown
}

// resourceMetrics are the gauges of the resources.
var resourceMetrics = []resourceMetric{
	{
		"minimum_requests_per_second", "Configured minimum (minProvisionedTPS or minRecommendationRequestsPerSecond).",
		func(r report.Resource) *float64 { return new(float64(r.Min)) },
	},
	{
		"average_requests_per_second", "Requests per second in the last window; absent if it could not be read.",
		func(r report.Resource) *float64 { return r.Average },
	},
	{
		"utilization_ratio", "Average divided by minimum; 1 is fully used; absent if it could not be read.",
		func(r report.Resource) *float64 {
			if r.Utilization == nil {
				return nil
			}
			return new(*r.Utilization / 100)
		},
	},
}

func newResultCollector(account model.Account) *resultCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, accountLabels(account))
	}
	return &resultCollector{
		account:   accountLabels(account),
		resources: desc("resources", "Monitored campaigns and recommenders; absent if not all could be listed and described.", "kind", "region"),
		late: desc("data_late",
			"1 for a region whose CloudWatch data are late, so that nothing is changed in it; else absent.", "region"),
		left:      desc("alarm_changes_left", "Alarm changes that did not fit into the last cycle; absent on standby, as the leader makes them."),
		windowEnd: desc("window_end_timestamp_seconds", "End of the 5 minutes measured last, in seconds since 1970."),
	}
}

// Describe implements prometheus.Collector.
func (c *resultCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.resources, c.late, c.left, c.windowEnd} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (c *resultCollector) Collect(out chan<- prometheus.Metric) {
	result := c.last.Load()
	if result == nil {
		return
	}
	counts := map[report.Listing]int{}
	for _, r := range result.Resources {
		counts[report.Listing{Kind: r.Kind, Region: r.Region}]++
	}
	for _, gap := range result.Gaps() {
		delete(counts, gap.Listing)
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for g, n := range counts {
		gauge(c.resources, float64(n), string(g.Kind), g.Region)
	}
	for _, region := range result.DataLate {
		gauge(c.late, 1, region.Region)
	}
	if result.wrote {
		gauge(c.left, float64(result.Alarms.Left))
	}
	gauge(c.windowEnd, float64(result.Window.End.Unix()))
}
