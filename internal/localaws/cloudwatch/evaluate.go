package cloudwatch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// extraPeriods is how many periods beyond EvaluationPeriods an evaluation may use where data
// are missing. AWS documents no number; its worked examples, 3 periods with a range of 5,
// have 2 (CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data").
const extraPeriods = 2

// evaluation identifies the data of an evaluation. The zero value is none.
type evaluation struct {
	end     int64 // the end of the last complete period, in seconds since the epoch
	version int   // of the series
	done    bool
}

// evaluateOncePerMinute evaluates all alarms, unless that was done in this minute of the clock.
func (as *alarms) evaluateOncePerMinute(now time.Time) {
	if floorDiv(now.Unix(), 60) != as.evaluated {
		as.evaluateAll(now)
	}
}

// evaluateAll evaluates every alarm by the data of now. It does not make up for evaluations
// that AWS would have made since the last time.
func (as *alarms) evaluateAll(now time.Time) {
	as.evaluated = floorDiv(now.Unix(), 60)
	for h, alarms := range as.alarms {
		for _, a := range alarms {
			as.evaluate(a, as.metrics.series[h][a.key], now)
		}
	}
}

func (as *alarms) evaluate(a *alarm, sr *series, now time.Time) {
	period := int64(*a.Period)
	current := evaluation{end: floorDiv(now.Unix(), period) * period, done: true}
	if sr != nil {
		current.version = sr.version
	}
	if a.last == current {
		return
	}
	a.last = current
	data := a.recent(sr, current.end, now)
	state, keep := a.decide(data)
	if keep || state == a.State {
		return
	}
	as.transition(a, state, a.explain(state, data), a.explainData(data, now), now)
}

// periodValue is the value of one complete period: breaching or not, or missing.
type periodValue struct {
	start    int64
	value    float64
	present  bool
	breaches bool
}

// recent returns the periods of the evaluation range that end at end, the newest first. The
// open period is not among them.
func (a *alarm) recent(sr *series, end int64, now time.Time) []periodValue {
	n, period := int(*a.EvaluationPeriods)+extraPeriods, int64(*a.Period)
	data := make([]periodValue, n)
	for i := range data {
		data[i].start = end - int64(i+1)*period
	}
	if sr == nil {
		return data
	}
	sp := span{start: data[n-1].start, end: end, period: period, now: now.Unix(), unit: api.Value(a.Unit)}
	sr.each(sp, func(start int64, st Statistics) {
		d := &data[(end-start)/period-1]
		d.value, d.present = st.statistic(*a.Statistic), true
		d.breaches = a.breaches(d.value)
	})
	return data
}

func (s *settings) breaches(v float64) bool {
	switch *s.ComparisonOperator {
	case "GreaterThanOrEqualToThreshold":
		return v >= *s.Threshold
	case "GreaterThanThreshold":
		return v > *s.Threshold
	case "LessThanThreshold":
		return v < *s.Threshold
	default:
		return v <= *s.Threshold
	}
}

// decide returns the state of an alarm from the periods of its evaluation range, the newest
// first; keep means that the state does not change. The rules are those of the CloudWatch
// user guide: if there are data for as many periods as the alarm evaluates, the newest of
// them count and gaps do not matter; else all data count, and the missing rest is filled up
// as the alarm treats missing data.
func (s *settings) decide(data []periodValue) (state string, keep bool) {
	periods := int(*s.EvaluationPeriods)
	present, breaching := 0, 0
	oldest := 0 // how many periods ago the oldest datum began; 1 is the newest period
	for i, d := range data {
		if !d.present || present == periods {
			continue
		}
		present++
		oldest = i + 1
		if d.breaches {
			breaching++
		}
	}
	treat, lacking := s.treatMissing(), periods-present
	if treat == "breaching" {
		breaching += lacking
	}
	filledUp := lacking == 0 || treat == "breaching" || treat == "notBreaching"
	switch {
	case breaching >= s.needed():
		return stateAlarm, false
	case filledUp || breaching < present: // in the end, something within the threshold
		return stateOK, false
	case treat == "ignore":
		return "", true
	// From here on missing data stay missing, and all there are breach.
	case present == 0:
		return stateInsufficient, false
	case oldest >= s.needed():
		// A breach that old with nothing but gaps after it raises the alarm although too few
		// data breach ("Avoiding premature transitions to alarm state").
		return stateAlarm, false
	default:
		return stateOK, false
	}
}

var comparisonWords = map[string]string{
	"GreaterThanOrEqualToThreshold": "greater than or equal to",
	"GreaterThanThreshold":          "greater than",
	"LessThanThreshold":             "less than",
	"LessThanOrEqualToThreshold":    "less than or equal to",
}

// explain words the reason of a transition as CloudWatch does.
func (a *alarm) explain(state string, data []periodValue) string {
	const most = 5
	var shown []string
	periods, breaching, missing := int(*a.EvaluationPeriods), 0, 0
	for _, d := range data[:periods] {
		switch {
		case !d.present:
			missing++
			continue
		case d.breaches:
			breaching++
		}
		if len(shown) < most {
			shown = append(shown, fmt.Sprintf("%v (%s)", d.value, time.Unix(d.start, 0).UTC().Format("02/01/06 15:04:05")))
		}
	}
	if len(shown) == 0 {
		text := fmt.Sprintf("no datapoints were received for %d periods", periods)
		if state == stateInsufficient {
			return "Insufficient Data: " + text + "."
		}
		return fmt.Sprintf("Threshold Crossed: %s and missing datapoints were treated as [%s].", text, a.treatMissing())
	}
	were, count := "were not", periods-missing-breaching
	if state == stateAlarm {
		were, count = "were", breaching
	}
	gaps := ""
	if missing > 0 {
		gaps = fmt.Sprintf(" and %d missing datapoints were treated as [%s]", missing, a.treatMissing())
	}
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s] %s %s the threshold (%v)%s "+
		"(minimum %d datapoints for %s -> %s transition).",
		count, periods, strings.Join(shown, ", "), were, comparisonWords[*a.ComparisonOperator], *a.Threshold, gaps, a.needed(), a.State, state)
}

// alarmTime is the layout of times in the JSON texts of alarms.
const alarmTime = "2006-01-02T15:04:05.000-0700"

// explainData renders the reason for machines.
func (a *alarm) explainData(data []periodValue, now time.Time) string {
	const most = 20
	periods := int(*a.EvaluationPeriods)
	recent := []float64{}
	for _, d := range slices.Backward(data[:periods]) {
		if d.present && len(recent) < most {
			recent = append(recent, d.value)
		}
	}
	return jsonText(map[string]any{
		"version":          "1.0",
		"queryDate":        now.Format(alarmTime),
		"startDate":        time.Unix(data[periods-1].start, 0).UTC().Format(alarmTime),
		"statistic":        a.Statistic,
		"period":           a.Period,
		"recentDatapoints": recent,
		"threshold":        a.Threshold,
	})
}

// jsonText renders a document. It is {} if a number in it is infinite.
func jsonText(doc map[string]any) string {
	raw, err := json.Marshal(doc)
	if err != nil {
		return "{}"
	}
	return string(raw)
}
