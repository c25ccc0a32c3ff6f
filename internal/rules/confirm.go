package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// NeedsDescription reports whether a decision rests on the latest update of a resource that
// was only listed: only a description holds the update. It does if it would change the
// resource, or keeps it because of an update that may be our own.
func NeedsDescription(d Decision) bool {
	// guard: described again before a change; each:3-5
	return !d.Resource.Described && (d.Verdict.Changes() || d.Would.Changes() || d.Has(ReasonUpdated))
}

// AllowMarker decides whether a step-down may set our own-change marker. The service shows
// the latest update alone, so a step hides the one before it. If that was within the idle
// time and not ours, or it is unknown whose it was, the step sets no marker: the idle rule
// then takes it for a person's, and keeps the resource as if the person had made it. The
// readings must hold the answers to UpdateQueries.
func AllowMarker(d Decision, readings model.Readings) Decision {
	// guard: a marker hides no person's update; each
	d.Marker = d.Verdict == StepDown && d.Resource.Described && updatedByOthers(d.Resource, readings, d.By, d.At) == ""
	return d
}

// RecentCallQueries ask for every call to a resource since the measured window, up to the
// end of the 5 minutes under way. Rules go by windows whose counts have all arrived; before
// a stop or delete, what has come since is read too.
func RecentCallQueries(r model.Resource, m EvaluationTime) []model.Query {
	// guard: calls up to the window in progress; each:2
	w := model.NewWindow(m.Window.End, m.Now.Add(WindowLength-time.Nanosecond).Truncate(WindowLength))
	if w.Duration() <= 0 {
		return nil
	}
	return CallQueries(r, w)
}

// RefuseIfCalled turns a stop or delete into a refusal if the resource was called since the
// measured window, or if that could not be read. That no call is seen proves nothing:
// counts arrive late, which is why the rules do not go by them.
func RefuseIfCalled(d Decision, readings model.Readings, m EvaluationTime) Decision {
	if d.Verdict != Stop && d.Verdict != Delete { // guard: calls since, before a stop or delete; each
		return d
	}
	calls := CountCalls(RecentCallQueries(d.Resource, m), readings, m.Window.End)
	switch n := calls.Served + calls.Failed; {
	case n > 0: // guard: calls since
		return Refuse(d, fmt.Sprintf("it was called %.0f times since %s", n, m.Window.End.Format("15:04")))
	case !calls.Complete: // guard: calls since not read
		return Refuse(d, "whether it was called in the last minutes could not be read")
	}
	return d
}

// NotifyDryRun reports whether people are notified now of a decision that is a dry run.
// Every check finds it again, so they are notified once a day for each resource, in an hour
// of its own, and always where every check is made now.
func NotifyDryRun(d Decision) bool {
	return d.By.HourlyChecks == model.Always ||
		int(spread("hour of the day"+d.Resource.ARN.String())%24) == d.At.Window.Start.UTC().Hour()
}

// budgetSpan is the time that the budget of stops and deletes is for.
const budgetSpan = time.Hour // guard: budget: the hour; boundary

// DimensionAction is the dimension under which stops and deletes are counted per region;
// its values are those of the verdicts.
const DimensionAction = "Action"

// RemovalMetric counts automatic stops or deletes in a region.
func RemovalMetric(verdict Verdict) model.Metric {
	return model.Metric{
		Namespace: model.NamespaceMonitor, Name: model.MetricActionsTaken,
		DimensionName: DimensionAction, DimensionValue: string(verdict),
	}
}

// budgetWindow is the last hour, the 5 minutes under way included.
func budgetWindow(now time.Time) model.Window {
	end := now.Add(WindowLength).Truncate(WindowLength)
	return model.NewWindow(end.Add(-budgetSpan-WindowLength), end) // guard: budget: a whole hour; each
}

// RemovalQueries ask how many automatic stops and deletes there were in a region within the
// last hour.
func RemovalQueries(region string, now time.Time) []model.Query {
	var queries []model.Query
	for _, verdict := range []Verdict{Stop, Delete} { // guard: budget: counts stops and deletes; each
		queries = append(queries, model.Query{
			Region: region, Metric: RemovalMetric(verdict), Stat: model.Sum, Window: budgetWindow(now), Period: WindowLength,
		})
	}
	return queries
}

// RemovalsSpent counts the stops and deletes of the last hour: those that the metric
// shows, and those of this process that it does not show yet. It is not ok if the metric
// could not be read completely, as there may be any number then.
func RemovalsSpent(region string, readings model.Readings, own []time.Time, now time.Time) (spent int, ok bool) {
	shown, mine := map[time.Time]int{}, map[time.Time]int{}
	for _, q := range RemovalQueries(region, now) {
		series := readings.Get(q)
		if !series.Complete { // guard: budget not read
			return 0, false
		}
		for _, p := range series.Points {
			shown[p.Time.UTC()] += int(p.Value) // guard: budget: what the metric shows
		}
	}
	for _, at := range own {
		if slot := at.UTC().Truncate(WindowLength); !slot.Before(budgetWindow(now).Start) {
			mine[slot]++ // guard: budget: what the metric does not show yet
		}
	}
	for slot, n := range mine {
		shown[slot] = max(n, shown[slot]) // guard: budget: what the metric shows in part; each:2, skip
	}
	for _, n := range shown {
		spent += n
	}
	return spent, true
}

// ApplyBudget refuses the stops and deletes of each region that exceed its budget. It calls
// left once for each region that has any, which also returns why the budget is not enough.
// Which resources wait changes from hour to hour, so that none waits for good, and does not
// depend on the order of the decisions.
func ApplyBudget(decisions []Decision, m EvaluationTime, left func(region string) (n int, why string)) {
	byRegion := map[string][]int{}
	for i, d := range decisions {
		if d.Verdict == Stop || d.Verdict == Delete { // guard: budget: applies to stops and deletes; each
			byRegion[d.Resource.Region()] = append(byRegion[d.Resource.Region()], i) // guard: budget: of each region
		}
	}
	for region, list := range byRegion {
		n, why := left(region)
		slices.SortFunc(list, func(a, b int) int {
			one, two := decisions[a].Resource.ARN, decisions[b].Resource.ARN
			return cmp.Or(cmp.Compare(lot(one, m), lot(two, m)), cmp.Compare(one.String(), two.String()))
		})
		for _, i := range list[min(len(list), max(0, n)):] { // guard: budget of stops and deletes; skip, each:4
			decisions[i] = Refuse(decisions[i], why)
		}
	}
}

// lot is a resource's place in the order of the hour.
func lot(arn model.ARN, m EvaluationTime) uint32 {
	return spread(strconv.FormatInt(m.Now.Unix()/3600, 10) + arn.String())
}
