package whatif

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

var now = time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC) // a Wednesday

func span(days int) billing.ReportTime { return billing.ReportTimeOf(now, days, 2*time.Minute) }

func endpoint(kind model.Kind, minimum int) model.Resource {
	return model.Resource{
		ARN:  model.NewARN("aws", "personalize", "us-east-1", "123456789012", string(kind)+"/one"),
		Kind: kind, Name: "one", Recipe: "aws-user-personalization", Status: model.StatusActive, MinTPS: minimum,
		Created: now.AddDate(0, -6, 0),
	}
}

// history is that of a resource that was watched all the time, with the given rate (TPS) at the
// start of each 5 minutes. A negative rate has no datapoint; NaN was not watched either.
func history(r model.Resource, m billing.ReportTime, rate func(at time.Time) float64) billing.History {
	queries := billing.Queries(r, m)
	requests, minimums := model.Series{Complete: true}, model.Series{Complete: true}
	for at := m.Span.Start; at.Before(m.Span.End); at = at.Add(5 * time.Minute) {
		v := rate(at)
		if v >= 0 {
			requests.Points = append(requests.Points, model.Datapoint{Time: at, Value: math.Round(v * 300)})
		}
		if !math.IsNaN(v) {
			minimums.Points = append(minimums.Points, model.Datapoint{Time: at, Value: float64(r.MinTPS)})
		}
	}
	readings := model.Readings{queries[0]: requests, queries[1]: minimums}
	for _, q := range billing.HistorySilence(r, readings, m) {
		readings[q] = model.Series{Complete: true}
		for at := m.Span.Start; q.Stat == model.Sum && at.Before(m.Span.End); at = at.Add(time.Hour) { // no calls were measured
			points := append(readings[q].Points, model.Datapoint{Time: at})
			readings[q] = model.Series{Complete: true, Points: points}
		}
	}
	return billing.HistoryOf(r, readings, m)
}

// noise is a factor around 1 that is the same for the same time.
func noise(at time.Time, width float64) float64 {
	n := uint64(at.Unix()/300) * 0x9e3779b97f4a7c15
	n ^= n >> 29
	n *= 0xbf58476d1ce4e5b9
	n ^= n >> 32
	return 1 + width*(float64(n%1000)/999-0.5)
}

// trace has the counts of a file of real requests, so that its last row ends with the span and it
// has the mean rate (TPS); no row is no datapoint.
func trace(t *testing.T, name string, end time.Time, mean float64) func(at time.Time) float64 {
	t.Helper()
	dir := os.Getenv("PERSONALIZE_MONITOR_TRACES")
	if dir == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("PERSONALIZE_MONITOR_TRACES is not set")
		}
		t.Skip("PERSONALIZE_MONITOR_TRACES is not set; it names a folder of request counts")
	}
	file, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	counts, sum := map[int64]float64{}, 0.0
	var last time.Time
	for _, line := range lines[1:] {
		if last, err = time.Parse(time.DateTime, line[0]); err != nil {
			t.Fatal(err)
		}
	}
	shift := end.Sub(last.Add(5 * time.Minute))
	for _, line := range lines[1:] {
		at, _ := time.Parse(time.DateTime, line[0])
		count, err := strconv.ParseFloat(line[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		counts[at.Add(shift).Unix()/300] += count
		sum += count
	}
	scale := mean * float64(len(lines)-1) / sum
	return func(at time.Time) float64 {
		if n := counts[at.Unix()/300]; n > 0 {
			return n * scale
		}
		return -1
	}
}

// try meters demand by the minimums that a schedule itself wants, from the lead before each level on.
func try(d billing.Demand, s schedule.Schedule) billing.Trial {
	levels := make([]float64, len(d.Requests))
	i := 0
	for _, span := range s.Spans(d.Start, d.End()) {
		for ; i < len(levels) && d.Time(i).Before(span.Until); i++ {
			levels[i] = float64(span.Level)
		}
	}
	return d.Try(func(i int) float64 { return levels[i] })
}
