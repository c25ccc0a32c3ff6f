package permissions

// The beginnings of ARNs.
const (
	personalizeARN = "arn:{partition}:personalize:*:{account}:"
	dashboardARN   = "arn:{partition}:cloudwatch::{account}:dashboard/"
)

// target is what a group of actions works on.
type target struct {
	sid      string
	patterns []string               // with the placeholders of fill
	given    func(Options) []string // in place of patterns
	key      string                 // of a condition that a value must equal; may be empty
	value    string
	global   bool // the service has one endpoint, so that regions do not limit it
	actions  []action
}

// action is an action on a target, and who needs it: one of marks for each of columns, or a dot.
type action struct{ name, uses string }

// marks are for whom an action is, by the mark of the table.
var marks = map[rune]func(Options) bool{
	'x': func(Options) bool { return true },
	'a': func(o Options) bool { return o.AllowActions },
	'l': func(o Options) bool { return o.LivePrices },
	'c': func(o Options) bool { return o.Chat },
	'g': func(o Options) bool { return len(o.LogGroups) > 0 },
	'f': Options.findsLogGroups,
	'r': func(o Options) bool { return len(o.roles()) > 0 },
	'o': func(o Options) bool { return o.Organization },
}

// targets are what actions work on, as tight as IAM allows: the Service Authorization Reference
// (https://docs.aws.amazon.com/service-authorization/latest/reference/) lists for each action which
// resources and condition keys a policy may name. Actions without any need *, and so does DescribeAlarms, which
// returns less with a narrower scope (CloudWatch API reference). The columns are plan,
// report, run, act, serve and cleanup, then the functions monitor, dashboard, update-tps, delete-campaign,
// stop-recommender and cleanup.
var targets = []target{
	{sid: "Anything", patterns: []string{"*"}, actions: []action{
		{"personalize:ListCampaigns", "xxxxxx xxxxxx"},
		{"personalize:ListRecommenders", "xxxxxx xxxxxx"},
		{"personalize:ListDatasetGroups", ".x..x. ......"},
		{"personalize:ListSolutions", ".x..x. ......"},
		{"personalize:ListSolutionVersions", ".x..x. ......"},
		{"personalize:ListBatchInferenceJobs", ".x..x. ......"},
		{"personalize:ListBatchSegmentJobs", ".x..x. ......"},
		{"personalize:ListEventTrackers", ".x..x. ......"},
		{"cloudwatch:GetMetricData", "xxxxx. x.xxx."},
		{"cloudwatch:DescribeAlarms", "x.xxxx x..xxx"},
		{"cloudwatch:ListDashboards", "x.xxxx .x...x"},
	}},
	{sid: "Campaigns", patterns: []string{personalizeARN + "campaign/*"}, actions: []action{
		{"personalize:DescribeCampaign", "xxxxx. xxxx.."},
		{"personalize:ListTagsForResource", "xxxxxx x.xx.x"},
		{"personalize:TagResource", "....a. ..x..."},
		{"personalize:UntagResource", "...xxx ..x..x"},
		{"personalize:UpdateCampaign", "...xx. ..x..."},
		{"personalize:DeleteCampaign", "...xx. ...x.."},
		{"personalize:CreateCampaign", "....a. ......"},
	}},
	{sid: "Recommenders", patterns: []string{personalizeARN + "recommender/*"}, actions: []action{
		{"personalize:DescribeRecommender", "x.xxx. x.x.x."},
		{"personalize:ListTagsForResource", "xxxxxx x.x.xx"},
		{"personalize:TagResource", "...... ..x..."},
		{"personalize:UntagResource", "...xxx ..x..x"},
		{"personalize:UpdateRecommender", "...xx. ..x..."},
		{"personalize:StopRecommender", "...xx. ....x."},
		{"personalize:StartRecommender", "....a. ......"},
	}},
	// The versions of solutions, too. CreateCampaign needs both: the campaign and the solution that it is of.
	{sid: "Solutions", patterns: []string{personalizeARN + "solution/*"}, actions: []action{
		{"personalize:DescribeSolution", "xxxxx. xxxx.."},
		{"personalize:DescribeSolutionVersion", "xxxxx. xxxx.."},
		{"personalize:CreateCampaign", "....a. ......"},
	}},
	{sid: "Metrics", patterns: []string{"*"}, key: "cloudwatch:namespace", value: "PersonalizeMonitor", actions: []action{
		{"cloudwatch:PutMetricData", "..xxx. x.xxx."},
	}},
	{sid: "Alarms", patterns: []string{"arn:{partition}:cloudwatch:*:{account}:alarm:PersonalizeMonitor-*"}, actions: []action{
		{"cloudwatch:PutMetricAlarm", "..xxx. x....."},
		{"cloudwatch:SetAlarmState", "..xxx. x....."},
		{"cloudwatch:DeleteAlarms", "..xxxx x..xxx"},
		{"cloudwatch:ListTagsForResource", "x.xxxx x..xxx"},
		{"cloudwatch:TagResource", "..xxx. x....."},
	}},
	{sid: "Topics", patterns: []string{"arn:{partition}:sns:*:{account}:PersonalizeMonitorNotifications"}, actions: []action{
		{"sns:CreateTopic", "..xxx. x....."},
		{"sns:TagResource", "..xxx. x.xxx."},
		{"sns:UntagResource", "...xxx ..xxxx"},
		{"sns:ListTagsForResource", "x.xxxx x.xxxx"},
		{"sns:GetTopicAttributes", "x.xxxx x....x"},
		{"sns:SetTopicAttributes", "..xxx. x....."},
		{"sns:ListSubscriptionsByTopic", "x.xxx. x....."},
		{"sns:Subscribe", "..xxx. x....."},
		{"sns:DeleteTopic", ".....x .....x"},
	}},
	{sid: "ChatTopic", patterns: []string{"arn:{partition}:sns:{region}:{account}:PersonalizeMonitorChatNotifications"}, actions: []action{
		{"sns:CreateTopic", "..ccc. x....."},
		{"sns:TagResource", "..ccc. x....."},
		{"sns:ListTagsForResource", "x.xxx. x....."},
		{"sns:GetTopicAttributes", "c.ccc. x....."},
		{"sns:SetTopicAttributes", "..ccc. x....."},
	}},
	// Of former deployment regions, too.
	{sid: "ChatTopics", patterns: []string{"arn:{partition}:sns:*:{account}:PersonalizeMonitorChatNotifications"}, actions: []action{
		{"sns:GetTopicAttributes", ".....x .....x"},
		{"sns:ListTagsForResource", ".....x .....x"},
		{"sns:DeleteTopic", ".....x .....x"},
	}},
	{sid: "Rule", patterns: []string{"arn:{partition}:events:{region}:{account}:rule/PersonalizeMonitor-NotificationsRule"}, actions: []action{
		{"events:PutRule", "..xxx. x....."},
		{"events:PutTargets", "..xxx. x....."},
		{"events:TagResource", "..xxx. x....."},
	}},
	// The upstream sample created the rule in other regions too, where it never matched.
	{sid: "Rules", patterns: []string{"arn:{partition}:events:*:{account}:rule/PersonalizeMonitor-NotificationsRule"}, actions: []action{
		{"events:DescribeRule", "x.xxxx x....x"},
		{"events:ListTargetsByRule", "x.xxxx x....x"},
		{"events:ListTagsForResource", "x.xxxx x....x"},
		{"events:RemoveTargets", "..xxxx x....x"},
		{"events:DeleteRule", "..xxxx x....x"},
	}},
	{
		sid: "Bus", patterns: []string{"arn:{partition}:events:{region}:{account}:event-bus/default"},
		key: "events:source", value: "personalize.monitor", actions: []action{{"events:PutEvents", "..xxx. x.xxx."}},
	},
	{sid: "Dashboards", patterns: []string{dashboardARN + "{dashboard}", dashboardARN + "{dashboard}-*"}, actions: []action{
		{"cloudwatch:PutDashboard", "..xxx. .x...."},
		{"cloudwatch:GetDashboard", "x.xx.. ......"},
		{"cloudwatch:DeleteDashboards", "..xxxx .x...x"},
		{"cloudwatch:TagResource", "..xxx. .x...."},
		{"cloudwatch:ListTagsForResource", "x.xxxx .....x"},
	}},
	{sid: "AllDashboards", patterns: []string{dashboardARN + "*"}, actions: []action{
		{"cloudwatch:ListTagsForResource", "...... .x...."},
	}},
	// After a change of the name.
	{sid: "OwnDashboards", patterns: []string{dashboardARN + "*"}, key: "aws:ResourceTag/Deployment", value: "{deployment}", actions: []action{
		{"cloudwatch:DeleteDashboards", "...... .x...."},
	}},
	{sid: "Prices", patterns: []string{"*"}, global: true, actions: []action{
		{"pricing:GetProducts", "ll..l. ......"},
	}},
	{sid: "FindLogGroups", patterns: []string{"*"}, actions: []action{
		{"logs:DescribeLogGroups", ".f.... ......"},
	}},
	{sid: "LogGroups", given: Options.logGroups, actions: []action{
		{"logs:FilterLogEvents", ".g.... ......"},
	}},
	{sid: "Roles", given: Options.roles, global: true, actions: []action{
		{"sts:AssumeRole", "rrrrr. ......"},
	}},
	{sid: "Organization", patterns: []string{"*"}, global: true, actions: []action{
		{"organizations:ListAccounts", "ooooo. ......"},
	}},
}
