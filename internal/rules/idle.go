package rules

import (
	"fmt"
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

func idleWindow(s Settings, m EvaluationTime) model.Window {
	return model.NewWindow(m.Window.End.Add(-s.IdleTime()), m.Window.End) // guard: the whole idle time; each
}

func utilizationQuery(r model.Resource, s Settings, m EvaluationTime) model.Query {
	return ownQuery(r, r.Kind.UtilizationMetric(), model.Count, idleWindow(s, m))
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
	queries = append(queries, CallQueries(r, idleWindow(s, m))...)
	queries = append(queries, hourlyQuery(r, m), utilizationQuery(r, s, m), runningQuery(s, m))
	return append(queries, UpdateQueries(r, s, m)...)
}

func checkIdle(r model.Resource, t Throughput, readings model.Readings, s Settings, m EvaluationTime) (Idleness, finding) {
	if t.Requests > 0 { // guard: requests in the window
		return Idleness{}, finding{verdict: None, code: ReasonInUse}
	}
	if a := age(r, m); a < s.IdleTime() { // guard: too young to be idle; never, boundary
		return Idleness{}, nothing(ReasonTooNew,
			"no requests now, but too new to be idle: created %s ago, at least %d h are needed", span(a), s.IdleHours)
	}
	w := idleWindow(s, m)
	calls := CountCalls(CallQueries(r, w), readings, w.Start)
	idle := Idleness{Requests: calls.Served, Failed: calls.Failed}
	if code, why := NotIdle(calls, s.IdleHours); code == ReasonUnread {
		return idle, refusal(code, "%s", why)
	} else if code != "" {
		return idle, nothing(code, "%s", why)
	}
	idle.Is, idle.For = true, idleFor(r, readings, s, m)
	found := "idle " + span(idle.For)
	verdict, doing := IdleVerdict(r.Kind), "deleting"
	if r.Kind == model.Recommender {
		doing = "stopping"
	}
	if s.StopIdle.Is(model.Off) { // guard: AutoDeleteOrStopIdleResources=No
		return idle, nothing(ReasonOff, "%s; %s is off (AutoDeleteOrStopIdleResources=No)", found, doing)
	}
	if why := UncertainRecipe(r); why != "" { // guard: uncertain recipe
		return idle, refusal(ReasonUncertain, "%s, but skipped: %s", found, why)
	}
	if code, why := idleBlocked(r, readings, s, m); code != "" { // guard: guards of a removal
		return idle, refusal(code, "%s, but skipped: %s", found, why)
	}
	silence, ok := silenceOf(r, readings, s, m)
	if !ok { // guard: history not read
		_, read := readings[historyMinimums(r, m)]
		idle.HistoryDue = !read
		return idle, refusal(ReasonUnread, "%s, but skipped: its calls of the last 90 days could not be read completely", found)
	}
	idle.Silence = silence
	if !silence.Enough() { // guard: silence that may be usual
		return idle, nothing(ReasonUsual, "%s", silence.Text())
	}
	if !readings.Get(gapsQuery(r, m)).Complete { // guard: silence, and regional gaps not read, before a removal
		return idle, refusal(ReasonRegion, "%s, but skipped: whether the data of the whole region are missing could not be read", found)
	}
	reason := silence.Text()
	if s.StopIdle.Is(model.DryRun) { // guard: AutoDeleteOrStopIdleResources=DryRun
		return idle, finding{None, ReasonDryRun, reason + "; " + doing + " is a dry run (AutoDeleteOrStopIdleResources=DryRun)", verdict}
	}
	return idle, finding{verdict: verdict, code: ReasonIdle, reason: reason}
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
	if why := busy(r); why != "" { // guard: idle, but busy
		return ReasonBusy, why
	}
	w, seen, running := idleWindow(s, m), readings.Get(utilizationQuery(r, s, m)), readings.Get(runningQuery(s, m))
	if !seen.Complete || !running.Complete { // guard: watched time not read; each
		return ReasonUnread, "whether it was running all that time could not be read"
	}
	if at, found := gap(seen, running, w); found { // guard: gap in the watched time
		return ReasonUnwatched, fmt.Sprintf("it was not seen running all that time (no utilization from %s on)", at.Format(gapFormat))
	}
	if why := updatedByOthers(r, readings, s, m); why != "" { // guard: updated within the idle time
		return ReasonUpdated, why
	}
	if r.Kind == model.Recommender { // campaigns cannot be stopped and started // guard: a recommender that was not watched
		if from, to, found := unwatched(seen, w); found {
			return ReasonUnwatched, fmt.Sprintf("it may have just been started: it was not monitored from %s to %s",
				from.Format(gapFormat), to.Format(gapFormat))
		}
	}
	return "", ""
}
