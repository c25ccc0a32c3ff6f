package soak

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// changing are the operations that change a campaign or recommender.
var changing = []string{
	"DeleteCampaign", "DeleteRecommender", "StopRecommender", "StartRecommender", "UpdateCampaign", "UpdateRecommender",
	"CreateCampaign", "CreateRecommender", "TagResource", "UntagResource",
}

// observe is told of every call that a fault hits and of every one that is carried out.
func (w *world) observe(o localaws.Observed) {
	if o.Fault != nil {
		w.faults.meet(o)
		return
	}
	if o.Service != "personalize" || !slices.Contains(changing, o.Operation) {
		return
	}
	var in input
	if err := json.Unmarshal(o.Body, &in); err != nil {
		return // it was carried out, so it can be read
	}
	w.model.mu.Lock()
	defer w.model.mu.Unlock()
	r := w.model.resources[in.CampaignARN+in.RecommenderARN]
	defer func() { w.owner.lose(r) }()
	if o.AccessKey == ownersKey {
		if r != nil {
			w.model.accepted(o.Operation, r, in.minimum(), true, o.Time)
		}
		return
	}
	if r == nil {
		w.figures.violate(&w.figures.WrongActions, o.Time, "%s of what is no campaign or recommender: %s", o.Operation, o.Body)
		return
	}
	w.model.settle(r, o.Time)
	for _, why := range w.judge(o.Operation, r, in, o.Time) {
		w.figures.violate(&w.figures.WrongActions, o.Time, "%s of %s: %s (before: %s)", o.Operation, r.arn, why, strings.Join(r.doings, "; "))
	}
	w.model.accepted(o.Operation, r, in.minimum(), false, o.Time)
}

// input is what the operations are asked for.
type input struct {
	CampaignARN    string `json:"campaignArn"`
	RecommenderARN string `json:"recommenderArn"`
	MinTPS         int    `json:"minProvisionedTPS"`
	Config         struct {
		MinRPS      int               `json:"minRecommendationRequestsPerSecond"`
		Exploration map[string]string `json:"itemExplorationConfig"`
	} `json:"recommenderConfig"`
}

func (in input) minimum() int { return in.MinTPS + in.Config.MinRPS }

// judge says what is wrong with an action of the program, by what it could know.
func (w *world) judge(op string, r *resource, in input, now time.Time) []string {
	switch op {
	case "DeleteCampaign", "StopRecommender":
		return w.judgeEnding(op, r, now)
	case "UpdateCampaign", "UpdateRecommender":
		w.figures.StepDowns++
		return w.judgeStep(r, in, now)
	}
	return []string{"it is never done"}
}

// windowEnd is the end of the five minutes that are measured at a time: counts arrive up to
// two minutes late.
func windowEnd(t time.Time) time.Time { return t.Add(-2 * time.Minute).Truncate(stepLength) }

// judgeEnding judges a stop or a delete.
func (w *world) judgeEnding(op string, r *resource, now time.Time) (wrong []string) {
	if op == "StopRecommender" {
		w.figures.Stops++
	} else {
		w.figures.Deletes++
	}
	idle := time.Duration(w.IdleHours) * time.Hour
	if age := now.Sub(r.born); age < idle {
		wrong = append(wrong, fmt.Sprintf("it is only %s old", age))
	}
	if ago := now.Sub(r.touched); ago < idle {
		wrong = append(wrong, fmt.Sprintf("its owner touched it %s ago", ago))
	}
	if !r.activeAll(now.Add(-idle)) {
		wrong = append(wrong, fmt.Sprintf("it was not there all that time: %s", r.status))
	}
	began := w.monitor.began
	for step := stepOf(windowEnd(now).Add(-idle)); step <= stepOf(now); step++ {
		if c := r.seen(step, began); c.any() {
			wrong = append(wrong, fmt.Sprintf("it was called at %s: %v", stepStart(step).Format("15:04"), c))
			break
		}
	}
	if protects(r.protect, false, now) {
		wrong = append(wrong, "it is protected: "+r.protect)
	}
	recent := slices.DeleteFunc(w.monitor.endings[r.region], func(t time.Time) bool { return now.Sub(t) >= time.Hour })
	if len(recent) >= maxEndings {
		wrong = append(wrong, fmt.Sprintf("there were %d stops and deletes within the hour", len(recent)))
	}
	w.monitor.endings[r.region] = append(recent, now)
	return wrong
}

// seen are the calls of a step that CloudWatch showed at a time.
func (r *resource) seen(step int64, at time.Time) calls {
	switch {
	case step <= r.recorded-history:
		return calls{}
	case at.Before(stepStart(step + 1).Add(r.visibleAfter(step))):
		return calls{}
	case step <= r.recorded:
		return r.past[step%history]
	}
	return r.served(step)
}

// judgeStep judges a change of the minimum.
func (w *world) judgeStep(r *resource, in input, now time.Time) (wrong []string) {
	to := in.minimum()
	if to >= r.min || to < 1 || to < r.min*3/4 {
		wrong = append(wrong, fmt.Sprintf("from %d to %d", r.min, to))
	}
	low, ok := r.watermark(now)
	if before, known := r.watermark(w.monitor.began); known {
		low, ok = min(low, before), true
	}
	if !ok || to < low {
		wrong = append(wrong, fmt.Sprintf("from %d to %d, when the lowest hour had %d", r.min, to, low))
	}
	if age := now.Sub(r.born); age < 24*time.Hour {
		wrong = append(wrong, fmt.Sprintf("it is only %s old", age))
	}
	if ago := now.Sub(r.updated); ago < 45*time.Minute {
		wrong = append(wrong, fmt.Sprintf("it was updated %s ago", ago))
	}
	// A raise takes its time; the day is counted from about when it took effect.
	// One that its owner took back is none.
	// What was published tells of it: if faults kept all of that from being published, nobody can.
	if ago := now.Sub(r.raised); ago < 24*time.Hour-2*stepLength && r.min > r.raisedFrom {
		if r.wasLower(windowEnd(now).Add(-24 * time.Hour)) {
			wrong = append(wrong, fmt.Sprintf("its owner raised it %s ago", ago))
		} else {
			w.figures.UnseenRaises++
		}
	}
	if protects(r.protect, true, now) {
		wrong = append(wrong, "it is protected: "+r.protect)
	}
	if !r.campaign && !maps.Equal(in.Config.Exploration, exploration) {
		wrong = append(wrong, fmt.Sprintf("it loses its configuration: %v", in.Config.Exploration))
	}
	return wrong
}

// watermark is the lowest whole hour's average of answered calls, in whole calls a second,
// over the 14 days before what is measured at a time; not ok without a whole hour.
func (r *resource) watermark(now time.Time) (low int, ok bool) {
	end := windowEnd(now).Truncate(time.Hour)
	start := end.Add(-14 * 24 * time.Hour)
	if born := r.born.Add(time.Hour - 1).Truncate(time.Hour); born.After(start) {
		start = born
	}
	least := math.Inf(1)
	for hour := start; hour.Before(end); hour = hour.Add(time.Hour) {
		sum := 0.0
		for step := stepOf(hour); step < stepOf(hour)+12; step++ {
			if step <= r.recorded {
				sum += float64(r.past[step%history].ok)
			} else {
				sum += float64(r.served(step).ok)
			}
		}
		least = min(least, sum)
	}
	if math.IsInf(least, 1) {
		return 0, false
	}
	return int(least / 3600), true
}

// protects tells whether the value of a protecting tag holds for step-downs, or for stops
// and deletes.
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
	return true // all of it, or nobody knows what
}

// What stands between the program and the metrics of a region.
var (
	forMinimum     = []string{"ListCampaigns", "ListRecommenders", "DescribeCampaign", "PutMetricData"}
	forUtilization = append([]string{"GetMetricData", "DescribeSolutionVersion", "DescribeSolution", "DescribeDatasetGroup"}, forMinimum...)
)

// checkMetrics looks for the datapoints of the cycle just run.
func (w *world) checkMetrics() {
	scheduledAt := begin.Add(time.Duration(w.figures.Cycles) * cycleEvery)
	end := windowEnd(scheduledAt)
	start := end.Add(-stepLength)
	now := w.clock.Now()
	began := w.monitor.began
	for _, region := range regions {
		noMinimum, noUse := w.faults.excuses(region, forMinimum...), w.faults.excuses(region, forUtilization...)
		for _, r := range w.model.sorted() {
			w.model.settle(r, now)
			if r.region != region || !r.activeAll(start) || r.changed.After(began) {
				continue
			}
			w.checkResource(r, start, noMinimum, noUse)
		}
	}
}

// checkResource looks for the datapoints of a resource.
func (w *world) checkResource(r *resource, start time.Time, noMinimum, noUse bool) {
	names, dimension := [3]string{"minRecommendationRequestsPerSecond", "averageRPS", "recommenderUtilization"}, "RecommenderArn"
	if r.campaign {
		names, dimension = [3]string{"minProvisionedTPS", "averageTPS", "campaignUtilization"}, "CampaignArn"
	}
	average := float64(w.model.calls(r, stepOf(start)).ok) / stepLength.Seconds()
	wants := [3]float64{float64(r.min), average, average / float64(r.min) * 100}
	for i, name := range names {
		if i == 1 && average == 0 {
			continue
		}
		got := w.aws.Sent(r.region, "PersonalizeMonitor", name, map[string]string{dimension: r.arn}, start, stepLength)
		if i == 0 && got.Count > 0 {
			r.show(start, got.Min)
		}
		right := got.Count == 1 && math.Abs(got.Min-wants[i]) <= 1e-6*max(1, wants[i])
		switch excused := i == 0 && noMinimum || i > 0 && noUse; {
		case excused && !right: // an older copy of its settings may have stood in
			w.figures.Excused++
			continue
		case got.Count == 0:
			w.figures.violate(&w.figures.MissingMetrics, w.clock.Now(), "no %s of %s at %s", name, r.arn, start.Format("15:04"))
		case !right:
			w.figures.violate(&w.figures.WrongMetrics, w.clock.Now(), "%s of %s at %s: %+v, not %v", name, r.arn, start.Format("15:04"), got, wants[i])
		}
		w.figures.Datapoints++
	}
}
