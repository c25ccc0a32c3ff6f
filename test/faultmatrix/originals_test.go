package faultmatrix

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
)

// adopting returns the scenario of the first cycle in an account of the upstream sample: the program adopts what that created.
func adopting(monitor func(*bed) outcome, again func(*bed, outcome)) scenario {
	return scenario{
		name: "monitor, after the original", measures: true,
		world: func() localaws.Estate {
			estate := world()
			for i := range estate.Regions {
				group := &estate.Regions[i].DatasetGroups[0]
				group.Recommenders = nil
				group.Campaigns = group.Campaigns[len(group.Campaigns)-1:]
			}
			return estate
		},
		prepare: func(b *bed) {
			b.originals(home, "campaign/wide")
			b.originals(away, "campaign/busy")
		},
		run: monitor, repair: []func(*bed, outcome){again, again, again},
		about: []string{
			"cloudwatch.TagResource", "cloudwatch.ListTagsForResource", "cloudwatch.PutMetricAlarm", "cloudwatch.DescribeAlarms",
			"events.TagResource", "events.ListTagsForResource", "events.DescribeRule", "events.ListTargetsByRule", "events.PutRule",
			"events.PutTargets", "events.RemoveTargets", "events.DeleteRule",
			"sns.TagResource", "sns.ListTagsForResource", "sns.GetTopicAttributes", "sns.SetTopicAttributes", "sns.CreateTopic",
			"sns.ListSubscriptionsByTopic", "sns.Subscribe",
		},
	}
}

// originalPattern is the pattern of the upstream sample's rule.
const originalPattern = `{"source":["personalize.monitor"],"detail-type":["PersonalizeCampaignMinProvisionedTPSUpdated",` +
	`"PersonalizeCampaignDeleted","PersonalizeRecommenderMinRecommendationRPSUpdated","PersonalizeRecommenderStopped"]}`

// originals creates what the upstream sample creates in a region for one campaign: topic, rule with its raw target, and an alarm.
func (b *bed) originals(region, campaign string) {
	ctx, clients := context.Background(), b.clients()
	topic := "arn:aws:sns:" + region + ":" + account + ":" + notify.TopicName
	_, err := clients.SNS(region).CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(notify.TopicName)})
	b.noError(err)
	_, err = clients.SNS(region).SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
		TopicArn: &topic, AttributeName: aws.String("Policy"), AttributeValue: aws.String(
			`{"Version":"2008-10-17","Id":"PublishPolicy","Statement":[{"Effect":"Allow","Principal":{"Service":["cloudwatch.amazonaws.com",` +
				`"events.amazonaws.com"]},"Action":"sns:Publish","Resource":"` + topic + `"}]}`),
	})
	b.noError(err)
	_, err = clients.EventBridge(region).PutRule(ctx, &eventbridge.PutRuleInput{
		Name: aws.String(notify.RuleName), State: ebtypes.RuleStateEnabled,
		Description:  aws.String("Routes Personalize Monitor notifications to notification SNS topic"),
		EventPattern: aws.String(originalPattern),
	})
	b.noError(err)
	_, err = clients.EventBridge(region).PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: aws.String(notify.RuleName), Targets: []ebtypes.Target{{Id: aws.String(notify.TargetID), Arn: &topic}},
	})
	b.noError(err)
	_, name, _ := strings.Cut(campaign, "/")
	_, err = clients.CloudWatch(region).PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("PersonalizeMonitor-LowCampaignUtilization-" + name), ActionsEnabled: aws.Bool(true),
		OKActions: []string{topic}, AlarmActions: []string{topic},
		AlarmDescription: aws.String("Alarms when utilization falls below threshold indicating possible over provisioning condition"),
		Dimensions: []cwtypes.Dimension{{
			Name: aws.String("CampaignArn"), Value: aws.String("arn:aws:personalize:" + region + ":" + account + ":" + campaign),
		}},
		Namespace: aws.String("PersonalizeMonitor"), MetricName: aws.String("campaignUtilization"), Statistic: cwtypes.StatisticAverage,
		Period: aws.Int32(300), EvaluationPeriods: aws.Int32(12), DatapointsToAlarm: aws.Int32(9), Threshold: aws.Float64(100),
		ComparisonOperator: cwtypes.ComparisonOperatorLessThanThreshold, TreatMissingData: aws.String("missing"),
		Tags: []cwtypes.Tag{{Key: aws.String("CreatedBy"), Value: aws.String("PersonalizeMonitor")}},
	})
	b.noError(err)
}
