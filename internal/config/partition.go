package config

import (
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Within refuses what lies in another partition than the region that is worked from, where
// credentials mean nothing and no call can succeed. The error is an *Invalid like
// Resolve's.
func (v Values) Within(home string) error {
	partition := model.PartitionOf(home)
	problems := map[string][]string{}
	note := func(name, what, region string) {
		if model.PartitionOf(region) != partition {
			problems[name] = append(problems[name], fmt.Sprintf("%s is in another partition than the region %s", quote(what), home))
		}
	}
	for _, arn := range v.Campaigns.ARNs {
		note(CampaignARNs, arn.String(), arn.Region)
	}
	for _, arn := range v.Recommenders.ARNs {
		note(RecommenderARNs, arn.String(), arn.Region)
	}
	for _, region := range v.Regions {
		note(Regions, region, region)
	}
	var faults []Fault
	for _, p := range table {
		if err := wrong(problems[p.Name]); err != nil {
			faults = append(faults, Fault{Name: p.Name, Problem: err.Error(), Valid: p.Valid, Origin: v.origins[p.Name]})
		}
	}
	if len(faults) > 0 {
		return &Invalid{Faults: faults}
	}
	return nil
}
