package cycle

import (
	"context"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// saved is what a decision would save, as the result shows it.
type saved struct {
	saving   *report.Saving
	estimate *report.Estimate
}

// savings meters the last 14 days of the resources that a decision would change, and finds
// what it would save. It is asked for by plan: a cycle has better things to do. What could
// not be read has no saving; nothing is decided on it.
func (r *run) savings(ctx context.Context, decisions []rules.Decision) map[model.ARN]saved {
	if r.Prices == nil {
		return nil
	}
	looking, cancel := r.look(ctx)
	defer cancel()
	moment := billing.ReportTimeOf(r.moment.Now, billing.MaxDays, r.params.MetricDelay)
	var changing []rules.Decision
	var regions []string
	for _, d := range decisions {
		if d.Verdict.Changes() {
			changing = append(changing, d)
			regions = append(regions, d.Resource.Region())
		}
	}
	if len(changing) == 0 {
		return nil
	}
	prices, problems := r.Prices(looking, sorted(regions))
	running := r.readForSavings(looking, []model.Query{billing.RunningQuery(r.Region, moment)}).Get(billing.RunningQuery(r.Region, moment))
	out := make(map[model.ARN]saved, len(changing))
	for len(changing) > 0 {
		n := min(len(changing), meteredAtOnce)
		var queries []model.Query
		for _, d := range changing[:n] {
			queries = append(queries, billing.Queries(d.Resource, moment)...)
		}
		readings := r.readForSavings(looking, queries)
		for _, d := range changing[:n] {
			usage := billing.Measure(d.Resource, readings, running, moment)
			out[d.Resource.ARN] = savingOf(d, usage, prices)
		}
		changing = changing[n:]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems(problems...)
	return out
}

func (r *run) readForSavings(ctx context.Context, queries []model.Query) model.Readings {
	readings, problems := r.measure(ctx, "meter", queries)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems(problems...)
	return readings
}

// savingOf is what one decision would save.
func savingOf(d rules.Decision, u billing.Usage, prices report.Prices) saved {
	var s billing.Saving
	switch {
	case !u.Readable:
		return saved{}
	case d.Verdict == rules.StepDown:
		s = u.SavingOf(d.Resource, d.NewMinTPS)
	case u.IdleSince.IsZero(): // called since the decision
		return saved{}
	default:
		s = u.RemovalSaving(d.Resource)
	}
	shown := report.SavingOf(s)
	return saved{shown, report.EstimateOf(d.Resource, prices, report.TPSHours{Paid: u.Paid, Used: u.Used, Wasted: u.Wasted}, shown)}
}
