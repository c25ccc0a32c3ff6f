package serve

import (
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// Names follow the Prometheus conventions: base units, _total for counters, ratios from 0
// instead of percent. The values of labels are bounded: ARNs are those of the last cycle,
// operations and regions those of AWS.
const (
	namespace       = "personalize_monitor"
	resourcesPrefix = namespace + "_resource_" // of one campaign or recommender; the others are the monitor's own
)

// metrics are what Prometheus reads: the daemon's own counters, and the results of the last
// cycle. A cycle that measured nothing has none.
type metrics struct {
	own     *prometheus.Registry
	results *resultCollector

	duration  prometheus.Histogram
	cycles    *prometheus.CounterVec
	problems  *prometheus.CounterVec
	decisions *prometheus.CounterVec
	alarms    *prometheus.CounterVec
	events    *prometheus.CounterVec
	published prometheus.Counter
	builds    *prometheus.CounterVec
}

// Outcomes of cycles.
const (
	cycleDone        = "done"
	cyclePartial     = "partial"
	cycleFailed      = "failed"
	cycleInterrupted = "interrupted" // the daemon was stopped
)

// newLostRecords makes the counter of lost audit records, apart from the others, as the audit log
// is wired before them.
func newLostRecords() prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: namespace, Name: "audit_records_lost_total", Help: "Audit records that could not be written.",
	})
}

// accountLabels are the labels of the series of one of several accounts; nil if there is one.
func accountLabels(a model.Account) prometheus.Labels {
	if a.ID == "" {
		return nil
	}
	return prometheus.Labels{"account": a.ID}
}

// newProcessMetrics are those of the process, and which build runs.
func newProcessMetrics(version string) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	promauto.With(registry).NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Which build runs; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	}).Set(1)
	return registry
}

func newMetrics(
	account model.Account, memory *Memory, results *resultCollector, calls func() map[string]int, lost prometheus.Counter,
) *metrics {
	own := prometheus.NewRegistry()
	registerer := prometheus.WrapRegistererWith(accountLabels(account), own)
	factory := promauto.With(registerer)
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return factory.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	m := &metrics{
		own: own, results: results,
		duration: factory.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "cycle_duration_seconds", Help: "How long monitoring cycles took.",
			Buckets: []float64{0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 240, 300},
		}),
		cycles: counters("cycles_total",
			"Monitoring cycles, by outcome; partial: some resource or region failed, interrupted: by a stop.", "outcome"),
		problems: counters("problems_total",
			"Failures in cycles that continued, by AWS operation or step and by region.", "operation", "region"),
		decisions: counters("decisions_total", "Decisions to change a resource, by action and outcome.", "action", "outcome"),
		alarms:    counters("alarm_changes_total", "CloudWatch alarms created, updated and deleted.", "change"),
		events:    counters("events_total", "Events put on the EventBridge bus.", "detail_type"),
		published: factory.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "metric_values_published_total", Help: "Metric values published to CloudWatch.",
		}),
		builds: counters("dashboard_builds_total", "CloudWatch dashboard builds, by outcome.", "outcome"),
	}
	own.MustRegister(m.results)
	m.initialize()
	statusGauges(factory, memory)
	registerer.MustRegister(lost,
		newReadMetric(prometheus.GaugeValue, "leading",
			"1 if this daemon leads, 0 if it is on standby or has not begun; absent if it led and its last cycle failed.",
			nil, func(add func(float64, ...string)) {
				switch s := memory.Status(); {
				case s.Role != Leading:
					add(0)
				case s.LastError == "": // else another daemon may lead by now
					add(1)
				}
			}),
		newReadMetric(prometheus.CounterValue, "aws_calls_total", "Requests sent to AWS, retries included.", []string{"service", "operation"},
			func(add func(float64, ...string)) {
				for name, n := range calls() {
					service, operation, _ := strings.Cut(name, ".")
					add(float64(n), service, operation)
				}
			}),
		newReadMetric(prometheus.CounterValue, "saved_tps_hours_total",
			"TPS-hours that actions on record have saved, metered like the bill; absent while they are unknown.",
			[]string{"action"}, func(add func(float64, ...string)) {
				for action, hours := range memory.savedHours() {
					add(hours, string(action))
				}
			}))
	return m
}

// initialize makes counters whose labels are known exist, so that Prometheus sees their first
// increase.
func (m *metrics) initialize() {
	for _, outcome := range []string{cycleDone, cyclePartial, cycleFailed, cycleInterrupted} {
		m.cycles.WithLabelValues(outcome)
	}
	for _, action := range []rules.Verdict{rules.StepDown, rules.Raise, rules.Lower, rules.Return, rules.Stop, rules.Delete} {
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

// word makes a label value one word.
func word(s string) string { return strings.NewReplacer(" ", "_", "-", "_").Replace(s) }

// cycleEnded counts a cycle and replaces the results.
func (m *metrics) cycleEnded(record CycleRecord, result report.Result, err error, interrupted bool) {
	m.duration.Observe(record.Took.Seconds())
	outcome := cycleDone
	switch {
	case interrupted:
		outcome = cycleInterrupted
	case err != nil:
		outcome = cycleFailed
	case result.Failed():
		outcome = cyclePartial
	}
	m.cycles.WithLabelValues(outcome).Inc()
	for _, p := range result.Problems {
		m.problems.WithLabelValues(p.Operation, p.Region).Inc()
	}
	if record.Role == Leading { // a standby did not execute its result
		m.count(result)
	}
	switch {
	case err == nil:
		m.results.last.Store(&shownResult{result, record.Role == Leading})
	case !interrupted: // old results would look like current ones
		m.results.last.Store(nil)
	}
}

// count counts what a cycle did.
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

// statusGauges are read from the status at each scrape.
func statusGauges(factory promauto.Factory, memory *Memory) {
	gauge := func(name, help string, value func(Status) float64) {
		factory.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help},
			func() float64 { return value(memory.Status()) })
	}
	seconds := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return float64(t.UnixMilli()) / 1000
	}
	gauge("last_success_timestamp_seconds", "When the last cycle ended that measured something, in seconds since 1970; 0 if none has.",
		func(s Status) float64 { return seconds(s.LastSuccess) })
	gauge("dashboard_last_success_timestamp_seconds", "When this daemon last wrote the dashboard, in seconds since 1970; 0 if never.",
		func(s Status) float64 { return seconds(s.LastDashboard) })
	gauge("next_cycle_timestamp_seconds", "When the next cycle begins, in seconds since 1970; 0 if that is unknown.",
		func(s Status) float64 { return seconds(s.NextCycle) })
}

// readMetric is a metric that is read at each scrape. Of what is unknown it has no series.
type readMetric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(add func(value float64, labels ...string))
}

func newReadMetric(
	kind prometheus.ValueType, name, help string, labels []string, read func(add func(value float64, labels ...string)),
) readMetric {
	return readMetric{prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil), kind, read}
}

// Describe implements prometheus.Collector.
func (m readMetric) Describe(descs chan<- *prometheus.Desc) { descs <- m.desc }

// Collect implements prometheus.Collector.
func (m readMetric) Collect(out chan<- prometheus.Metric) {
	m.read(func(value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(m.desc, m.kind, value, labels...)
	})
}
