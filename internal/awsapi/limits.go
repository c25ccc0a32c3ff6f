package awsapi

import "time"

// What the APIs take in one call. Each constant names the page that says so; dates are
// those of the page read.
const (
	// MaxListPage is the largest maxResults of ListCampaigns and ListRecommenders
	// (Personalize API model, MaxResults 1–100).
	MaxListPage = 100

	// MaxMetricQueries is how many queries one GetMetricData call takes (CloudWatch API
	// reference, GetMetricData).
	MaxMetricQueries = 500
	// MaxDatapoints is how many datapoints one GetMetricData call returns before it pages
	// (CloudWatch API reference, GetMetricData, MaxDatapoints).
	MaxDatapoints = 100_800

	// MaxMetricData is how many data one PutMetricData call takes (CloudWatch API
	// reference, PutMetricData).
	MaxMetricData = 1_000
	// MaxMetricDataBytes is how large the request of one PutMetricData call may be
	// (CloudWatch API reference, PutMetricData: 1 MB). It is read as 10⁶ bytes, the
	// smaller of the two readings.
	MaxMetricDataBytes = 1_000_000
	// MaxMetricValue is the largest magnitude of a value PutMetricData takes: 2 to the
	// power of 360 (CloudWatch API reference, MetricDatum).
	MaxMetricValue = 0x1p360

	// MaxAlarmPage is the largest MaxRecords of DescribeAlarms (CloudWatch API reference,
	// DescribeAlarms).
	MaxAlarmPage = 100
	// MaxAlarmNames is how many names DeleteAlarms, EnableAlarmActions,
	// DisableAlarmActions and DescribeAlarms take (CloudWatch API reference, DeleteAlarms).
	MaxAlarmNames = 100

	// MaxFilterPattern is how many characters the filterPattern of FilterLogEvents has at
	// most (CloudWatch Logs API model, FilterPattern).
	MaxFilterPattern = 1024

	// MaxDashboardNames is how many names DeleteDashboards takes (CloudWatch API model,
	// DashboardNames).
	MaxDashboardNames = 100
)

// How long CloudWatch keeps datapoints of which resolution. A GetMetricData query that
// starts earlier than a resolution is kept, with a period that is no multiple of the
// next one, is answered with no data, which is not an error (CloudWatch API reference,
// MetricStat, and GetMetricData on retention).
const (
	MinuteRetention     = 15 * 24 * time.Hour
	FiveMinuteRetention = 63 * 24 * time.Hour
)

// RecentStart is how long ago a GetMetricData call may start and still count towards
// the lower of the two datapoint rates (CloudWatch user guide, "CloudWatch service
// quotas", 2023).
const RecentStart = 3 * time.Hour

// The datapoint rates: how many datapoints GetMetricData calls may ask for in a second
// and region, by the estimate of window ÷ period (same page).
const (
	RecentDatapointsPerSecond = 180_000
	OlderDatapointsPerSecond  = 396_000
)
