package dashboard

import "github.com/personalize-monitor/personalize-monitor/internal/model"

// What CloudWatch takes (CloudWatch user guide, "CloudWatch service quotas", 2023).
const (
	MaxWidgets          = 500   // of a dashboard
	MaxMetrics          = 2_500 // of a dashboard, hidden ones included
	MaxMetricsPerWidget = 500
)

// What the parts of a dashboard cost of that, at most.
const (
	introWidgets, introMetrics = 2, 1
	headerWidgets              = 1
	rowWidgets                 = 3 // throughput, utilization, latency
	// metricsPerResource is one for each of the four lines that a resource has, and
	// linesPerResource how many of them are in the fullest graph, the throughput.
	metricsPerResource, linesPerResource = 4, 2

	resourcesPerRow = MaxMetricsPerWidget / linesPerResource
)

// row is one row of graphs of a dataset group: which of its resources they show, and
// which of its rows it is.
type row struct {
	resources  []model.Resource
	number, of int
}

// section is what one dashboard shows of one dataset group.
type section struct {
	group group
	rows  []row
}

// room is what is left of one dashboard.
type room struct{ widgets, metrics int }

func emptyRoom() room { return room{MaxWidgets - introWidgets, MaxMetrics - introMetrics} }

// resources is how many resources of one more dataset group fit in.
func (r room) resources() int {
	rows := max(0, r.widgets-headerWidgets) / rowWidgets
	return min(rows*resourcesPerRow, r.metrics/metricsPerResource)
}

// take uses up what a number of resources of one dataset group needs.
func (r *room) take(resources int) {
	r.widgets -= headerWidgets + rowWidgets*rowsFor(resources)
	r.metrics -= metricsPerResource * resources
}

// rowsFor is how many rows of graphs a number of resources needs.
func rowsFor(resources int) int { return (resources + resourcesPerRow - 1) / resourcesPerRow }

// pack distributes dataset groups over as many dashboards as they need, in their order.
// One that fits on a dashboard is not spread over two; a larger one begins a dashboard
// of its own, unless the present one is empty, and leaves the rest of its last one to
// the next.
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
			left.take(n)
			rest = rest[n:]
		}
		for i, r := range rows {
			r.number, r.of = i+1, len(rows)
		}
	}
	return pages
}

// split cuts resources into rows of about the same size.
func split(resources []model.Resource) []row {
	count := rowsFor(len(resources))
	rows := make([]row, count)
	for i := range rows {
		rows[i].resources = resources[i*len(resources)/count : (i+1)*len(resources)/count]
	}
	return rows
}
