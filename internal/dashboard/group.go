package dashboard

import (
	"cmp"
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// group is a dataset group and those of its resources to show.
type group struct {
	groupKey
	resources []model.Resource // by kind and name, each once
}

// groupKey has a zero ARN for the resources of a region whose dataset group is unknown.
type groupKey struct {
	region string
	arn    model.ARN
}

// name is the dataset group's; empty if it is unknown.
func (k groupKey) name() string {
	_, name, _ := strings.Cut(k.arn.Resource, "/")
	return name
}

// groupsOf sorts the resources into their dataset groups, by region and name; the unknown
// one comes last in its region.
func groupsOf(resources []model.Resource) []group {
	byKey := map[groupKey][]model.Resource{}
	for _, r := range resources {
		key := groupKey{r.Region(), r.DatasetGroup}
		byKey[key] = append(byKey[key], r)
	}
	groups := make([]group, 0, len(byKey))
	for key, list := range byKey {
		slices.SortFunc(list, model.CompareResources)
		list = slices.CompactFunc(list, func(a, b model.Resource) bool { return a.ARN == b.ARN })
		groups = append(groups, group{key, list})
	}
	slices.SortFunc(groups, byRegionAndName)
	return groups
}

func byRegionAndName(a, b group) int {
	unknown := func(g group) int {
		if g.arn == (model.ARN{}) {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(a.region, b.region),
		unknown(a)-unknown(b),
		cmp.Compare(a.name(), b.name()),
		cmp.Compare(a.arn.String(), b.arn.String()),
	)
}
