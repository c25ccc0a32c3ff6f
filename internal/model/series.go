package model

import "time"

// Window is a half-open span of time [Start, End), in UTC and without monotonic
// reading, so that equal spans are equal values.
type Window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// NewWindow makes a window comparable with ==, as it is used in map keys.
func NewWindow(start, end time.Time) Window {
	return Window{Start: start.UTC().Round(0), End: end.UTC().Round(0)}
}

// Later is the later of two times.
func Later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Earlier is the earlier of two times.
func Earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Duration is the length of the window.
func (w Window) Duration() time.Duration { return w.End.Sub(w.Start) }

// Namespaces of the metrics read and written.
const (
	NamespacePersonalize = "AWS/Personalize"
	NamespaceMonitor     = "PersonalizeMonitor"
)

// Metrics in our namespace that belong to no single kind.
const (
	// MetricResourceCount counts the monitored resources, each cycle, in the deployment region.
	MetricResourceCount = "monitoredResourceCount"
	// MetricActionsTaken counts automatic updates under a resource's dimension, and stops and
	// deletes under the dimension Action, per region.
	MetricActionsTaken = "actionsTaken"
	// MetricOwnUpdate is, under a resource's dimension, our own-change marker: the time at
	// which the service has accepted an automatic update, in seconds since 1970. By it our
	// update is distinguished from a person's, however soon that follows.
	MetricOwnUpdate = "ownUpdateTime"
	// MetricStepDownHold shows, under a resource's dimension, that calls failed as demand rose
	// above its minimum: nothing steps down for 14 days.
	MetricStepDownHold = "stepDownHold"
	// MetricMinimumContested is, under a resource's dimension, how often somebody has set its
	// minimum back after our steps. It is published once, when people are notified.
	MetricMinimumContested = "minimumContested"
	// MetricActionsRefused counts, per region under the dimension Action, what rules and
	// guards refused.
	MetricActionsRefused = "actionsRefused"
	// MetricAuditRecordsLost counts the audit records that could not be written, in the
	// deployment region.
	MetricAuditRecordsLost = "auditRecordsLost"
	// MetricDataLate is 1, in the deployment region, for a Region whose CloudWatch data are late.
	MetricDataLate = "dataLate"
)

// Metric names one series in CloudWatch. Both dimension fields are empty for a metric
// without dimensions.
type Metric struct {
	Namespace, Name               string
	DimensionName, DimensionValue string
}

// ResourceMetric is the metric of the given name under the resource's own dimension.
func ResourceMetric(r Resource, namespace, name string) Metric {
	return Metric{Namespace: namespace, Name: name, DimensionName: r.Kind.DimensionName(), DimensionValue: r.ARN.String()}
}

// Stat is a CloudWatch statistic.
type Stat string

// The statistics used.
const (
	Sum     Stat = "Sum"
	Average Stat = "Average"
	Minimum Stat = "Minimum"
	Maximum Stat = "Maximum"
	Count   Stat = "SampleCount"
)

// Statistics that are derived from other series; CloudWatch has none of them.
const (
	// Watched counts, for each hour, the 5-minute windows in which the metric has a datapoint.
	Watched Stat = "Watched"
	// Gaps has a datapoint for each hour in which the data of a whole region are missing.
	Gaps Stat = "Gaps"
)

// Query asks for one statistic of one metric over a window, in periods. It is comparable:
// equal queries are sent once, and are the keys of readings. Window.Start must be a multiple
// of Period, so that CloudWatch's periods are ours.
type Query struct {
	Region string
	Metric Metric
	Stat   Stat
	Window Window
	Period time.Duration
}

// Datapoint is the value of one period, stamped with the period's start.
type Datapoint struct {
	Time  time.Time
	Value float64
}

// Series is the answer to a query. Periods without data have no datapoint. Unless Complete
// is true something may be missing, and nothing follows from it: in particular not that
// there was no traffic. The zero value is incomplete.
type Series struct {
	Points   []Datapoint // ascending
	Complete bool
}

// Sum adds up all datapoints.
func (s Series) Sum() float64 {
	total := 0.0
	for _, p := range s.Points {
		total += p.Value
	}
	return total
}

// Readings are the answers by their queries. A query that is missing was not answered.
type Readings map[Query]Series

// Get is the answer to q, or an incomplete, empty series.
func (r Readings) Get(q Query) Series { return r[q] }

// Datum is one value to publish, under our namespace.
type Datum struct {
	Region string
	Metric Metric
	Unit   string // a CloudWatch unit: Count, Count/Second, Percent or Seconds
	Value  float64
	Time   time.Time
}
