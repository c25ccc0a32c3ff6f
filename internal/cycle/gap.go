package cycle

import (
	"context"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// gapReach is how far back a process that begins looks for the data of the one before it.
const gapReach = 24 * time.Hour

// noticeGap tells in the log, at the first cycle of a process and after one that was left
// out, for which time no count of resources was published. The count is the last of all
// data, so a cycle that was ended by force has none, and its other data may be missing.
// It costs one call; what cannot be read is not told. Nothing depends on it.
func (r *run) noticeGap(ctx context.Context) {
	start := r.moment.Window.Start
	before := r.published.Swap(&start)
	expected := start.Add(-rules.WindowLength)
	if r.DryRun || before != nil && !before.Before(expected) {
		return
	}
	looking, cancel := r.look(ctx)
	defer cancel()
	count := model.Query{
		Region: r.Region, Metric: model.Metric{Namespace: model.NamespaceMonitor, Name: model.MetricResourceCount},
		Stat: model.Count, Window: model.NewWindow(start.Add(-gapReach), start), Period: rules.WindowLength,
	}
	readings, _ := r.measure(looking, "look back", []model.Query{count})
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
		r.Logger.InfoContext(ctx, "no cycle came to its end for a while, so data of that time are missing, in whole or in part",
			"region", r.Region, "from", last.Add(rules.WindowLength).UTC(), "to", start.UTC())
	}
}
