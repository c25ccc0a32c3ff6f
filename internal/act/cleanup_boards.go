package act

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
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
		switch reason, err := c.whyBoardStays(ctx, api, name, item); {
		case err != nil:
			c.unread(ctx, item, opListTags, "read the tags", err)
		case reason == "" && !c.mayGo(KindDashboard, item.ARN):
			item.State, item.Reason = Kept, appearedReason
			c.note(ctx, item)
		case reason != "":
			item.State, item.Reason = Kept, reason
			c.note(ctx, item)
		default:
			c.remove(ctx, item, opDeleteDashboards, func(ctx context.Context) error {
				_, err := api.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{item.Name}})
				return alreadyGone(err)
			})
		}
	}
}

// whyBoardStays says why a dashboard is not ours to remove; empty if it is. The first of
// a series may be the original's, which has no tags; a numbered one bears our tags.
func (c *cleaner) whyBoardStays(ctx context.Context, api boardsAPI, series string, item CleanupItem) (string, error) {
	if item.ARN == "" {
		return "", errors.New("the listing gave no ARN for it")
	}
	out, err := api.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: aws.String(item.ARN)})
	if err != nil {
		return "", err
	}
	var t tags
	owner := ""
	for _, tag := range out.Tags {
		t.take(aws.ToString(tag.Key), aws.ToString(tag.Value))
		if aws.ToString(tag.Key) == tagDashboard {
			owner = aws.ToString(tag.Value)
		}
	}
	if first := item.Name == series; !first && owner != series {
		return fmt.Sprintf("it is somebody else's (of the series %q)", owner), nil
	}
	return c.whyStays(t, item.Name == series), nil
}
