package dashboards

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// State is what is known of the dashboard of a name before it is rebuilt. The zero value means
// that it does not exist.
type State struct {
	Exists bool
	// Deployment is the owner by its tag; empty if it has none.
	Deployment string
	// Regions are those that the dashboard and its numbered ones show, sorted.
	Regions []string
}

// State reads whether the dashboard of a name exists, and what it shows. If one of its numbered
// ones cannot be read, that is an error: a region could be lost. The error names operation and
// region.
func (d *Dashboards) State(ctx context.Context, name string) (State, error) {
	s := &series{w: d.w, name: name}
	existing, err := List(ctx, d.w, name)
	if err != nil {
		return State{}, s.unread(OpListDashboards, "list the dashboards of the name "+name, err)
	}
	arn, exists := existing[name]
	if !exists {
		return State{}, nil
	}
	tags, err := d.w.ReadTags(ctx, d.w.DeploymentRegion, arn)
	if err != nil {
		return State{}, s.unread(writer.OpListTags, "read the owner of the dashboard "+name, err)
	}
	state := State{Exists: true, Deployment: tags[writer.TagDeployment]}
	names := s.deletable(ctx, existing)
	if len(s.problems) > 0 {
		return State{}, s.problems[0]
	}
	for _, one := range names {
		out, err := d.w.Clients.CloudWatch(d.w.DeploymentRegion).GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: aws.String(one)})
		switch {
		case awsapi.KindOf(err) == awsapi.NotFound:
		case err != nil:
			return State{}, s.unread(opGetDashboard, "read the dashboard "+one, err)
		default:
			state.Regions = append(state.Regions, regionsShown(aws.ToString(out.DashboardBody))...)
		}
	}
	slices.Sort(state.Regions)
	state.Regions = slices.Compact(state.Regions)
	return state, nil
}

func (s *series) unread(op, doing string, err error) error {
	return writer.Problem(s.w.DeploymentRegion, "", op, fmt.Errorf("%s: %w", doing, err))
}

// regionsShown are the regions of the metrics of resources in a dashboard's body; none if it
// cannot be read. The number of resources, which has no dimension, is always shown from the
// deployment region, whether that has resources or not.
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
		ofResource := func(row []any) bool { return len(row) >= 4 }
		if w.Properties.Region != "" && slices.ContainsFunc(w.Properties.Metrics, ofResource) {
			regions = append(regions, w.Properties.Region)
		}
	}
	return regions
}

// RebuildHere rebuilds the dashboard in this process, now or later, and reports whether it does.
type RebuildHere func(ctx context.Context, detail events.BuildDetail) (handled bool, problems []model.Problem)

// Rebuilder has the dashboard rebuilt after a change of what it shows.
type Rebuilder struct {
	w    *writer.Writer
	here RebuildHere
}

// NewRebuilder makes a Rebuilder. If here is nil or does not handle the rebuild, an event
// requests it.
func NewRebuilder(w *writer.Writer, here RebuildHere) *Rebuilder { return &Rebuilder{w, here} }

// Rebuild has the dashboard rebuilt. The result has the event that was sent, if any.
func (r *Rebuilder) Rebuild(ctx context.Context, detail events.BuildDetail) (sent []events.Event, problems []model.Problem) {
	if r.here != nil {
		if handled, problems := r.here(ctx, detail); handled {
			return nil, problems
		}
	}
	event := events.Event{DetailType: events.BuildDashboard, Detail: detail}
	if detail.ARN != "" {
		event.Resources = []string{detail.ARN}
	}
	return r.w.Emit(ctx, []events.Event{event})
}
