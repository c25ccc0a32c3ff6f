package traffic

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// call is one GetMetricData call: queries of one region over one window.
type call struct {
	region  string
	window  model.Window
	queries []model.Query
	points  int // datapoints that may be returned: the sum of window ÷ period
}

// plan divides queries into as few calls as the API allows: one region and window a call,
// at most 500 queries and 100,800 datapoints. A query that exceeds the datapoints alone
// has its own call, whose response has several pages. The order of the queries is kept.
func plan(queries []model.Query) []call {
	type key struct {
		region string
		window model.Window
	}
	var calls []call
	open := map[key]int{} // index of the call that is not full yet
	for _, q := range queries {
		k, points := key{q.Region, q.Window}, datapoints(q)
		i, ok := open[k]
		if !ok || len(calls[i].queries) == awsapi.MaxMetricQueries || calls[i].points+points > awsapi.MaxDatapoints {
			i = len(calls)
			calls = append(calls, call{region: q.Region, window: q.Window})
			open[k] = i
		}
		calls[i].queries = append(calls[i].queries, q)
		calls[i].points += points
	}
	return calls
}

func datapoints(q model.Query) int { return int(q.Window.Duration() / q.Period) }

// check rejects queries for which CloudWatch would return nothing, or data with another
// meaning: it fits datapoints into periods that begin at multiples of the period, and
// omits, without an error, what it does not keep at so fine a resolution.
func check(q model.Query, now time.Time) error {
	start := q.Window.Start.Format(time.RFC3339)
	switch age := now.Sub(q.Window.Start); {
	case q.Region == "":
		return fmt.Errorf("a query for %s names no region", q.Metric.Name)
	case q.Period < time.Minute || q.Period%time.Minute != 0:
		return fmt.Errorf("the period %v is not a number of whole minutes", q.Period)
	case !aligned(q.Window.Start, q.Period):
		return fmt.Errorf("the window from %s does not begin at a multiple of %v", start, q.Period)
	case q.Window.Duration() <= 0 || q.Window.Duration()%q.Period != 0:
		return fmt.Errorf("the window of %v is not a number of whole periods of %v", q.Window.Duration(), q.Period)
	case age > awsapi.FiveMinuteRetention && q.Period%time.Hour != 0:
		return fmt.Errorf("CloudWatch keeps the window from %s by the hour only, not by %v", start, q.Period)
	case age > awsapi.MinuteRetention && q.Period%(5*time.Minute) != 0:
		return fmt.Errorf("CloudWatch keeps the window from %s by 5 minutes only, not by %v", start, q.Period)
	}
	return nil
}

// aligned reports whether t is a multiple of the period since the Unix epoch.
func aligned(t time.Time, period time.Duration) bool {
	return t.Nanosecond() == 0 && t.Unix()%int64(period/time.Second) == 0
}
