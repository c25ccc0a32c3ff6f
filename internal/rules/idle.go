package rules

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Idle is what the idle rule found. The zero value means that it had nothing to look
// at: the resource had requests in the window, or is too young.
type Idle struct {
	Is       bool          // no request of any kind in the whole idle time, by complete data
	For      time.Duration // how long without a successful request, as far as is known; at least the idle time
	Requests float64       // successful requests within the idle time
	Failed   float64       // failed ones
	// Touched is true if the resource is idle, but spared because of an update within the
	// idle time that was not ours.
	Touched bool
}

// Tolerances of the idle rule.
const (
	// freshSlots at the end of the idle time are not searched for gaps: what was put
	// there just now may not be visible yet.
	freshSlots = 2
	// markerReach is how long before the idle time our marks are looked for, and
	// markerSlack how far the times of an update and of its mark may differ. Marks are
	// read in windows, so a mark stands for all of its window.
	markerReach = 10 * time.Minute
	markerSlack = time.Minute
	// syncReach is how long after a solution version is trained the service may take to
	// move a campaign to it by itself.
	syncReach = 6 * time.Hour
	// publishReach is how long after the start of a window its minimum is published at the
	// latest, with the longest MetricDelay: until then it may be one from after an update.
	publishReach = WindowLength + 15*time.Minute
	// updateSlack is how far a resource's last-updated time may lie from its latest
	// update's and still be taken for the same event.
	updateSlack = 2 * time.Minute
	// unwatchedLimit is the longest stretch of the idle time in which a recommender need
	// not have been watched, as when the monitor is updated; see unwatched.
	unwatchedLimit = time.Hour
)

// idleWindow is the idle time before the end of the measured window.
func idleWindow(s Settings, m EvaluationTime) model.Window {
	return model.NewWindow(m.Window.End.Add(-s.IdleTime()), m.Window.End)
}

// idleQuery asks for one metric of the resource in every 5 minutes of the idle time.
func idleQuery(r model.Resource, namespace, name string, stat model.Stat, s Settings, m EvaluationTime) model.Query {
	return model.Query{
		Region: r.Region(), Metric: model.ResourceMetric(r, namespace, name),
		Stat: stat, Window: idleWindow(s, m), Period: WindowLength,
	}
}

func utilizationQuery(r model.Resource, s Settings, m EvaluationTime) model.Query {
	return idleQuery(r, model.NamespaceMonitor, r.Kind.UtilizationMetric(), model.Count, s, m)
}

// runningQuery asks when the monitor itself was running.
func runningQuery(s Settings, m EvaluationTime) model.Query {
	return model.Query{
		Region: s.DeploymentRegion,
		Metric: model.Metric{Namespace: model.NamespaceMonitor, Name: model.MetricResourceCount},
		Stat:   model.Count, Window: idleWindow(s, m), Period: WindowLength,
	}
}

// markerQuery asks for our marks of automatic changes, from a little before the idle time.
func markerQuery(r model.Resource, s Settings, m EvaluationTime) model.Query {
	q := idleQuery(r, model.NamespaceMonitor, model.MetricActionsTaken, model.Sum, s, m)
	q.Window = model.NewWindow(q.Window.Start.Add(-markerReach), q.Window.End)
	return q
}

// trafficQueries ask for every request metric, successful and failed calls, whatever
// the recipe: a wrong guess at the recipe must not make a busy resource look idle.
func trafficQueries(r model.Resource, s Settings, m EvaluationTime) (succeeded, failed []model.Query) {
	for _, name := range model.RequestMetrics() {
		succeeded = append(succeeded, idleQuery(r, model.NamespacePersonalize, name, model.Sum, s, m))
		for _, suffix := range []string{model.Suffix4xx, model.Suffix5xx} {
			failed = append(failed, idleQuery(r, model.NamespacePersonalize, name+suffix, model.Sum, s, m))
		}
	}
	return succeeded, failed
}

// CheckQueries are the questions whose answers the hourly checks of a resource need.
// They depend on its throughput: only one without requests in the window can be idle.
func CheckQueries(r model.Resource, t Throughput, s Settings, m EvaluationTime) []model.Query {
	if !t.Readable || r.Stale {
		return nil
	}
	queries := stepDownQueries(r, m)
	if t.Requests > 0 || age(r, m) < s.IdleTime() {
		return queries
	}
	succeeded, failed := trafficQueries(r, s, m)
	queries = append(append(queries, succeeded...), failed...)
	queries = append(queries, hourlyQuery(r, m), utilizationQuery(r, s, m), runningQuery(s, m))
	return append(queries, UpdateQueries(r, s, m)...)
}

// checkIdle finds resources that nobody uses. A recommender would be stopped, a
// campaign deleted: its solution version, the trained model, stays in either case.
func checkIdle(r model.Resource, t Throughput, readings model.Readings, s Settings, m EvaluationTime) (Idle, finding) {
	if t.Requests > 0 {
		return Idle{}, finding{action: None}
	}
	if a := age(r, m); a < s.IdleTime() {
		return Idle{}, finding{action: None, reason: fmt.Sprintf("no requests now, but too new to be idle: created %s ago, at least %d h are needed", span(a), s.IdleHours)}
	}
	idle, complete := idleTraffic(r, readings, s, m)
	switch {
	case idle.Requests > 0:
		return idle, finding{action: None, reason: fmt.Sprintf("no requests now, but %.0f in the last %d h", idle.Requests, s.IdleHours)}
	case idle.Failed > 0:
		return idle, finding{action: None, reason: fmt.Sprintf("broken, not idle: all its %.0f requests in the last %d h failed", idle.Failed, s.IdleHours)}
	case !complete:
		return idle, finding{action: Refused, reason: fmt.Sprintf("cannot tell whether it is idle: its requests in the last %d h could not be read completely", s.IdleHours)}
	}
	idle.Is = true
	idle.For = idleFor(r, readings, s, m)
	found := "idle " + span(idle.For)
	action, doing := Delete, "deleting"
	if r.Kind == model.Recommender {
		action, doing = Stop, "stopping"
	}
	if s.StopIdle.Is(model.Off) {
		return idle, finding{action: None, reason: found + "; " + doing + " is off (AutoDeleteOrStopIdleResources=No)"}
	}
	why := idleBlocked(r, readings, s, m)
	if why == "" {
		why = touched(r, readings, s, m)
		idle.Touched = why != ""
	}
	if why == "" && r.Kind == model.Recommender { // campaigns cannot be stopped and started
		why = justStarted(readings.Get(utilizationQuery(r, s, m)), idleWindow(s, m))
	}
	if why != "" {
		return idle, finding{action: Refused, reason: found + ", but left alone: " + why}
	}
	reason := fmt.Sprintf("%s: no request in the last %d h", found, s.IdleHours)
	if s.StopIdle.Is(model.DryRun) {
		return idle, finding{action: None, would: action, reason: reason + "; " + doing + " is only rehearsed (AutoDeleteOrStopIdleResources=DryRun)"}
	}
	return idle, finding{action: action, reason: reason}
}

// idleTraffic adds up the requests of the idle time; complete is false if any of the
// series was not read completely.
func idleTraffic(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) (idle Idle, complete bool) {
	complete = true
	add := func(queries []model.Query) float64 {
		total := 0.0
		for _, q := range queries {
			series := readings.Get(q)
			complete = complete && series.Complete
			total += series.Sum()
		}
		return total
	}
	succeeded, failed := trafficQueries(r, s, m)
	idle.Requests = add(succeeded)
	idle.Failed = add(failed)
	return idle, complete
}

// idleFor tells how long the resource has been without requests: since the end of the
// last hour that had some, or since the series begins. The hourly series is coarser than
// the idle time's and reaches further back.
func idleFor(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) time.Duration {
	since := r.Created
	if w := hourlyWindow(r, m); w.Start.After(since) && m.Window.End.Sub(since) > lookBack {
		since = w.Start
	}
	for _, p := range readings.Get(hourlyQuery(r, m)).Points {
		if p.Value > 0 {
			since = p.Time.Add(time.Hour)
		}
	}
	return max(m.Window.End.Sub(since), s.IdleTime())
}

// idleBlocked is the guard before a stop or delete: it says why the idle resource is
// left alone, or gives the empty string.
func idleBlocked(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) string {
	if why := busy(r); why != "" {
		return why
	}
	seen, running := readings.Get(utilizationQuery(r, s, m)), readings.Get(runningQuery(s, m))
	if !seen.Complete || !running.Complete {
		return "whether it was running all that time could not be read"
	}
	if at, found := gap(seen, running, idleWindow(s, m)); found {
		return fmt.Sprintf("it was not seen running all that time (no utilization from %s on)", at.Format(gapFormat))
	}
	return ""
}

// gapFormat is how times stand in reasons, in UTC.
const gapFormat = "2006-01-02 15:04"

// touched says when somebody else than we or the service itself updated the resource
// within the idle time, or gives the empty string.
func touched(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) string {
	ago := m.Now.Sub(r.LastTouched())
	if ago >= s.IdleTime() || ownUpdate(r, readings, s, m) {
		return ""
	}
	return "updated " + span(ago) + " ago"
}

// gap finds the first window in which the monitor published its count of resources but
// no utilization of this one. A single such window between two others with utilization
// may be a failed read and does not count; windows in which the monitor itself did not
// run prove nothing.
func gap(seen, running model.Series, w model.Window) (at time.Time, found bool) {
	has := make(map[time.Time]bool, len(seen.Points))
	for _, p := range seen.Points {
		has[p.Time.UTC()] = true
	}
	last := w.End.Add(-freshSlots * WindowLength)
	for _, p := range running.Points {
		start := p.Time.UTC()
		if !start.Before(last) || has[start] {
			continue
		}
		before, after := start.Add(-WindowLength), start.Add(WindowLength)
		if has[after] && (has[before] || before.Before(w.Start)) {
			continue // a single window; stopping and starting again takes longer
		}
		return start, true
	}
	return time.Time{}, false
}

// justStarted says why a recommender may have been started only now, for all that our
// utilization series shows, or gives the empty string.
func justStarted(seen model.Series, w model.Window) string {
	from, to, found := unwatched(seen, w)
	if !found {
		return ""
	}
	return fmt.Sprintf("it may have been started only now: nobody watched it from %s to %s", from.Format(gapFormat), to.Format(gapFormat))
}

// unwatched finds the first stretch of the idle time that is too long to know nothing of a
// recommender: it may have been stopped all along and started at its end. Too long is
// more than a 24th of the idle time, at most unwatchedLimit, and never less than two windows.
func unwatched(seen model.Series, w model.Window) (from, to time.Time, found bool) {
	allowed := max(min(unwatchedLimit, w.Duration()/24), 2*WindowLength)
	from = w.Start
	for _, p := range seen.Points {
		start := p.Time.UTC()
		if start.Sub(from) > allowed {
			return from, start, true
		}
		from = start.Add(WindowLength)
	}
	last := w.End.Add(-freshSlots * WindowLength)
	return from, last, last.Sub(from) > allowed
}

// ownUpdate tells whether the latest update was made by us or by the service itself,
// which moves a synchronised campaign to each newly trained solution version. In doubt
// it was a person's.
func ownUpdate(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) bool {
	u := r.Update
	if u == nil || r.LastUpdated.After(u.Changed.Add(updateSlack)) {
		return false
	}
	return markedByUs(u, readings.Get(markerQuery(r, s, m))) || versionSync(r, readings, s, m)
}

func markedByUs(u *model.Update, markers model.Series) bool {
	for _, p := range markers.Points {
		after := u.Created.Sub(p.Time)
		if p.Value > 0 && after >= -markerSlack && after <= WindowLength+markerSlack {
			return true
		}
	}
	return false
}

// versionSync recognises the service's own update: the campaign synchronises, a new
// solution version was trained shortly before, and the minimum did not change.
func versionSync(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) bool {
	if !r.AutoSync || r.VersionReady.IsZero() {
		return false
	}
	if after := r.Update.Created.Sub(r.VersionReady); after < 0 || after > syncReach {
		return false
	}
	minimums := readings.Get(idleQuery(r, model.NamespaceMonitor, r.Kind.MinimumMetric(), model.Minimum, s, m))
	before, since := false, false
	for _, p := range minimums.Points {
		if p.Value != float64(r.MinTPS) {
			return false
		}
		before = before || p.Time.Add(publishReach).Before(r.Update.Created)
		since = since || p.Time.After(r.Update.Created)
	}
	return minimums.Complete && before && since
}
