package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// maxClockOffset is how far the host's clock may be from AWS's. Ages and windows count from the
// host's clock: one that is ahead makes the latest counts look like none.
const maxClockOffset = 2 * time.Minute // guard: wrong clock: the limit; boundary

// WrongClock is why nothing may be decided by the host's clock, with both times; empty if it is
// right. The offset is how far it is ahead of AWS's, negative if behind. If that is not known,
// the clock is not trusted.
func WrongClock(now time.Time, offset time.Duration, known bool) string {
	switch {
	case !known: // guard: wrong clock: not known
		return "the clock of this host could not be compared with AWS's: no response had a date"
	case offset.Abs() <= maxClockOffset: // guard: wrong clock; boundary
		return ""
	}
	way := "ahead of"
	if offset < 0 {
		way = "behind"
	}
	return fmt.Sprintf("the clock of this host is %s %s AWS's: it shows %s, AWS %s UTC",
		span(offset.Abs()), way, now.UTC().Format(time.DateTime), now.Add(-offset).UTC().Format(time.DateTime))
}

// arrivalDelay is how old the newest of our own metrics may be that can be read. If they are
// late, so may be the counts of requests, and late counts look like none.
const arrivalDelay = 20 * time.Minute // guard: late data: the limit

// arrivalWitnesses bounds the resources that are asked for in a region without our count.
const arrivalWitnesses = 3

// ArrivalQueries ask for our own newest metrics in a region: in the deployment region for the
// count of resources, elsewhere for the minimums of its oldest resources. The window is that of
// a day, which other queries have too, so that no call is needed for them alone.
func ArrivalQueries(region string, resources []model.Resource, s Settings, m EvaluationTime) []model.Query {
	w := model.NewWindow(m.Window.End.Add(-24*time.Hour), m.Window.End)
	if region == s.DeploymentRegion {
		return []model.Query{RunningQuery(region, w)}
	}
	var oldest []model.Resource
	for _, r := range resources {
		if r.Region() != region {
			continue
		}
		at, _ := slices.BinarySearchFunc(oldest, r, func(a, b model.Resource) int {
			return cmp.Or(a.Created.Compare(b.Created), a.ARN.Compare(b.ARN))
		})
		if at < arrivalWitnesses {
			oldest = slices.Insert(oldest, at, r)
			oldest = oldest[:min(len(oldest), arrivalWitnesses)]
		}
	}
	var queries []model.Query
	for _, r := range oldest {
		queries = append(queries, MinimumQuery(r, w))
	}
	return queries
}

// dataLate is why a region's metrics do not show the present, by the answers to ArrivalQueries;
// empty if they do; and of when the newest is. What was published for the measured window itself proves nothing: it was
// written a moment ago.
func dataLate(queries []model.Query, readings model.Readings, m EvaluationTime) (why string, newest time.Time) {
	complete := true
	for _, q := range queries {
		series := readings.Get(q)
		complete = complete && series.Complete
		for _, p := range series.Points {
			if p.Time.Before(m.Window.Start) && p.Time.After(newest) { // guard: late data: this cycle's own; each:1
				newest = p.Time
			}
		}
	}
	needed := newestNeeded(m)
	switch {
	case !newest.Before(needed): // guard: late data
		return "", newest
	case !complete:
		return "whether CloudWatch data are late could not be read: our own metrics of the last 24 h (GetMetricData)", newest
	case newest.IsZero():
		return "CloudWatch data are late: our own metrics of the last 24 h are missing; " +
			"a monitor that was just installed acts from its second cycle on", newest
	}
	return fmt.Sprintf("CloudWatch data are late: the newest of our own metrics is of %s UTC, %s ago; at most %s are accepted",
		newest.UTC().Format(gapFormat), span(m.Now.Sub(newest)), span(m.Now.Sub(needed))), newest
}

// newestNeeded is when the window must begin of which our own metrics have arrived.
func newestNeeded(m EvaluationTime) time.Time {
	needed := m.Now.Add(-arrivalDelay)
	// The cycle before published the window before: with a long MetricDelay it is older.
	if before := m.Window.Start.Add(-WindowLength); before.Before(needed) {
		return before
	}
	return needed
}

// ownSeries are the series of our own that a change rests on. Each must show the present: an answer that
// calls itself complete and lacks it may lack everything.
func ownSeries(d Decision, s Settings) []model.Query {
	r, m, verdict := d.Resource, d.At, d.Verdict
	if !verdict.Changes() {
		verdict = d.Would
	}
	switch verdict {
	case StepDown:
		return []model.Query{minimumQuery(r, m), ContestQueries(r, m)[0]}
	case Stop, Delete:
		return []model.Query{utilizationQuery(r, s, m)} // without its own record there is no silence in the history
	}
	return nil
}

// endsEarly finds a series of our own that ends too early, or has no datapoint at all.
func endsEarly(d Decision, readings model.Readings, s Settings) (q model.Query, found bool) {
	for _, q := range ownSeries(d, s) {
		needed := newestNeeded(d.At)
		if end := q.Window.End.Add(-arrivalDelay); end.Before(needed) {
			needed = end
		}
		points := readings.Get(q).Points
		// guard: an answer without our latest metrics; each
		if len(points) == 0 || points[len(points)-1].Time.Add(q.Period-WindowLength).Before(needed) {
			return q, true
		}
	}
	return model.Query{}, false
}

// LateRegion is a region whose CloudWatch data are late or cannot be read.
type LateRegion struct {
	model.OfAccount        // if several are watched together
	Region          string `json:"region"`
	Reason          string `json:"reason"`
	Refused         int    `json:"refused"` // changes that were due and are refused

	Newest time.Time `json:"-"` // of our own newest metric; zero if there is none of a day
}

// Where is the region, with its account if several are watched together.
func (l LateRegion) Where() string {
	if l.Account == "" {
		return l.Region
	}
	return l.Region + " of " + model.Account{ID: l.Account, Name: l.AccountName}.String()
}

// String is one line for people.
func (l LateRegion) String() string {
	return fmt.Sprintf("%s: %s; %s refused", l.Where(), l.Reason, model.Plural(l.Refused, "change"))
}

// RefuseLate refuses the changes of regions whose data are late, and returns these regions,
// sorted. A change that rests on an answer which lacks our latest metrics is refused, too. A region
// is judged if the readings hold answers to its ArrivalQueries, or if a change is due in it. No one
// is notified there that a minimum is contested.
func RefuseLate(decisions []Decision, readings model.Readings, s Settings, m EvaluationTime) []LateRegion {
	resources := make([]model.Resource, 0, len(decisions))
	due, refused := map[string]bool{}, map[string]int{}
	for _, d := range decisions {
		resources = append(resources, d.Resource)
		due[d.Resource.Region()] = due[d.Resource.Region()] || changes(d)
	}
	late, newest := map[string]string{}, map[string]time.Time{}
	for region, change := range due {
		queries := ArrivalQueries(region, resources, s, m)
		_, asked := readings[queries[0]]
		if why, last := dataLate(queries, readings, m); why != "" && (asked || change) {
			late[region], newest[region] = why, last
		}
	}
	for i, d := range decisions {
		why := late[d.Resource.Region()]
		if why != "" && changes(d) { // guard: late data: refused; each
			decisions[i] = refuse(d, ReasonLate, why)
			refused[d.Resource.Region()]++
		} else if changes(d) {
			if q, early := endsEarly(d, readings, s); early { // guard: an answer without our latest metrics: refused; never
				decisions[i] = refuse(d, ReasonUnwatched, fmt.Sprintf(
					"the answer about its %s lacks the latest values, so it may lack more", q.Metric.Name))
			}
		}
		if why != "" && d.Caution.NotifyContest { // whether people were notified before may be late too
			decisions[i].Caution = d.Caution.withoutContestNotice()
		}
	}
	var list []LateRegion
	for _, region := range slices.Sorted(maps.Keys(late)) {
		list = append(list, LateRegion{Region: region, Reason: late[region], Refused: refused[region], Newest: newest[region]})
	}
	return list
}

func changes(d Decision) bool { return d.Verdict.Changes() || d.Would.Changes() }

// LateMetric shows that the data of a region are late. It is published in the deployment region,
// where the data may be on time.
func LateMetric(late LateRegion, s Settings, m EvaluationTime) model.Datum {
	return model.Datum{
		Region: s.DeploymentRegion, Unit: unitCount, Value: 1, Time: m.Window.Start,
		Metric: model.Metric{
			Namespace: model.NamespaceMonitor, Name: model.MetricDataLate, DimensionName: "Region", DimensionValue: late.Region,
		},
	}
}
