package traffic

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// ask makes n queries about different campaigns over the hours before noon.
func ask(n int, region string, hours int, period time.Duration) []model.Query {
	queries := make([]model.Query, n)
	for i := range queries {
		arn := model.NewARN("aws", "personalize", region, "123456789012", fmt.Sprintf("campaign/c%d", i))
		queries[i] = model.Query{
			Region: region, Stat: model.Sum, Period: period,
			Window: model.NewWindow(noon.Add(-time.Duration(hours)*time.Hour), noon),
			Metric: model.ResourceMetric(model.Resource{Kind: model.Campaign, ARN: arn}, model.NamespacePersonalize, model.MetricGetRecommendations),
		}
	}
	return queries
}

func TestPlan(t *testing.T) {
	const eu, us = "eu-west-1", "us-east-1"
	day := func(queries []model.Query, days int) []model.Query {
		for i := range queries {
			w := queries[i].Window
			queries[i].Window = model.NewWindow(w.Start.AddDate(0, 0, -days), w.End.AddDate(0, 0, -days))
		}
		return queries
	}
	tests := []struct {
		name    string
		queries []model.Query
		want    []int // queries per call
	}{
		{"nothing makes no call", nil, nil},
		{"500 queries go in one call", ask(500, eu, 1, time.Hour), []int{500}},
		{"501 do not", ask(501, eu, 1, time.Hour), []int{500, 1}},
		{"100,800 datapoints go in one call", ask(300, eu, 336, time.Hour), []int{300}},
		{"100,801 do not", append(ask(50, eu, 2016, time.Hour), day(ask(1, eu, 2016, time.Hour), 0)...), []int{50, 1}},
		{"a small query fills up what is left", append(ask(7, eu, 240, time.Minute), ask(1, eu, 240, 4*time.Hour)...), []int{7, 1}},
		{"regions are apart", append(ask(2, eu, 1, time.Hour), ask(3, us, 1, time.Hour)...), []int{2, 3}},
		{"lengths are apart", append(ask(2, eu, 2, time.Hour), ask(3, eu, 1, time.Hour)...), []int{2, 3}},
		{"and windows of the same length", append(ask(2, eu, 1, time.Hour), day(ask(3, eu, 1, time.Hour), 1)...), []int{2, 3}},
		{"periods of one window are together", append(ask(2, eu, 1, time.Hour), ask(3, eu, 1, 5*time.Minute)...), []int{5}},
		{"what is interleaved is gathered", slices.Concat(ask(1, us, 1, time.Hour), ask(2, eu, 1, time.Hour), ask(3, us, 1, time.Hour)), []int{4, 2}},
		{"a query beyond all bounds is by itself", append(ask(1, eu, 24*71, time.Minute), ask(1, eu, 24*71, time.Hour)...), []int{1, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []int
			for _, c := range plan(tt.queries) {
				got = append(got, len(c.queries))
				points := 0
				for _, q := range c.queries {
					points += datapoints(q)
					if q.Region != c.region || q.Window != c.window {
						t.Errorf("%+v in the call for %s %v", q, c.region, c.window)
					}
				}
				if points != c.points || (points > 100_800 && len(c.queries) > 1) {
					t.Errorf("%d datapoints, said to be %d", points, c.points)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestPlanAtTheDatapointBoundary(t *testing.T) {
	// 14 days of 5 minutes are 4,032 datapoints: 25 of them are exactly 100,800.
	queries := ask(26, "eu-west-1", 14*24, 5*time.Minute)
	if calls := plan(queries[:25]); len(calls) != 1 || calls[0].points != 100_800 {
		t.Errorf("%d calls, %d datapoints", len(calls), calls[0].points)
	}
	one := queries[25]
	one.Period = 14 * 24 * time.Hour // a single datapoint of the same window
	if calls := plan(append(queries[:25:25], one)); len(calls) != 2 || calls[1].points != 1 {
		t.Errorf("100,801 datapoints in %d calls", len(calls))
	}
}

func TestCheck(t *testing.T) {
	good := ask(1, "eu-west-1", 1, 5*time.Minute)[0]
	from := func(start time.Time, period time.Duration) func(*model.Query) {
		return func(q *model.Query) { q.Window, q.Period = model.NewWindow(start, start.Add(period)), period }
	}
	tests := []struct {
		name   string
		change func(*model.Query)
		fault  string
	}{
		{"aligned", func(*model.Query) {}, ""},
		{"no region", func(q *model.Query) { q.Region = "" }, "names no region"},
		{"no period", func(q *model.Query) { q.Period = 0 }, "whole minutes"},
		{"a negative period", func(q *model.Query) { q.Period = -time.Minute }, "whole minutes"},
		{"a period of 90 seconds", func(q *model.Query) { q.Period = 90 * time.Second }, "whole minutes"},
		{"an empty window", func(q *model.Query) { q.Window.End = q.Window.Start }, "whole periods"},
		{"a window backwards", func(q *model.Query) { q.Window.End = q.Window.Start.Add(-time.Hour) }, "whole periods"},
		{"a start off the period", func(q *model.Query) { q.Window = model.NewWindow(noon.Add(-9*time.Minute), noon.Add(time.Minute)) }, "does not begin"},
		{"a start within a second", func(q *model.Query) { q.Window.Start = q.Window.Start.Add(1) }, "does not begin"},
		{"an end off the period", func(q *model.Query) { q.Window.End = q.Window.End.Add(time.Second) }, "whole periods"},
		{"by the minute, 15 days ago", from(noon.AddDate(0, 0, -15), time.Minute), ""},
		{"by the minute, longer ago", from(noon.AddDate(0, 0, -15).Add(-time.Minute), time.Minute), "5 minutes only"},
		{"by 5 minutes, 63 days ago", from(noon.AddDate(0, 0, -63), 5*time.Minute), ""},
		{"by 5 minutes, longer ago", from(noon.AddDate(0, 0, -63).Add(-5*time.Minute), 5*time.Minute), "by the hour only"},
		{"by the hour, longer ago", from(noon.AddDate(0, 0, -64), time.Hour), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := good
			tt.change(&q)
			err := check(q, noon)
			if (tt.fault == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), tt.fault)) {
				t.Errorf("error %v, want %q", err, tt.fault)
			}
		})
	}
}
