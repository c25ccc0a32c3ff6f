package probe

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// readers are the actions that are called in a region, each in the cheapest way and for a resource. The
// others are simulated, reads among them whose call would cost or reach further.
func readers(w *writer.Writer, region, arn string) map[string]func(context.Context) error {
	personalizes, metrics := w.Clients.Personalize(region), w.Clients.CloudWatch(region)
	topics, bus := w.Clients.SNS(region), w.Clients.EventBridge(region)
	one, version, rule, end := aws.Int32(1), arn+"/verify", aws.String(notify.RuleName), w.Clock.Now().Truncate(time.Minute)
	if _, name, ok := strings.Cut(arn, "rule/"); ok {
		rule = &name
	}
	query := cwtypes.MetricDataQuery{Id: aws.String("verify"), MetricStat: &cwtypes.MetricStat{
		Metric: &cwtypes.Metric{Namespace: aws.String(model.NamespaceMonitor), MetricName: aws.String(model.MetricResourceCount)},
		Period: aws.Int32(300), Stat: aws.String("Maximum"),
	}}
	return map[string]func(context.Context) error{
		"personalize:ListCampaigns":       calls(personalizes.ListCampaigns, &personalize.ListCampaignsInput{MaxResults: one}),
		"personalize:ListRecommenders":    calls(personalizes.ListRecommenders, &personalize.ListRecommendersInput{MaxResults: one}),
		"personalize:ListSolutions":       calls(personalizes.ListSolutions, &personalize.ListSolutionsInput{MaxResults: one}),
		"personalize:ListDatasetGroups":   calls(personalizes.ListDatasetGroups, &personalize.ListDatasetGroupsInput{MaxResults: one}),
		"personalize:DescribeCampaign":    calls(personalizes.DescribeCampaign, &personalize.DescribeCampaignInput{CampaignArn: &arn}),
		"personalize:DescribeRecommender": calls(personalizes.DescribeRecommender, &personalize.DescribeRecommenderInput{RecommenderArn: &arn}),
		"personalize:DescribeSolution":    calls(personalizes.DescribeSolution, &personalize.DescribeSolutionInput{SolutionArn: &arn}),
		"personalize:DescribeSolutionVersion": calls(personalizes.DescribeSolutionVersion,
			&personalize.DescribeSolutionVersionInput{SolutionVersionArn: &version}),
		"personalize:ListTagsForResource": calls(personalizes.ListTagsForResource, &personalize.ListTagsForResourceInput{ResourceArn: &arn}),
		"cloudwatch:GetMetricData": calls(metrics.GetMetricData, &cloudwatch.GetMetricDataInput{
			StartTime: aws.Time(end.Add(-5 * time.Minute)), EndTime: &end, MetricDataQueries: []cwtypes.MetricDataQuery{query},
		}),
		"cloudwatch:DescribeAlarms":      calls(metrics.DescribeAlarms, &cloudwatch.DescribeAlarmsInput{MaxRecords: one}),
		"cloudwatch:ListDashboards":      calls(metrics.ListDashboards, &cloudwatch.ListDashboardsInput{DashboardNamePrefix: aws.String(noOne)}),
		"cloudwatch:ListTagsForResource": calls(metrics.ListTagsForResource, &cloudwatch.ListTagsForResourceInput{ResourceARN: &arn}),
		"sns:GetTopicAttributes":         calls(topics.GetTopicAttributes, &sns.GetTopicAttributesInput{TopicArn: &arn}),
		"sns:ListSubscriptionsByTopic":   calls(topics.ListSubscriptionsByTopic, &sns.ListSubscriptionsByTopicInput{TopicArn: &arn}),
		"sns:ListTagsForResource":        calls(topics.ListTagsForResource, &sns.ListTagsForResourceInput{ResourceArn: &arn}),
		"events:DescribeRule":            calls(bus.DescribeRule, &eventbridge.DescribeRuleInput{Name: rule}),
		"events:ListTargetsByRule":       calls(bus.ListTargetsByRule, &eventbridge.ListTargetsByRuleInput{Rule: rule}),
		"events:ListTagsForResource":     calls(bus.ListTagsForResource, &eventbridge.ListTagsForResourceInput{ResourceARN: &arn}),
	}
}

// calls makes a function that calls an operation of a client for its error.
func calls[I, O, F any](operation func(context.Context, *I, ...func(*F)) (*O, error), in *I) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := operation(ctx, in)
		return err
	}
}
