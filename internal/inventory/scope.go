package inventory

import (
	"maps"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// selection is an model.Selection made ready for look-ups.
type selection struct {
	all   bool
	named map[model.ARN]bool
}

func selectionOf(s model.Selection) selection {
	named := make(map[model.ARN]bool, len(s.ARNs))
	if !s.All {
		for _, arn := range s.ARNs {
			named[arn] = true
		}
	}
	return selection{all: s.All, named: named}
}

// in narrows the selection to a region; where it selects all, only the scanned regions
// count.
func (s selection) in(region string, scanned []string) selection {
	if s.all {
		return selection{all: slices.Contains(scanned, region)}
	}
	named := map[model.ARN]bool{}
	for arn := range s.named {
		if arn.Region == region {
			named[arn] = true
		}
	}
	return selection{named: named}
}

func (s selection) none() bool { return !s.all && len(s.named) == 0 }

func (s selection) has(arn model.ARN) bool { return s.all || s.named[arn] }

// involved lists the regions to look at, sorted: those scanned if anything selects all,
// and those of the resources named.
func involved(scope model.Scope) []string {
	regions := map[string]bool{}
	for _, s := range []model.Selection{scope.Campaigns, scope.Recommenders} {
		if s.All {
			for _, region := range scope.Regions {
				regions[region] = true
			}
			continue
		}
		for _, arn := range s.ARNs {
			regions[arn.Region] = true
		}
	}
	return slices.Sorted(maps.Keys(regions))
}
