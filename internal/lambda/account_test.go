package lambda_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// clients are the tests' own, with which they are the owner of the account.
type clients struct {
	t   *testing.T
	url string
}

func (s *stack) clients() clients { return clients{s.t, s.url} }

func (c clients) config(region string) aws.Config {
	return awsapi.LocalConfig(region, c.url, "LOCAL", nil)
}

func (c clients) alarms(region string) *cloudwatch.Client {
	return cloudwatch.NewFromConfig(c.config(region))
}

func (c clients) events(region string) *eventbridge.Client {
	return eventbridge.NewFromConfig(c.config(region))
}
func (c clients) topics(region string) *sns.Client { return sns.NewFromConfig(c.config(region)) }
func (c clients) personalize(region string) *personalize.Client {
	return personalize.NewFromConfig(c.config(region))
}

func (c clients) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// everywhere are the regions in which something may be.
func everywhere() []string { return append(awsapi.PersonalizeRegions("aws"), "eu-west-3", "sa-east-1") }

// account is all that there is in an account beside Personalize: alarms, rules, topics and
// dashboards with all that was said of them, by region, kind and name. What comes by itself
// with time, such as the state of an alarm, is left out.
func (s *stack) account() map[string]string {
	s.t.Helper()
	c, found := s.clients(), map[string]string{}
	for _, region := range everywhere() {
		c.findAlarms(region, found)
		c.findRules(region, found)
		c.findTopics(region, found)
	}
	boards, err := c.alarms(home).ListDashboards(s.t.Context(), &cloudwatch.ListDashboardsInput{})
	c.must(err)
	for _, entry := range boards.DashboardEntries {
		found["dashboard "+*entry.DashboardName] = s.board(*entry.DashboardName)
	}
	return found
}

func (c clients) findAlarms(region string, found map[string]string) {
	c.t.Helper()
	for _, a := range c.listAlarms(region) {
		tags, err := c.alarms(region).ListTagsForResource(c.t.Context(), &cloudwatch.ListTagsForResourceInput{ResourceARN: a.AlarmArn})
		c.must(err)
		a.StateValue, a.StateReason, a.StateReasonData, a.EvaluationState = "", nil, nil, ""
		a.StateUpdatedTimestamp, a.StateTransitionedTimestamp, a.AlarmConfigurationUpdatedTimestamp = nil, nil, nil
		found[region+" alarm "+*a.AlarmName] = c.text(a, tags.Tags)
	}
}

func (c clients) listAlarms(region string) []cwtypes.MetricAlarm {
	c.t.Helper()
	var all []cwtypes.MetricAlarm
	pages := cloudwatch.NewDescribeAlarmsPaginator(c.alarms(region), &cloudwatch.DescribeAlarmsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.t.Context())
		c.must(err)
		all = append(all, page.MetricAlarms...)
	}
	return all
}

func (c clients) findRules(region string, found map[string]string) {
	c.t.Helper()
	rules, err := c.events(region).ListRules(c.t.Context(), &eventbridge.ListRulesInput{})
	c.must(err)
	for _, r := range rules.Rules {
		targets, err := c.events(region).ListTargetsByRule(c.t.Context(), &eventbridge.ListTargetsByRuleInput{Rule: r.Name})
		c.must(err)
		tags, err := c.events(region).ListTagsForResource(c.t.Context(), &eventbridge.ListTagsForResourceInput{ResourceARN: r.Arn})
		c.must(err)
		found[region+" rule "+*r.Name] = c.text(r, targets.Targets, tags.Tags)
	}
}

func (c clients) findTopics(region string, found map[string]string) {
	c.t.Helper()
	topics, err := c.topics(region).ListTopics(c.t.Context(), &sns.ListTopicsInput{})
	c.must(err)
	for _, topic := range topics.Topics {
		attributes, err := c.topics(region).GetTopicAttributes(c.t.Context(), &sns.GetTopicAttributesInput{TopicArn: topic.TopicArn})
		c.must(err)
		tags, err := c.topics(region).ListTagsForResource(c.t.Context(), &sns.ListTagsForResourceInput{ResourceArn: topic.TopicArn})
		c.must(err)
		name := (*topic.TopicArn)[strings.LastIndex(*topic.TopicArn, ":")+1:]
		found[region+" topic "+name] = c.text(attributes.Attributes, c.subscriptions(region, *topic.TopicArn), tags.Tags)
	}
}

func (c clients) subscriptions(region, topic string) []snstypes.Subscription {
	c.t.Helper()
	out, err := c.topics(region).ListSubscriptionsByTopic(c.t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	c.must(err)
	return out.Subscriptions
}

// text is how the account tells of something.
func (c clients) text(parts ...any) string {
	c.t.Helper()
	text, err := json.Marshal(parts)
	c.must(err)
	return string(text)
}

// board is the body of a dashboard; empty if there is none.
func (s *stack) board(name string) string {
	s.t.Helper()
	out, err := s.clients().alarms(home).GetDashboard(s.t.Context(), &cloudwatch.GetDashboardInput{DashboardName: &name})
	if err != nil {
		return ""
	}
	return *out.DashboardBody
}

// resources tells of each campaign and recommender in the regions: its status and minimum.
func (s *stack) resources(regions ...string) map[string]string {
	s.t.Helper()
	ctx, found := context.Background(), map[string]string{}
	for _, region := range regions {
		api := s.clients().personalize(region)
		campaigns, err := api.ListCampaigns(ctx, &personalize.ListCampaignsInput{})
		s.must(err)
		for _, summary := range campaigns.Campaigns {
			out, err := api.DescribeCampaign(ctx, &personalize.DescribeCampaignInput{CampaignArn: summary.CampaignArn})
			s.must(err)
			found[*summary.Name] = fmt.Sprintf("%s %d", *out.Campaign.Status, *out.Campaign.MinProvisionedTPS)
		}
		recommenders, err := api.ListRecommenders(ctx, &personalize.ListRecommendersInput{})
		s.must(err)
		for _, r := range recommenders.Recommenders {
			found[*r.Name] = fmt.Sprintf("%s %d", *r.Status, *r.RecommenderConfig.MinRecommendationRequestsPerSecond)
		}
	}
	return found
}

// differences are the things that two accounts do not have alike.
func differences(before, after map[string]string) []string {
	var list []string
	for name, text := range before {
		switch now, there := after[name]; {
		case !there:
			list = append(list, name+" is gone")
		case now != text:
			list = append(list, name+" is another:\n  "+text+"\n  "+now)
		}
	}
	for name := range after {
		if _, there := before[name]; !there {
			list = append(list, name+" is new")
		}
	}
	slices.Sort(list)
	return list
}

// writing are those of calls that change something.
func writing(calls map[string]int) map[string]int {
	calls = maps.Clone(calls)
	maps.DeleteFunc(calls, func(op string, _ int) bool {
		_, name, _ := strings.Cut(op, ".")
		return strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "List") || strings.HasPrefix(name, "Get")
	})
	return calls
}

// deeds are the calls that changed campaigns and recommenders, since calls were last reset.
func (s *stack) deeds() map[string]int {
	calls := writing(s.aws.Calls())
	maps.DeleteFunc(calls, func(op string, _ int) bool { return !strings.HasPrefix(op, "personalize.") })
	return calls
}

// Whose something is.
var (
	nobodys  = map[string]string(nil)
	formers  = map[string]string{"CreatedBy": "PersonalizeMonitor"} // the original application's
	anothers = map[string]string{"CreatedBy": "PersonalizeMonitor", "Deployment": "us-west-2/another"}
)

// putAlarm makes an alarm on the utilization of a resource, with changes.
func (c clients) putAlarm(region, name, resource string, tags map[string]string, change ...func(*cloudwatch.PutMetricAlarmInput)) {
	c.t.Helper()
	in := &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(name), Namespace: aws.String("PersonalizeMonitor"), MetricName: aws.String("campaignUtilization"),
		Dimensions: []cwtypes.Dimension{{Name: aws.String("CampaignArn"), Value: aws.String(resource)}},
		Statistic:  cwtypes.StatisticAverage, Period: aws.Int32(300), EvaluationPeriods: aws.Int32(12), DatapointsToAlarm: aws.Int32(9),
		Threshold: aws.Float64(100), ComparisonOperator: cwtypes.ComparisonOperatorLessThanThreshold,
	}
	in.Tags = writer.TagList(tags, writer.CloudWatchTag)
	for _, apply := range change {
		apply(in)
	}
	_, err := c.alarms(region).PutMetricAlarm(c.t.Context(), in)
	c.must(err)
}

// putTopic makes a topic with subscribers by e-mail, and gives its ARN.
func (c clients) putTopic(region, name string, tags map[string]string, addresses ...string) string {
	c.t.Helper()
	topic, err := c.topics(region).CreateTopic(c.t.Context(), &sns.CreateTopicInput{Name: &name, Tags: writer.TagList(tags, writer.SNSTag)})
	c.must(err)
	for _, address := range addresses {
		_, err := c.topics(region).Subscribe(c.t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("email"), Endpoint: aws.String(address)})
		c.must(err)
	}
	return *topic.TopicArn
}

// setPolicy replaces the policy of a topic.
func (c clients) setPolicy(region, topic, policy string) {
	c.t.Helper()
	_, err := c.topics(region).SetTopicAttributes(c.t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: &topic, AttributeName: aws.String("Policy"), AttributeValue: &policy,
	})
	c.must(err)
}

// putBoard makes a dashboard of one text.
func (c clients) putBoard(name, text string, tags map[string]string) {
	c.t.Helper()
	body := c.text(object{"type": "text", "properties": object{"markdown": text}})
	in := &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: aws.String(`{"widgets":` + body + `}`)}
	in.Tags = writer.TagList(tags, writer.CloudWatchTag)
	_, err := c.alarms(home).PutDashboard(c.t.Context(), in)
	c.must(err)
}

// putData publishes a value of a metric of a resource for each 5 minutes of a time.
func (c clients) putData(region, metric, dimension, resource string, value float64, from, to time.Time) {
	c.t.Helper()
	in := &cloudwatch.PutMetricDataInput{Namespace: aws.String("PersonalizeMonitor")}
	for at := from.Truncate(5 * time.Minute); at.Before(to); at = at.Add(5 * time.Minute) {
		in.MetricData = append(in.MetricData, cwtypes.MetricDatum{
			MetricName: &metric, Value: &value, Timestamp: aws.Time(at),
			Dimensions: []cwtypes.Dimension{{Name: &dimension, Value: &resource}},
		})
	}
	_, err := c.alarms(region).PutMetricData(c.t.Context(), in)
	c.must(err)
}
