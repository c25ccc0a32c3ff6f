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

// reader calls an action that only reads, in the cheapest way, and returns its error.
type reader func(ctx context.Context, w *writer.Writer, region, arn string) error

// readers are the actions that are called. The others are simulated, reads among them whose call
// would cost or reach further.
var readers = map[string]reader{
	"personalize:ListCampaigns": func(ctx context.Context, w *writer.Writer, region, _ string) error {
		_, err := w.Clients.Personalize(region).ListCampaigns(ctx, &personalize.ListCampaignsInput{MaxResults: aws.Int32(1)})
		return err
	},
	"personalize:ListRecommenders": func(ctx context.Context, w *writer.Writer, region, _ string) error {
		_, err := w.Clients.Personalize(region).ListRecommenders(ctx, &personalize.ListRecommendersInput{MaxResults: aws.Int32(1)})
		return err
	},
	"personalize:ListSolutions": func(ctx context.Context, w *writer.Writer, region, _ string) error {
		_, err := w.Clients.Personalize(region).ListSolutions(ctx, &personalize.ListSolutionsInput{MaxResults: aws.Int32(1)})
		return err
	},
	"personalize:ListDatasetGroups": func(ctx context.Context, w *writer.Writer, region, _ string) error {
		_, err := w.Clients.Personalize(region).ListDatasetGroups(ctx, &personalize.ListDatasetGroupsInput{MaxResults: aws.Int32(1)})
		return err
	},
	"personalize:DescribeCampaign": func(ctx context.Context, w *writer.Writer, region, arn string) error {
		_, err := w.Clients.Personalize(region).DescribeCampaign(ctx, &personalize.DescribeCampaignInput{CampaignArn: &arn})
		return err
	},
	"personalize:DescribeRecommender": func(ctx context.Context, w *writer.Writer, region, arn string) error {
		_, err := w.Clients.Personalize(region).DescribeRecommender(ctx, &personalize.DescribeRecommenderInput{RecommenderArn: &arn})
		return err
	},
	"personalize:DescribeSolution": func(ctx context.Context, w *writer.Writer, region, arn string) error {
		_, err := w.Clients.Personalize(region).DescribeSolution(ctx, &personalize.DescribeSolutionInput{SolutionArn: &arn})
		return err
	},
	"personalize:DescribeSolutionVersion": func(ctx context.Context, w *writer.Writer, region, arn string) error {
		in := &personalize.DescribeSolutionVersionInput{SolutionVersionArn: aws.String(arn + "/verify")}
		_, err := w.Clients.Personalize(region).DescribeSolutionVersion(ctx, in)
		return err
	},
	"personalize:ListTagsForResource": func(ctx context.Context, w *writer.Writer, region, arn string) error {
		_, err := w.Clients.Personalize(region).ListTagsForResource(ctx, &personalize.ListTagsForResourceInput{ResourceArn: &arn})
		return err
	},
	"cloudwatch:GetMetricData": func(ctx context.Context, w *writer.Writer, region, _ string) error {
		end := w.Clock.Now().Truncate(time.Minute)
		_, err := w.Clients.CloudWatch(region).GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
			StartTime: aws.Time(end.Add(-5 * time.Minute)), EndTime: &end,
			MetricDataQueries: []cwtypes.MetricDataQuery{{Id: aws.String("verify"), MetricStat: &cwtypes.MetricStat{
				Metric: &cwtypes.Metric{Namespace: aws.String(model.NamespaceMonitor), MetricName: aws.String(model.MetricResourceCount)},
				Period: aws.Int32(300), Stat: aws.String("Maximum"),
			}}},
		})
		return err
	},
	"cloudwatch:DescribeAlarms": func(ctx context.Context, w *writer.Writer, region, _ string) error {
		_, err := w.Clients.CloudWatch(region).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(1)})
		return err
	},
	"cloudwatch:ListDashboards": func(ctx context.Context, w *writer.Writer, region, _ string) error {
		in := &cloudwatch.ListDashboardsInput{DashboardNamePrefix: aws.String("personalize-monitor-verify")}
		_, err := w.Clients.CloudWatch(region).ListDashboards(ctx, in)
		return err
	},
	"cloudwatch:ListTagsForResource": func(ctx context.Context, w *writer.Writer, region, arn string) error {
		_, err := w.Clients.CloudWatch(region).ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: &arn})
		return err
	},
	"sns:GetTopicAttributes": func(ctx context.Context, w *writer.Writer, region, arn string) error {
		_, err := w.Clients.SNS(region).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
		return err
	},
	"sns:ListSubscriptionsByTopic": func(ctx context.Context, w *writer.Writer, region, arn string) error {
		_, err := w.Clients.SNS(region).ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: &arn})
		return err
	},
	"sns:ListTagsForResource": func(ctx context.Context, w *writer.Writer, region, arn string) error {
		_, err := w.Clients.SNS(region).ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: &arn})
		return err
	},
	"events:DescribeRule": func(ctx context.Context, w *writer.Writer, region, arn string) error {
		_, err := w.Clients.EventBridge(region).DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String(ruleName(arn))})
		return err
	},
	"events:ListTargetsByRule": func(ctx context.Context, w *writer.Writer, region, arn string) error {
		_, err := w.Clients.EventBridge(region).ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: aws.String(ruleName(arn))})
		return err
	},
	"events:ListTagsForResource": func(ctx context.Context, w *writer.Writer, region, arn string) error {
		_, err := w.Clients.EventBridge(region).ListTagsForResource(ctx, &eventbridge.ListTagsForResourceInput{ResourceARN: &arn})
		return err
	},
}

// ruleName is the name in the ARN of a rule; that of our rule if it has none.
func ruleName(arn string) string {
	if _, name, ok := strings.Cut(arn, "rule/"); ok {
		return name
	}
	return notify.RuleName
}
