package localaws

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// extraPeriods is how many periods beyond EvaluationPeriods an evaluation may fall back on
// where data are missing. AWS gives no number; its worked examples, 3 periods with a range
// of 5, have 2 (CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data").
const extraPeriods = 2

// evaluationMark tells evaluations from the same data apart from others.
type evaluationMark struct {
	end     int64 // the end of the last whole period, in seconds since the epoch
	version int   // of the series
	done    bool
}

// evaluateEachMinute evaluates all alarms unless that was done in this minute of the clock.
func (s *Server) evaluateEachMinute(now time.Time) {
	if minute := floorDiv(now.Unix(), 60); minute != s.alarms.evaluated {
		s.evaluateAlarms(now)
	}
}

// evaluateAlarms evaluates every alarm by the data of now. Evaluations that AWS would have
// made since the last time are not made up for.
func (s *Server) evaluateAlarms(now time.Time) {
	s.alarms.evaluated = floorDiv(now.Unix(), 60)
	for _, alarms := range s.alarms.of {
		for _, a := range alarms {
			s.evaluateAlarm(a, now)
		}
	}
}

func (s *Server) evaluateAlarm(a *alarm, now time.Time) {
	sr := s.metrics.find(a.home, seriesKey(a.Namespace, a.Metric, a.Dimensions))
	end := floorDiv(now.Unix(), a.Period) * a.Period
	mark := evaluationMark{end: end, done: true}
	if sr != nil {
		mark.version = sr.version
	}
	if a.seen == mark {
		return
	}
	a.seen = mark
	data := a.recent(sr, end, now)
	state, keep := a.judge(data)
	if keep || state == a.state {
		return
	}
	s.moveAlarm(a, state, a.explain(state, data), a.explainData(data, now), now)
}

// datum is the value of one whole period: breaching or not, or missing.
type datum struct {
	start    int64
	value    float64
	present  bool
	breaches bool
}

// recent returns the periods of the evaluation range that end at end, the newest first.
// The period that is still open is not among them.
func (a *alarm) recent(sr *series, end int64, now time.Time) []datum {
	n := a.EvaluationPeriods + extraPeriods
	data := make([]datum, n)
	for i := range data {
		data[i].start = end - int64(i+1)*a.Period
	}
	if sr == nil {
		return data
	}
	sp := span{start: data[n-1].start, end: end, period: a.Period, now: now.Unix(), unit: value(a.Unit)}
	sr.each(sp, func(start int64, st stats) {
		d := &data[(end-start)/a.Period-1]
		d.value, d.present = st.statistic(a.Statistic), true
		d.breaches = a.breaches(d.value)
	})
	return data
}

func (c *alarmConfig) breaches(v float64) bool {
	switch c.Comparison {
	case "GreaterThanOrEqualToThreshold":
		return v >= c.Threshold
	case "GreaterThanThreshold":
		return v > c.Threshold
	case "LessThanThreshold":
		return v < c.Threshold
	default:
		return v <= c.Threshold
	}
}

// judge decides the state of an alarm from the periods of its evaluation range, the newest
// first; keep means that the state stays as it is. The rules are those of the CloudWatch
// user guide: if there are data for as many periods as the alarm evaluates, the newest of
// them count and gaps do not matter; else all data count, and the missing rest is filled up
// by what the alarm says of missing data.
func (c *alarmConfig) judge(data []datum) (state string, keep bool) {
	t := tallyUp(data, c.EvaluationPeriods)
	treat := c.treatMissing()
	lacking := c.EvaluationPeriods - t.present
	if treat == "breaching" {
		t.breaching += lacking
	}
	filledUp := lacking == 0 || treat == "breaching" || treat == "notBreaching"
	switch {
	case t.breaching >= c.needed():
		return stateAlarm, false
	case filledUp || t.breaching < t.present: // in the end, something within the threshold
		return stateOK, false
	case treat == "ignore":
		return "", true
	default:
		return c.judgeSparse(t), false
	}
}

// judgeSparse decides where missing data stay missing, and all there are breach.
func (c *alarmConfig) judgeSparse(t tally) string {
	switch {
	case t.present == 0:
		return stateInsufficient
	case t.oldest >= c.needed():
		// A breach that old with nothing but gaps after it raises the alarm although too
		// few data breach ("Avoiding premature transitions to alarm state").
		return stateAlarm
	default:
		return stateOK
	}
}

// tally counts the data of an evaluation.
type tally struct {
	present, breaching int
	oldest             int // how many periods ago the oldest datum began; 1 is the newest period
}

// tallyUp counts the newest data, no more than most of them.
func tallyUp(data []datum, most int) tally {
	var t tally
	for i, d := range data {
		if !d.present || t.present == most {
			continue
		}
		t.present++
		t.oldest = i + 1
		if d.breaches {
			t.breaching++
		}
	}
	return t
}

var comparisonWords = map[string]string{
	"GreaterThanOrEqualToThreshold": "greater than or equal to",
	"GreaterThanThreshold":          "greater than",
	"LessThanThreshold":             "less than",
	"LessThanOrEqualToThreshold":    "less than or equal to",
}

// explain words the reason of a change of state as CloudWatch does.
func (a *alarm) explain(state string, data []datum) string {
	var shown []string
	breaching, missing := 0, 0
	for _, d := range data[:a.EvaluationPeriods] {
		switch {
		case !d.present:
			missing++
			continue
		case d.breaches:
			breaching++
		}
		const most = 5
		if len(shown) < most {
			shown = append(shown, fmt.Sprintf("%v (%s)", d.value, time.Unix(d.start, 0).UTC().Format("02/01/06 15:04:05")))
		}
	}
	if len(shown) == 0 {
		text := fmt.Sprintf("no datapoints were received for %d periods", a.EvaluationPeriods)
		if state == stateInsufficient {
			return "Insufficient Data: " + text + "."
		}
		return fmt.Sprintf("Threshold Crossed: %s and missing datapoints were treated as [%s].", text, a.treatMissing())
	}
	were := "were not"
	count := a.EvaluationPeriods - missing - breaching
	if state == stateAlarm {
		were, count = "were", breaching
	}
	gaps := ""
	if missing > 0 {
		gaps = fmt.Sprintf(" and %d missing datapoints were treated as [%s]", missing, a.treatMissing())
	}
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s] %s %s the threshold (%v)%s (minimum %d datapoints for %s -> %s transition).",
		count, a.EvaluationPeriods, strings.Join(shown, ", "), were, comparisonWords[a.Comparison], a.Threshold, gaps, a.needed(), a.state, state)
}

// explainData renders the reason for machines.
func (a *alarm) explainData(data []datum, now time.Time) string {
	const layout = "2006-01-02T15:04:05.000-0700"
	recent := []float64{}
	for i := a.EvaluationPeriods - 1; i >= 0; i-- {
		const most = 20
		if data[i].present && len(recent) < most {
			recent = append(recent, data[i].value)
		}
	}
	doc, err := json.Marshal(map[string]any{
		"version":          "1.0",
		"queryDate":        now.Format(layout),
		"startDate":        time.Unix(data[a.EvaluationPeriods-1].start, 0).UTC().Format(layout),
		"statistic":        a.Statistic,
		"period":           a.Period,
		"recentDatapoints": recent,
		"threshold":        a.Threshold,
	})
	if err != nil { // a sum that overflowed to infinity
		return "{}"
	}
	return string(doc)
}
