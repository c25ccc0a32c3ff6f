package cycle_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// ownMeter answers for our own series of the minimum: it has every window but the missing ones.
type ownMeter struct {
	missing map[time.Time]bool
	broken  bool
	points  int // read
	now     time.Time
}

func (m *ownMeter) Measure(_ context.Context, queries []model.Query, _ func(done, total int)) (model.Readings, []model.Problem) {
	readings := model.Readings{}
	for _, q := range queries {
		series := model.Series{Complete: !m.broken}
		for at := q.Window.Start; at.Before(q.Window.End) && at.Before(m.now); at = at.Add(q.Period) {
			m.points++
			if !m.missing[at] {
				series.Points = append(series.Points, model.Datapoint{Time: at, Value: 40})
			}
		}
		readings[q] = series
	}
	return readings, nil
}

// checkOf are the queries of an hourly check of a busy campaign.
func checkOf(name string, at rules.EvaluationTime) []model.Query {
	arn := model.NewARN("aws", "personalize", home, account, "campaign/"+name)
	r := model.Resource{ARN: arn, Kind: model.Campaign, Name: name, Recipe: "aws-sims", MinTPS: 40, Created: at.Now.AddDate(-1, 0, 0), Described: true}
	return rules.CheckQueries(r, rules.Throughput{Readable: true, Requests: 1}, rules.Settings{}, at)
}

// watchedIn is the answer about the hours, and how many datapoints were read for it.
func watchedIn(t *testing.T, m *cycle.WatchedMeter, own *ownMeter, queries []model.Query) (watched model.Series, points int) {
	t.Helper()
	before := own.points
	readings, problems := m.Measure(context.Background(), queries, nil)
	if len(problems) > 0 || len(readings) != len(queries) {
		t.Fatalf("%d readings, %v", len(readings), problems)
	}
	for _, q := range queries {
		if q.Stat == model.Watched {
			watched = readings[q]
		}
	}
	return watched, own.points - before
}

// A process reads 14 days once, and then no more than without the question. What it answers is the
// same as if it read everything.
func TestWatchedHoursAreReadOnce(t *testing.T) {
	start := time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC)
	own := &ownMeter{missing: map[time.Time]bool{}}
	m := cycle.NewWatchedMeter(own)
	for hours := range 80 {
		now := start.Add(time.Duration(hours) * time.Hour)
		own.now = now
		if hours%7 == 3 { // a window is missed now and then
			own.missing[now.Truncate(time.Hour)] = true
		}
		at := rules.EvaluationTime{Now: now, Window: rules.MeasuredWindow(now, 2*time.Minute)}
		queries := checkOf("c", at)
		plain := 0
		for _, q := range queries {
			if q.Stat != model.Watched {
				for p := q.Window.Start; p.Before(q.Window.End) && p.Before(now); p = p.Add(q.Period) {
					plain++
				}
			}
		}
		got, points := watchedIn(t, m, own, queries)
		if want := plain + map[bool]int{true: 14 * 288}[hours == 0]; points != want {
			t.Fatalf("after %d h: %d datapoints read, want %d", hours, points, want)
		}
		all, _ := watchedIn(t, cycle.NewWatchedMeter(own), own, queries)
		if fmt.Sprint(got) != fmt.Sprint(all) || !got.Complete {
			t.Fatalf("after %d h: remembered\n%v\nread\n%v", hours, got, all)
		}
	}
}

func TestWatchedHoursAreReadAgain(t *testing.T) {
	start := time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC)
	at := func(hours int) rules.EvaluationTime {
		now := start.Add(time.Duration(hours) * time.Hour)
		return rules.EvaluationTime{Now: now, Window: rules.MeasuredWindow(now, 2*time.Minute)}
	}
	const all = 14*288 + 288 + 338
	own := &ownMeter{now: start.AddDate(1, 0, 0)}
	m := cycle.NewWatchedMeter(own)
	check := func(name, campaign string, hours, want int) {
		t.Helper()
		if got, points := watchedIn(t, m, own, checkOf(campaign, at(hours))); points != want || got.Complete == own.broken {
			t.Errorf("%s: %d datapoints read, want %d; complete %v", name, points, want, got.Complete)
		}
	}
	check("at first", "c", 0, all)
	check("of another one", "d", 0, all)
	check("after 16 hours", "c", 16, 288+338)
	check("after a longer break", "c", 33, all)
	own.broken = true
	check("what could not be read is not known", "c", 34, 288+338)
	own.broken = false
	check("nor is what was known forgotten", "c", 35, 288+338)
	// A window that was published late is seen as long as it is not over for a day.
	late := start.Truncate(time.Hour).Add(38 * time.Hour)
	own.missing = map[time.Time]bool{late: true}
	value := func(hours int) float64 {
		got, _ := watchedIn(t, m, own, checkOf("c", at(hours)))
		for _, p := range got.Points {
			if p.Time.Equal(late) {
				return p.Value
			}
		}
		return 0
	}
	if n := value(46); n != 11 {
		t.Errorf("%v windows before it is there", n)
	}
	own.missing = nil
	if n := value(47); n != 12 {
		t.Errorf("%v windows when it is", n)
	}
}

// A window that reaches further back is remembered whole, beside shorter ones.
func TestWatchedHoursOfLongerWindows(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC)
	own := &ownMeter{now: now}
	m := cycle.NewWatchedMeter(own)
	at := rules.EvaluationTime{Now: now, Window: rules.MeasuredWindow(now, 2*time.Minute)}
	var short model.Query
	for _, q := range checkOf("c", at) {
		if q.Stat == model.Watched {
			short = q
		}
	}
	long := short
	long.Window.Start = long.Window.Start.AddDate(0, 0, -30)
	for i, want := range []int{44*288 + 14*288, 17 * 12} {
		before := own.points
		readings, _ := m.Measure(context.Background(), []model.Query{long, short}, nil)
		if n := own.points - before; n != want {
			t.Errorf("time %d: %d datapoints read, want %d", i, n, want)
		}
		if len(readings[long].Points) != 44*24 || len(readings[short].Points) != 14*24 {
			t.Errorf("time %d: %d and %d hours", i, len(readings[long].Points), len(readings[short].Points))
		}
	}
}
