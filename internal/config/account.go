package config

import (
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// OfAccount are the parameters of one of several accounts: of named resources those in it and, if the
// account has regions of its own, these.
func (v Values) OfAccount(id string, regions []string) Values {
	narrow := func(s model.Selection) model.Selection {
		return model.Selection{All: s.All, ARNs: slices.DeleteFunc(slices.Clone(s.ARNs), func(arn model.ARN) bool { return arn.Account != id })}
	}
	v.Campaigns, v.Recommenders = narrow(v.Campaigns), narrow(v.Recommenders)
	if len(regions) > 0 {
		v.Regions = regions
	}
	return v
}

// Accounts are the accounts of the resources that are named.
func (v Values) Accounts() []string {
	var ids []string
	for _, arn := range slices.Concat(v.Campaigns.ARNs, v.Recommenders.ARNs) {
		ids = append(ids, arn.Account)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
