package cloudwatch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/sns"
)

// historyRetention is how long CloudWatch keeps the history of alarms (user guide).
const historyRetention = 30 * 24 * time.Hour

// historyItem is one event of an alarm.
type historyItem struct {
	seq       int
	AlarmName string    `json:"AlarmName"`
	AlarmType string    `json:"AlarmType"`
	Timestamp time.Time `json:"Timestamp"`
	Type      string    `json:"HistoryItemType"` // ConfigurationUpdate, StateUpdate or Action
	Summary   string    `json:"HistorySummary"`
	Data      string    `json:"HistoryData"`
}

// record appends to the history of an alarm's home and drops what is too old.
func (as *alarms) record(a *alarm, now time.Time, kind, summary string, data map[string]any) {
	data["version"] = "1.0"
	item := historyItem{AlarmName: *a.AlarmName, AlarmType: "MetricAlarm", Timestamp: now, Type: kind, Summary: summary, Data: jsonText(data)}
	items := as.history[a.home]
	if n := len(items); n > 0 {
		item.seq = items[n-1].seq + 1
		items = since(items, now.Add(-historyRetention))
	}
	as.history[a.home] = append(items, item)
}

// since returns the items from a time on.
func since(items []historyItem, from time.Time) []historyItem {
	i, _ := slices.BinarySearchFunc(items, from, func(item historyItem, from time.Time) int { return item.Timestamp.Compare(from) })
	if i == 0 {
		return items
	}
	return slices.Clone(items[i:])
}

// forget drops history from before a time, but for the last item, whose number the next
// one continues.
func (as *alarms) forget(before time.Time) {
	for h, items := range as.history {
		from := before
		if last := len(items) - 1; last >= 0 && items[last].Timestamp.Before(from) {
			from = items[last].Timestamp
		}
		as.history[h] = since(items, from)
	}
}

func (as *alarms) recordConfiguration(a *alarm, change string, now time.Time) {
	summary := fmt.Sprintf("Alarm %q %s", *a.AlarmName, change)
	as.record(a, now, "ConfigurationUpdate", summary, map[string]any{"type": change, "alarmArn": a.ARN})
}

// transition gives an alarm a new state and, if its actions are enabled, executes those of
// the new state.
func (as *alarms) transition(a *alarm, state, reason, data string, now time.Time) {
	from, oldReason := a.State, a.Reason
	a.State, a.Reason, a.ReasonData = state, reason, data
	a.Updated, a.Transitioned = now, now
	as.record(a, now, "StateUpdate", fmt.Sprintf("Alarm updated from %s to %s", from, state), map[string]any{
		"oldState": map[string]any{"stateValue": from, "stateReason": oldReason},
		"newState": map[string]any{"stateValue": state, "stateReason": reason},
	})
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
		as.record(a, now, "Action", "Sent a notification to "+action, map[string]any{"actionState": state, "notificationResource": action})
	}
}

// regionNames are the names of regions in alarm mails. Others go by their code.
var regionNames = map[string]string{
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

// message is the body of the notification about a transition.
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
