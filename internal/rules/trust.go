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
		model.Span(offset.Abs()), way, now.UTC().Format(time.DateTime), now.Add(-offset).UTC().Format(time.DateTime))
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
	if region == s.DeploymentRegion {
		return []model.Query{RunningQuery(region, dayWindow(m))}
	}
	var queries []model.Query
	for _, r := range firstOf(region, resources, arrivalWitnesses, func(a, b model.Resource) int {
		return cmp.Or(a.Created.Compare(b.Created), a.ARN.Compare(b.ARN))
	}) {
		queries = append(queries, minimumQuery(r, m))
	}
	return queries
}

// firstOf are the first n resources of a region, in an order.
func firstOf(region string, resources []model.Resource, n int, compare func(a, b model.Resource) int) []model.Resource {
	var first []model.Resource
	for _, r := range resources {
		if r.Region() != region {
			continue
		}
		if at, _ := slices.BinarySearchFunc(first, r, compare); at < n {
			first = slices.Insert(first[:min(len(first), n-1)], at, r)
		}
	}
	return first
}

// dataLate is why a region's metrics do not show the present, by the answers to ArrivalQueries;
// empty if they do; and of when the newest is. What was published for the measured window itself
// proves nothing: it was written a moment ago.
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
		newest.UTC().Format(gapFormat), model.Span(m.Now.Sub(newest)), model.Span(m.Now.Sub(needed))), newest
}

// newestNeeded is when the window must begin of which our own metrics have arrived.
func newestNeeded(m EvaluationTime) time.Time {
	// The cycle before published the window before: with a long MetricDelay it is older.
	return model.Earlier(m.Now.Add(-arrivalDelay), m.Window.Start.Add(-WindowLength))
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
		points, needed := readings.Get(q).Points, model.Earlier(newestNeeded(d.At), q.Window.End.Add(-arrivalDelay))
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
	return model.Problem{Region: l.Region, Account: model.Account{ID: l.Account, Name: l.AccountName}}.Where()
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
	due, late := map[string]bool{}, map[string]*LateRegion{}
	for _, d := range decisions {
		resources = append(resources, d.Resource)
		due[d.Resource.Region()] = due[d.Resource.Region()] || changes(d)
	}
	for region, change := range due {
		queries := ArrivalQueries(region, resources, s, m)
		_, asked := readings[queries[0]]
		if why, newest := dataLate(queries, readings, m); why != "" && (asked || change) {
			late[region] = &LateRegion{Region: region, Reason: why, Newest: newest}
		}
	}
	for i, d := range decisions {
		region, isLate := late[d.Resource.Region()]
		q, early := endsEarly(d, readings, s)
		switch {
		case isLate && changes(d): // guard: late data: refused; each
			decisions[i] = refuse(d, ReasonLate, region.Reason)
			region.Refused++
		case early && changes(d): // guard: an answer without our latest metrics: refused; never
			why := fmt.Sprintf("the answer about its %s lacks the latest values, so it may lack more", q.Metric.Name)
			decisions[i] = refuse(d, ReasonUnwatched, why)
		}
		if isLate && d.Caution.NotifyContest { // whether people were notified before may be late too
			decisions[i].Caution = d.Caution.withoutContestNotice()
		}
	}
	var list []LateRegion
	for _, region := range slices.Sorted(maps.Keys(late)) {
		list = append(list, *late[region])
	}
	return list
}

func changes(d Decision) bool { return d.Verdict.Changes() || d.Would.Changes() }

// Busy endpoints of a region vouch for each other: when at least regionalQuorum of them, and at
// least half, have no data at once, the data are missing and not the demand.
const (
	regionalQuorum = 3
	// busyShare of the hours that it looks back on must have a datapoint before an endpoint
	// counts as busy.
	busyShare = 0.75
	// longHole is how long a silence has to be, longer than a weekend, to be left out of these hours,
	// the longest alone: else an endpoint whose data are missing for days would not be busy, and
	// could not show it. At least half of the hours have to remain.
	longHole = 72 * time.Hour
	// regionalPeers is how many endpoints of a region are read for it, to bound the cost.
	regionalPeers = 30
)

// GapsQuery is the key of a region's gaps among the readings. CloudWatch cannot answer it:
// they are derived from PeerQueries by RegionalGaps.
func GapsQuery(region string, w model.Window) model.Query {
	return model.Query{
		Region: region, Metric: model.Metric{Namespace: model.NamespacePersonalize}, Stat: model.Gaps, Window: w, Period: time.Hour,
	}
}

// SilenceQueries ask for what confirms the silence that a decision would rest on, and that its
// readings lack. It is to be made again with them.
func SilenceQueries(d Decision) []model.Query {
	if !d.Has(ReasonRegion) || d.Has(ReasonGuard) { // guard: what another guard refused is not decided again; each:2
		return nil
	}
	queries := ConfirmQueries(d.Resource, regionWindow(d.At))
	if d.StepDown.Silent == 0 { // the history of a removal has its own record
		return queries[:1]
	}
	return queries
}

// ConfirmQueries ask for what confirms the silence of a resource in a window: the gaps of its region
// and our own record, Regional and Record of its evidence.
func ConfirmQueries(r model.Resource, w model.Window) []model.Query {
	return []model.Query{GapsQuery(r.Region(), w), RecordQuery(r, w)}
}

// PeerQueries ask for the hourly requests of the endpoints that show whether the data of their
// region are missing: at most 30 of the given ones, the same ones each time. The result is
// empty, not nil, if there is none. Where the recipe is not known, as of a campaign that was
// only listed, they ask for every metric. They ask for our own record of each, too.
func PeerQueries(resources []model.Resource, gaps model.Query) []model.Query {
	queries := []model.Query{}
	for _, r := range firstOf(gaps.Region, resources, regionalPeers, func(a, b model.Resource) int {
		one, two := a.ARN.String(), b.ARN.String()
		return cmp.Or(cmp.Compare(spread(one), spread(two)), cmp.Compare(one, two))
	}) {
		metrics := model.RequestMetrics()
		if recipe := model.RecipeOf(r.Kind, r.Recipe); recipe.Sure {
			metrics = []string{recipe.Metric}
		}
		for _, name := range metrics {
			queries = append(queries, callQuery(r, name, gaps.Window, time.Hour))
		}
		queries = append(queries, RecordQuery(r, gaps.Window))
	}
	return queries
}

// RegionalGaps are the hours of a window in which at least three, and at least half, of the
// region's otherwise busy endpoints have no data, by the answers to PeerQueries. An endpoint
// that is not busy has no say. Calls that we measured make an endpoint busy, but only counts are
// data: an answer that lacks counts shows gaps. If one could not be read, or if the answers lack our own
// record of every endpoint, the gaps are not known.
func RegionalGaps(gaps model.Query, peers []model.Query, readings model.Readings) model.Series {
	w, busyPeers, present := gaps.Window, 0, map[time.Time]int{}
	hours, complete, recorded := peerHours(peers, readings)
	for _, counted := range hours {
		if !busyPeer(counted, w) { // guard: idle endpoints do not show a gap; never
			continue
		}
		busyPeers++
		for at, ok := range counted {
			if ok {
				present[at]++
			}
		}
	}
	found := model.Series{Complete: complete && (recorded || len(peers) == 0)} // guard: regional gaps: an answer without our own record
	for start := w.Start; start.Before(w.End); start = start.Add(time.Hour) {
		if absent := busyPeers - present[start]; absent >= regionalQuorum && 2*absent >= busyPeers { // guard: regional gap; each
			found.Points = append(found.Points, model.Datapoint{Time: start, Value: float64(absent)})
		}
	}
	return found
}

// peerHours are, by ARN, the hours in which an endpoint had calls, and whether AWS has a count of them; complete, if all answers to
// PeerQueries were; recorded, if any has our own record.
func peerHours(peers []model.Query, readings model.Readings) (hours map[string]map[time.Time]bool, complete, recorded bool) {
	hours, complete = map[string]map[time.Time]bool{}, true
	for _, q := range peers {
		series := readings.Get(q)
		complete = complete && series.Complete // guard: regional gaps not read
		own := q.Metric.Namespace == model.NamespaceMonitor
		recorded = recorded || own && len(series.Points) > 0
		counted := hours[q.Metric.DimensionValue]
		if counted == nil {
			counted = map[time.Time]bool{}
			hours[q.Metric.DimensionValue] = counted
		}
		for _, p := range series.Points {
			if at := p.Time.UTC(); !own || p.Value > 0 { // guard: regional gaps: measured calls are calls; boundary
				counted[at] = counted[at] || !own
			}
		}
	}
	return hours, complete, recorded
}

// busyPeer reports whether an endpoint with calls in the given hours is otherwise busy.
func busyPeer(hours map[time.Time]bool, w model.Window) bool {
	rest, has, hole, longest := w.Duration(), 0, time.Duration(0), time.Duration(0)
	for start := w.Start; start.Before(w.End); start = start.Add(time.Hour) {
		if _, called := hours[start.UTC()]; called {
			has, hole = has+1, 0
			continue
		}
		hole += time.Hour
		longest = max(longest, hole)
	}
	if longest > longHole && 2*longest <= w.Duration() { // guard: a long hole is left out; each
		rest -= longest
	}
	return float64(has) >= busyShare*rest.Hours()
}
