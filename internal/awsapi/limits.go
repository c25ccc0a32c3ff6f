package awsapi

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// Limits of one API call, with their sources.
const (
	MaxListPage       = 100     // maxResults of ListCampaigns and ListRecommenders (Personalize API model)
	MaxMetricQueries  = 500     // queries in a GetMetricData call (CloudWatch API reference)
	MaxDatapoints     = 100_800 // datapoints in a page of GetMetricData (CloudWatch API reference)
	MaxMetricData     = 1_000   // data in a PutMetricData call (CloudWatch API reference)
	MaxMetricValue    = 0x1p360 // magnitude of a PutMetricData value (CloudWatch API reference, MetricDatum)
	MaxAlarmPage      = 100     // MaxRecords of DescribeAlarms (CloudWatch API reference)
	MaxAlarmNames     = 100     // names in a call of DescribeAlarms or of what changes alarms (same reference)
	MaxDashboardNames = 100     // names in a DeleteDashboards call (CloudWatch API model)
	MaxFilterPattern  = 1024    // characters in the filterPattern of FilterLogEvents (CloudWatch Logs API model)
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

// Bounds of the calls that run at the same time. Personalize is offered in about a dozen
// regions. In one region, at 20 ms a call, 8 calls are far more than the rate limits let
// through, so a few slow responses do not hold the others up.
const (
	RegionsAtOnce = 16
	CallsAtOnce   = 8 // in one region
)

// ParallelByRegion runs f for the index of each item: those of one region CallsAtOnce at a
// time, those of RegionsAtOnce regions side by side. It returns when all are done.
func ParallelByRegion[T any](items []T, region func(T) string, f func(i int)) {
	byRegion := map[string][]int{}
	for i, item := range items {
		byRegion[region(item)] = append(byRegion[region(item)], i)
	}
	lists := slices.Collect(maps.Values(byRegion))
	Parallel(len(lists), RegionsAtOnce, func(n int) {
		Parallel(len(lists[n]), CallsAtOnce, func(k int) { f(lists[n][k]) })
	})
}

// Parallel runs f for each number from 0 to n-1, at most limit at a time, and returns when
// all are done.
func Parallel(n, limit int, f func(i int)) {
	var group errgroup.Group
	group.SetLimit(limit)
	for i := range n {
		group.Go(func() error {
			f(i)
			return nil
		})
	}
	_ = group.Wait() // f returns no error
}

// Bounds of a listing. AWS may return an empty page and the same token again, which is no
// fault; a listing that loops, or does not end, is one.
const (
	maxTokenRepeats = 3
	maxPages        = 10_000
)

// ReadAll reads the items of all pages of a listing, as far as possible: call reads one, and page takes it
// apart.
func ReadAll[O, T any](call func(token *string) (*O, error), page func(*O) (items []T, next *string)) (all []T, err error) {
	err = ReadPages(func(token *string) (*string, error) {
		out, err := call(token)
		if err != nil {
			return nil, err
		}
		items, next := page(out)
		all = append(all, items...)
		return next, nil
	})
	return all, err
}

// ReadPages reads one page after the other until there is no next token. Each read gets
// the token of its page, nil for the first. It is an error if the same token keeps coming or the
// pages do not end.
func ReadPages(read func(token *string) (next *string, err error)) error {
	seen := map[string]int{}
	var token *string
	for count := 1; ; count++ {
		next, err := read(token)
		if err != nil || next == nil || *next == "" {
			return err
		}
		switch seen[*next]++; {
		case seen[*next] > maxTokenRepeats:
			return errors.New("the listing repeats itself: AWS keeps returning the same page token")
		case count >= maxPages:
			return fmt.Errorf("the listing has no end: %d pages read", maxPages)
		}
		token = next
	}
}
