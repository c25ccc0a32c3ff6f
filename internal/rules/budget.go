package rules

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// budgetSpan is the time that the budgets of automatic actions are for.
const budgetSpan = time.Hour // guard: budget: the hour; boundary

// Budgeted is a kind of automatic actions that has a budget in each region. It begins the keys
// of the tags in which they are counted.
type Budgeted string

// The kinds.
const (
	Removals  Budgeted = "Removals"  // stops and deletes
	StepDowns Budgeted = "StepDowns" // and what schedules lower
)

// BudgetOf is the kind of the action that a decision leads to; empty if it leads to none.
func BudgetOf(verdict Verdict) Budgeted {
	switch {
	case verdict == Stop || verdict == Delete: // guard: budget: applies to stops and deletes; each
		return Removals
	case verdict == StepDown || verdict == Lower: // guard: budget: applies to step-downs; each
		return StepDowns
	}
	return ""
}

// StepDownsAnHour is how many endpoints of a region may be stepped down automatically in an
// hour: a fifth of those that are monitored there, at least ten.
func StepDownsAnHour(endpoints int) int {
	return max(10, endpoints/5) // guard: budget: a fifth of the endpoints; each
}

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

// budgetWindow is the last hour, the 5 minutes under way included. It is longer by 5 minutes,
// because actions are counted shortly before they are made, by clocks that may differ.
func budgetWindow(now time.Time) model.Window {
	end := now.UTC().Add(WindowLength).Truncate(WindowLength)
	return model.NewWindow(end.Add(-budgetSpan-2*WindowLength), end) // guard: budget: a whole hour; each
}

// RemovalQueries ask how many automatic stops and deletes there were in a region within the
// last hour.
func RemovalQueries(region string, now time.Time) []model.Query {
	q := model.Query{Region: region, Stat: model.Sum, Window: budgetWindow(now), Period: WindowLength}
	var queries []model.Query
	for _, verdict := range []Verdict{Stop, Delete} { // guard: budget: counts stops and deletes; each
		q.Metric = RemovalMetric(verdict)
		queries = append(queries, q)
	}
	return queries
}

// Counts are numbers of actions, by the start of the 5 minutes in which they were counted, in
// UTC.
type Counts map[time.Time]int

// CountedAt is the time under which an action is counted: the start of its 5 minutes.
func CountedAt(at time.Time) time.Time { return at.UTC().Truncate(WindowLength) }

// Current are the counts that are still part of the budget. Those of the future are: another
// process's clock may be ahead.
func (c Counts) Current(now time.Time) Counts {
	current := Counts{}
	for slot, n := range c {
		if !slot.Before(budgetWindow(now).Start) { // guard: budget: actions of more than an hour ago are over
			current[slot] = n
		}
	}
	return current
}

// Last is the latest time counted; zero if there is none.
func (c Counts) Last() time.Time {
	return slices.MaxFunc(append(slices.Collect(maps.Keys(c)), time.Time{}), time.Time.Compare)
}

// RemovalsShown are the stops and deletes that the metric shows. It is not ok if the metric
// could not be read completely, as there may be any number then.
func RemovalsShown(region string, readings model.Readings, now time.Time) (shown Counts, ok bool) {
	shown = Counts{}
	for _, q := range RemovalQueries(region, now) {
		series := readings.Get(q)
		if !series.Complete { // guard: budget not read
			return nil, false
		}
		for _, p := range series.Points {
			shown[p.Time.UTC()] += int(p.Value) // guard: budget: what the metric shows
		}
	}
	return shown, true
}

// Spent is how many actions of the last hour there were, by several counts of the same
// actions, each of which may miss some: the largest number of each 5 minutes.
func Spent(now time.Time, counts ...Counts) int {
	largest := Counts{}
	for _, c := range counts {
		for slot, n := range c.Current(now) {
			largest[slot] = max(largest[slot], n) // guard: budget: what one count shows and another does not; each, skip
		}
	}
	spent := 0
	for _, n := range largest {
		spent += n
	}
	return spent
}

// Leaving is how many of the resources are on their way out: being deleted or stopped. They
// count against the budget of removals, whoever ended them.
func Leaving(list []model.Resource) int {
	leaving := 0
	for _, r := range list {
		if r.Status.Deleting() || r.Status.Doing("STOP") { // guard: budget: what is on its way out; each
			leaving++
		}
	}
	return leaving
}

// Left is what is left of a budget, and why it is not more.
type Left struct {
	N       int
	Why     string
	Problem *model.Problem // what could not be read, so that nothing is left; nil if all was
}

// BudgetsNeeded are the kinds of budget that the decisions draw on, by region.
func BudgetsNeeded(decisions []Decision) map[string][]Budgeted {
	needed := map[string][]Budgeted{}
	for _, d := range decisions {
		region, kind := d.Resource.Region(), BudgetOf(d.Verdict)
		if kind != "" && !slices.Contains(needed[region], kind) {
			needed[region] = append(needed[region], kind)
		}
	}
	return needed
}

// ApplyBudgets refuses the step-downs, stops and deletes of each region that exceed its
// budgets; where nothing is known of a budget, all of them. Which resources wait changes from
// hour to hour, so that none waits for good, and does not depend on the order of the decisions.
func ApplyBudgets(decisions []Decision, m EvaluationTime, left map[string]map[Budgeted]Left) {
	var order []int
	for i, d := range decisions {
		if BudgetOf(d.Verdict) != "" {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		one, two := decisions[a].Resource.ARN, decisions[b].Resource.ARN
		return cmp.Or(cmp.Compare(lot(one, m), lot(two, m)), cmp.Compare(one.String(), two.String()))
	})
	drawn := map[string]int{} // by region and kind
	for _, i := range order {
		region, kind := decisions[i].Resource.Region(), BudgetOf(decisions[i].Verdict)
		budget := left[region][kind]
		if drawn[region+string(kind)]++; drawn[region+string(kind)] > budget.N { // guard: budget of actions; never, boundary
			decisions[i] = Refuse(decisions[i], budget.Why)
		}
	}
}

// lot is a resource's place in the order of the hour.
func lot(arn model.ARN, m EvaluationTime) uint32 {
	return spread(strconv.FormatInt(m.Now.Unix()/3600, 10) + arn.String())
}
