package awsapi

import "time"

// Limits of one API call. Each constant names its source; dates are those of the page
// read.
const (
	// MaxListPage is the largest maxResults of ListCampaigns and ListRecommenders
	// (Personalize API model, MaxResults 1–100).
	MaxListPage = 100

	// MaxMetricQueries is the number of queries in one GetMetricData call (CloudWatch API
	// reference, GetMetricData).
	MaxMetricQueries = 500
	// MaxDatapoints is the number of datapoints in one GetMetricData page
	// (CloudWatch API reference, GetMetricData, MaxDatapoints).
	MaxDatapoints = 100_800

	// MaxMetricData is the number of data in one PutMetricData call (CloudWatch API
	// reference, PutMetricData).
	MaxMetricData = 1_000
	// MaxMetricDataBytes is the size of one PutMetricData request
	// (CloudWatch API reference, PutMetricData: 1 MB). Taken as 10⁶ bytes, the smaller
	// of the two meanings.
	MaxMetricDataBytes = 1_000_000
	// MaxMetricValue is the largest magnitude of a PutMetricData value: 2 to the
	// power of 360 (CloudWatch API reference, MetricDatum).
	MaxMetricValue = 0x1p360

	// MaxAlarmPage is the largest MaxRecords of DescribeAlarms (CloudWatch API reference,
	// DescribeAlarms).
	MaxAlarmPage = 100
	// MaxAlarmNames is the number of names in one call of DeleteAlarms, EnableAlarmActions,
	// DisableAlarmActions and DescribeAlarms (CloudWatch API reference, DeleteAlarms).
	MaxAlarmNames = 100

	// MaxFilterPattern is the number of characters in the filterPattern of FilterLogEvents
	// (CloudWatch Logs API model, FilterPattern).
	MaxFilterPattern = 1024

	// MaxDashboardNames is the number of names in one DeleteDashboards call (CloudWatch API model,
	// DashboardNames).
	MaxDashboardNames = 100
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
