package localaws

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// moveAlarm gives an alarm a new state and, if its actions are enabled, carries out those
// of the new state.
func (s *Server) moveAlarm(a *alarm, state, reason, data string, now time.Time) {
	from := *a
	a.state, a.reason, a.reasonData = state, reason, data
	a.updated, a.moved = now, now
	s.alarms.noteState(&from, a, now)
	s.log.Info("alarm changed state", "region", a.home.region, "arn", a.arn, "from", from.state, "to", state)
	if s.alarms.told != nil {
		s.alarms.told(AlarmChange{Time: now, Region: a.home.region, Name: a.Name, From: from.state, To: state, Actions: a.ActionsEnabled})
	}
	if !a.ActionsEnabled {
		return
	}
	for _, action := range a.actionsFor(state) {
		s.publishToTopic(action, a.subject(), a.message(from.state, now))
		s.alarms.noteAction(a, action, now)
	}
}

// placeNames are the names that alarm mails give regions. Others go by their code.
var placeNames = map[string]string{
	"ap-northeast-1": "Asia Pacific (Tokyo)",
	"ap-northeast-2": "Asia Pacific (Seoul)",
	"ap-south-1":     "Asia Pacific (Mumbai)",
	"ap-southeast-1": "Asia Pacific (Singapore)",
	"ap-southeast-2": "Asia Pacific (Sydney)",
	"ca-central-1":   "Canada (Central)",
	"cn-north-1":     "China (Beijing)",
	"eu-central-1":   "EU (Frankfurt)",
	"eu-west-1":      "EU (Ireland)",
	"us-east-1":      "US East (N. Virginia)",
	"us-east-2":      "US East (Ohio)",
	"us-west-2":      "US West (Oregon)",
}

func (a *alarm) regionName() string {
	if name, ok := placeNames[a.home.region]; ok {
		return name
	}
	return a.home.region
}

// subject is the subject of the mail, cut to the 100 characters that SNS takes.
func (a *alarm) subject() string {
	const most = 100
	subject := fmt.Sprintf("%s: %q in %s", a.state, a.Name, a.regionName())
	if runes := []rune(subject); len(runes) > most {
		subject = string(runes[:most-3]) + "..."
	}
	return subject
}

// alarmMessage is the body of the notification about a change of state.
type alarmMessage struct {
	AlarmName                          string
	AlarmDescription                   *string
	AWSAccountID                       string `json:"AWSAccountId"`
	AlarmConfigurationUpdatedTimestamp string
	NewStateValue                      string
	NewStateReason                     string
	StateChangeTime                    string
	Region                             string
	AlarmArn                           string
	OldStateValue                      string
	OKActions                          []string
	AlarmActions                       []string
	InsufficientDataActions            []string
	Trigger                            alarmTrigger
}

type alarmTrigger struct {
	MetricName         string
	Namespace          string
	StatisticType      string
	Statistic          string
	Unit               *string
	Dimensions         []triggerDimension
	Period             int64
	EvaluationPeriods  int
	DatapointsToAlarm  int
	ComparisonOperator string
	Threshold          float64
	TreatMissingData   string
}

type triggerDimension struct {
	Value string `json:"value"`
	Name  string `json:"name"`
}

func (a *alarm) message(oldState string, now time.Time) string {
	const layout = "2006-01-02T15:04:05.000-0700"
	dims := make([]triggerDimension, len(a.Dimensions))
	for i, d := range a.Dimensions {
		dims[i] = triggerDimension{d.Value, d.Name}
	}
	doc, err := json.Marshal(alarmMessage{
		AlarmName:                          a.Name,
		AlarmDescription:                   a.Description,
		AWSAccountID:                       a.home.account,
		AlarmConfigurationUpdatedTimestamp: a.configured.Format(layout),
		NewStateValue:                      a.state,
		NewStateReason:                     a.reason,
		StateChangeTime:                    now.Format(layout),
		Region:                             a.regionName(),
		AlarmArn:                           a.arn,
		OldStateValue:                      oldState,
		OKActions:                          a.OKActions,
		AlarmActions:                       a.AlarmActions,
		InsufficientDataActions:            a.InsufficientDataActions,
		Trigger: alarmTrigger{
			MetricName: a.Metric, Namespace: a.Namespace,
			StatisticType: "Statistic", Statistic: strings.ToUpper(a.Statistic),
			Unit: a.Unit, Dimensions: dims, Period: a.Period,
			EvaluationPeriods: a.EvaluationPeriods, DatapointsToAlarm: a.needed(),
			ComparisonOperator: a.Comparison, Threshold: a.Threshold, TreatMissingData: a.treatMissing(),
		},
	})
	if err != nil {
		return a.reason // cannot happen: the threshold is finite
	}
	return string(doc)
}
