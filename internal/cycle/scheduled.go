package cycle

import (
	"context"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// schedules merges decisions with what the tags of their resources arrange.
type schedules struct {
	tags    *ResourceTags
	refresh func(ctx context.Context, list []model.Resource) refreshed
	due     func(model.ARN) bool
}

// apply merges the decisions with what is arranged. Before something is changed, the tags are read
// again, and a recommender, of which only the listing is known, is described. What could not be read
// stays as it was decided. Tags that are not understood are problems: they keep what they arrange from happening.
func (s schedules) apply(ctx context.Context, decisions []rules.Decision) []model.Problem {
	resources := make([]model.Resource, len(decisions))
	for i, d := range decisions {
		resources[i] = d.Resource
	}
	tags, problems := s.tags.Read(ctx, resources, s.due)
	var scheduled []int
	var again, undescribed []model.Resource
	for i, d := range decisions {
		merged := rules.ApplySchedule(d, tags[d.Resource.ARN]) // tags that are not known arrange nothing
		if !merged.Verdict.Scheduled() {
			decisions[i] = merged
			continue
		}
		scheduled, again = append(scheduled, i), append(again, d.Resource)
		if !d.Resource.Described {
			undescribed = append(undescribed, d.Resource)
		}
	}
	if len(again) > 0 {
		fresh, failed := s.tags.Again(ctx, again)
		described := s.refresh(ctx, undescribed)
		problems = append(problems, failed...)
		for _, i := range scheduled {
			decisions[i] = applyFresh(decisions[i], fresh, described)
		}
	}
	for _, d := range decisions {
		if _, err := rules.ArrangementOf(d.Resource.Kind, tags[d.Resource.ARN]); err != nil {
			problems = append(problems, model.Problem{ARN: d.Resource.ARN.String(), Region: d.Resource.Region(), Operation: "read tags", Err: err})
		}
	}
	return problems
}

// applyFresh merges a decision with tags and a description that were just read.
func applyFresh(d rules.Decision, tags map[model.ARN]map[string]string, described refreshed) rules.Decision {
	if !d.Resource.Described {
		resource := described.resources[d.Resource.ARN]
		if !resource.Monitored() { // the zero resource is not // guard: cycle: scheduled, but could not be described
			return d
		}
		d.Resource = resource
	}
	return rules.ApplySchedule(d, tags[d.Resource.ARN])
}
