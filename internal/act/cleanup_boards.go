package act

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
)

// removeBoards removes the dashboard of a name and its continuations, but not the
// dashboards of another series. Dashboards belong to the account; the deployment region
// is asked. They go one by one: a call for several removes none if one is gone already
// (CloudWatch API reference, DeleteDashboards).
func (c *cleaner) removeBoards(ctx context.Context, name string) {
	api := boardsAPI(c.clients.CloudWatch(c.region))
	boards, err := listBoards(ctx, api, name)
	if err != nil {
		c.unseen(ctx, KindDashboard, opListDashboards, err)
		return
	}
	for _, board := range slices.SortedFunc(maps.Keys(boards), byNumber) {
		item := CleanupItem{Kind: KindDashboard, Name: board, ARN: boards[board], Reason: "of the name " + name}
		switch owner, err := seriesOf(ctx, api, name, board, item.ARN); {
		case err != nil:
			c.unread(ctx, item, opListTags, "read the tags", err)
		case owner != name:
			item.State, item.Reason = Kept, "it belongs to the dashboards of the name "+owner
			c.note(ctx, item)
		default:
			c.remove(ctx, item, opDeleteDashboards, func(ctx context.Context) error {
				_, err := api.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{item.Name}})
				return alreadyGone(err)
			})
		}
	}
}
