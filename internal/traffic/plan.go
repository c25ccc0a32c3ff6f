package traffic

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// call is what one GetMetricData call asks: queries of one region over one window.
type call struct {
	region  string
	window  model.Window
	queries []model.Query
	points  int // datapoints that may come back: the sum of window ÷ period
}

// place is what queries must have in common to go into one call.
type place struct {
	region string
	window model.Window
}

// plan cuts questions into as few calls as the API allows: each region and window by
// itself, at most 500 queries and 100,800 datapoints a call. A query that would exceed
// the datapoints alone has a call of its own, which is answered in pages. The order of
// the queries is kept.
func plan(queries []model.Query) []call {
	var calls []call
	open := map[place]int{} // the call still being filled, by place
	for _, q := range queries {
		at, points := place{q.Region, q.Window}, datapoints(q)
		i, ok := open[at]
		if !ok || len(calls[i].queries) == awsapi.MaxMetricQueries || calls[i].points+points > awsapi.MaxDatapoints {
			i = len(calls)
			calls = append(calls, call{region: q.Region, window: q.Window})
			open[at] = i
		}
		calls[i].queries = append(calls[i].queries, q)
		calls[i].points += points
	}
	return calls
}

// datapoints is how many periods the window of a query has.
func datapoints(q model.Query) int { return int(q.Window.Duration() / q.Period) }

// check refuses questions to which CloudWatch would give no answer, or none that means
// what was asked: it fits datapoints into periods that begin at multiples of the period,
// and leaves out, without an error, what it does not keep in so fine a resolution.
func check(q model.Query, now time.Time) error {
	switch age := now.Sub(q.Window.Start); {
	case q.Region == "":
		return fmt.Errorf("a query for %s names no region", q.Metric.Name)
	case q.Period < time.Minute || q.Period%time.Minute != 0:
		return fmt.Errorf("a period of %v is not one of whole minutes", q.Period)
	case !aligned(q.Window.Start, q.Period):
		return fmt.Errorf("a window from %s does not begin at a multiple of %v", q.Window.Start.Format(time.RFC3339), q.Period)
	case q.Window.Duration() <= 0 || q.Window.Duration()%q.Period != 0:
		return fmt.Errorf("a window of %v is not one of whole periods of %v", q.Window.Duration(), q.Period)
	case age > awsapi.FiveMinuteRetention && q.Period%time.Hour != 0:
		return fmt.Errorf("a window from %s is kept by the hour only, not by %v", q.Window.Start.Format(time.RFC3339), q.Period)
	case age > awsapi.MinuteRetention && q.Period%(5*time.Minute) != 0:
		return fmt.Errorf("a window from %s is kept by 5 minutes only, not by %v", q.Window.Start.Format(time.RFC3339), q.Period)
	}
	return nil
}

// aligned tells whether t is a multiple of the period since the Unix epoch.
func aligned(t time.Time, period time.Duration) bool {
	return t.Nanosecond() == 0 && t.Unix()%int64(period/time.Second) == 0
}
