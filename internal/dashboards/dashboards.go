// Package dashboards writes and deletes the program's CloudWatch dashboards, a series of one
// or more that share a name: name, name-2, name-3 and so on.
package dashboards

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboard"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// Operations on dashboards.
const (
	OpListDashboards   = "ListDashboards"
	OpDeleteDashboards = "DeleteDashboards"
	opPutDashboard     = "PutDashboard"
	opGetDashboard     = "GetDashboard"
)

// TagSeries is the tag with the name of the first dashboard of the series, on each of ours. It
// distinguishes the second dashboard of one series from the first of another with that name.
const TagSeries = "Dashboard"

// Dashboards writes dashboards. It is safe for concurrent use.
type Dashboards struct{ w *writer.Writer }

// New makes a Dashboards. It calls nothing.
func New(w *writer.Writer) *Dashboards { return &Dashboards{w} }

// Build writes the dashboards of a series, replacing the first if it exists, and deletes what
// an earlier, larger inventory left of the series. A numbered dashboard of another series is
// neither written nor deleted, and nothing is deleted unless all were written. The results are
// in the order of the work; a dashboard that failed is among the problems, too.
func (d *Dashboards) Build(ctx context.Context, name string, boards []dashboard.Board) ([]report.Board, []model.Problem) {
	s := d.series(ctx, name)
	written := true
	for _, board := range boards {
		written = s.write(ctx, board) && written
		delete(s.existing, board.Name)
	}
	if written { // else what the surplus ones show may not be shown anywhere
		s.deleteAll(ctx, s.deletable(ctx))
	}
	return s.results, s.problems
}

// Delete deletes the dashboard of a name and the numbered ones of its series. It is no error
// if none exists. A deployed stack keeps another stack's.
func (d *Dashboards) Delete(ctx context.Context, name string) ([]report.Board, []model.Problem) {
	s := d.series(ctx, name)
	if s.unlisted {
		s.existing = map[string]string{name: ""} // it may exist
	}
	names := s.deletable(ctx)
	if other := s.otherStack(ctx); other != "" {
		d.w.Logger.InfoContext(ctx, "dashboard belongs to another deployment, and stays", "arn", s.existing[name], "deployment", other)
		return s.results, s.problems
	}
	if len(names) == 0 && len(s.problems) == 0 {
		d.w.Logger.Debug("no dashboard to delete", "what", name)
		s.done(name, report.Deleted, writer.AlreadySo)
	}
	s.deleteAll(ctx, names)
	return s.results, s.problems
}

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
	s := d.series(ctx, name)
	arn, exists := s.existing[name]
	if !exists && !s.unlisted {
		return State{}, nil
	}
	if len(s.problems) > 0 {
		return State{}, s.problems[0]
	}
	tags, err := d.w.ReadTags(ctx, d.w.DeploymentRegion, arn)
	if err != nil {
		return State{}, s.problem(writer.OpListTags, "read the owner of the dashboard "+name, err)
	}
	names := s.deletable(ctx)
	if len(s.problems) > 0 {
		return State{}, s.problems[0]
	}
	var regions []string
	for _, one := range names {
		out, err := d.w.Clients.CloudWatch(d.w.DeploymentRegion).GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: aws.String(one)})
		switch {
		case awsapi.KindOf(err) == awsapi.NotFound:
		case err != nil:
			return State{}, s.problem(opGetDashboard, "read the dashboard "+one, err)
		default:
			regions = append(regions, regionsShown(aws.ToString(out.DashboardBody))...)
		}
	}
	slices.Sort(regions)
	return State{Exists: true, Deployment: tags[writer.TagDeployment], Regions: slices.Compact(regions)}, nil
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

// numbered is what follows the name in the names of a series' further dashboards: 2 to 999. A
// dashboard for the year 2026 is a person's.
var numbered = regexp.MustCompile(`^-([2-9]|[1-9][0-9]{1,2})$`)

// List returns, by name, the ARNs of the dashboards called name, name-2, name-3 and so on, in
// exactly this spelling. Dashboards have no region; they are listed in the deployment region.
func List(ctx context.Context, w *writer.Writer, name string) (map[string]string, error) {
	all, err := awsapi.ReadAll(func(token *string) (*cloudwatch.ListDashboardsOutput, error) {
		in := &cloudwatch.ListDashboardsInput{DashboardNamePrefix: aws.String(name), NextToken: token}
		return w.Clients.CloudWatch(w.DeploymentRegion).ListDashboards(ctx, in)
	}, func(o *cloudwatch.ListDashboardsOutput) ([]types.DashboardEntry, *string) {
		return o.DashboardEntries, o.NextToken
	})
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, entry := range all {
		full := aws.ToString(entry.DashboardName)
		if rest, ok := strings.CutPrefix(full, name); ok && (rest == "" || numbered.MatchString(rest)) {
			found[full] = aws.ToString(entry.DashboardArn)
		}
	}
	return found, nil
}

// Names are the names that List returned, by number: -2 before -10.
func Names(listed map[string]string) []string {
	return slices.SortedFunc(maps.Keys(listed), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
}

// DeleteNamed deletes dashboards in one call. It must run in the gate, and returns
// writer.ErrAlreadySo if one does not exist; CloudWatch then deletes the others or not.
func DeleteNamed(ctx context.Context, w *writer.Writer, names ...string) error {
	_, err := w.Clients.CloudWatch(w.DeploymentRegion).DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: names})
	return writer.AlreadyGone(err)
}

// series is the work on the dashboards of one name, and its result.
type series struct {
	w        *writer.Writer
	name     string
	existing map[string]string // ARNs by name
	unlisted bool              // the existing dashboards could not be listed, which is a problem
	results  []report.Board
	problems []model.Problem
}

func (d *Dashboards) series(ctx context.Context, name string) *series {
	s := &series{w: d.w, name: name}
	var err error
	if s.existing, err = List(ctx, d.w, name); err != nil {
		s.fail(OpListDashboards, "list the dashboards of the name "+name, err)
		s.unlisted = true
	}
	return s
}

func (s *series) problem(op, doing string, err error) model.Problem {
	return writer.Problem(s.w.DeploymentRegion, "", op, fmt.Errorf("%s: %w", doing, err))
}

func (s *series) fail(op, doing string, err error) {
	s.problems = append(s.problems, s.problem(op, doing, err))
}

func (s *series) done(name string, change report.BoardChange, outcome writer.Outcome) {
	s.results = append(s.results, report.Board{Name: name, Change: change, Outcome: string(outcome)})
}

// write writes a dashboard, unless it is or may be another series'. It reports whether the
// dashboard counts as written.
func (s *series) write(ctx context.Context, board dashboard.Board) bool {
	owner, err := s.owner(ctx, board.Name)
	switch {
	case err == nil && s.unlisted && board.Name != s.name:
		err = errors.New("it is unknown whether another series has a dashboard of that name")
	case err == nil && owner != s.name:
		err = fmt.Errorf("it belongs to the series %q; give this series another name (DashboardName)", owner)
	case err == nil:
		return s.put(ctx, board)
	}
	s.done(board.Name, report.Written, writer.Failed)
	s.fail(opPutDashboard, "write the dashboard "+board.Name, err)
	return false
}

// owner is the name of the series that a dashboard belongs to, by the tag that each of ours
// has; empty for a person's. The first of a series is named by the user and not read, nor is
// one that does not exist.
func (s *series) owner(ctx context.Context, name string) (string, error) {
	arn := s.existing[name]
	if name == s.name || arn == "" {
		return s.name, nil
	}
	tags, err := s.w.ReadTags(ctx, s.w.DeploymentRegion, arn)
	if awsapi.KindOf(err) == awsapi.NotFound { // deleted since it was listed
		return s.name, nil
	}
	return tags[TagSeries], err
}

// otherStack is another deployed stack that the first dashboard belongs to; empty if there is none. On
// a command line the person decides. If the tags cannot be read, that is a problem, and counts
// as another stack.
func (s *series) otherStack(ctx context.Context) string {
	arn := s.existing[s.name]
	if arn == "" || !strings.Contains(s.w.Deployment, "/") {
		return ""
	}
	tags, err := s.w.ReadTags(ctx, s.w.DeploymentRegion, arn)
	switch owner := tags[writer.TagDeployment]; {
	case awsapi.KindOf(err) == awsapi.NotFound:
	case err != nil:
		s.fail(writer.OpListTags, "read the owner of the dashboard "+s.name+", which stays", err)
		return "unknown"
	case owner != s.w.Deployment && strings.Contains(owner, "/"):
		return owner
	}
	return ""
}

// deletable are the names of the dashboards that may be deleted. Those of other series stay,
// and one whose owner cannot be read is a problem.
func (s *series) deletable(ctx context.Context) (names []string) {
	for _, name := range Names(s.existing) {
		switch owner, err := s.owner(ctx, name); {
		case err != nil:
			s.fail(writer.OpListTags, "read the owner of the dashboard "+name+", which stays", err)
		case owner != s.name:
			s.w.LogOnce(ctx, slog.LevelInfo, s.existing[name], "dashboard belongs to another series, and stays", "name", name, "series", owner)
		default:
			names = append(names, name)
		}
	}
	return names
}

// put writes one dashboard, and reports whether it counts as written.
func (s *series) put(ctx context.Context, board dashboard.Board) bool {
	// Tags count when the dashboard is created, and are ignored when it is replaced.
	tags := s.w.OwnTags()
	tags[TagSeries] = s.name
	intent := writer.Intent{Op: opPutDashboard, Region: s.w.DeploymentRegion, What: "write the dashboard " + board.Name}
	outcome, err := s.w.Do(ctx, intent, func(ctx context.Context) error {
		out, err := s.w.Clients.CloudWatch(s.w.DeploymentRegion).PutDashboard(ctx, &cloudwatch.PutDashboardInput{
			DashboardName: aws.String(board.Name), DashboardBody: aws.String(string(board.Body)), Tags: writer.TagList(tags, writer.CloudWatchTag),
		})
		if err == nil {
			s.logValidation(ctx, board.Name, out.DashboardValidationMessages)
		}
		return err
	})
	s.done(board.Name, report.Written, outcome)
	if err != nil {
		var invalid *types.DashboardInvalidInputError
		if errors.As(err, &invalid) {
			s.logValidation(ctx, board.Name, invalid.DashboardValidationMessages)
		}
		s.fail(opPutDashboard, "write the dashboard "+board.Name, err)
	}
	return err == nil
}

func (s *series) logValidation(ctx context.Context, name string, messages []types.DashboardValidationMessage) {
	for _, m := range messages {
		s.w.Logger.WarnContext(ctx, "dashboard validation", "region", s.w.DeploymentRegion, "what", name,
			"path", aws.ToString(m.DataPath), "message", aws.ToString(m.Message))
	}
}

func (s *series) deleteAll(ctx context.Context, names []string) {
	for batch := range slices.Chunk(names, awsapi.MaxDashboardNames) {
		s.delete(ctx, batch)
	}
}

// delete deletes the dashboards in one call, or one by one if any of them does not exist.
func (s *series) delete(ctx context.Context, names []string) {
	what := fmt.Sprintf("delete %d dashboards (%s …)", len(names), names[0])
	if len(names) == 1 {
		what = "delete the dashboard " + names[0]
	}
	intent := writer.Intent{Op: OpDeleteDashboards, Region: s.w.DeploymentRegion, What: what}
	outcome, err := s.w.Do(ctx, intent, func(ctx context.Context) error { return DeleteNamed(ctx, s.w, names...) })
	if outcome == writer.AlreadySo && len(names) > 1 {
		for _, name := range names {
			s.delete(ctx, []string{name})
		}
		return
	}
	for _, name := range names {
		s.done(name, report.Deleted, outcome)
	}
	if err != nil {
		s.fail(OpDeleteDashboards, what, err)
	}
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
