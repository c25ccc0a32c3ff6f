package soak

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// Names of what the program makes, as its users know them.
const (
	alarmPrefix = "PersonalizeMonitor-"
	topicName   = "PersonalizeMonitorNotifications"
	ruleName    = "PersonalizeMonitor-NotificationsRule"
)

// Names of what is not the program's.
const (
	otherAlarm = alarmPrefix + "of-the-shop-team"
	otherTopic = "shop-team"
	otherBoard = "Amazon-Personalize-Monitor-Notes"
)

// alarmsOf lists the alarms of a region, by name.
func (o *owner) alarmsOf(region string) (map[string]types.MetricAlarm, error) {
	found := map[string]types.MetricAlarm{}
	pages := cloudwatch.NewDescribeAlarmsPaginator(o.clients.CloudWatch(region), &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(o.ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.MetricAlarms {
			found[*a.AlarmName] = a
		}
	}
	return found, nil
}

// lose notes that a resource was taken out of service: its alarms may be removed and made
// anew, or not, if it comes back soon.
func (o *owner) lose(r *resource) {
	if r == nil || r.status != stopping && r.status != deleting {
		return
	}
	low, idle := r.alarmNames()
	for _, name := range []string{r.region + low, r.region + idle} {
		if person, touched := o.persons[name]; touched {
			person.unsure = true
			o.persons[name] = person
		}
	}
}

// someAlarm picks an alarm of the program's that is switched on and that no person has touched.
func (o *owner) someAlarm() (region string, a types.MetricAlarm, err error) {
	region = regions[o.chance.IntN(len(regions))]
	alarms, err := o.alarmsOf(region)
	if err != nil {
		return "", a, err
	}
	var names []string
	for name, alarm := range alarms {
		_, touched := o.persons[region+name]
		if name != otherAlarm && strings.HasPrefix(name, alarmPrefix) && *alarm.ActionsEnabled && !touched {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", a, errNone
	}
	slices.Sort(names)
	return region, alarms[names[o.chance.IntN(len(names))]], nil
}

// muteAlarm switches the actions of an alarm off.
func (o *owner) muteAlarm() (bool, error) {
	region, a, err := o.someAlarm()
	if err != nil {
		return false, unless(missing, err)
	}
	_, err = o.clients.CloudWatch(region).DisableAlarmActions(o.ctx, &cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{*a.AlarmName}})
	o.persons[region+*a.AlarmName] = personal{muted: true}
	return true, err
}

// alterAlarm gives an alarm another threshold.
func (o *owner) alterAlarm() (bool, error) {
	region, a, err := o.someAlarm()
	if err != nil {
		return false, unless(missing, err)
	}
	threshold := 5.0 + float64(o.chance.IntN(20))
	_, err = o.clients.CloudWatch(region).PutMetricAlarm(o.ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: a.AlarmName, AlarmDescription: a.AlarmDescription, ActionsEnabled: a.ActionsEnabled, OKActions: a.OKActions,
		AlarmActions: a.AlarmActions, InsufficientDataActions: a.InsufficientDataActions, MetricName: a.MetricName, Namespace: a.Namespace,
		Statistic: a.Statistic, Dimensions: a.Dimensions, Period: a.Period, EvaluationPeriods: a.EvaluationPeriods,
		DatapointsToAlarm: a.DatapointsToAlarm, Threshold: &threshold, ComparisonOperator: a.ComparisonOperator, TreatMissingData: a.TreatMissingData,
	})
	o.persons[region+*a.AlarmName] = personal{threshold: threshold}
	return true, err
}

// deleteAlarm deletes an alarm, which is wanted back.
func (o *owner) deleteAlarm() (bool, error) {
	region, a, err := o.someAlarm()
	if err != nil {
		return false, unless(missing, err)
	}
	_, err = o.clients.CloudWatch(region).DeleteAlarms(o.ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{*a.AlarmName}})
	return true, err
}

// unless gives the error unless it is of a sort that is none.
func unless(harmless func(error) bool, err error) error {
	if harmless(err) {
		return nil
	}
	return err
}

// switchRule disables the notification rule, or enables it again.
func (o *owner) switchRule() (bool, error) {
	bus := o.clients.EventBridge(regions[0])
	var err error
	if o.ruleOff {
		_, err = bus.EnableRule(o.ctx, &eventbridge.EnableRuleInput{Name: aws.String(ruleName)})
	} else {
		_, err = bus.DisableRule(o.ctx, &eventbridge.DisableRuleInput{Name: aws.String(ruleName)})
	}
	if missing(err) {
		return false, nil
	}
	o.ruleOff = !o.ruleOff
	return true, err
}

func topicARN(region, name string) string {
	return "arn:aws:sns:" + region + ":" + account + ":" + name
}

// removeTopic deletes the topic of a region, which is wanted back.
func (o *owner) removeTopic() (bool, error) {
	region := regions[o.chance.IntN(len(regions))]
	_, err := o.clients.SNS(region).DeleteTopic(o.ctx, &sns.DeleteTopicInput{TopicArn: aws.String(topicARN(region, topicName))})
	return true, err
}

// settleIn puts things into the account that are like the program's and are not its.
func (o *owner) settleIn() error {
	for _, region := range regions {
		_, err := o.clients.CloudWatch(region).PutMetricAlarm(o.ctx, &cloudwatch.PutMetricAlarmInput{
			AlarmName: aws.String(otherAlarm), Namespace: aws.String("Shop"), MetricName: aws.String("orders"), Statistic: types.StatisticSum,
			Period: aws.Int32(300), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: types.ComparisonOperatorLessThanThreshold,
		})
		if err != nil {
			return err
		}
		if _, err := o.clients.SNS(region).CreateTopic(o.ctx, &sns.CreateTopicInput{Name: aws.String(otherTopic)}); err != nil {
			return err
		}
	}
	body := `{"widgets":[{"type":"text","width":6,"height":3,"properties":{"markdown":"ours"}}]}`
	_, err := o.clients.CloudWatch(regions[0]).PutDashboard(o.ctx, &cloudwatch.PutDashboardInput{DashboardName: aws.String(otherBoard), DashboardBody: &body})
	if err != nil {
		return err
	}
	o.others, err = o.otherThings()
	return err
}

// otherThings are the things that are not the program's, as a text.
func (o *owner) otherThings() (string, error) {
	var all []any
	for _, region := range regions {
		alarms, err := o.clients.CloudWatch(region).DescribeAlarms(o.ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{otherAlarm}})
		if err != nil {
			return "", err
		}
		for _, a := range alarms.MetricAlarms {
			all = append(all, *a.AlarmArn, *a.AlarmConfigurationUpdatedTimestamp, *a.ActionsEnabled)
		}
		topic, err := o.clients.SNS(region).GetTopicAttributes(o.ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(topicARN(region, otherTopic))})
		if err != nil {
			return "", err
		}
		all = append(all, topic.Attributes)
	}
	board, err := o.clients.CloudWatch(regions[0]).GetDashboard(o.ctx, &cloudwatch.GetDashboardInput{DashboardName: aws.String(otherBoard)})
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(append(all, *board.DashboardBody))
	if err != nil {
		return "", fmt.Errorf("note what is in the account: %w", err)
	}
	return string(text), nil
}
