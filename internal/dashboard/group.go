package dashboard

import (
	"cmp"
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// group is a dataset group with the resources to show of it. The ARN is zero for the
// resources of a region whose dataset group could not be read.
type group struct {
	region    string
	arn       model.ARN
	resources []model.Resource // by kind and name, each once
}

// name is the dataset group's; empty if it could not be read.
func (g group) name() string {
	_, name, _ := strings.Cut(g.arn.Resource, "/")
	return name
}

// groupsOf sorts the resources into their dataset groups, by region and name. Those of
// which the dataset group is not known come last in their region.
func groupsOf(resources []model.Resource, leaveOut []model.ARN) []group {
	left := make(map[model.ARN]bool, len(leaveOut))
	for _, arn := range leaveOut {
		left[arn] = true
	}
	type key struct {
		region string
		arn    model.ARN
	}
	byKey := map[key]*group{}
	for _, r := range resources {
		if left[r.ARN] {
			continue
		}
		k := key{r.Region(), r.DatasetGroup}
		if byKey[k] == nil {
			byKey[k] = &group{region: k.region, arn: k.arn}
		}
		byKey[k].resources = append(byKey[k].resources, r)
	}
	groups := make([]group, 0, len(byKey))
	for _, g := range byKey {
		slices.SortFunc(g.resources, model.CompareResources)
		g.resources = slices.CompactFunc(g.resources, func(a, b model.Resource) bool { return a.ARN == b.ARN })
		groups = append(groups, *g)
	}
	slices.SortFunc(groups, byRegionAndName)
	return groups
}

func byRegionAndName(a, b group) int {
	if c := cmp.Or(cmp.Compare(a.region, b.region), a.unknown()-b.unknown(), cmp.Compare(a.name(), b.name())); c != 0 {
		return c
	}
	return cmp.Compare(a.arn.String(), b.arn.String())
}

// unknown is 1 if the dataset group could not be read, else 0.
func (g group) unknown() int {
	if g.arn == (model.ARN{}) {
		return 1
	}
	return 0
}

// partitionOf is the partition of an estate; empty if there is nothing in it.
func partitionOf(groups []group) string {
	if len(groups) == 0 {
		return ""
	}
	return groups[0].resources[0].ARN.Partition
}
