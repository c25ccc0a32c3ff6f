package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

var changes = []string{
	"DeleteCampaign", "DeleteRecommender", "StopRecommender", "StartRecommender", "UpdateCampaign", "UpdateRecommender",
	"CreateCampaign", "CreateRecommender", "TagResource", "UntagResource",
}

// observe sees every call that a fault hits and every call that is executed.
func (w *world) observe(o localaws.Observed) {
	if o.Fault != nil {
		w.faults.observe(o)
		return
	}
	byOwner := o.AccessKey == ownerKey
	cleanup := w.cleaning && o.Operation == "UntagResource"
	if !byOwner && writesForeign(o) {
		w.figures.violate("wrong actions", o.Time, "%s of something that belongs to others: %s", o.Operation, o.Body)
	}
	if !isChange(o) {
		return
	}
	var in input
	if err := json.Unmarshal(o.Body, &in); err != nil {
		return // executed calls have valid bodies
	}
	w.oracle.mu.Lock()
	defer w.oracle.mu.Unlock()
	r := w.oracle.resources[in.CampaignARN+in.RecommenderARN+in.ResourceARN]
	switch tagging := o.Operation == "TagResource" || o.Operation == "UntagResource"; {
	case cleanup:
		return
	case r == nil:
		if !byOwner {
			w.figures.violate("wrong actions", o.Time, "%s of something that is not a campaign or recommender: %s", o.Operation, o.Body)
		}
		return
	case tagging:
		if !byOwner {
			w.report(o, r, w.checkTagging(o.Operation, r, in.tagKeys()))
		}
		return
	}
	byOwner = byOwner || w.owner.raising == r.arn
	if !byOwner {
		r.settle(o.Time)
		w.report(o, r, w.checkAction(o.Operation, r, in, o.Time))
	}
	r.accept(o.Operation, in.minimum(), byOwner, o.Time)
	w.owner.doubtAlarms(r)
}

func isChange(o localaws.Observed) bool {
	return o.Service == "personalize" && slices.Contains(changes, o.Operation)
}

func (w *world) report(o localaws.Observed, r *resource, wrong []string) {
	for _, why := range wrong {
		w.figures.violate("wrong actions", o.Time, "%s of %s: %s (before: %s)", o.Operation, r.arn, why, strings.Join(r.history, "; "))
	}
}

// writesForeign reports whether a call writes something that belongs to others.
func writesForeign(o localaws.Observed) bool {
	for _, verb := range []string{"Describe", "Get", "List"} {
		if strings.HasPrefix(o.Operation, verb) {
			return false
		}
	}
	return slices.ContainsFunc([]string{foreignAlarm, foreignTopic, foreignBoard}, func(name string) bool { return bytes.Contains(o.Body, []byte(name)) })
}

// input is the part of the operations' inputs that the oracle needs.
type input struct {
	CampaignARN    string `json:"campaignArn"`
	RecommenderARN string `json:"recommenderArn"`
	ResourceARN    string `json:"resourceArn"` // of the operations on tags
	Tags           []struct {
		Key string `json:"tagKey"`
	} `json:"tags"`
	TagKeys []string `json:"tagKeys"`
	MinTPS  int      `json:"minProvisionedTPS"`
	Config  struct {
		MinRPS      int               `json:"minRecommendationRequestsPerSecond"`
		Exploration map[string]string `json:"itemExplorationConfig"`
	} `json:"recommenderConfig"`
}

// tagKeys are the keys of the tags that are set or removed.
func (in input) tagKeys() []string {
	keys := slices.Clone(in.TagKeys)
	for _, t := range in.Tags {
		keys = append(keys, t.Key)
	}
	return keys
}

func (in input) minimum() int { return in.MinTPS + in.Config.MinRPS }

// checkAction returns what is wrong with an action of the program, by what the program could know.
func (w *world) checkAction(op string, r *resource, in input, now time.Time) []string {
	switch op {
	case "DeleteCampaign":
		w.figures.add("deletes")
		return w.checkRemoval(r, now)
	case "StopRecommender":
		w.figures.add("stops")
		return w.checkRemoval(r, now)
	case "UpdateCampaign", "UpdateRecommender":
		if wrong, ok := w.checkArranged(r, in, now); ok {
			return wrong
		}
		w.figures.add("step-downs")
		if r.tool > 0 {
			w.figures.add("step-downs of minimums that the second tool sets")
		}
		return w.checkStep(r, in, now)
	}
	return []string{"the program must never do it"}
}

// windowEnd is the end of the five minutes that are measured at a time: counts arrive up to two minutes late.
func windowEnd(t time.Time) time.Time { return t.Add(-2 * time.Minute).Truncate(stepLength) }

func (w *world) idleTime() time.Duration { return time.Duration(w.IdleHours) * time.Hour }

func (w *world) checkTrust(fail func(format string, args ...any)) {
	if w.monitor.host.ahead != 0 {
		fail("the host's clock is %s ahead", w.monitor.host.ahead)
	}
}

func (w *world) checkRemoval(r *resource, now time.Time) (wrong []string) {
	fail := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	w.checkTrust(fail)
	idle := w.idleTime()
	if ago := now.Sub(r.touched); ago < idle {
		fail("its owner changed it %s ago", ago)
	}
	if !r.activeSince(now.Add(-idle)) {
		fail("it was not active all that time: %s", r.status)
	}
	if s := w.silence(r, now); s.length < s.needed {
		fail("its callers were silent for %s only, %s are needed; longest silence before: %s", s.length, s.needed, s.longest)
	}
	if protects(r.protect, false, now) {
		fail("it is protected: %s", r.protect)
	}
	if r.schedule != nil || r.back != nil {
		fail("its minimum is arranged by a tag")
	}
	recent := slices.DeleteFunc(w.monitor.removals[r.region], func(t time.Time) bool { return now.Sub(t) >= time.Hour })
	if len(recent) >= maxRemovals {
		fail("there were %d stops and deletes within the hour", len(recent))
	}
	w.monitor.removals[r.region] = append(recent, now)
	return wrong
}

// silence is how long callers have been silent, and how long they must be before a removal.
type silence struct{ length, longest, needed time.Duration }

// Of a resource that was called, how long a silence must be, at most, and how far back calls count.
const (
	maxSilence = 1080 * time.Hour
	callsCount = 90 * 24 * time.Hour
)

// silence returns the silence of the callers of a resource, failed calls included, by the calls that the program could see: a
// silence that is longer than any before, by a wide margin. Silences are measured by whole hours, and in favour of the program.
func (w *world) silence(r *resource, now time.Time) silence {
	s := silence{needed: w.idleTime()}
	last, called := latest(r.born, now.Add(-callsCount)), false
	for hour := last.Truncate(time.Hour); hour.Before(now); hour = hour.Add(time.Hour) {
		if !w.calledIn(r, hour, now) {
			continue
		}
		s.longest = max(s.longest, hour.Sub(last))
		last, called = hour, true
	}
	s.length = now.Sub(last)
	if called {
		s.needed = max(s.needed, time.Duration(w.UsedHours)*time.Hour, min(2*s.longest-2*time.Hour, maxSilence))
	}
	return s
}

// calledIn reports whether a resource was called in an hour, and the program could see it.
func (w *world) calledIn(r *resource, hour, now time.Time) bool {
	for step := stepOf(hour); step < stepOf(hour)+12 && stepStart(step).Before(now); step++ {
		if r.requests(step).any() && r.visible(step, w.monitor.began) && !w.faults.hides(r, stepStart(step)) {
			return true
		}
	}
	return false
}

func (w *world) checkStep(r *resource, in input, now time.Time) (wrong []string) {
	fail := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	to := in.minimum()
	if to >= r.min || to < 1 || to < r.min*3/4 {
		fail("from %d to %d", r.min, to)
	}
	w.checkTrust(fail)
	// Counts that are too low unnoticed may be one occasion or two, by what they show of that very hour.
	low, ok := r.confirmedLow(now, func(hour time.Time) (float64, bool) { return w.faults.shown(r, hour), true })
	switch {
	case !ok:
		fail("from %d to %d, when no level was low three times", r.min, to)
	case to < low:
		fail("from %d to %d, when the lowest hours had %d on three occasions (data faults: %s)", r.min, to, low, w.faults.of(r))
	}
	if age := now.Sub(r.born); age < 24*time.Hour {
		fail("it is only %s old", age)
	}
	if ago := now.Sub(r.updated); ago < 45*time.Minute {
		fail("it was updated %s ago", ago)
	}
	w.checkRaise(r, now, fail)
	if protects(r.protect, true, now) {
		fail("it is protected: %s", r.protect)
	}
	if floor := r.floor(now); to < floor {
		fail("its tags keep it at %d", floor)
	}
	if n, most := w.stepsWithin(r.region, now.Add(-time.Hour), now), w.mostSteps(r.region)+1; n >= most {
		fail("there were %d steps within the hour", n)
	}
	kept := slices.DeleteFunc(w.monitor.steps[r.region], func(t time.Time) bool { return now.Sub(t) >= actionsWithin })
	w.monitor.steps[r.region] = append(kept, now)
	if !r.campaign && !maps.Equal(in.Config.Exploration, exploration) {
		fail("it loses its configuration: %v", in.Config.Exploration)
	}
	return wrong
}

// checkRaise checks that no raise of the owner is undone within a day. A raise takes its time: the day begins about when it took
// effect. A raise that its owner undid does not count. The program knows of a raise by the minimums it published; if faults kept it
// from publishing all of them, it cannot know.
func (w *world) checkRaise(r *resource, now time.Time, fail func(format string, args ...any)) {
	ago := now.Sub(r.raised)
	switch {
	case ago >= 24*time.Hour-2*stepLength || r.min <= r.raisedFrom:
	case r.wasLower(windowEnd(now).Add(-24 * time.Hour)):
		fail("its owner raised it %s ago", ago)
	default:
		w.figures.add("raises that no datapoint showed")
	}
}

// mostSteps is how many minimums of a region may be lowered within an hour.
func (w *world) mostSteps(region string) int {
	n := 0
	for _, r := range w.oracle.resources {
		if r.region == region && r.status == active {
			n++
		}
	}
	return max(10, n/5)
}

// stepsWithin counts the step-downs of a region from a time on, up to another; they are known for actionsWithin.
func (w *world) stepsWithin(region string, from, to time.Time) (n int) {
	for _, at := range w.monitor.steps[region] {
		if at.After(from) && !at.After(to) {
			n++
		}
	}
	return n
}

// budgetIsShort reports whether steps may have had to wait for their budget lately: a resource has one turn an hour, in which others
// that are due may use up what is left of it.
func (w *world) budgetIsShort(region string) bool {
	now := w.clock.Now()
	for end := now; end.After(now.Add(-actionsWithin)); end = end.Add(-time.Hour) {
		if w.stepsWithin(region, end.Add(-time.Hour), end) >= w.mostSteps(region)/2 {
			return true
		}
	}
	return false
}

// occasions is how often a level must be low, each time a day after the time before.
const occasions = 3

// confirmedLow returns the lowest level, in whole requests a second, that whole hours had on three occasions in 14 days, by those whose
// requests are known. The 14 days are those up to the last hour whose count the program believes, 6 hours ago.
func (r *resource) confirmedLow(now time.Time, requests func(hour time.Time) (sum float64, known bool)) (low int, ok bool) {
	start := windowEnd(now.Add(-stepLength)).Add(-6 * time.Hour).Truncate(time.Hour).Add(-14 * 24 * time.Hour)
	if born := r.born.Add(time.Hour - 1).Truncate(time.Hour); born.After(start) {
		start = born
	}
	type level struct {
		at   time.Time
		rate float64
	}
	var hours []level
	for hour := start; !hour.Add(time.Hour).After(now); hour = hour.Add(time.Hour) {
		if sum, known := requests(hour); known {
			hours = append(hours, level{hour, sum})
		}
	}
	least := math.Inf(1)
	for _, candidate := range hours {
		if candidate.rate >= least {
			continue
		}
		times, last := 0, time.Time{}
		for _, h := range hours {
			if h.rate <= candidate.rate && h.at.Sub(last) >= 24*time.Hour {
				times, last = times+1, h.at
			}
		}
		if times >= occasions {
			least = candidate.rate
		}
	}
	if math.IsInf(least, 1) {
		return 0, false
	}
	return int(least / 3600), true
}

// hourlyDemand is the requests of the callers in an hour, whether or not the resource could serve them.
func (r *resource) hourlyDemand(hour time.Time) (sum float64) {
	for step := stepOf(hour); step < stepOf(hour)+12; step++ {
		sum += float64(r.demand(step).ok)
	}
	return sum
}

// protects reports whether the value of a protecting tag forbids step-downs, or stops and deletes.
func protects(value string, step bool, now time.Time) bool {
	value, until, dated := strings.Cut(value, "until ")
	if dated && now.Format(time.DateOnly) > until {
		return false
	}
	switch strings.TrimSpace(value) {
	case "":
		return dated
	case "idle":
		return !step
	case "tps":
		return step
	}
	return true // everything; an unknown value protects, too
}

// Calls without which the metrics of a region cannot be published.
var (
	forMinimum     = []string{"ListCampaigns", "ListRecommenders", "DescribeCampaign", "PutMetricData"}
	forUtilization = append([]string{"GetMetricData", "DescribeSolutionVersion", "DescribeSolution", "DescribeDatasetGroup"}, forMinimum...)
)

// checkMetrics checks the datapoints of the cycle that was scheduled at a time.
func (w *world) checkMetrics(at time.Time) {
	start := windowEnd(at).Add(-stepLength)
	now := w.clock.Now()
	for _, region := range regions {
		noMinimum, noUtilization := w.faults.excuse(region, forMinimum...), w.faults.excuse(region, forUtilization...)
		if w.monitor.host.ahead != 0 {
			noMinimum, noUtilization = true, true
		}
		for _, r := range w.oracle.sorted() {
			r.settle(now)
			if r.region == region && r.activeSince(start) && !r.changed.After(w.monitor.began) {
				w.checkDatapoints(r, start, noMinimum, noUtilization || w.faults.hides(r, start))
			}
		}
	}
}

func (w *world) checkDatapoints(r *resource, start time.Time, noMinimum, noUtilization bool) {
	names := [3]string{"minRecommendationRequestsPerSecond", "averageRPS", "recommenderUtilization"}
	if r.campaign {
		names = [3]string{"minProvisionedTPS", "averageTPS", "campaignUtilization"}
	}
	average := float64(r.requests(stepOf(start)).ok) / stepLength.Seconds()
	wants := [3]float64{float64(r.min), average, average / float64(r.min) * 100}
	for i, name := range names {
		if i == 1 && average == 0 {
			continue
		}
		got := w.aws.Sent(r.region, "PersonalizeMonitor", name, r.dimension(), start, stepLength)
		if i == 0 && got.Count > 0 {
			r.publish(start, got.Min)
		}
		right := got.Count == 1 && math.Abs(got.Min-wants[i]) <= 1e-6*max(1, wants[i])
		switch isExcused := i == 0 && noMinimum || i > 0 && noUtilization; {
		case isExcused && !right: // the program may have used an older description
			w.figures.add("datapoints excused by faults")
			continue
		case got.Count == 0:
			w.figures.violate("missing metrics", w.clock.Now(), "no %s of %s at %s", name, r.arn, start.Format("15:04"))
		case !right:
			w.figures.violate("wrong metrics", w.clock.Now(), "%s of %s at %s: %+v, not %v", name, r.arn, start.Format("15:04"), got, wants[i])
		}
		w.figures.add("datapoints checked")
	}
}
