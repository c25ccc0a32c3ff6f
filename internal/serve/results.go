package serve

import (
	"slices"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// resultCollector has the metrics of the last result. They are made while they are read, and share
// their labels: kept for 100,000 resources they would take 200 MB. A resource that is no longer in
// the result has none.
type resultCollector struct {
	last    atomic.Pointer[report.Result] // nil if the last cycle measured nothing
	account []*dto.LabelPair              // the label of one of several accounts; nil if there is one

	minimum, average, utilization, resources, late, left, windowEnd *prometheus.Desc
}

func newResultCollector(account model.Account) *resultCollector {
	desc := func(subsystem, name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, name), help, labels, accountLabels(account))
	}
	labels := []string{"arn", "kind", "name", "region"}
	c := &resultCollector{
		minimum: desc(resourceSubsystem, "minimum_requests_per_second",
			"Configured minimum (minProvisionedTPS or minRecommendationRequestsPerSecond).", labels...),
		average: desc(resourceSubsystem, "average_requests_per_second",
			"Requests per second in the last window; absent if it could not be read.", labels...),
		utilization: desc(resourceSubsystem, "utilization_ratio",
			"Average divided by minimum; 1 is fully used; absent if it could not be read.", labels...),
		resources: desc("", "resources", "Monitored campaigns and recommenders.", "kind", "region"),
		late: desc("", "data_late",
			"1 for a region whose CloudWatch data are late, so that nothing is changed in it; else absent.", "region"),
		left:      desc("", "alarm_changes_left", "Alarm changes that did not fit into the last cycle."),
		windowEnd: desc("", "window_end_timestamp_seconds", "End of the 5 minutes measured last, in seconds since 1970."),
	}
	for name, value := range accountLabels(account) {
		c.account = append(c.account, label(name, value))
	}
	return c
}

func label(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

// sample is the value of one metric of one resource.
type sample struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair // sorted by name, and not to be changed
	value  float64
}

// Desc implements prometheus.Metric.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write implements prometheus.Metric.
func (s *sample) Write(out *dto.Metric) error {
	out.Label, out.Gauge = s.labels, &dto.Gauge{Value: &s.value}
	return nil
}

// Describe implements prometheus.Collector.
func (c *resultCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.minimum, c.average, c.utilization, c.resources, c.late, c.left, c.windowEnd} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (c *resultCollector) Collect(out chan<- prometheus.Metric) {
	result := c.last.Load()
	if result == nil {
		return
	}
	type group struct {
		kind   model.Kind
		region string
	}
	counts := map[group]int{}
	shared := map[[2]string]*dto.LabelPair{}
	share := func(name, value string) *dto.LabelPair {
		key := [2]string{name, value}
		if shared[key] == nil {
			shared[key] = label(name, value)
		}
		return shared[key]
	}
	for i := range result.Resources {
		r := &result.Resources[i]
		labels := slices.Concat(c.account, []*dto.LabelPair{ // in the order of their names
			label("arn", r.ARN), share("kind", string(r.Kind)), label("name", r.Name), share("region", r.Region),
		})
		out <- &sample{c.minimum, labels, float64(r.Min)}
		if r.Average != nil {
			out <- &sample{c.average, labels, *r.Average}
		}
		if r.Utilization != nil {
			out <- &sample{c.utilization, labels, *r.Utilization / 100}
		}
		counts[group{r.Kind, r.Region}]++
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for g, n := range counts {
		gauge(c.resources, float64(n), string(g.kind), g.region)
	}
	for _, region := range result.DataLate {
		gauge(c.late, 1, region.Region)
	}
	gauge(c.left, float64(result.Alarms.Left))
	gauge(c.windowEnd, float64(result.Window.End.Unix()))
}
