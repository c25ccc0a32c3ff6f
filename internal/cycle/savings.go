package cycle

import (
	"context"

	"github.com/personalize-monitor/personalize-monitor/internal/decide"
	"github.com/personalize-monitor/personalize-monitor/internal/estate"
	"github.com/personalize-monitor/personalize-monitor/internal/metering"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// saved is what a decision would save, as the result shows it.
type saved struct {
	saving   *report.Saving
	estimate *report.Estimate
}

// savings meters the last 14 days of the resources that a decision would change, and finds
// what it would save. It is asked for by plan: a cycle has better things to do. What could
// not be read has no saving; nothing is decided on it.
func (r *run) savings(ctx context.Context, decisions []decide.Decision) map[estate.ARN]saved {
	if r.Prices == nil {
		return nil
	}
	looking, cancel := r.look(ctx)
	defer cancel()
	moment := metering.MomentOf(r.moment.Now, metering.MaxDays, r.params.MetricDelay)
	var changing []decide.Decision
	var regions []string
	for _, d := range decisions {
		if d.Action.Changes() {
			changing = append(changing, d)
			regions = append(regions, d.Resource.Region())
		}
	}
	if len(changing) == 0 {
		return nil
	}
	prices, problems := r.Prices(looking, sorted(regions))
	running := r.readForSavings(looking, []estate.Query{metering.RunningQuery(r.Region, moment)}).Get(metering.RunningQuery(r.Region, moment))
	out := make(map[estate.ARN]saved, len(changing))
	for len(changing) > 0 {
		n := min(len(changing), meteredAtOnce)
		var queries []estate.Query
		for _, d := range changing[:n] {
			queries = append(queries, metering.Queries(d.Resource, moment)...)
		}
		readings := r.readForSavings(looking, queries)
		for _, d := range changing[:n] {
			usage := metering.Measure(d.Resource, readings, running, moment)
			out[d.Resource.ARN] = savingOf(d, usage, prices)
		}
		changing = changing[n:]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems(problems...)
	return out
}

func (r *run) readForSavings(ctx context.Context, queries []estate.Query) estate.Readings {
	readings, problems := r.measure(ctx, "meter", queries)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems(problems...)
	return readings
}

// savingOf is what one decision would save.
func savingOf(d decide.Decision, u metering.Usage, prices report.Prices) saved {
	var s metering.Saving
	switch {
	case !u.Readable:
		return saved{}
	case d.Action == decide.StepDown:
		s = u.SavingOf(d.Resource, d.NewMinTPS)
	case u.IdleSince.IsZero(): // called since the decision
		return saved{}
	default:
		s = u.EndSaving(d.Resource)
	}
	shown := report.SavingOf(s)
	return saved{shown, report.EstimateOf(d.Resource, prices, report.TPSHours{Paid: u.Paid, Used: u.Used, Wasted: u.Wasted}, shown)}
}
