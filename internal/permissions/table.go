package permissions

// The targets, which are also the names of the statements.
const (
	anything       = "Anything"
	campaigns      = "Campaigns"
	recommenders   = "Recommenders"
	solutions      = "Solutions"
	metrics        = "Metrics"
	alarms         = "Alarms"
	topics         = "Topics"
	chatTopic      = "ChatTopic"
	chatTopics     = "ChatTopics"
	rule           = "Rule"
	rules          = "Rules"
	bus            = "Bus"
	dashboards     = "Dashboards"
	allDashboards  = "AllDashboards"
	ownDashboards  = "OwnDashboards"
	priceList      = "Prices"
	logGroups      = "LogGroups"
	allLogGroups   = "FindLogGroups"
	roles          = "Roles"
	organizational = "Organization"
)

const personalizeARN = "arn:{partition}:personalize:*:{account}:"

// targets are what actions work on, as tight as IAM allows: the Service Authorization Reference
// (https://docs.aws.amazon.com/service-authorization/latest/reference/) lists for each action which
// resources and condition keys a policy may name. Actions without any need *.
var targets = []target{
	{sid: anything, patterns: []string{"*"}},
	{sid: campaigns, patterns: []string{personalizeARN + "campaign/*"}},
	{sid: recommenders, patterns: []string{personalizeARN + "recommender/*"}},
	{sid: solutions, patterns: []string{personalizeARN + "solution/*"}}, // the versions of solutions, too
	{sid: metrics, patterns: []string{"*"}, key: "cloudwatch:namespace", value: "PersonalizeMonitor"},
	{sid: alarms, patterns: []string{"arn:{partition}:cloudwatch:*:{account}:alarm:PersonalizeMonitor-*"}},
	{sid: topics, patterns: []string{"arn:{partition}:sns:*:{account}:PersonalizeMonitorNotifications"}},
	{sid: chatTopic, patterns: []string{"arn:{partition}:sns:{region}:{account}:PersonalizeMonitorChatNotifications"}},
	{sid: chatTopics, patterns: []string{"arn:{partition}:sns:*:{account}:PersonalizeMonitorChatNotifications"}}, // of former deployment regions, too
	{sid: rule, patterns: []string{"arn:{partition}:events:{region}:{account}:rule/PersonalizeMonitor-NotificationsRule"}},
	// The upstream sample created the rule in other regions too, where it never matched.
	{sid: rules, patterns: []string{"arn:{partition}:events:*:{account}:rule/PersonalizeMonitor-NotificationsRule"}},
	{
		sid: bus, patterns: []string{"arn:{partition}:events:{region}:{account}:event-bus/default"},
		key: "events:source", value: "personalize.monitor",
	},
	{sid: dashboards, patterns: []string{
		"arn:{partition}:cloudwatch::{account}:dashboard/{dashboard}", "arn:{partition}:cloudwatch::{account}:dashboard/{dashboard}-*",
	}},
	{sid: allDashboards, patterns: []string{"arn:{partition}:cloudwatch::{account}:dashboard/*"}},
	// After a change of the name.
	{
		sid: ownDashboards, patterns: []string{"arn:{partition}:cloudwatch::{account}:dashboard/*"},
		key: "aws:ResourceTag/Deployment", value: "{deployment}",
	},
	{sid: priceList, patterns: []string{"*"}, global: true},
	{sid: allLogGroups, patterns: []string{"*"}},
	{sid: logGroups},
	{sid: roles, global: true},
	{sid: organizational, patterns: []string{"*"}, global: true},
}

// Marks of the table.
const (
	always           = 'x'
	withActions      = 'a'
	withPrices       = 'l'
	withChat         = 'c'
	withLogs         = 'g'
	withLogSearch    = 'f' // a name of a log group that ends with *
	withRoles        = 'r'
	withOrganization = 'o'
)

// row is an action on a target, and who needs it: a mark for each of columns.
type row struct{ on, service, operation, uses string }

// table has the uses plan, report, run, act, serve and cleanup, then the functions monitor,
// dashboard, update-tps, delete-campaign, stop-recommender and cleanup.
var table = []row{
	{anything, "personalize", "ListCampaigns", "xxxxxx xxxxxx"},
	{anything, "personalize", "ListRecommenders", "xxxxxx xxxxxx"},
	{anything, "personalize", "ListDatasetGroups", ".x..x. ......"},
	{anything, "personalize", "ListSolutions", ".x..x. ......"},
	{anything, "personalize", "ListSolutionVersions", ".x..x. ......"},
	{anything, "personalize", "ListBatchInferenceJobs", ".x..x. ......"},
	{anything, "personalize", "ListBatchSegmentJobs", ".x..x. ......"},
	{anything, "personalize", "ListEventTrackers", ".x..x. ......"},
	{anything, "cloudwatch", "GetMetricData", "xxxxx. x.xxx."},
	{anything, "cloudwatch", "DescribeAlarms", "x.xxxx x..xxx"},
	{anything, "cloudwatch", "ListDashboards", "x.xxxx .x...x"},

	{campaigns, "personalize", "DescribeCampaign", "xxxxx. xxxx.."},
	{campaigns, "personalize", "ListTagsForResource", "xxxxxx x.xx.x"},
	{campaigns, "personalize", "TagResource", "....a. ..x..."},
	{campaigns, "personalize", "UntagResource", "...xxx ..x..x"},
	{campaigns, "personalize", "UpdateCampaign", "...xx. ..x..."},
	{campaigns, "personalize", "DeleteCampaign", "...xx. ...x.."},
	{campaigns, "personalize", "CreateCampaign", "....a. ......"},

	{recommenders, "personalize", "DescribeRecommender", "x.xxx. x.x.x."},
	{recommenders, "personalize", "ListTagsForResource", "xxxxxx x.x.xx"},
	{recommenders, "personalize", "TagResource", "...... ..x..."},
	{recommenders, "personalize", "UntagResource", "...xxx ..x..x"},
	{recommenders, "personalize", "UpdateRecommender", "...xx. ..x..."},
	{recommenders, "personalize", "StopRecommender", "...xx. ....x."},
	{recommenders, "personalize", "StartRecommender", "....a. ......"},

	{solutions, "personalize", "DescribeSolution", "xxxxx. xxxx.."},
	{solutions, "personalize", "DescribeSolutionVersion", "xxxxx. xxxx.."},

	{metrics, "cloudwatch", "PutMetricData", "..xxx. x.xxx."},

	{alarms, "cloudwatch", "PutMetricAlarm", "..xxx. x....."},
	{alarms, "cloudwatch", "SetAlarmState", "..xxx. x....."},
	{alarms, "cloudwatch", "DeleteAlarms", "..xxxx x..xxx"},
	{alarms, "cloudwatch", "ListTagsForResource", "x.xxxx x..xxx"},
	{alarms, "cloudwatch", "TagResource", "..xxx. x....."},

	{topics, "sns", "CreateTopic", "..xxx. x....."},
	{topics, "sns", "TagResource", "..xxx. x.xxx."},
	{topics, "sns", "UntagResource", "...xxx ..xxxx"},
	{topics, "sns", "ListTagsForResource", "x.xxxx x.xxxx"},
	{topics, "sns", "GetTopicAttributes", "x.xxxx x....x"},
	{topics, "sns", "SetTopicAttributes", "..xxx. x....."},
	{topics, "sns", "ListSubscriptionsByTopic", "x.xxx. x....."},
	{topics, "sns", "Subscribe", "..xxx. x....."},
	{topics, "sns", "DeleteTopic", ".....x .....x"},

	{chatTopic, "sns", "CreateTopic", "..ccc. x....."},
	{chatTopic, "sns", "TagResource", "..ccc. x....."},
	{chatTopic, "sns", "ListTagsForResource", "x.xxx. x....."},
	{chatTopic, "sns", "GetTopicAttributes", "c.ccc. x....."},
	{chatTopic, "sns", "SetTopicAttributes", "..ccc. x....."},
	{chatTopics, "sns", "GetTopicAttributes", ".....x .....x"},
	{chatTopics, "sns", "ListTagsForResource", ".....x .....x"},
	{chatTopics, "sns", "DeleteTopic", ".....x .....x"},

	{rule, "events", "PutRule", "..xxx. x....."},
	{rule, "events", "PutTargets", "..xxx. x....."},
	{rule, "events", "TagResource", "..xxx. x....."},
	{rules, "events", "DescribeRule", "x.xxxx x....x"},
	{rules, "events", "ListTargetsByRule", "x.xxxx x....x"},
	{rules, "events", "ListTagsForResource", "x.xxxx x....x"},
	{rules, "events", "RemoveTargets", "..xxxx x....x"},
	{rules, "events", "DeleteRule", "..xxxx x....x"},

	{bus, "events", "PutEvents", "..xxx. x.xxx."},

	{dashboards, "cloudwatch", "PutDashboard", "..xxx. .x...."},
	{dashboards, "cloudwatch", "GetDashboard", "x.xx.. ......"},
	{dashboards, "cloudwatch", "DeleteDashboards", "..xxxx .x...x"},
	{dashboards, "cloudwatch", "TagResource", "..xxx. .x...."},
	{dashboards, "cloudwatch", "ListTagsForResource", "x.xxxx .....x"},
	{allDashboards, "cloudwatch", "ListTagsForResource", "...... .x...."},
	{ownDashboards, "cloudwatch", "DeleteDashboards", "...... .x...."},

	{priceList, "pricing", "GetProducts", "ll..l. ......"},
	{allLogGroups, "logs", "DescribeLogGroups", ".f.... ......"},
	{logGroups, "logs", "FilterLogEvents", ".g.... ......"},

	{roles, "sts", "AssumeRole", "rrrrr. ......"},
	{organizational, "organizations", "ListAccounts", "ooooo. ......"},
}
