package cycle

import (
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Scope is what the parameters select; without Regions, the current region.
func Scope(p config.Values, current string) model.Scope {
	regions := p.Regions
	if len(regions) == 0 {
		regions = []string{current}
	}
	return model.Scope{Campaigns: p.Campaigns, Recommenders: p.Recommenders, Regions: regions}
}

// within narrows a scope to one region.
func within(s model.Scope, region string) model.Scope {
	narrow := func(selection model.Selection) model.Selection {
		if selection.All {
			return model.Selection{All: slices.Contains(s.Regions, region)}
		}
		return model.Selection{ARNs: slices.DeleteFunc(slices.Clone(selection.ARNs), func(arn model.ARN) bool { return arn.Region() != region })}
	}
	return model.Scope{Campaigns: narrow(s.Campaigns), Recommenders: narrow(s.Recommenders), Regions: []string{region}}
}

// Regions are all regions of a scope, sorted.
func Regions(s model.Scope) []string {
	var regions []string
	if s.Campaigns.All || s.Recommenders.All {
		regions = append(regions, s.Regions...)
	}
	for _, selection := range []model.Selection{s.Campaigns, s.Recommenders} {
		if !selection.All {
			for _, arn := range selection.ARNs {
				regions = append(regions, arn.Region())
			}
		}
	}
	return sorted(regions)
}

// sorted removes duplicates and sorts.
func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
