package awsapi

import "time"

// Limits of one API call, with their sources.
const (
	MaxListPage        = 100       // maxResults of ListCampaigns and ListRecommenders (Personalize API model)
	MaxMetricQueries   = 500       // queries in a GetMetricData call (CloudWatch API reference)
	MaxDatapoints      = 100_800   // datapoints in a page of GetMetricData (CloudWatch API reference)
	MaxMetricData      = 1_000     // data in a PutMetricData call (CloudWatch API reference)
	MaxMetricDataBytes = 1_000_000 // of a PutMetricData request: 1 MB (same page), in the smaller meaning
	MaxMetricValue     = 0x1p360   // magnitude of a PutMetricData value (CloudWatch API reference, MetricDatum)
	MaxAlarmPage       = 100       // MaxRecords of DescribeAlarms (CloudWatch API reference)
	MaxAlarmNames      = 100       // names in a call of DescribeAlarms or of what changes alarms (same reference)
	MaxDashboardNames  = 100       // names in a DeleteDashboards call (CloudWatch API model)
	MaxFilterPattern   = 1024      // characters in the filterPattern of FilterLogEvents (CloudWatch Logs API model)
)

// How long CloudWatch keeps datapoints of which resolution. A GetMetricData query that
// starts before a resolution's retention, with a period that is no multiple of the next
// one, returns no data and no error (CloudWatch API reference, MetricStat, and
// GetMetricData on retention).
const (
	MinuteRetention     = 15 * 24 * time.Hour
	FiveMinuteRetention = 63 * 24 * time.Hour
)

// recentStart is how long ago a GetMetricData call may start and still count towards
// the lower of the two datapoint rates (CloudWatch user guide, "CloudWatch service
// quotas", 2023).
const recentStart = 3 * time.Hour
