package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Idleness is what the idle rule found. The zero value means that the rule had nothing to
// read: the resource had requests in the window, or is too young.
type Idleness struct {
	Is       bool          // no call of any kind in the whole idle time, by complete data
	For      time.Duration // how long without a successful request, as far as is known; at least the idle time
	Requests float64       // successful requests within the idle time
	Failed   float64       // failed ones
	// HistoryDue reports that only its history, the answers to HistoryQueries, is missing for
	// a decision.
	HistoryDue bool
	Silence    Silence // zero unless the history was read
}

// IdleVerdict is what follows from idleness: recommenders are stopped, campaigns deleted.
// The solution version, the trained model, stays in either case.
func IdleVerdict(kind model.Kind) Verdict {
	if kind == model.Recommender { // guard: recommenders are stopped, not deleted
		return Stop
	}
	return Delete
}

func utilizationQuery(r model.Resource, s Settings, m EvaluationTime) model.Query {
	return ownQuery(r, r.Kind.UtilizationMetric(), model.Count, idleWindow(s, m), WindowLength)
}

func runningQuery(s Settings, m EvaluationTime) model.Query {
	return RunningQuery(s.DeploymentRegion, idleWindow(s, m))
}

// CheckQueries are the questions whose answers the hourly checks of a resource need.
// They depend on its throughput: only one without requests in the window can be idle.
func CheckQueries(r model.Resource, t Throughput, s Settings, m EvaluationTime) []model.Query {
	if !t.Readable || r.Stale {
		return nil
	}
	queries := append(stepDownQueries(r, m), riseQueries(r, m)...)
	if t.Requests > 0 || age(r, m) < s.IdleTime() { // guard: queries of the idle check; always
		return queries
	}
	queries = append(queries, CallQueries(r, idleWindow(s, m), WindowLength)...)
	queries = append(queries, hourlyQuery(r, m), utilizationQuery(r, s, m), runningQuery(s, m))
	return append(queries, UpdateQueries(r, s, m)...)
}

func checkIdle(r model.Resource, t Throughput, readings model.Readings, s Settings, m EvaluationTime) (Idleness, finding) {
	switch a := age(r, m); {
	case t.Requests > 0: // guard: requests in the window
		return Idleness{}, nothing(ReasonInUse, "")
	case a < s.IdleTime(): // guard: too young to be idle; never, boundary
		return Idleness{}, nothing(ReasonTooNew,
			"no requests now, but too new to be idle: created %s ago, at least %d h are needed", model.Span(a), s.IdleHours)
	}
	w := idleWindow(s, m)
	calls := CountCalls(CallQueries(r, w, WindowLength), readings, w.Start)
	idle := Idleness{Requests: calls.Served, Failed: calls.Failed}
	if code, why := NotIdle(calls, s.IdleHours); code == ReasonUnread {
		return idle, refusal(code, "%s", why)
	} else if code != "" {
		return idle, nothing(code, "%s", why)
	}
	idle.Is, idle.For = true, idleFor(r, readings, s, m)
	verdict, doing := IdleVerdict(r.Kind), "deleting"
	if r.Kind == model.Recommender {
		doing = "stopping"
	}
	if s.StopIdle.Is(model.Off) { // guard: AutoDeleteOrStopIdleResources=No
		return idle, nothing(ReasonOff, "idle %s; %s is off (AutoDeleteOrStopIdleResources=No)", model.Span(idle.For), doing)
	}
	skipped := func(code ReasonCode, why string) (Idleness, finding) {
		return idle, refusal(code, "idle %s, but skipped: %s", model.Span(idle.For), why)
	}
	if why := UncertainRecipe(r); why != "" { // guard: uncertain recipe
		return skipped(ReasonUncertain, why)
	}
	if code, why := idleBlocked(r, readings, s, m); code != "" { // guard: guards of a removal
		return skipped(code, why)
	}
	silence, ok := silenceOf(r, readings, s, m)
	if !ok { // guard: history not read
		_, read := readings[historyMinimums(r, m)]
		idle.HistoryDue = !read
		return skipped(ReasonUnread, "its calls of the last 90 days could not be read completely")
	}
	idle.Silence = silence
	switch text := silence.Text(); {
	case !silence.Enough(): // guard: silence that may be usual
		return idle, nothing(ReasonUsual, "%s", text)
	case !readings.Get(gapsQuery(r, m)).Complete: // guard: silence, and regional gaps not read, before a removal
		return skipped(ReasonRegion, "whether the data of the whole region are missing could not be read")
	case s.StopIdle.Is(model.DryRun): // guard: AutoDeleteOrStopIdleResources=DryRun
		return idle, nothing(ReasonDryRun, "%s; %s is a dry run (AutoDeleteOrStopIdleResources=DryRun)", text, doing)
	default:
		return idle, finding{verdict: verdict, code: ReasonIdle, reason: text}
	}
}

// NotIdle is why a resource without requests in the measured time does not count as idle,
// by the calls within its idle time; empty if it does.
func NotIdle(c Calls, idleHours int) (code ReasonCode, reason string) {
	switch {
	case c.Served > 0: // guard: any request in the idle time; never, boundary
		return ReasonInUse, fmt.Sprintf("no requests now, but %.0f in the last %d h", c.Served, idleHours)
	case c.Failed > 0: // guard: failed requests are requests; never, boundary
		return ReasonFailing, fmt.Sprintf("broken, not idle: all its %.0f requests in the last %d h failed", c.Failed, idleHours)
	case !c.Complete: // guard: requests not read completely
		return ReasonUnread, fmt.Sprintf(
			"cannot decide whether it is idle: its requests in the last %d h could not be read completely", idleHours)
	}
	return "", ""
}

// idleFor is how long the resource has been without requests: since the end of the last
// hour that had some, or since the series begins. The hourly series is coarser than the
// idle time's and reaches further back.
func idleFor(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) time.Duration {
	since := r.Created
	if w := lookBackWindow(r, m); w.Start.After(since) && m.Window.End.Sub(since) > LookBack {
		since = w.Start
	}
	for _, p := range readings.Get(hourlyQuery(r, m)).Points {
		if p.Value > 0 {
			since = p.Time.Add(time.Hour)
		}
	}
	return max(m.Window.End.Sub(since), s.IdleTime())
}

// idleBlocked is the guard before a stop or delete: it returns why the idle resource is
// skipped, or an empty code.
func idleBlocked(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) (ReasonCode, string) {
	w, seen, running := idleWindow(s, m), readings.Get(utilizationQuery(r, s, m)), readings.Get(runningQuery(s, m))
	changing, updated := busy(r), updatedByOthers(r, readings, s, m)
	at, stopped := gap(seen, running, w)
	from, to, unseen := unwatched(seen, w)
	switch {
	case changing != "": // guard: idle, but busy
		return ReasonBusy, changing
	case !seen.Complete || !running.Complete: // guard: watched time not read; each
		return ReasonUnread, "whether it was running all that time could not be read"
	case stopped: // guard: gap in the watched time
		return ReasonUnwatched, fmt.Sprintf("it was not seen running all that time (no utilization from %s on)", at.Format(gapFormat))
	case updated != "": // guard: updated within the idle time
		return ReasonUpdated, updated
	// Campaigns cannot be stopped and started.
	case r.Kind == model.Recommender && unseen: // guard: a recommender that was not watched; each:1
		return ReasonUnwatched, fmt.Sprintf("it may have just been started: it was not monitored from %s to %s",
			from.Format(gapFormat), to.Format(gapFormat))
	}
	return "", ""
}

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
	return within(r.Created.Truncate(time.Hour), m.Window.End.Truncate(time.Hour), reach)
}

func historyCalls(r model.Resource, m EvaluationTime) []model.Query {
	return CallQueries(r, hoursSince(r, m, historyReach), time.Hour)
}

func historyMinimums(r model.Resource, m EvaluationTime) model.Query {
	return MinimumQuery(r, hoursSince(r, m, watchReach))
}

func historyRecord(r model.Resource, m EvaluationTime) model.Query {
	return RecordQuery(r, hoursSince(r, m, watchReach))
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
	watch := hoursSince(r, m, watchReach)
	e := Evidence{
		Window: model.NewWindow(model.Later(watch.Start, last), watch.End), Requests: model.Series{Complete: ok},
		Watched: WatchedHours(minimums, watch.Start), Regional: readings.Get(gapsQuery(r, m)), Record: readings.Get(historyRecord(r, m)),
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
