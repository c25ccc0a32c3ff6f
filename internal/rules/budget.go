package rules

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Bounds of the budget of stops and deletes.
const (
	budgetSpan = time.Hour
	// DimensionAction is the dimension under which stops and deletes are counted per
	// region; its values are those of the actions.
	DimensionAction = "Action"
)

// RemovalMetric counts automatic stops or deletes in a region.
func RemovalMetric(action Verdict) model.Metric {
	return model.Metric{
		Namespace: model.NamespaceMonitor, Name: model.MetricActionsTaken,
		DimensionName: DimensionAction, DimensionValue: string(action),
	}
}

// budgetWindow is the last hour, the 5 minutes under way included.
func budgetWindow(now time.Time) model.Window {
	end := now.Add(WindowLength).Truncate(WindowLength)
	return model.NewWindow(end.Add(-budgetSpan-WindowLength), end)
}

// RemovalQueries ask how many stops and deletes were made by themselves in a region
// within the last hour.
func RemovalQueries(region string, now time.Time) []model.Query {
	var queries []model.Query
	for _, action := range []Verdict{Stop, Delete} {
		queries = append(queries, model.Query{
			Region: region, Metric: RemovalMetric(action), Stat: model.Sum, Window: budgetWindow(now), Period: WindowLength,
		})
	}
	return queries
}

// RemovalsSpent counts the stops and deletes of the last hour: those that the metric
// shows, and those of this process that it does not show yet. It is not ok if the metric
// could not be read completely, as there may be any number then.
func RemovalsSpent(region string, readings model.Readings, own []time.Time, now time.Time) (spent int, ok bool) {
	shown := map[time.Time]float64{}
	for _, q := range RemovalQueries(region, now) {
		series := readings.Get(q)
		if !series.Complete {
			return 0, false
		}
		for _, p := range series.Points {
			shown[p.Time.UTC()] += p.Value
		}
	}
	mine := map[time.Time]float64{}
	for _, at := range own {
		if slot := at.UTC().Truncate(WindowLength); !slot.Before(budgetWindow(now).Start) {
			mine[slot]++
		}
	}
	total := 0.0
	for slot, n := range shown {
		total += max(n, mine[slot])
	}
	for slot, n := range mine {
		if _, counted := shown[slot]; !counted {
			total += n
		}
	}
	return int(total), true
}

// ApplyBudget refuses the stops and deletes of each region that its budget has no room for.
// The room is asked for once for each region that has any, and says why where it is not
// enough. Who is left out changes from hour to hour, so that nobody is left out for
// good, and does not depend on the order of the decisions.
func ApplyBudget(decisions []Decision, m EvaluationTime, room func(region string) (left int, why string)) {
	byRegion := map[string][]int{}
	for i, d := range decisions {
		if d.Verdict == Stop || d.Verdict == Delete {
			byRegion[d.Resource.Region()] = append(byRegion[d.Resource.Region()], i)
		}
	}
	for region, list := range byRegion {
		left, why := room(region)
		slices.SortFunc(list, func(a, b int) int {
			one, two := decisions[a].Resource.ARN, decisions[b].Resource.ARN
			return cmp.Or(cmp.Compare(draw(one, m), draw(two, m)), cmp.Compare(one.String(), two.String()))
		})
		for _, i := range list[min(len(list), max(0, left)):] {
			decisions[i] = Refuse(decisions[i], why)
		}
	}
}

// draw is a resource's lot in the hour.
func draw(arn model.ARN, m EvaluationTime) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strconv.FormatInt(m.Now.Unix()/3600, 10) + arn.String())) // a hash takes everything
	return h.Sum64()
}
