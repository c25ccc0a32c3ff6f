package rules

import (
	"fmt"
	"math"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Bounds of the step-down rule.
const (
	stepDownAge   = 24 * time.Hour   // a younger resource is left alone
	updatePause   = 45 * time.Minute // after any update, before the next step
	raisePause    = 24 * time.Hour   // after a raise, so that capacity warmed up before a sale stays
	lowestMinimum = 1                // the least that Personalize takes (its API model)
	// hourSettles is how long an hour must be over before it is looked at: counts that come
	// late, or a clock of ours that is ahead, would make it look lower than it was.
	hourSettles = 30 * time.Minute
)

// Step is what the step-down rule found, with the facts it rests on. The zero value
// means that the rule was not applied or had nothing to look at.
type Step struct {
	NewMinTPS  int               // what the minimum should become; 0 if it stays
	Lowest     float64           // average requests per second of the lowest hour
	Highest    float64           // and of the highest
	Hours      int               // whole hours looked at
	Datapoints []model.Datapoint // hourly request sums, hours without data left out
}

// Watermark is the low watermark: the lowest hour's average, rounded down to a whole TPS.
func (s Step) Watermark() int { return int(math.Floor(s.Lowest)) }

// hourlyWindow is the span of whole, settled hours that the rule looks at: 14 days, but
// nothing before the resource was created. It may be empty.
func hourlyWindow(r model.Resource, m EvaluationTime) model.Window {
	end := m.Window.End.Add(-hourSettles).Truncate(time.Hour)
	start := end.Add(-lookBack)
	if born := r.Created.Add(time.Hour - time.Nanosecond).Truncate(time.Hour); born.After(start) {
		start = born
	}
	if start.After(end) {
		start = end
	}
	return model.NewWindow(start, end)
}

func hourlyQuery(r model.Resource, m EvaluationTime) model.Query {
	return model.Query{
		Region: r.Region(), Metric: requestMetric(r), Stat: model.Sum,
		Window: hourlyWindow(r, m), Period: time.Hour,
	}
}

// minimumQuery asks our own series of the minimum over the day up to the measured
// window: a raise shows as a lower value in it.
func minimumQuery(r model.Resource, m EvaluationTime) model.Query {
	return model.Query{
		Region: r.Region(), Metric: model.ResourceMetric(r, model.NamespaceMonitor, r.Kind.MinimumMetric()),
		Stat: model.Minimum, Window: model.NewWindow(m.Window.End.Add(-raisePause), m.Window.End), Period: WindowLength,
	}
}

// stepDownQueries are the questions whose answers the step-down rule needs.
func stepDownQueries(r model.Resource, m EvaluationTime) []model.Query {
	if r.MinTPS <= lowestMinimum || age(r, m) < stepDownAge {
		return nil
	}
	return []model.Query{hourlyQuery(r, m), minimumQuery(r, m)}
}

func age(r model.Resource, m EvaluationTime) time.Duration { return m.Now.Sub(r.Created) }

// checkStepDown lowers the minimum towards the low watermark of the last 14 days, a
// quarter at a time, never below the watermark and never below 1. It never raises it.
func checkStepDown(r model.Resource, readings model.Readings, s Settings, m EvaluationTime) (Step, finding) {
	if r.MinTPS <= lowestMinimum {
		return Step{}, finding{action: None, reason: "its minimum is 1, the lowest there is"}
	}
	if a := age(r, m); a < stepDownAge {
		return Step{}, finding{action: None, reason: fmt.Sprintf("too new to step down: created %s ago, at least 24 h are needed", span(a))}
	}
	hourly := readings.Get(hourlyQuery(r, m))
	if !hourly.Complete {
		return Step{}, finding{action: Refused, reason: "cannot tell whether to step down: its hourly request counts could not be read completely"}
	}
	step := lowAndHigh(hourly, hourlyWindow(r, m))
	// Rounded down, like the watermark: 9.99 told as 10.0 would look like enough.
	rate := fmt.Sprintf("lowest hour averaged %.1f %s over %d hours", math.Floor(step.Lowest*10)/10, r.Kind.RateUnit(), step.Hours)
	if step.Hours == 0 {
		return step, finding{action: Refused, reason: "cannot tell whether to step down: there is no whole hour to look at"}
	}
	if step.Watermark() >= r.MinTPS {
		return step, finding{action: None, reason: fmt.Sprintf("kept at %d: %s", r.MinTPS, rate)}
	}
	step.NewMinTPS = nextMinimum(r.MinTPS, step.Watermark())
	move := fmt.Sprintf("%d to %d", r.MinTPS, step.NewMinTPS)
	if s.AdjustMinTPS.Is(model.Off) {
		return step, finding{action: None, reason: fmt.Sprintf("could step down from %s (%s); adjusting is off (AutoAdjustMinTPS=No)", move, rate)}
	}
	if why := stepDownBlocked(r, readings, m); why != "" {
		return step, finding{action: Refused, reason: fmt.Sprintf("not stepped down from %s (%s): %s", move, rate, why)}
	}
	reason := fmt.Sprintf("step down from %s: %s", move, rate)
	if s.AdjustMinTPS.Is(model.DryRun) {
		return step, finding{action: None, would: StepDown, reason: reason + "; adjusting is only rehearsed (AutoAdjustMinTPS=DryRun)"}
	}
	return step, finding{action: StepDown, reason: reason}
}

// nextMinimum is one step down, to three quarters of the minimum, but not below the
// watermark and not below 1. The caller has made sure that watermark < minimum.
func nextMinimum(minimum, watermark int) int {
	return max(lowestMinimum, watermark, minimum*3/4)
}

// lowAndHigh finds the lowest and the highest hour. An hour without a datapoint had no
// requests; a window without a whole hour has a lowest hour of 0.
func lowAndHigh(hourly model.Series, w model.Window) Step {
	step := Step{Hours: int(w.Duration() / time.Hour), Datapoints: hourly.Points}
	lowest := math.Inf(1)
	for _, p := range hourly.Points {
		rate := p.Value / time.Hour.Seconds()
		lowest = min(lowest, rate)
		step.Highest = max(step.Highest, rate)
	}
	if len(hourly.Points) >= step.Hours && step.Hours > 0 {
		step.Lowest = lowest
	}
	return step
}

// stepDownBlocked is the guard before a step: it says why there is none now, or gives
// the empty string.
func stepDownBlocked(r model.Resource, readings model.Readings, m EvaluationTime) string {
	if why := busy(r); why != "" {
		return why
	}
	if touched := m.Now.Sub(r.LastTouched()); touched < updatePause {
		return fmt.Sprintf("updated %s ago, a step waits 45 min", span(touched))
	}
	minimums := readings.Get(minimumQuery(r, m))
	if !minimums.Complete {
		return "whether it was raised in the last 24 h could not be read"
	}
	for _, p := range minimums.Points {
		if p.Value < float64(r.MinTPS) {
			return fmt.Sprintf("raised in the last 24 h (it was %g at %s)", p.Value, p.Time.Format("15:04"))
		}
	}
	return ""
}
