package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

// Names of what the program creates, as its users know them.
const (
	alarmPrefix = "PersonalizeMonitor-"
	topicName   = "PersonalizeMonitorNotifications"
	ruleName    = "PersonalizeMonitor-NotificationsRule"
)

// Names of what belongs to others and looks like the program's.
const (
	foreignAlarm = alarmPrefix + "of-the-shop-team"
	foreignTopic = "shop-team"
	foreignBoard = "Amazon-Personalize-Monitor-Notes"
)

// alarmChange is a change of an alarm by a person, which the program must keep.
type alarmChange struct {
	muted     bool
	threshold float64 // 0 if unchanged
	unsure    bool    // the program may have deleted and recreated the alarm since
}

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

// doubtAlarms marks the changed alarms of a resource that is stopped or deleted as unsure: if the resource returns soon, they may
// have been removed and recreated, or not.
func (o *owner) doubtAlarms(r *resource) {
	if r == nil || r.status != stopping && r.status != deleting {
		return
	}
	for _, name := range r.alarmNames() {
		if change, ok := o.alarms[r.region+name]; ok {
			change.unsure = true
			o.alarms[r.region+name] = change
		}
	}
}

// changeOneAlarm runs a change of a random alarm of the program that is switched on and unchanged, and records it.
func (o *owner) changeOneAlarm(record *alarmChange, run func(api *cloudwatch.Client, a types.MetricAlarm) error) (bool, error) {
	region := regions[o.random.IntN(len(regions))]
	alarms, err := o.alarmsOf(region)
	if err != nil {
		return false, err
	}
	maps.DeleteFunc(alarms, func(name string, a types.MetricAlarm) bool {
		_, changed := o.alarms[region+name]
		return name == foreignAlarm || !strings.HasPrefix(name, alarmPrefix) || !*a.ActionsEnabled || changed
	})
	if len(alarms) == 0 {
		return false, nil
	}
	name := slices.Sorted(maps.Keys(alarms))[o.random.IntN(len(alarms))]
	if record != nil {
		// The alarms of a resource that is not active go soon, and the change with them.
		record.unsure = !slices.ContainsFunc(o.oracle.sorted(), func(r *resource) bool {
			names := r.alarmNames()
			return r.region == region && r.status == active && slices.Contains(names[:], name)
		})
		o.alarms[region+name] = *record
	}
	return true, run(o.clients.CloudWatch(region), alarms[name])
}

func (o *owner) muteAlarm() (bool, error) {
	return o.changeOneAlarm(&alarmChange{muted: true}, func(api *cloudwatch.Client, a types.MetricAlarm) error {
		_, err := api.DisableAlarmActions(o.ctx, &cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{*a.AlarmName}})
		return err
	})
}

func (o *owner) changeAlarm() (bool, error) {
	threshold := 5.0 + float64(o.random.IntN(20))
	return o.changeOneAlarm(&alarmChange{threshold: threshold}, func(api *cloudwatch.Client, a types.MetricAlarm) error {
		_, err := api.PutMetricAlarm(o.ctx, &cloudwatch.PutMetricAlarmInput{
			AlarmName: a.AlarmName, AlarmDescription: a.AlarmDescription, ActionsEnabled: a.ActionsEnabled, OKActions: a.OKActions,
			AlarmActions: a.AlarmActions, InsufficientDataActions: a.InsufficientDataActions, MetricName: a.MetricName, Namespace: a.Namespace,
			Statistic: a.Statistic, Dimensions: a.Dimensions, Period: a.Period, EvaluationPeriods: a.EvaluationPeriods,
			DatapointsToAlarm: a.DatapointsToAlarm, Threshold: &threshold, ComparisonOperator: a.ComparisonOperator, TreatMissingData: a.TreatMissingData,
		})
		return err
	})
}

// deleteAlarm deletes an alarm, which the program must recreate.
func (o *owner) deleteAlarm() (bool, error) {
	return o.changeOneAlarm(nil, func(api *cloudwatch.Client, a types.MetricAlarm) error {
		_, err := api.DeleteAlarms(o.ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{*a.AlarmName}})
		return err
	})
}

func (o *owner) switchRule() (done bool, err error) {
	bus := o.clients.EventBridge(regions[0])
	if o.ruleDisabled {
		_, err = bus.EnableRule(o.ctx, &eventbridge.EnableRuleInput{Name: aws.String(ruleName)})
	} else {
		_, err = bus.DisableRule(o.ctx, &eventbridge.DisableRuleInput{Name: aws.String(ruleName)})
	}
	if err != nil && awsapi.KindOf(err) == awsapi.NotFound {
		return false, nil
	}
	o.ruleDisabled = !o.ruleDisabled
	return true, err
}

func topicARN(region string) string { return "arn:aws:sns:" + region + ":" + account + ":" + topicName }

// deleteTopic deletes the topic of a region, which the program must recreate.
func (o *owner) deleteTopic() (bool, error) {
	region := regions[o.random.IntN(len(regions))]
	_, err := o.clients.SNS(region).DeleteTopic(o.ctx, &sns.DeleteTopicInput{TopicArn: aws.String(topicARN(region))})
	return true, err
}

// createForeign creates an alarm, a topic and a dashboard that look like the program's. The program must not change them.
func (o *owner) createForeign() error {
	for _, region := range regions {
		_, err := o.clients.CloudWatch(region).PutMetricAlarm(o.ctx, &cloudwatch.PutMetricAlarmInput{
			AlarmName: aws.String(foreignAlarm), Namespace: aws.String("Shop"), MetricName: aws.String("orders"), Statistic: types.StatisticSum,
			Period: aws.Int32(300), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: types.ComparisonOperatorLessThanThreshold,
		})
		if err != nil {
			return err
		}
		if _, err := o.clients.SNS(region).CreateTopic(o.ctx, &sns.CreateTopicInput{Name: aws.String(foreignTopic)}); err != nil {
			return err
		}
	}
	_, err := o.clients.CloudWatch(regions[0]).PutDashboard(o.ctx, &cloudwatch.PutDashboardInput{
		DashboardName: aws.String(foreignBoard),
		DashboardBody: aws.String(`{"widgets":[{"type":"text","width":6,"height":3,"properties":{"markdown":"ours"}}]}`),
	})
	return err
}
