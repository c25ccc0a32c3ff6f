package act

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

// BoardState is what is known of the dashboard of a name before it is built again. The zero
// value means that there is none.
type BoardState struct {
	Exists bool
	// Deployment is whose it is by its tag; empty if it has none.
	Deployment string
	// Regions are those that the dashboard and its numbered ones show, sorted.
	Regions []string
}

// bodyAPI is what is asked of CloudWatch to read a dashboard.
type bodyAPI interface {
	GetDashboard(context.Context, *cloudwatch.GetDashboardInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetDashboardOutput, error)
}

// Board looks whether there is a dashboard of a name, and what it shows. It writes nothing.
// What cannot be seen of one of its numbered ones is an error: a region might be lost. The
// error names operation and region.
func (a *Actor) Board(ctx context.Context, name string) (BoardState, error) {
	s := a.series(name)
	existing, err := listBoards(ctx, s.api, name)
	if err != nil {
		return BoardState{}, s.unread(opListDashboards, "list the dashboards of the name "+name, err)
	}
	arn, exists := existing[name]
	if !exists {
		return BoardState{}, nil
	}
	t, err := readAlarmTags(ctx, s.api, arn)
	if err != nil {
		return BoardState{}, s.unread(opListTags, "see whose the dashboard "+name+" is", err)
	}
	state := BoardState{Exists: true, Deployment: t.deployment}
	var bodies bodyAPI = a.clients.CloudWatch(a.home)
	names := s.ours(ctx, existing)
	for _, p := range s.problems {
		return BoardState{}, p
	}
	for _, one := range names {
		out, err := bodies.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: aws.String(one)})
		switch {
		case awsapi.KindOf(err) == awsapi.NotFound:
		case err != nil:
			return BoardState{}, s.unread(opGetDashboard, "read the dashboard "+one, err)
		default:
			state.Regions = append(state.Regions, regionsShown(aws.ToString(out.DashboardBody))...)
		}
	}
	slices.Sort(state.Regions)
	state.Regions = slices.Compact(state.Regions)
	return state, nil
}

// unread is the error of a read, with what AWS was asked, and where.
func (s *series) unread(op, doing string, err error) error {
	return problem(s.home, "", op, fmt.Errorf("%s: %w", doing, err))
}

// regionsShown are the regions of the metrics of resources in a dashboard's body; none if
// it cannot be read. The number of resources, which has no dimension, stands in the
// deployment region, whether that has any or not.
func regionsShown(body string) []string {
	var b struct {
		Widgets []struct {
			Properties struct {
				Region  string
				Metrics [][]any
			}
		}
	}
	if json.Unmarshal([]byte(body), &b) != nil {
		return nil
	}
	var regions []string
	for _, w := range b.Widgets {
		named := func(row []any) bool { return len(row) >= 4 }
		if w.Properties.Region != "" && slices.ContainsFunc(w.Properties.Metrics, named) {
			regions = append(regions, w.Properties.Region)
		}
	}
	return regions
}
