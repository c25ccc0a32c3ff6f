package cli

import (
	"context"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// addEffects adds to the records of step-downs how calls fared before and after, read from
// CloudWatch. What cannot be read is a problem, and its effect stays unknown.
func (s *session) addEffects(ctx context.Context, records []report.AuditRecord) []model.Problem {
	steps := map[string][]rules.AcceptedStep{}
	for _, r := range records {
		if step, ok := r.Step(); ok {
			steps[r.ARN] = append(steps[r.ARN], step)
		}
	}
	now := s.clock.Now()
	resources := make(map[string]model.Resource, len(steps))
	var queries []model.Query
	for arn, list := range steps {
		parsed, kind, err := model.ParseResourceARN(arn)
		if err != nil {
			continue // records with such an ARN are not read
		}
		resources[arn] = model.Resource{ARN: parsed, Kind: kind}
		queries = append(queries, rules.EffectQueries(resources[arn], list, now)...)
	}
	if len(queries) == 0 {
		return nil
	}
	readings, problems := s.app(app.Options{Deployment: deployment}).Meter.Measure(ctx, queries, func(done, total int) {
		s.progress.show("reading what followed the step-downs", done, total)
	})
	effects := make(map[string]map[time.Time]rules.Effect, len(steps))
	for arn, list := range steps {
		effects[arn] = rules.Effects(resources[arn], list, readings, now)
	}
	for i, r := range records {
		if _, ok := r.Step(); !ok {
			continue
		}
		if effect, ok := effects[r.ARN][r.Time]; ok {
			records[i].Effect = &effect
		}
	}
	return problems
}
