package rules

import (
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// The moment that the tests decide for: 12:02:30, measuring 11:55 to 12:00.
var (
	testNow    = time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC)
	testMoment = EvaluationTime{Now: testNow, Window: MeasuredWindow(testNow, 2*time.Minute)}
)

func testSettings() Settings {
	return Settings{
		AdjustMinTPS: model.On, StopIdle: model.On, IdleHours: 24, UsedIdleHours: 192,
		HourlyChecks: model.Always, DeploymentRegion: "us-east-1",
	}
}

// campaign is an ACTIVE campaign of 30 days, never updated since, with a sure recipe.
func campaign(minTPS int, change ...func(*model.Resource)) model.Resource {
	r := model.Resource{
		ARN:  model.NewARN("aws", "personalize", "eu-west-1", "123456789012", "campaign/home"),
		Kind: model.Campaign, Name: "home", Recipe: "aws-user-personalization", Status: model.StatusActive, MinTPS: minTPS,
		Created: testNow.Add(-30 * 24 * time.Hour), LastUpdated: testNow.Add(-30 * 24 * time.Hour),
		Described: true, Observed: testNow,
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func recommender(minRPS int, change ...func(*model.Resource)) model.Resource {
	return campaign(minRPS, append([]func(*model.Resource){func(r *model.Resource) {
		r.Kind, r.ARN, r.Recipe = model.Recommender, r.ARN.WithResource("recommender/home"), "aws-ecomm-recommended-for-you"
	}}, change...)...)
}

func createdAgo(d time.Duration) func(*model.Resource) {
	return func(r *model.Resource) { r.Created, r.LastUpdated = testNow.Add(-d), testNow.Add(-d) }
}

func updatedAgo(d time.Duration, status model.Status) func(*model.Resource) {
	return func(r *model.Resource) {
		at := testNow.Add(-d)
		r.LastUpdated = at
		r.Update = &model.Update{Status: status, MinTPS: r.MinTPS, Created: at, Changed: at}
	}
}

// readEmpty answers all questions of a resource completely and without data: no
// requests at all, and a monitor that never ran in the idle time. The history alone shows
// minimums, for all of its time.
func readEmpty(r model.Resource, s Settings, m EvaluationTime) model.Readings {
	readings := model.Readings{}
	for _, q := range WindowQueries([]model.Resource{r}, m) {
		readings[q] = model.Series{Complete: true}
	}
	for _, q := range CheckQueries(r, ThroughputOf(r, readings, m), s, m) {
		readings[q] = model.Series{Complete: true}
	}
	for _, q := range historyCalls(r, m) {
		readings[q] = model.Series{Complete: true}
	}
	readings[historyMinimums(r, m)] = steady(historyMinimums(r, m), float64(r.MinTPS))
	readings[historyRecord(r, m)] = steady(historyRecord(r, m), 0)
	readings[gapsQuery(r, m)] = model.Series{Complete: true}
	return readings
}

// readSilent answers them as of a resource without requests whose monitor ran all the time.
func readSilent(r model.Resource, s Settings, m EvaluationTime) model.Readings {
	readings := readEmpty(r, s, m)
	watchAll(readings, r, m)
	return readings
}

// watchAll has the monitor running, at the given minimum, in all the time that is looked at. It measured no
// calls, and there are no gaps in the data of the region.
func watchAll(readings model.Readings, r model.Resource, m EvaluationTime) {
	readings[watchedQuery(r, m)] = WatchedHours(steady(MinimumQuery(r, regionWindow(m)), float64(r.MinTPS)), regionWindow(m).Start)
	readings[gapsQuery(r, m)] = model.Series{Complete: true}
	readings[minimumQuery(r, m)] = steady(minimumQuery(r, m), float64(r.MinTPS))
	record := RecordQuery(r, regionWindow(m))
	readings[record] = steady(record, 0)
}

// steady fills every period of the query with the same value.
func steady(q model.Query, value float64) model.Series {
	s := model.Series{Complete: true}
	for at := q.Window.Start; at.Before(q.Window.End); at = at.Add(q.Period) {
		s.Points = append(s.Points, model.Datapoint{Time: at, Value: value})
	}
	return s
}

// with replaces the value of the period that starts at the given time, or adds it.
func with(s model.Series, at time.Time, value float64) model.Series {
	out := without(s, at)
	for i := range out.Points {
		if out.Points[i].Time.After(at) {
			out.Points = append(out.Points[:i], append([]model.Datapoint{{Time: at, Value: value}}, out.Points[i:]...)...)
			return out
		}
	}
	out.Points = append(out.Points, model.Datapoint{Time: at, Value: value})
	return out
}

func without(s model.Series, at ...time.Time) model.Series {
	drop := make(map[int64]bool, len(at))
	for _, t := range at {
		drop[t.UnixNano()] = true
	}
	out := model.Series{Complete: s.Complete, Points: make([]model.Datapoint, 0, len(s.Points))}
	for _, p := range s.Points {
		if !drop[p.Time.UnixNano()] {
			out.Points = append(out.Points, p)
		}
	}
	return out
}

// between gives the starts of all windows from one time up to, but not at, another.
func between(from, till time.Time) (starts []time.Time) {
	for at := from; at.Before(till); at = at.Add(WindowLength) {
		starts = append(starts, at)
	}
	return starts
}

// idleQuery asks for one metric of the resource in every 5 minutes of the idle time.
func idleQuery(r model.Resource, namespace, name string, stat model.Stat, s Settings, m EvaluationTime) model.Query {
	return model.Query{
		Region: r.Region(), Metric: model.ResourceMetric(r, namespace, name),
		Stat: stat, Window: idleWindow(s, m), Period: WindowLength,
	}
}
