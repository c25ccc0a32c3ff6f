package rules

import (
	"cmp"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

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
	var peers []model.Resource
	for _, r := range resources {
		if r.Region() == gaps.Region {
			peers = append(peers, r)
		}
	}
	slices.SortFunc(peers, func(a, b model.Resource) int {
		one, two := a.ARN.String(), b.ARN.String()
		return cmp.Or(cmp.Compare(spread(one), spread(two)), cmp.Compare(one, two))
	})
	queries := []model.Query{}
	for _, r := range peers[:min(len(peers), regionalPeers)] {
		metrics := model.RequestMetrics()
		if recipe := model.RecipeOf(r.Kind, r.Recipe); recipe.Sure {
			metrics = []string{recipe.Metric}
		}
		for _, name := range metrics {
			queries = append(queries, model.Query{
				Region: gaps.Region, Metric: model.ResourceMetric(r, model.NamespacePersonalize, name),
				Stat: model.Sum, Window: gaps.Window, Period: time.Hour,
			})
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
	w := gaps.Window
	hours, complete, recorded := peerHours(peers, readings)
	busyPeers, present := 0, map[time.Time]int{}
	for _, one := range hours {
		if !busyPeer(one.called, w) { // guard: idle endpoints do not show a gap; never
			continue
		}
		busyPeers++
		for at, ok := range one.counted {
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

// hoursOf are the hours in which an endpoint had calls, and those that have a count of AWS.
type hoursOf struct{ called, counted map[time.Time]bool }

// peerHours are the answers to PeerQueries by ARN; complete, if all were read; recorded, if any has our own record.
func peerHours(peers []model.Query, readings model.Readings) (hours map[string]hoursOf, complete, recorded bool) {
	hours, complete = map[string]hoursOf{}, true
	for _, q := range peers {
		series := readings.Get(q)
		complete = complete && series.Complete // guard: regional gaps not read
		arn, own := q.Metric.DimensionValue, q.Metric.Namespace == model.NamespaceMonitor
		recorded = recorded || own && len(series.Points) > 0
		if _, ok := hours[arn]; !ok {
			hours[arn] = hoursOf{map[time.Time]bool{}, map[time.Time]bool{}}
		}
		one := hours[arn]
		for _, p := range series.Points {
			at := p.Time.UTC()
			one.called[at] = one.called[at] || !own || p.Value > 0 // guard: regional gaps: measured calls are calls; boundary
			one.counted[at] = one.counted[at] || !own
		}
	}
	return hours, complete, recorded
}

// busyPeer reports whether an endpoint with calls in the given hours is otherwise busy.
func busyPeer(hours map[time.Time]bool, w model.Window) bool {
	rest, has, hole, longest := w.Duration(), 0, time.Duration(0), time.Duration(0)
	for start := w.Start; start.Before(w.End); start = start.Add(time.Hour) {
		if hours[start.UTC()] {
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
