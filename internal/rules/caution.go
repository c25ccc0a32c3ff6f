package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// cautionSpan is how far back the history of a minimum is read. CloudWatch keeps the hours of
// 15 months; 63 days are enough for the pauses that follow from them.
const cautionSpan = 63 * 24 * time.Hour

// Bounds of the pause of a contested minimum.
const (
	firstPause   = 24 * time.Hour      // after the first reversal; it doubles with each
	longestPause = 30 * 24 * time.Hour // the longest
	// stepReach is how long after it was accepted a step of ours may become visible.
	stepReach = 2 * time.Hour
)

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

// cautionQuery asks for the whole hours of the history, the one under way included.
func cautionQuery(r model.Resource, name string, stat model.Stat, m EvaluationTime) model.Query {
	end := m.Window.End.Add(time.Hour - time.Nanosecond).Truncate(time.Hour)
	return ownQuery(r, name, stat, upTo(end, cautionSpan), time.Hour)
}

// CautionQueries ask for what ApplyCaution goes by. There are none unless the decision is to
// step down, waits because somebody raised the minimum, or has found failures: a cycle in
// which nothing changes asks nothing.
func CautionQueries(d Decision) []model.Query {
	r, m, stepping := d.Resource, d.At, d.stepsDown()
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
		reversals := ownDatum(d.Resource, model.MetricMinimumContested, unitCount, float64(d.Caution.Contest.Reversals), d.At.Window)
		d.Caution.Remember = append(d.Caution.Remember, reversals)
	}
}

// hold finds until when failures hold the minimum, by the holds of the past and the rise found
// now. A rise that is not remembered yet is published; people are notified of the first one.
func (c *Caution) hold(r model.Resource, holds []model.Datapoint, m EvaluationTime) {
	var last time.Time // end of the latest hour with a hold
	if n := len(holds); n > 0 {
		last = holds[n-1].Time.Add(time.Hour)
		c.HeldUntil = last.Add(holdTime)
	}
	if !c.Rise.Found() || c.Rise.At.Before(last) {
		return
	}
	c.NotifyFailures = !m.Now.Before(c.HeldUntil) // guard: failures: notified once; always
	c.HeldUntil = m.Window.Start.Add(holdTime)
	c.Remember = append(c.Remember, ownDatum(r, model.MetricStepDownHold, unitCount, 1, m.Window))
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

// refuseStep refuses a step-down and keeps what a dry run would do apart from it.
func (d Decision) refuseStep(code ReasonCode, why string) Decision {
	refused := Refuse(d, why)
	refused.Codes = append(refused.Codes, code)
	if d.Would != StepDown && d.Would.Changes() {
		refused.Would = d.Would
	}
	return refused
}

// failedQueries ask for the failed calls of each hour of the look-back.
func failedQueries(r model.Resource, m EvaluationTime) []model.Query {
	return FailedQueries(hourlyQuery(r, m))
}

// countFailed decides on a step-down again with the failed calls of each hour beside the served
// ones: callers that are in trouble for some days need the minimum when they are not. It never
// makes a step larger. read is false if the answers to failedQueries are not complete.
func countFailed(d Decision, readings model.Readings) (decided Decision, read bool) {
	r, m := d.Resource, d.At
	e := evidenceOf(r, readings, m)
	sums, failed := byTime(e.Requests), 0.0
	for _, q := range failedQueries(r, m) {
		series := readings.Get(q)
		if !series.Complete { // guard: failed calls of the look-back not read
			return d, false
		}
		for at, n := range byTime(series) {
			if n > 0 { // guard: failed calls are demand
				sums[at] += n
				failed += n
			}
		}
	}
	if failed == 0 {
		return d, true
	}
	e.Requests.Points = nil
	for at, n := range sums {
		e.Requests.Points = append(e.Requests.Points, model.Datapoint{Time: at, Value: n})
	}
	load, enough := checkLoad(r, e, m.Now, m.Window.End)
	if enough.code != ReasonOversized { // guard: failed calls need the minimum
		return d.refuseStep(ReasonFailing, "with its failed calls: "+enough.reason), true
	}
	minimum := nextMinimum(r.MinTPS, load.Watermark())
	if minimum <= d.StepDown.NewMinTPS {
		return d, true
	}
	text := func(minimum int, load Load) string {
		return fmt.Sprintf("%d to %d: %s", r.MinTPS, minimum, load.Text(r.Kind))
	}
	d.Reason = strings.Replace(d.Reason, text(d.StepDown.NewMinTPS, d.StepDown.Load), text(minimum, load)+", failed calls included", 1)
	d.StepDown.Load, d.StepDown.NewMinTPS = load, minimum // guard: failed calls need a part of the minimum
	if d.Verdict == StepDown {
		d.NewMinTPS = minimum
	} else {
		d.WouldMin = minimum
	}
	return d, true
}

// Contest is what became of our steps: how often somebody set the minimum back to what it was
// before one, or higher. The zero value means that no one did, as far as is known. A raise by
// a schedule counts as well: a person asked for it, and steps stay above its level anyway.
type Contest struct {
	Reversals int
	Last      time.Time // start of the hour in which the latest one shows
	Minimum   int       // what it was set back to; TPS or RPS
	// Undo is the minimum before our latest step, if that is not reversed, and Step the start of
	// the hour in which the step shows; else zero.
	Undo int
	Step time.Time
}

// ContestQueries ask for what ContestOf goes by.
func ContestQueries(r model.Resource, m EvaluationTime) []model.Query {
	return []model.Query{
		cautionQuery(r, r.Kind.MinimumMetric(), model.Minimum, m), cautionQuery(r, model.MetricActionsTaken, model.Sum, m),
	}
}

// ContestOf finds whether somebody sets the minimum back, by the answers to ContestQueries;
// complete means that these are. It follows the minimum, by the lowest value of each hour, and the hours in which steps
// of ours were accepted. A minimum that fell in an hour of a step or shortly after was lowered
// by us; one that later rises to what it was before, or higher, was set back. Hours without
// data are passed over.
func ContestOf(r model.Resource, readings model.Readings, m EvaluationTime) (c Contest, complete bool) {
	queries := ContestQueries(r, m)
	minimums, steps := readings.Get(queries[0]), readings.Get(queries[1])
	ours := func(from, to time.Time) bool {
		return slices.ContainsFunc(steps.Points, func(p model.Datapoint) bool {
			return p.Value > 0 && !p.Time.Before(from.Add(-stepReach)) && !p.Time.After(to)
		})
	}
	var last model.Datapoint
	for _, p := range minimums.Points {
		switch {
		case p.Time.Before(r.Created.Truncate(time.Hour)): // an earlier endpoint may have had the same name
			continue
		case last.Time.IsZero():
		case p.Value < last.Value && ours(last.Time, p.Time): // guard: contested: only after a step of ours; each
			c.Undo, c.Step = int(last.Value), p.Time
		case c.Undo > 0 && p.Value >= float64(c.Undo): // guard: contested: set back as far; each
			c = Contest{Reversals: c.Reversals + 1, Last: p.Time, Minimum: int(p.Value)}
		}
		last = p
	}
	return c, minimums.Complete && steps.Complete
}

// ChangedLately reports whether a resource may have been updated within the longest pause. One
// that was only listed may have been.
func ChangedLately(r model.Resource, now time.Time) bool {
	return !r.Described || now.Sub(r.LastTouched()) < longestPause+firstPause
}

// Until is when the pause after the latest reversal ends: 1, 2, 4 … 30 days after it. From then on
// there is one step a day, so that a second tool does not set back a whole descent.
func (c Contest) Until() time.Time {
	if c.Reversals == 0 {
		return time.Time{}
	}
	pause := firstPause
	for range c.Reversals - 1 {
		pause = min(2*pause, longestPause) // guard: contested: the pause doubles; each
	}
	until := c.Last.Add(pause)
	if c.Undo > 0 { // guard: contested: one step a day
		until = model.Later(until, c.Step.Add(firstPause))
	}
	return until
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
