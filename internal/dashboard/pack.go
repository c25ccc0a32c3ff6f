package dashboard

import "github.com/personalize-monitor/personalize-monitor/internal/model"

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

// section is the part of a dashboard that shows one dataset group.
type section struct {
	group group
	rows  []row
}

// room is the unused part of one dashboard's limits.
type room struct{ widgets, metrics int }

func emptyRoom() room { return room{MaxWidgets - introWidgets, MaxMetrics - introMetrics} }

// resources is the number of resources of one more dataset group that fit.
func (r room) resources() int {
	rows := max(0, r.widgets-headerWidgets) / rowWidgets
	return min(rows*resourcesPerRow, r.metrics/metricsPerResource)
}

// use subtracts what a number of resources of one dataset group needs.
func (r *room) use(resources int) {
	r.widgets -= headerWidgets + rowWidgets*rowsFor(resources)
	r.metrics -= metricsPerResource * resources
}

// rowsFor is the number of rows of graphs that a number of resources needs.
func rowsFor(resources int) int { return (resources + resourcesPerRow - 1) / resourcesPerRow }

// pack distributes dataset groups over as many dashboards as they need, in their order. A
// group that fits on one dashboard is not split; a larger one begins a new dashboard,
// unless the current one is empty, and leaves the rest of its last one to the next group.
func pack(groups []group) [][]section {
	pages := [][]section{nil}
	left := emptyRoom()
	turn := func() { pages, left = append(pages, nil), emptyRoom() }
	for _, g := range groups {
		if len(g.resources) > left.resources() && left != emptyRoom() {
			turn()
		}
		var rows []*row
		for rest := g.resources; len(rest) > 0; {
			if left.resources() == 0 {
				turn()
			}
			n := min(len(rest), left.resources())
			s := section{g, split(rest[:n])}
			for i := range s.rows {
				rows = append(rows, &s.rows[i])
			}
			pages[len(pages)-1] = append(pages[len(pages)-1], s)
			left.use(n)
			rest = rest[n:]
		}
		for i, r := range rows {
			r.number, r.of = i+1, len(rows)
		}
	}
	return pages
}

// split divides resources into rows of about the same size.
func split(resources []model.Resource) []row {
	count := rowsFor(len(resources))
	rows := make([]row, count)
	for i := range rows {
		rows[i].resources = resources[i*len(resources)/count : (i+1)*len(resources)/count]
	}
	return rows
}
