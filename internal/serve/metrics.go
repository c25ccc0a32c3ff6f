package serve

import (
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// Names follow the Prometheus naming conventions: base units, _total for counters, ratios
// from 0 instead of percent. No label can take values without bound: ARNs are those of the
// estate as of the last cycle, operations and regions those of AWS.
const (
	namespace         = "personalize_monitor"
	resourceSubsystem = "resource" // of one campaign or recommender; the others are the monitor's own
)

// metrics are what Prometheus reads: what the daemon counts of itself, which lives as long
// as it does, and the results of the last cycle, which are swapped as a whole, so that what
// is gone from the estate is gone from them. A cycle that measured nothing has none.
type metrics struct {
	own     *prometheus.Registry
	results atomic.Pointer[prometheus.Registry]

	duration  prometheus.Histogram
	cycles    *prometheus.CounterVec
	problems  *prometheus.CounterVec
	decisions *prometheus.CounterVec
	alarms    *prometheus.CounterVec
	events    *prometheus.CounterVec
	published prometheus.Counter
	builds    *prometheus.CounterVec
}

// How a cycle may end.
const (
	cycleDone    = "done"
	cyclePartial = "partial"
	cycleFailed  = "failed"
	cycleBroken  = "broken_off"
)

func newMetrics(d *Daemon) (*metrics, error) {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	m := &metrics{
		own: prometheus.NewRegistry(),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "cycle_duration_seconds", Help: "How long monitoring cycles took.",
			Buckets: []float64{0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 240, 300},
		}),
		cycles:    counters("cycles_total", "Monitoring cycles, by how they ended: partial means that some resource or region failed.", "outcome"),
		problems:  counters("problems_total", "What failed in cycles while the rest went on, by AWS operation or step and by region.", "operation", "region"),
		decisions: counters("decisions_total", "Decisions to change a resource, by action and by what came of them.", "action", "outcome"),
		alarms:    counters("alarm_changes_total", "CloudWatch alarms created, updated and deleted.", "change"),
		events:    counters("events_total", "Events put on the EventBridge bus.", "detail_type"),
		published: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "metric_values_published_total", Help: "Metric values published to CloudWatch."}),
		builds:    counters("dashboard_builds_total", "CloudWatch dashboard builds, by outcome.", "outcome"),
	}
	m.zero()
	m.results.Store(prometheus.NewRegistry())
	for _, c := range []prometheus.Collector{
		m.duration, m.cycles, m.problems, m.decisions, m.alarms, m.events, m.published, m.builds,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(d.o.Version), newStatusCollector(d),
	} {
		if err := m.own.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// zero makes the counters whose labels are known beforehand exist, so that their first
// increase is seen as one.
func (m *metrics) zero() {
	for _, outcome := range []string{cycleDone, cyclePartial, cycleFailed, cycleBroken} {
		m.cycles.WithLabelValues(outcome)
	}
	for _, action := range []rules.Verdict{rules.StepDown, rules.Stop, rules.Delete} {
		for _, outcome := range []writer.Outcome{writer.Done, writer.AlreadySo, writer.DryRun, writer.Failed} {
			m.decisions.WithLabelValues(word(string(action)), word(string(outcome)))
		}
	}
	m.decisions.WithLabelValues(word(string(rules.Refused)), word(string(writer.Refused)))
	for _, change := range []string{"created", "updated", "deleted"} {
		m.alarms.WithLabelValues(change)
	}
	for _, detailType := range events.NotificationTypes() {
		m.events.WithLabelValues(string(detailType))
	}
	m.builds.WithLabelValues("done")
	m.builds.WithLabelValues("failed")
}

// word makes one word of a label's value.
func word(s string) string { return strings.NewReplacer(" ", "_", "-", "_").Replace(s) }

// gatherer gives all metrics.
func (m *metrics) gatherer() prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		return prometheus.Gatherers{m.own, m.results.Load()}.Gather()
	})
}

// buildInfo tells which build runs.
func buildInfo(version string) prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Which build runs; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	info.Set(1)
	return info
}

// cycleEnded counts a cycle, and swaps the results. What one that stands by
// would have done is not counted: it was not done.
func (m *metrics) cycleEnded(record CycleRecord, result report.Result, err error, broken bool) {
	m.duration.Observe(record.Took.Seconds())
	outcome := cycleDone
	switch {
	case broken:
		outcome = cycleBroken
	case err != nil:
		outcome = cycleFailed
	case result.Failed():
		outcome = cyclePartial
	}
	m.cycles.WithLabelValues(outcome).Inc()
	for _, p := range result.Problems {
		m.problems.WithLabelValues(p.Operation, p.Region).Inc()
	}
	if record.Role == Leading {
		m.count(result)
	}
	switch {
	case err == nil:
		m.results.Store(results(result))
	case !broken:
		// What was measured before would look like what is so now.
		m.results.Store(prometheus.NewRegistry())
	}
}

func (m *metrics) count(result report.Result) {
	for _, r := range result.Resources {
		switch {
		case r.Decision == rules.Refused:
			m.decisions.WithLabelValues(word(string(rules.Refused)), word(string(writer.Refused))).Inc()
		case r.Decision.Changes() && r.Outcome != "":
			m.decisions.WithLabelValues(word(string(r.Decision)), word(r.Outcome)).Inc()
		}
	}
	if result.DryRun {
		return
	}
	m.alarms.WithLabelValues("created").Add(float64(result.Alarms.Created))
	m.alarms.WithLabelValues("updated").Add(float64(result.Alarms.Updated))
	m.alarms.WithLabelValues("deleted").Add(float64(result.Alarms.Deleted))
	m.published.Add(float64(result.MetricsPublished))
	for _, e := range result.Events {
		m.events.WithLabelValues(e.DetailType).Inc()
	}
}

// results puts the result of a cycle into a registry of its own.
func results(result report.Result) *prometheus.Registry {
	labels := []string{"arn", "kind", "name", "region"}
	gauges := func(subsystem, name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
	}
	minimum := gauges(resourceSubsystem, "minimum_requests_per_second", "Configured minimum (minProvisionedTPS or minRecommendationRequestsPerSecond).", labels...)
	average := gauges(resourceSubsystem, "average_requests_per_second", "Requests per second in the last window; absent if it could not be read.", labels...)
	utilization := gauges(resourceSubsystem, "utilization_ratio", "Average divided by minimum; 1 is fully used; absent if it could not be read.", labels...)
	resources := gauges("", "resources", "Monitored campaigns and recommenders.", "kind", "region")
	left := gauges("", "alarm_changes_left", "Alarm changes that did not fit into the last cycle.")
	window := gauges("", "window_end_timestamp_seconds", "End of the 5 minutes measured last, in seconds since 1970.")
	for _, r := range result.Resources {
		values := []string{r.ARN, string(r.Kind), r.Name, r.Region}
		minimum.WithLabelValues(values...).Set(float64(r.Min))
		if r.Average != nil {
			average.WithLabelValues(values...).Set(*r.Average)
		}
		if r.Utilization != nil {
			utilization.WithLabelValues(values...).Set(*r.Utilization / 100)
		}
		resources.WithLabelValues(string(r.Kind), r.Region).Inc()
	}
	left.WithLabelValues().Set(float64(result.Alarms.Left))
	window.WithLabelValues().Set(float64(result.Window.End.Unix()))
	registry := prometheus.NewRegistry()
	registry.MustRegister(minimum, average, utilization, resources, left, window) // of different names, as they stand above
	return registry
}

// statusCollector tells how the daemon stands at the moment it is asked.
type statusCollector struct {
	daemon                                    *Daemon
	calls, leading, success, board, beginning *prometheus.Desc
}

func newStatusCollector(d *Daemon) *statusCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	return &statusCollector{
		daemon:    d,
		calls:     desc("aws_calls_total", "Requests sent to AWS, retries included.", "service", "operation"),
		leading:   desc("leading", "1 if this daemon leads, 0 if it stands by another one or has not begun."),
		success:   desc("last_success_timestamp_seconds", "When the last cycle ended that could measure something, in seconds since 1970; 0 if none has."),
		board:     desc("dashboard_last_success_timestamp_seconds", "When the dashboard was last written by this daemon, in seconds since 1970; 0 if never."),
		beginning: desc("next_cycle_timestamp_seconds", "When the next cycle begins, in seconds since 1970; 0 if that is not known yet."),
	}
}

// Describe implements prometheus.Collector.
func (c *statusCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.calls, c.leading, c.success, c.board, c.beginning} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (c *statusCollector) Collect(out chan<- prometheus.Metric) {
	for name, n := range c.daemon.clients.Calls() {
		service, operation, _ := strings.Cut(name, ".")
		out <- prometheus.MustNewConstMetric(c.calls, prometheus.CounterValue, float64(n), service, operation)
	}
	s := c.daemon.memory.Status()
	gauge := func(d *prometheus.Desc, v float64) { out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	leading := 0.0
	if s.Role == Leading {
		leading = 1
	}
	gauge(c.leading, leading)
	gauge(c.success, seconds(s.LastSuccess))
	gauge(c.board, seconds(s.LastDashboard))
	gauge(c.beginning, seconds(s.NextCycle))
}

// seconds is a time as Prometheus writes it; 0 for none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
