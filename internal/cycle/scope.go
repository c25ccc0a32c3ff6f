package cycle

import (
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/estate"
	"github.com/personalize-monitor/personalize-monitor/internal/params"
)

// Scope is what the parameters ask to discover; without Regions, the current region.
func Scope(p params.Values, current string) estate.Scope {
	regions := p.Regions
	if len(regions) == 0 {
		regions = []string{current}
	}
	return estate.Scope{Campaigns: p.Campaigns, Recommenders: p.Recommenders, Regions: regions}
}

// within narrows a scope to one region.
func within(s estate.Scope, region string) estate.Scope {
	narrow := func(selection estate.Selection) estate.Selection {
		if selection.All {
			return estate.Selection{All: slices.Contains(s.Regions, region)}
		}
		return estate.Selection{ARNs: slices.DeleteFunc(slices.Clone(selection.ARNs), func(arn estate.ARN) bool { return arn.Region != region })}
	}
	return estate.Scope{Campaigns: narrow(s.Campaigns), Recommenders: narrow(s.Recommenders), Regions: []string{region}}
}

// Regions are all the regions a scope reaches into, sorted.
func Regions(s estate.Scope) []string {
	var regions []string
	if s.Campaigns.All || s.Recommenders.All {
		regions = append(regions, s.Regions...)
	}
	for _, selection := range []estate.Selection{s.Campaigns, s.Recommenders} {
		if !selection.All {
			for _, arn := range selection.ARNs {
				regions = append(regions, arn.Region)
			}
		}
	}
	return sorted(regions)
}

// sorted gives each name once, sorted.
func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
