package act

import (
	"context"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

const (
	opListDashboards   = "ListDashboards"
	opDeleteDashboards = "DeleteDashboards"
)

// boardsAPI is what is asked of CloudWatch to remove dashboards.
type boardsAPI interface {
	ListDashboards(context.Context, *cloudwatch.ListDashboardsInput, ...func(*cloudwatch.Options)) (*cloudwatch.ListDashboardsOutput, error)
	DeleteDashboards(context.Context, *cloudwatch.DeleteDashboardsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DeleteDashboardsOutput, error)
}

// removeBoards removes the dashboard of a name and its continuations. Dashboards belong
// to the account; the deployment region is asked. They go one by one: a call for several
// removes none if one is gone already (CloudWatch API reference, DeleteDashboards).
func (c *cleaner) removeBoards(ctx context.Context, name string) {
	api := c.clients.CloudWatch(c.region)
	boards, err := listBoards(ctx, api, name)
	if err != nil {
		c.unseen(ctx, KindDashboard, opListDashboards, err)
		return
	}
	for _, board := range boards {
		board.Reason = "of the name " + name
		c.remove(ctx, board, opDeleteDashboards, func(ctx context.Context) error {
			_, err := api.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{board.Name}})
			return alreadyGone(err)
		})
	}
}

// listBoards lists the dashboards called name, name-2, name-3…, in no other spelling.
func listBoards(ctx context.Context, api boardsAPI, name string) ([]CleanupItem, error) {
	ours := regexp.MustCompile(`^` + regexp.QuoteMeta(name) + `(-([2-9]|[1-9][0-9]+))?$`)
	in := &cloudwatch.ListDashboardsInput{DashboardNamePrefix: aws.String(name)}
	var boards []CleanupItem
	var pages awsapi.Pages
	for {
		out, err := api.ListDashboards(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, entry := range out.DashboardEntries {
			if ours.MatchString(aws.ToString(entry.DashboardName)) {
				boards = append(boards, CleanupItem{
					Kind: KindDashboard, Name: aws.ToString(entry.DashboardName), ARN: aws.ToString(entry.DashboardArn),
				})
			}
		}
		more, err := pages.More(aws.ToString(out.NextToken))
		if err != nil || !more {
			return slices.Clip(boards), err
		}
		in.NextToken = out.NextToken
	}
}
