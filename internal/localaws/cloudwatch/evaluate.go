package cloudwatch

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/sns"
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
	as.transition(a, state, a.explain(state, data), now)
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

func (a *alarm) explain(state string, data []periodValue) string {
	periods, breaching, missing := int(*a.EvaluationPeriods), 0, 0
	for _, d := range data[:periods] {
		if !d.present {
			missing++
		} else if d.breaches {
			breaching++
		}
	}
	if state == stateInsufficient {
		return fmt.Sprintf("Insufficient Data: no datapoints were received for %d periods.", periods)
	}
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints breach %s %v, and %d missing datapoints were treated as [%s].",
		breaching, periods, *a.ComparisonOperator, *a.Threshold, missing, a.treatMissing())
}

// alarmTime is the layout of times in the JSON texts of alarms.
const alarmTime = "2006-01-02T15:04:05.000-0700"

// jsonText renders a document. It is {} if a number in it is infinite.
func jsonText(doc map[string]any) string {
	raw, err := json.Marshal(doc)
	if err != nil {
		return "{}"
	}
	return string(raw)
}

// transition gives an alarm a new state and, if its actions are enabled, executes those of
// the new state.
func (as *alarms) transition(a *alarm, state, reason string, now time.Time) {
	from := a.State
	a.State, a.Reason = state, reason
	a.Updated, a.Transitioned = now, now
	as.log.Info("alarm changed state", "region", a.home.Region, "arn", a.ARN, "from", from, "to", state)
	if as.watch != nil {
		as.watch(AlarmChange{now, a.home.Region, *a.AlarmName, from, state, *a.ActionsEnabled})
	}
	if !*a.ActionsEnabled {
		return
	}
	for _, action := range a.actions(state) {
		as.topics.Notify(sns.Notification{
			Principal: sns.PrincipalAlarms, Topic: action, Subject: a.subject(), Text: a.message(from, now), Detail: "for " + a.ARN,
			Context: map[string]string{"aws:sourceaccount": a.home.Account, "aws:sourceowner": a.home.Account, "aws:sourcearn": a.ARN},
		})
	}
}

// regionNames are the names of regions in alarm mails. Others go by their code.
var regionNames = map[string]string{
	"ap-northeast-1": "Asia Pacific (Tokyo)",
	"ap-southeast-2": "Asia Pacific (Sydney)",
	"eu-central-1":   "EU (Frankfurt)",
	"eu-west-1":      "EU (Ireland)",
	"us-east-1":      "US East (N. Virginia)",
	"us-west-2":      "US West (Oregon)",
}

func (a *alarm) regionName() string { return cmp.Or(regionNames[a.home.Region], a.home.Region) }

// subject is the subject of the mail, cut to the 100 characters that SNS accepts.
func (a *alarm) subject() string {
	const most = 100
	subject := []rune(fmt.Sprintf("%s: %q in %s", a.State, *a.AlarmName, a.regionName()))
	if len(subject) > most {
		return string(subject[:most-3]) + "..."
	}
	return string(subject)
}

func (a *alarm) message(oldState string, now time.Time) string {
	return jsonText(map[string]any{
		"AlarmName": a.AlarmName, "AlarmDescription": a.AlarmDescription, "AlarmArn": a.ARN,
		"AWSAccountId": a.home.Account, "Region": a.regionName(),
		"AlarmConfigurationUpdatedTimestamp": a.Configured.Format(alarmTime), "StateChangeTime": now.Format(alarmTime),
		"NewStateValue": a.State, "NewStateReason": a.Reason, "OldStateValue": oldState,
		"OKActions": a.OKActions, "AlarmActions": a.AlarmActions, "InsufficientDataActions": a.InsufficientDataActions,
		"Trigger": map[string]any{
			"MetricName": a.MetricName, "Namespace": a.Namespace, "Unit": a.Unit,
			"StatisticType": "Statistic", "Statistic": strings.ToUpper(*a.Statistic),
			"Dimensions": api.Map(a.Dimensions, func(d dimension) map[string]string { return map[string]string{"name": d.Name, "value": d.Value} }),
			"Period":     a.Period, "EvaluationPeriods": a.EvaluationPeriods, "DatapointsToAlarm": a.needed(),
			"ComparisonOperator": a.ComparisonOperator, "Threshold": a.Threshold, "TreatMissingData": a.treatMissing(),
		},
	})
}
