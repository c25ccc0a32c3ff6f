package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// cautionSpan is how far back the history of a minimum is read. CloudWatch keeps the hours of
// 15 months; 63 days are enough for the pauses that follow from them.
const cautionSpan = 63 * 24 * time.Hour

// Caution is what the history of a minimum says against lowering it further. The zero value
// says nothing.
type Caution struct {
	Rise      Rise      // failures of the last hours that point to a missing minimum
	HeldUntil time.Time // nothing is stepped down until then, because of such failures; zero if there were none
	Contest   Contest

	// What people are notified of now, and have not been before.
	NotifyFailures, NotifyContest bool
	// Remember is what has to be published, so that it is known for as long as it holds.
	Remember []model.Datum
}

// cautionWindow is the whole hours of the history, the one under way included.
func cautionWindow(m EvaluationTime) model.Window {
	end := m.Window.End.Add(time.Hour - time.Nanosecond).Truncate(time.Hour)
	return model.NewWindow(end.Add(-cautionSpan), end)
}

func cautionQuery(r model.Resource, name string, stat model.Stat, m EvaluationTime) model.Query {
	q := ownQuery(r, name, stat, cautionWindow(m))
	q.Period = time.Hour
	return q
}

// CautionQueries ask for what ApplyCaution goes by. There are none unless the decision is to
// step down, waits because somebody raised the minimum, or has found failures: a cycle in
// which nothing changes asks nothing.
func CautionQueries(d Decision) []model.Query {
	r, m := d.Resource, d.At
	stepping := d.stepsDown()
	if !stepping && !d.Caution.Rise.Found() && !d.Has(ReasonRaised) { // guard: caution: when it applies; each:1-2
		return nil
	}
	queries := append(ContestQueries(r, m),
		cautionQuery(r, model.MetricStepDownHold, model.Count, m), cautionQuery(r, model.MetricMinimumContested, model.Count, m))
	if stepping && len(riseQueries(r, m)) == 0 { // else they have been read
		queries = append(queries, allRiseQueries(r, m)...)
	}
	if stepping {
		queries = append(queries, failedQueries(r, m)...)
	}
	return queries
}

// stepsDown reports whether the decision steps down, or would without the dry run.
func (d Decision) stepsDown() bool { return d.Verdict == StepDown || d.Would == StepDown }

// ApplyCaution refuses a step-down for 14 days after failures that point to a missing minimum,
// and for 1, 2, 4 … 30 days after each time that somebody set the minimum back after a step of
// ours. If it cannot be read whether there was either, nothing is stepped down.
func ApplyCaution(d Decision, readings model.Readings) Decision {
	if len(CautionQueries(d)) == 0 {
		return d
	}
	r, m := d.Resource, d.At
	holds := readings.Get(cautionQuery(r, model.MetricStepDownHold, model.Count, m))
	contested := readings.Get(cautionQuery(r, model.MetricMinimumContested, model.Count, m))
	calls := true
	if d.stepsDown() {
		d.Caution.Rise, calls = latestRise(r, readings, m)
	}
	c, followed := ContestOf(r, readings, m)
	d.Caution.Contest = c
	if holds.Complete {
		d.Caution.hold(r, holds.Points, m)
	}
	paused, held := m.Now.Before(c.Until()), m.Now.Before(d.Caution.HeldUntil)
	if paused && !held {
		d.noticeContest(contested)
	}
	if !d.stepsDown() {
		if paused && d.Has(ReasonRaised) {
			d.Codes, d.Reason = append(slices.Clone(d.Codes), ReasonContested), d.Reason+"; "+c.Text(r.Kind)
		}
		return d
	}
	switch read := followed && holds.Complete && calls; {
	case held: // guard: failures hold the minimum
		return d.refuseStep(ReasonFailures, d.Caution.HoldText(r.Kind))
	case paused: // guard: contested minimum
		return d.refuseStep(ReasonContested, c.Text(r.Kind))
	case !read: // guard: caution not read
		return d.refuseStep(ReasonUnread, "whether calls failed after a step, or somebody set the minimum back, could not be read")
	}
	d, read := countFailed(d, readings)
	if !read { // guard: failed calls not read
		return d.refuseStep(ReasonUnread, "its failed calls of 14 days could not be read completely")
	}
	return d
}

// noticeContest has people notified of a contest, unless they were before. A person who sets the minimum back after
// failures does what the notification suggests, and is not notified.
func (d *Decision) noticeContest(contested model.Series) {
	fresh := contested.Complete && len(contested.Points) == 0 // guard: contested: notified once; each
	if fresh && (d.stepsDown() || d.Has(ReasonRaised)) {
		d.Caution.NotifyContest = true
		d.Caution.Remember = append(d.Caution.Remember,
			ownDatum(d.Resource, model.MetricMinimumContested, float64(d.Caution.Contest.Reversals), d.At))
	}
}

// hold finds until when failures hold the minimum, by the holds of the past and the rise found
// now. A rise that is not remembered yet is published; people are notified of the first one.
func (c *Caution) hold(r model.Resource, holds []model.Datapoint, m EvaluationTime) {
	var last time.Time // end of the latest hour with a hold
	for _, p := range holds {
		last = p.Time.Add(time.Hour)
	}
	if !last.IsZero() {
		c.HeldUntil = last.Add(holdTime)
	}
	if !c.Rise.Found() || c.Rise.At.Before(last) {
		return
	}
	c.NotifyFailures = !m.Now.Before(c.HeldUntil) // guard: failures: notified once; always
	c.HeldUntil = m.Window.Start.Add(holdTime)
	c.Remember = append(c.Remember, ownDatum(r, model.MetricStepDownHold, 1, m))
}

// withoutContestNotice leaves people to be notified of the contest later.
func (c Caution) withoutContestNotice() Caution {
	c.NotifyContest = false
	c.Remember = slices.DeleteFunc(slices.Clone(c.Remember), func(d model.Datum) bool { return d.Metric.Name == model.MetricMinimumContested })
	return c
}

// HoldText reports why failures hold the minimum, and how long.
func (c Caution) HoldText(kind model.Kind) string {
	why := "calls failed as demand rose above the minimum"
	if c.Rise.Found() {
		why = c.Rise.text(kind)
	}
	return fmt.Sprintf("%s; nothing is stepped down until %s", why, c.HeldUntil.Format(gapFormat))
}

// Text reports that the minimum is contested, and until when steps pause.
func (c Contest) Text(kind model.Kind) string {
	times := "once"
	if c.Reversals > 1 {
		times = fmt.Sprintf("%d times", c.Reversals)
	}
	return fmt.Sprintf("contested: somebody set the minimum back to %d %s after a step-down, "+
		"%s in %d days, last at about %s; steps pause until %s",
		c.Minimum, kind.RateUnit(), times, int(cautionSpan.Hours()/24), c.Last.Format(gapFormat), c.Until().Format(gapFormat))
}

// refuseStep refuses a step-down and keeps what a dry run would do apart from it.
func (d Decision) refuseStep(code ReasonCode, why string) Decision {
	refused := Refuse(d, why)
	refused.Codes = append(refused.Codes, code)
	if d.Would != StepDown && d.Would.Changes() {
		refused.Would = d.Would
	}
	return refused
}

// ownDatum is a value of our own about a resource, for the measured window.
func ownDatum(r model.Resource, name string, value float64, m EvaluationTime) model.Datum {
	return model.Datum{
		Region: r.Region(), Metric: model.ResourceMetric(r, model.NamespaceMonitor, name), Unit: unitCount, Value: value, Time: m.Window.Start,
	}
}
