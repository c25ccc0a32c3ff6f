package main

// mutation breaks one guard: in a file it replaces a text that must be there exactly once.
type mutation struct {
	guard, file, old, new string
}

// mutations are all that is tried, by the file that the guard stands in.
func mutations() []mutation {
	var all []mutation
	for _, list := range []struct {
		file  string
		edits [][3]string // guard, old text, new text
	}{
		{"internal/rules/decision.go", decisionGuards},
		{"internal/rules/slots.go", timeGuards},
		{"internal/rules/utilization.go", measureGuards},
		{"internal/rules/idle.go", idleGuards},
		{"internal/rules/idle.go", updateGuards},
		{"internal/rules/mark.go", markGuards},
		{"internal/rules/recent.go", recentGuards},
		{"internal/rules/stepdown.go", stepGuards},
		{"internal/rules/protection.go", tagGuards},
		{"internal/rules/budget.go", budgetGuards},
		{"internal/rules/alarms.go", alarmGuards},
		{"internal/rules/alarmdiff.go", diffGuards},
		{"internal/rules/fingerprint.go", fingerprintGuards},
		{"internal/model/resource.go", resourceGuards},
		{"internal/model/recipe.go", recipeGuards},
		{"internal/model/switch.go", switchGuards},
		{"internal/cycle/decisions.go", cycleGuards},
		{"internal/cycle/recheck.go", recheckGuards},
	} {
		for _, e := range list.edits {
			all = append(all, mutation{guard: e[0], file: list.file, old: e[1], new: e[2]})
		}
	}
	return all
}

var decisionGuards = [][3]string{
	{"no decision for an old event", "	if s.NoChecks != \"\" {\n		return false\n	}\n", ""},
	{"HourlyChecks=never, or a mode unknown", "	return false\n}\n\n// Decide applies", "	return true\n}\n\n// Decide applies"},
	{"checked in its slot only", "return Slot(arn) == slotOf(m.Window)", "return true"},
	{"traffic that cannot be seen", "case !d.Throughput.Readable && d.Throughput.Invisible:", "case false:"},
	{"window not read", "	case !d.Throughput.Readable:\n", "	case false:\n"},
	{"stale description", "case r.Stale:", "case false:"},
	{"a step hides no person's update", "if !idle.action.Changes() && !d.Idle.Touched {", "if !idle.action.Changes() {"},
	{"a step is made though stopping is refused", "	case step.action.Changes():\n		return step.action, reason\n", ""},
	{"status other than ACTIVE", "if r.Status != model.StatusActive {", "if false {"},
	{"update in progress", "if r.Update != nil && !r.Update.Status.Settled() {", "if false {"},
	{"a refusal changes nothing", "d.Action, d.NewMinTPS, d.Would, d.WouldMin = Refused, 0, None, 0", "d.NewMinTPS, d.Would, d.WouldMin = 0, None, 0"},
	{"described anew before it is changed", "(d.Action.Changes() || d.Would.Changes() || d.Idle.Touched)", "(d.Would.Changes() || d.Idle.Touched)"},
	{"described anew if an update spares it", "(d.Action.Changes() || d.Would.Changes() || d.Idle.Touched)", "(d.Action.Changes() || d.Would.Changes())"},
	{"described anew before it is said what would be done", "(d.Action.Changes() || d.Would.Changes() || d.Idle.Touched)", "(d.Action.Changes() || d.Idle.Touched)"},
}

var timeGuards = [][3]string{
	{"event over an hour old: no decision", "case late > lateEvent:", "case false:"},
	{"event over an hour old, by the limit", "lateEvent    = time.Hour ", "lateEvent    = 2 * time.Hour "},
	{"event over a day old is not of now", "case late < 0 || late > uselessEvent:", "case late < 0:"},
	{"event of the future", "case late < 0 || late > uselessEvent:", "case late > uselessEvent:"},
	{"MetricDelay", "now.UTC().Add(-delay).Truncate", "now.UTC().Truncate"},
}

var measureGuards = [][3]string{
	{"14 days looked at", "const lookBack = 14 *", "const lookBack = 7 *"},
	{"recipe not read", "return r.Kind == model.Recommender || r.Recipe != \"\"", "return true"},
	{"recipe in doubt", "	if !recipe.Sure {\n", "	if false {\n"},
	{"requests of a recipe in doubt: some seen", "case len(presence.Points) > 0:", "case len(presence.Points) >= 0:"},
	{"requests of a recipe in doubt: not read", "case !presence.Complete:", "case false:"},
	{"window read in part", "	if !series.Complete {\n", "	if false {\n"},
}

var idleGuards = [][3]string{
	{"whole idle time looked at", "return model.NewWindow(m.Window.End.Add(-s.IdleTime()), m.Window.End)", "return model.NewWindow(m.Window.End.Add(WindowLength-s.IdleTime()), m.Window.End)"},
	{"the end of the idle time looked at", "return model.NewWindow(m.Window.End.Add(-s.IdleTime()), m.Window.End)", "return model.NewWindow(m.Window.End.Add(-s.IdleTime()), m.Window.End.Add(-WindowLength))"},
	{"all three request metrics", "range model.RequestMetrics() {", "range model.RequestMetrics()[:2] {"},
	{"request metrics besides the first", "range model.RequestMetrics() {", "range model.RequestMetrics()[:1] {"},
	{"failed requests (4xx)", "[]string{model.Suffix4xx, model.Suffix5xx}", "[]string{model.Suffix5xx}"},
	{"failed requests (5xx)", "[]string{model.Suffix4xx, model.Suffix5xx}", "[]string{model.Suffix4xx}"},
	{"requests in the window", "	if t.Requests > 0 {\n		return Idle{}", "	if false {\n		return Idle{}"},
	{"age for idle", "if a := age(r, m); a < s.IdleTime() {", "if a := age(r, m); a < 0 {"},
	{"age for idle, to the second", "if a := age(r, m); a < s.IdleTime() {", "if a := age(r, m); a < s.IdleTime()-time.Second {"},
	{"age for idle, questions", "t.Requests > 0 || age(r, m) < s.IdleTime()", "t.Requests > 0 || age(r, m) < 2*s.IdleTime()"},
	{"any request in the idle time", "case idle.Requests > 0:", "case false:"},
	{"a single request is one", "case idle.Requests > 0:", "case idle.Requests > 1:"},
	{"failed requests are requests", "case idle.Failed > 0:", "case false:"},
	{"a single failed request is one", "case idle.Failed > 0:", "case idle.Failed > 1:"},
	{"requests not read completely", "case !complete:", "case !complete && r.Name == \"\":"},
	{"each series complete", "complete = complete && series.Complete", "complete = series.Complete"},
	{"AutoDeleteOrStopIdleResources=No", "if s.StopIdle.Is(model.Off) {", "if false {"},
	{"AutoDeleteOrStopIdleResources=DryRun", "if s.StopIdle.Is(model.Rehearse) {", "if false {"},
	{"recommender watched", "why = justStarted(readings", "_ = justStarted(readings"},
	{"recommender watched: how long it need not have been", "max(min(unwatchedLimit, w.Duration()/24), 2*WindowLength)", "max(min(unwatchedLimit, w.Duration()/12), 3*WindowLength)"},
	{"recommender watched: up to the end", "return from, last, last.Sub(from) > allowed", "return from, last, false"},
	{"recommender watched: in the middle", "			return from, start, true\n", "			continue\n"},
	{"recommenders are stopped, not deleted", "if r.Kind == model.Recommender {\n		action, doing", "if r.Kind != model.Recommender {\n		action, doing"},
	{"idle, but busy", "	if why := busy(r); why != \"\" {", "	if why := \"\"; why != \"\" {"},
	{"utilization series not read", "if !seen.Complete || !running.Complete {", "if !running.Complete {"},
	{"monitor's own series not read", "if !seen.Complete || !running.Complete {", "if !seen.Complete {"},
	{"gap: was it running", "		return start, true\n", "		continue\n"},
	{"gap of two windows", "if has[after] && (has[before] || before.Before(w.Start)) {", "if has[after] || has[before] {"},
	{"gap at the start", "(has[before] || before.Before(w.Start))", "(has[before] || before.Before(w.Start.Add(time.Hour)))"},
	{"gap up to the newest windows", "freshSlots = 2", "freshSlots = 4"},
}

var updateGuards = [][3]string{
	{"updated within the idle time", "if ago >= s.IdleTime() || ownUpdate(r, readings, s, m) {", "if ago >= 0 || ownUpdate(r, readings, s, m) {"},
	{"updated within the idle time, to the second", "if ago >= s.IdleTime() || ownUpdate", "if ago >= s.IdleTime()-time.Second || ownUpdate"},
	{"updated by a person", "	return markedByUs(u, readings.Get(markerQuery(r, s, m))) || versionSync(r, readings, s, m)", "	return true"},
	{"changed again after the update", "if u == nil || r.LastUpdated.After(u.Changed.Add(updateSlack)) {", "if u == nil {"},
	{"our mark: before the update", "after >= -markerSlack && ", ""},
	{"our mark: not long before", " && after <= WindowLength+markerSlack", ""},
	{"our mark: of something", "p.Value > 0 && after", "after"},
	{"version sync: only if switched on", "if !r.AutoSync || r.VersionReady.IsZero() {", "if r.VersionReady.IsZero() {"},
	{"version sync: trained before", "after < 0 || after > syncReach", "after > syncReach"},
	{"version sync: trained shortly before", "after < 0 || after > syncReach", "after < 0"},
	{"version sync: same minimum", "if p.Value != float64(r.MinTPS) {", "if p.Value < 0 {"},
	{"version sync: minimum not higher before", "if p.Value != float64(r.MinTPS) {", "if p.Value < float64(r.MinTPS) {"},
	{"version sync: minimum read", "return minimums.Complete && before && since", "return before && since"},
	{"version sync: minimum before", "return minimums.Complete && before && since", "return minimums.Complete && since"},
	{"version sync: minimum since", "return minimums.Complete && before && since", "return minimums.Complete && before"},
	{"version sync: published before", "p.Time.Add(publishReach).Before", "p.Time.Before"},
}

var markGuards = [][3]string{
	{"a mark hides no person's update", " && touched(d.Resource, readings, d.By, d.At) == \"\"", ""},
	{"a mark needs a description", " && d.Resource.Described && ", " && "},
	{"a mark is for steps alone", "d.Action == StepDown && ", ""},
	{"whose an update was is asked in all the idle time", "m.Now.Sub(r.LastTouched()) >= s.IdleTime()", "m.Now.Sub(r.LastTouched()) >= s.IdleTime()/2"},
}

var recentGuards = [][3]string{
	{"called since", "	if calls > 0 {\n", "	if false {\n"},
	{"calls since not read", "if !series.Complete && calls == 0 {", "if false {"},
	{"calls since, before a deletion", "if d.Action != Stop && d.Action != Delete {", "if d.Action != Stop {"},
	{"calls since, before a stop", "if d.Action != Stop && d.Action != Delete {", "if d.Action != Delete {"},
	{"failed calls since", "[]string{\"\", model.Suffix4xx, model.Suffix5xx}", "[]string{\"\"}"},
	{"calls since, of every metric", "range model.RequestMetrics() {", "range model.RequestMetrics()[:1] {"},
	{"calls in the window under way", "m.Now.Add(WindowLength-time.Nanosecond).Truncate(WindowLength)", "m.Now.Add(0*time.Nanosecond).Truncate(WindowLength)"},
}

var stepGuards = [][3]string{
	{"age for a step, limit", "stepDownAge   = 24 * time.Hour", "stepDownAge   = 23 * time.Hour"},
	{"age for a step", "if a := age(r, m); a < stepDownAge {", "if a := age(r, m); a < 0 {"},
	{"45 minutes, limit", "updatePause   = 45 * time.Minute", "updatePause   = 44 * time.Minute"},
	{"45 minutes since an update", "touched < updatePause {", "touched < 0 {"},
	{"raise, limit", "raisePause    = 24 * time.Hour", "raisePause    = 12 * time.Hour"},
	{"raise", "if p.Value < float64(r.MinTPS) {", "if p.Value < 0 {"},
	{"raise not read", "if !minimums.Complete {", "if false {"},
	{"minimum of 1", "	if r.MinTPS <= lowestMinimum {\n", "	if r.MinTPS < lowestMinimum {\n"},
	{"max(1), constant", "lowestMinimum = 1 ", "lowestMinimum = 0 "},
	{"max(1)", "max(lowestMinimum, watermark, minimum*3/4)", "max(watermark, minimum*3/4)"},
	{"watermark bounds the step", "max(lowestMinimum, watermark, minimum*3/4)", "max(lowestMinimum, minimum*3/4)"},
	{"three quarters", "max(lowestMinimum, watermark, minimum*3/4)", "max(lowestMinimum, watermark, minimum/2)"},
	{"three quarters, rounded down", "max(lowestMinimum, watermark, minimum*3/4)", "max(lowestMinimum, watermark, (minimum*3+3)/4)"},
	{"watermark rounded down, not lower", "int(math.Floor(s.Lowest))", "int(math.Floor(s.Lowest - 1))"},
	{"watermark rounded down, not up", "int(math.Floor(s.Lowest))", "int(math.Ceil(s.Lowest))"},
	{"lowest hour", "lowest = min(lowest, rate)", "lowest = rate"},
	{"an hour without data is one of zero requests", "if len(hourly.Points) >= step.Hours && step.Hours > 0 {", "if len(hourly.Points) > 0 {"},
	{"hours not read completely", "if !hourly.Complete {", "if false {"},
	{"no whole hour", "if step.Hours == 0 {", "if false {"},
	{"watermark at the minimum", "if step.Watermark() >= r.MinTPS {", "if step.Watermark() > r.MinTPS {"},
	{"AutoAdjustMinTPS=No", "if s.AdjustMinTPS.Is(model.Off) {", "if false {"},
	{"AutoAdjustMinTPS=DryRun", "if s.AdjustMinTPS.Is(model.Rehearse) {", "if false {"},
	{"only settled hours", "hourSettles = 30 * time.Minute", "hourSettles = 0 * time.Minute"},
	{"only settled hours, limit", "hourSettles = 30 * time.Minute", "hourSettles = 25 * time.Minute"},
	{"step, but busy", "	if why := busy(r); why != \"\" {", "	if why := \"\"; why != \"\" {"},
	{"only whole hours: the one under way", "end := m.Window.End.Add(-hourSettles).Truncate(time.Hour)\n", "end := m.Window.End.Add(-hourSettles).Truncate(time.Hour).Add(time.Hour)\n"},
	{"only whole hours: the one of creation", "r.Created.Add(time.Hour - time.Nanosecond).Truncate(time.Hour)", "r.Created.Truncate(time.Hour)"},
	{"the raise is looked for a whole day", "m.Window.End.Add(-raisePause)", "m.Window.End.Add(WindowLength-raisePause)"},
}

var tagGuards = [][3]string{
	{"protecting tag", "		if why := protects(value, action, now); why != \"\" {\n", "		if why := \"\"; why != \"\" {\n"},
	{"protecting tag, in other letters", "if !strings.EqualFold(strings.TrimSpace(key), ProtectTag) {", "if key != ProtectTag {"},
	{"protecting tag that is not clear", "	return unclear\n}", "	_ = unclear\n	return \"\"\n}"},
	{"protecting tag, no such date", "		if err != nil {\n			return unclear\n", "		if err != nil {\n			return \"\"\n"},
	{"protecting tag, to the end of its day", "day.AddDate(0, 0, 1)", "day.AddDate(0, 0, 0)"},
	{"protecting tag, idle", "return when(action != StepDown, yes)", "return \"\""},
	{"protecting tag, tps", "return when(action == StepDown, yes)", "return \"\""},
}

var budgetGuards = [][3]string{
	{"budget of stops and deletes", "list[min(len(list), max(0, left)):]", "list[len(list)+0*left:]"},
	{"budget overspent", "max(0, left)", "max(1, left)"},
	{"budget not read", "		if !series.Complete {\n", "		if false {\n"},
	{"budget: both stops and deletes", "[]Action{Stop, Delete} {\n		queries", "[]Action{Stop} {\n		queries"},
	{"budget: a whole hour", "end.Add(-budgetSpan-WindowLength)", "end.Add(-budgetSpan+WindowLength)"},
	{"budget: what the metric does not show yet", "			total += n\n", "			total += 0 * n\n"},
	{"budget: what the metric shows in part", "total += max(n, mine[slot])", "total += max(n, 0*mine[slot])"},
	{"budget: of each region", "byRegion[d.Resource.Region()] = append(byRegion[d.Resource.Region()], i)", "byRegion[d.Resource.ARN.String()] = append(byRegion[d.Resource.ARN.String()], i)"},
	{"budget: of deletes", "if d.Action == Stop || d.Action == Delete {", "if d.Action == Stop {"},
	{"budget: of stops", "if d.Action == Stop || d.Action == Delete {", "if d.Action == Delete {"},
}

var alarmGuards = [][3]string{
	{"alarms of a stale copy", "return !r.Stale && recipeKnown(r)", "return recipeKnown(r)"},
	{"alarms of a recipe not read", "return !r.Stale && recipeKnown(r) &&", "return !r.Stale &&"},
	{"alarms of traffic not known to be seen", "(t.Readable || t.Invisible || model.RecipeOf(r.Kind, r.Recipe).Sure)", "true"},
	{"idle alarm's actions wait for the age", "ActionsOn: age(r, m) >= time.Duration(p.IdleHours)*time.Hour,", "ActionsOn: true,"},
	{"low-utilization alarm's actions wait for a minimum above 1", "ActionsOn: r.MinTPS > lowestMinimum,", "ActionsOn: true,"},
	{"no alarms for traffic that cannot be seen", "if t.Invisible {", "if false {"},
}

var diffGuards = [][3]string{
	{"created with actions off", "s.ActionsOn = false", "s.ActionsOn = true"},
	{"an alarm under our prefix that is none of ours", "	if !ok {\n		change.Reason", "	if !ok && a.Name == \"\" {\n		change.Reason"},
	{"alarm's name and resource fit together", "if a.Name == t.Name(kind, arn.Name()) {", "if a.Name == t.Name(kind, arn.Name()) || a.Name != \"\" {"},
	{"alarm's dimension and resource fit together", "if err != nil || m.DimensionName != kind.DimensionName() {", "if err != nil {"},
	{"only this deployment's alarm if its resource exists", "DeleteAlarm, true, \"switched off\"", "DeleteAlarm, false, \"switched off\""},
	{"alarms of a resource that nothing is known of", "	case Monitored:\n", "	case Monitored, Unknown:\n"},
	{"alarm with features that are never written", "	case a.Foreign:\n", "	case false:\n"},
	{"alarm without fingerprint", "case !ours && !original(a, w):", "case false:"},
	{"settings that a person changed", "case !sameAsWritten(g, last, a.Settings):", "case false:"},
	{"what a person changed stays known as theirs", "if _, reset := switchedOn(last[g]); !sameAsWritten(g, last, have) || (reset && next.ActionsOn) {", "if _, reset := switchedOn(last[g]); reset && next.ActionsOn {"},
	{"actions come on only once the alarm was evaluated", "want.ActionsOn && (a.Settings.ActionsOn || a.State == StateOK || a.State == StateAlarm)", "want.ActionsOn"},
}

var fingerprintGuards = [][3]string{
	{"fingerprint that lacks a group", "if w[g] == \"\" {", "if len(w) == 0 && g == \"\" {"},
	{"fingerprint that is cut off", "	if !closed {\n", "	if !closed && body == \"\" {\n"},
	{"original's alarm: its actions", "a.Foreign || s.print(groupActions) != want.print(groupActions)", "a.Foreign"},
	{"original's alarm: its description (low utilization)", "return a.Description == originalLowDescription && originalLow(s, want)", "return originalLow(s, want)"},
	{"original's alarm: its description (idle)", "return a.Description == originalIdleDescription && originalIdle(s, want)", "return originalIdle(s, want)"},
	{"original's alarm: its threshold", "if s.Threshold == originalThreshold {", "if s.Threshold > 0 {\n		s.Threshold = originalThreshold"},
	{"original's alarm: its idle time", "return sameSpan && s.PeriodSeconds", "return (sameSpan || true) && s.PeriodSeconds"},
	{"original's alarm, told by its description", "return takenOver || a.Description == want", "return takenOver || a.Description == want || a.Name != \"\""},
}

var resourceGuards = [][3]string{
	{"an update in a state unknown to us", "return n == string(StatusActive) || n == \"CREATE FAILED\"", "return n != \"\" && !s.InProgress()"},
	{"what is being deleted is not monitored", "(r.Update == nil || !r.Update.Status.Deleting())", "true"},
	{"only what is ACTIVE is monitored", "return r.Status == StatusActive && (", "return ("},
	{"last touched: when an update was asked for or moved on", "[]time.Time{r.Update.Created, r.Update.Changed}", "[]time.Time{}"},
}

var recipeGuards = [][3]string{
	{"recipe unknown to us", "	return Recipe{Metric: MetricGetRecommendations}\n", "	return Recipe{Metric: MetricGetRecommendations, Sure: true}\n"},
	{"next-best-action", "return Recipe{Metric: MetricGetActionRecommendations}", "return Recipe{Metric: MetricGetActionRecommendations, Sure: true}"},
	{"personalized-ranking-v2 is a ranking", "name == \"aws-personalized-ranking\", name == \"aws-personalized-ranking-v2\"", "name == \"aws-personalized-ranking\""},
}

var switchGuards = [][3]string{
	{"a switch that was not set is off", "s == position || s == \"\" && position == Off", "s == position"},
}

var cycleGuards = [][3]string{
	{"cycle: budget", "	rules.Ration(decisions, r.moment, func(region string) (int, string) {\n", "	_ = (func(region string) (int, string) {\n"},
	{"cycle: described anew before an action", "if rules.NeedsDescription(decisions[i]) {", "if false {"},
	{"cycle: could not be described anew", "case !ok && fresh.failed[d.Resource.ARN.String()]:\n		return rules.Refuse(d, \"it could not be described anew\")", "case !ok && fresh.failed[d.Resource.ARN.String()]:\n		return d"},
	{"cycle: no longer exists", "return rules.Refuse(d, \"it no longer exists\")", "return d"},
	{"cycle: no longer monitored", "case !resource.Monitored():", "case false:"},
	{"cycle: decided again on the fresh description", "	return rules.Decide(resource, r.readings, r.settings, r.moment)\n}", "	return d\n}"},
}

var recheckGuards = [][3]string{
	{"second look: calls since", "return rules.VetoRecent(rules.Sign(decision, r.readings), r.readings, r.moment), nil", "return rules.Sign(decision, r.readings), nil"},
	{"second look: marks whose update a step hides", "		read(rules.UpdateQueries(resource, r.settings, r.moment))\n", ""},
	{"second look: the longer idle time counts", "max(p.IdleThresholdHours, req.IdleThresholdHours)", "p.IdleThresholdHours"},
	{"second look: no longer monitored", "case !found[0].Monitored():", "case false:"},
	{"second look: could not be described", "	case len(found) == 0 && len(problems) > 0:\n", "	case false:\n"},
	{"second look: time is up", "	if err := ctx.Err(); err != nil {\n		return rules.Decision{}, err\n	}\n", ""},
}
