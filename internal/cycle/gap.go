package cycle

import (
	"context"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// gapReach is how far back a new process looks for the data of its predecessor.
const gapReach = 24 * time.Hour

// logGap logs for which time no count of resources was published, at the first cycle of a
// process and after a cycle that was left out. The count is the last of all data: a cycle
// that was killed has none, and its other data may be missing. The check costs one call. If
// it fails, nothing is logged; nothing depends on it.
func (r *run) logGap(ctx context.Context) {
	start := r.at.Window.Start
	before := r.published.Swap(&start)
	expected := start.Add(-rules.WindowLength)
	if r.DryRun || before != nil && !before.Before(expected) {
		return
	}
	reading, cancel := r.reading(ctx)
	defer cancel()
	count := model.Query{
		Region: r.Region, Metric: model.Metric{Namespace: model.NamespaceMonitor, Name: model.MetricResourceCount},
		Stat: model.Count, Window: model.NewWindow(start.Add(-gapReach), start), Period: rules.WindowLength,
	}
	readings, _ := r.Meter.Measure(reading, []model.Query{count}, r.Progress.of("look back"))
	series := readings.Get(count)
	if !series.Complete || len(series.Points) == 0 {
		return
	}
	last := series.Points[0].Time
	for _, p := range series.Points {
		if p.Time.After(last) {
			last = p.Time
		}
	}
	if last.Before(expected) {
		r.Logger.InfoContext(ctx, "no cycle was completed for a while, so data of that time are missing, in whole or in part",
			"region", r.Region, "from", last.Add(rules.WindowLength).UTC(), "to", start.UTC())
	}
}
