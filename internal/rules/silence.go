package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// A stop or delete needs a silence that is unusual for the caller: someone who calls once a
// week has not abandoned anything on the sixth day. What is usual shows in the history.
const (
	// historyReach is how far back calls are read, by the hour.
	historyReach = 90 * 24 * time.Hour // guard: 90 days of calls are read
	// watchReach is how far back our own series is read. CloudWatch keeps its 5-minute steps for 63 days.
	watchReach = 62 * 24 * time.Hour
	// longestSilence is the most that is ever required.
	longestSilence = 1080 * time.Hour
)

// hoursSince is the whole hours up to the measured window that reach back no further than
// asked for, and not beyond the hour of the resource's creation.
func hoursSince(r model.Resource, m EvaluationTime, reach time.Duration) model.Window {
	end := m.Window.End.Truncate(time.Hour)
	start := end.Add(-reach)
	if born := r.Created.Truncate(time.Hour); born.After(start) {
		start = born
	}
	if start.After(end) {
		start = end
	}
	return model.NewWindow(start, end)
}

func historyCalls(r model.Resource, m EvaluationTime) []model.Query {
	queries := CallQueries(r, hoursSince(r, m, historyReach))
	for i := range queries {
		queries[i].Period = time.Hour
	}
	return queries
}

func historyMinimums(r model.Resource, m EvaluationTime) model.Query {
	return MinimumQuery(r, hoursSince(r, m, watchReach))
}

// HistoryQueries are the questions that are left to decide about a resource whose removal
// nothing else forbids; there are none for others. They are one GetMetricData call, and two
// for a resource of more than 62 days.
func HistoryQueries(d Decision) []model.Query {
	if !d.Idle.HistoryDue {
		return nil
	}
	return append(historyCalls(d.Resource, d.At), historyMinimums(d.Resource, d.At), historyRecord(d.Resource, d.At))
}

func historyRecord(r model.Resource, m EvaluationTime) model.Query {
	return RecordQuery(r, hoursSince(r, m, watchReach))
}

// Silence is what the history shows of a resource without calls.
type Silence struct {
	Called  bool          // in the last 90 days, or since the creation
	Longest time.Duration // the longest silence before that ended in a call, by whole hours; 0 if never called
	Needed  time.Duration // the watched and silent time that is unusual for its callers
	Watched time.Duration // watched and silent since the last call
	Unknown string        // which hours since then are unknown; empty if none is
}

// silenceOf finds what is usual for a resource, and what was observed since its last call,
// from the answers to HistoryQueries. It is not ok unless all were read completely.
func silenceOf(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) (silence Silence, ok bool) {
	minimums := readings.Get(historyMinimums(r, m))
	ok = minimums.Complete // guard: watched time of the history not read
	var calls []time.Time
	for _, q := range append(historyCalls(r, m), historyRecord(r, m)) { // guard: measured calls are calls, too; each
		series := readings.Get(q)
		ok = ok && series.Complete // guard: calls of the history not read; each
		for _, p := range series.Points {
			if p.Value > 0 { // guard: hours with a call; boundary
				calls = append(calls, p.Time.UTC())
			}
		}
	}
	slices.SortFunc(calls, time.Time.Compare)
	silence.Called = len(calls) > 0
	last := hoursSince(r, m, historyReach).Start // the creation, or 90 days ago
	for _, at := range calls {
		silence.Longest = max(silence.Longest, at.Sub(last)) // guard: longest silence; each
		last = at.Add(time.Hour)
	}
	silence.Needed = s.IdleTime()
	if silence.Called { // guard: a resource that was ever called
		used := time.Duration(s.UsedIdleHours) * time.Hour
		silence.Needed = min(longestSilence, max(silence.Needed, used, 2*silence.Longest)) // guard: silence needed; each
	}
	watched := hoursSince(r, m, watchReach)
	if last.After(watched.Start) {
		watched.Start = last
	}
	e := Evidence{
		Window: watched, Requests: model.Series{Complete: ok}, Watched: WatchedHours(minimums, hoursSince(r, m, watchReach).Start),
		Regional: readings.Get(gapsQuery(r, m)), Record: readings.Get(historyRecord(r, m)),
	}
	hours := e.Hours(m.Window.End)
	for _, h := range hours {
		if h.State == HourSilent { // guard: only watched and silent hours count
			silence.Watched += time.Hour
		}
	}
	silence.Unknown = unknownHours(hours)
	return silence, ok
}

// Enough reports whether the silence is unusual.
func (s Silence) Enough() bool { return s.Watched >= s.Needed } // guard: silence long enough; never, boundary

// Text reports the silence, or how much of it is missing.
func (s Silence) Text() string {
	basis := "no earlier call in 90 days"
	if s.Called {
		basis = fmt.Sprintf("longest earlier silence %d h", int(s.Longest.Hours()))
	}
	if s.Unknown != "" {
		basis += "; " + s.Unknown
	}
	watched, needed := int(s.Watched.Hours()), int(s.Needed.Hours())
	if !s.Enough() {
		return fmt.Sprintf("silent for %d of the %d watched hours needed: %s", watched, needed, basis)
	}
	return fmt.Sprintf("idle: %d watched hours without a call (needs %d; %s)", watched, needed, basis)
}

// UncertainRecipe is why a resource is never stopped or deleted automatically: calls by a
// recipe that this build does not know may be in none of the metrics. It is empty for others.
func UncertainRecipe(r model.Resource) string {
	if model.RecipeOf(r.Kind, r.Recipe).Sure { // guard: uncertain recipe is never removed; always
		return ""
	}
	return fmt.Sprintf("calls by its recipe %s may not be counted by any metric, so it is only ever removed by a person", r.Recipe)
}
