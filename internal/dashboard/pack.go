package dashboard

import (
	"cmp"
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// CloudWatch's limits (CloudWatch user guide, "CloudWatch service quotas", 2023).
const (
	MaxWidgets          = 500   // of a dashboard
	MaxMetrics          = 2_500 // of a dashboard, hidden ones included
	MaxMetricsPerWidget = 500
)

// What the parts of a dashboard use of the limits, at most.
const (
	introWidgets, introMetrics = 2, 1
	headerWidgets              = 1
	rowWidgets                 = 3 // throughput, utilization, latency
	metricsPerResource         = 4 // one for each line
	linesPerResource           = 2 // in the fullest graph, the throughput
	resourcesPerRow            = MaxMetricsPerWidget / linesPerResource
)

// row is one row of graphs of a dataset group: the resources shown, and the number of the
// row among the group's rows.
type row struct {
	resources  []model.Resource
	number, of int
}

type section struct {
	group group
	rows  []row
}

// room is the unused part of one dashboard's limits.
type room struct{ widgets, metrics int }

var emptyRoom = room{MaxWidgets - introWidgets, MaxMetrics - introMetrics}

// resources is how many of one dataset group fit.
func (r room) resources() int {
	rows := max(0, r.widgets-headerWidgets) / rowWidgets
	return min(rows*resourcesPerRow, r.metrics/metricsPerResource)
}

// pack distributes dataset groups over as many dashboards as they need, in their order. A
// group that fits on one dashboard is not split; a larger one begins a new dashboard,
// unless the current one is empty, and leaves the rest of its last one to the next group.
func pack(groups []group) [][]section {
	pages, left := [][]section{nil}, emptyRoom
	for _, g := range groups {
		var rows []*row
		for rest := g.resources; len(rest) > 0; {
			first := len(rows) == 0 && len(rest) > left.resources() && left != emptyRoom
			if first || left.resources() == 0 {
				pages, left = append(pages, nil), emptyRoom
			}
			n := min(len(rest), left.resources())
			s := section{g, split(rest[:n])}
			for i := range s.rows {
				rows = append(rows, &s.rows[i])
			}
			pages[len(pages)-1] = append(pages[len(pages)-1], s)
			left.widgets -= headerWidgets + rowWidgets*len(s.rows)
			left.metrics -= metricsPerResource * n
			rest = rest[n:]
		}
		for i, r := range rows {
			r.number, r.of = i+1, len(rows)
		}
	}
	return pages
}

// split makes rows of about the same length.
func split(resources []model.Resource) []row {
	count := (len(resources) + resourcesPerRow - 1) / resourcesPerRow
	rows := make([]row, count)
	for i := range rows {
		rows[i].resources = resources[i*len(resources)/count : (i+1)*len(resources)/count]
	}
	return rows
}

// group is a dataset group and those of its resources to show.
type group struct {
	groupKey
	resources []model.Resource // by kind and name, each once
}

// groupKey has a zero ARN for the resources of a region whose dataset group is unknown.
type groupKey struct {
	region  string
	arn     model.ARN
	account string // its name, if there are several
}

// place is the region, with the account if there are several.
func (k groupKey) place() string {
	if k.account == "" {
		return k.region
	}
	return k.region + " · " + k.account
}

// name is the dataset group's; empty if it is unknown.
func (k groupKey) name() string {
	_, name, _ := strings.Cut(k.arn.Resource(), "/")
	return name
}

// groups sorts the resources into their dataset groups, by region and name; the unknown
// one comes last in its region.
func (in Input) groups() []group {
	byKey := map[groupKey][]model.Resource{}
	for _, r := range in.Resources {
		key := groupKey{region: r.Region(), arn: r.DatasetGroup}
		if in.Account != nil {
			key.account = in.Account(r.ARN.Account())
		}
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
		cmp.Compare(a.account, b.account),
	)
}
