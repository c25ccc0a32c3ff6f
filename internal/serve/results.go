package serve

import (
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
	last atomic.Pointer[report.Result] // nil if the last cycle measured nothing
}

// What the result of a cycle shows.
var (
	minimumDesc = resourceDesc("minimum_requests_per_second",
		"Configured minimum (minProvisionedTPS or minRecommendationRequestsPerSecond).")
	averageDesc = resourceDesc("average_requests_per_second",
		"Requests per second in the last window; absent if it could not be read.")
	utilizationDesc = resourceDesc("utilization_ratio",
		"Average divided by minimum; 1 is fully used; absent if it could not be read.")
	resourcesDesc = resultDesc("resources", "Monitored campaigns and recommenders.", "kind", "region")
	lateDesc      = resultDesc("data_late", "1 for a region whose CloudWatch data are late, so that nothing is changed in it; else absent.", "region")
	leftDesc      = resultDesc("alarm_changes_left", "Alarm changes that did not fit into the last cycle.")
	windowEndDesc = resultDesc("window_end_timestamp_seconds", "End of the 5 minutes measured last, in seconds since 1970.")
)

func resultDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// resourceDesc has the labels in the order of their names, as sample needs them.
func resourceDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, resourceSubsystem, name), help, []string{"arn", "kind", "name", "region"}, nil)
}

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
func (*resultCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{minimumDesc, averageDesc, utilizationDesc, resourcesDesc, lateDesc, leftDesc, windowEndDesc} {
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
	label := func(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }
	share := func(name, value string) *dto.LabelPair {
		key := [2]string{name, value}
		if shared[key] == nil {
			shared[key] = label(name, value)
		}
		return shared[key]
	}
	for i := range result.Resources {
		r := &result.Resources[i]
		labels := []*dto.LabelPair{label("arn", r.ARN), share("kind", string(r.Kind)), label("name", r.Name), share("region", r.Region)}
		out <- &sample{minimumDesc, labels, float64(r.Min)}
		if r.Average != nil {
			out <- &sample{averageDesc, labels, *r.Average}
		}
		if r.Utilization != nil {
			out <- &sample{utilizationDesc, labels, *r.Utilization / 100}
		}
		counts[group{r.Kind, r.Region}]++
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for g, n := range counts {
		gauge(resourcesDesc, float64(n), string(g.kind), g.region)
	}
	for _, region := range result.DataLate {
		gauge(lateDesc, 1, region.Region)
	}
	gauge(leftDesc, float64(result.Alarms.Left))
	gauge(windowEndDesc, float64(result.Window.End.Unix()))
}
