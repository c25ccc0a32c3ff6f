package act

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboard"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

const (
	opPutDashboard     = "PutDashboard"
	opListDashboards   = "ListDashboards"
	opGetDashboard     = "GetDashboard"
	opDeleteDashboards = "DeleteDashboards"
)

// tagDashboard names, on every dashboard of ours, the first of its series. It tells the
// second dashboard of one series from the first of another that somebody named alike.
const tagDashboard = "Dashboard"

// BoardResult is what came of one dashboard.
type BoardResult struct {
	Name    string
	Deleted bool // it was, or was to be, deleted; else written
	Outcome Outcome
}

// boardsAPI is what is asked of CloudWatch about dashboards.
type boardsAPI interface {
	PutDashboard(context.Context, *cloudwatch.PutDashboardInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutDashboardOutput, error)
	ListDashboards(context.Context, *cloudwatch.ListDashboardsInput, ...func(*cloudwatch.Options)) (*cloudwatch.ListDashboardsOutput, error)
	DeleteDashboards(context.Context, *cloudwatch.DeleteDashboardsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DeleteDashboardsOutput, error)
	ListTagsForResource(context.Context, *cloudwatch.ListTagsForResourceInput, ...func(*cloudwatch.Options)) (*cloudwatch.ListTagsForResourceOutput, error)
}

// BuildBoards writes the dashboards of a series, of which the first has its name, over
// whatever stands there, and deletes what an earlier, larger estate left of the series.
// A numbered dashboard that belongs to another series is neither written nor deleted,
// and nothing is deleted unless all were written. The results are in the order of the
// work; a dashboard that failed is among the problems as well.
func (a *Actor) BuildBoards(ctx context.Context, name string, boards []dashboard.Board) ([]BoardResult, []model.Problem) {
	s := a.series(name)
	existing, err := listBoards(ctx, s.api, name)
	if err != nil {
		s.fail(opListDashboards, "list the dashboards of the name "+name, err)
		s.unseen = true
	}
	written := true
	for _, board := range boards {
		written = s.write(ctx, board, existing[board.Name]) && written
		delete(existing, board.Name)
	}
	if written { // else what the surplus ones show may not be shown anywhere
		s.deleteAll(ctx, s.ours(ctx, existing))
	}
	return s.results, s.problems
}

// write writes a dashboard, whose ARN is empty if it does not exist, unless it is or may
// be another series'. It tells whether the dashboard counts as written.
func (s *series) write(ctx context.Context, board dashboard.Board, arn string) bool {
	const taken = "%s is somebody else's dashboard (of the series %q); give this series another name (DashboardName)"
	owner, err := s.owner(ctx, board.Name, arn)
	switch {
	case err == nil && s.unseen && board.Name != s.name:
		err = errors.New("it cannot be seen whether another series has a dashboard of that name")
	case err == nil && owner != s.name:
		err = fmt.Errorf(taken, board.Name, owner)
	case err == nil:
		return s.put(ctx, board)
	}
	s.results = append(s.results, BoardResult{Name: board.Name, Outcome: Failed})
	s.fail(opPutDashboard, "write the dashboard "+board.Name, err)
	return false
}

// DeleteBoards deletes the dashboard of a name and the numbered ones of its series. That
// there is none is no error. A deployed stack leaves another stack's where it is.
func (a *Actor) DeleteBoards(ctx context.Context, name string) ([]BoardResult, []model.Problem) {
	s := a.series(name)
	existing, err := listBoards(ctx, s.api, name)
	if err != nil {
		s.fail(opListDashboards, "list the dashboards of the name "+name, err)
		existing = map[string]string{name: ""} // it may be there
	}
	names := s.ours(ctx, existing)
	if other := s.otherStack(ctx, existing[name]); other != "" {
		s.log.InfoContext(ctx, "dashboard belongs to another deployment, and stays", "arn", existing[name], "deployment", other)
		return s.results, s.problems
	}
	if len(names) == 0 && len(s.problems) == 0 {
		s.log.Debug("no dashboard to delete", "what", name)
		s.results = append(s.results, BoardResult{Name: name, Deleted: true, Outcome: AlreadySo})
	}
	s.deleteAll(ctx, names)
	return s.results, s.problems
}

// otherStack is the deployed stack that a dashboard bears the name of, if that is another
// than the one that works here; else empty. A person who works from a command line knows
// what they do. If it cannot be seen it is a problem, and counts as another.
func (s *series) otherStack(ctx context.Context, arn string) string {
	if arn == "" || !strings.Contains(s.deployment, "/") {
		return ""
	}
	out, err := s.api.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: aws.String(arn)})
	switch {
	case awsapi.KindOf(err) == awsapi.NotFound:
		return ""
	case err != nil:
		s.fail(opListTags, "see whose the dashboard "+s.name+" is, which stays", err)
		return "unknown"
	}
	for _, tag := range out.Tags {
		if owner := aws.ToString(tag.Value); aws.ToString(tag.Key) == tagDeployment && owner != s.deployment && strings.Contains(owner, "/") {
			return owner
		}
	}
	return ""
}

// series is the work on the dashboards of one name, and its result.
type series struct {
	*Actor
	api      boardsAPI
	name     string
	unseen   bool // the dashboards that exist could not be listed
	results  []BoardResult
	problems []model.Problem
}

func (a *Actor) series(name string) *series {
	return &series{Actor: a, api: a.clients.CloudWatch(a.home), name: name}
}

func (s *series) fail(op, doing string, err error) {
	s.problems = append(s.problems, problem(s.home, "", op, fmt.Errorf("%s: %w", doing, err)))
}

// numbered is what follows the name in the names of a series' further dashboards: 2 to
// 999. A dashboard for the year 2026 is somebody's own.
var numbered = regexp.MustCompile(`^-([2-9]|[1-9][0-9]{1,2})$`)

// listBoards gives, by name, the ARNs of the dashboards called name, name-2, name-3 and so
// on, in no other spelling.
func listBoards(ctx context.Context, api boardsAPI, name string) (map[string]string, error) {
	in := &cloudwatch.ListDashboardsInput{DashboardNamePrefix: aws.String(name)}
	found := map[string]string{}
	var pages awsapi.Pages
	for {
		out, err := api.ListDashboards(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, entry := range out.DashboardEntries {
			full := aws.ToString(entry.DashboardName)
			if rest, ok := strings.CutPrefix(full, name); ok && (rest == "" || numbered.MatchString(rest)) {
				found[full] = aws.ToString(entry.DashboardArn)
			}
		}
		more, err := pages.More(aws.ToString(out.NextToken))
		if err != nil {
			return nil, err
		}
		if !more {
			return found, nil
		}
		in.NextToken = out.NextToken
	}
}

// seriesOf is the name of the series that a dashboard, found under a name of the given
// series, belongs to, by the tag that each of ours bears; empty without it: then it is
// somebody's own. The first of a series is named by the user and not asked about, nor is
// one that does not exist, which has no ARN.
func seriesOf(ctx context.Context, api boardsAPI, series, name, arn string) (string, error) {
	if name == series || arn == "" {
		return series, nil
	}
	out, err := api.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: aws.String(arn)})
	if err != nil {
		return "", err
	}
	for _, tag := range out.Tags {
		if aws.ToString(tag.Key) == tagDashboard {
			return aws.ToString(tag.Value), nil
		}
	}
	return "", nil
}

// owner is seriesOf, of a dashboard that may have gone since it was listed.
func (s *series) owner(ctx context.Context, name, arn string) (string, error) {
	owner, err := seriesOf(ctx, s.api, s.name, name, arn)
	if awsapi.KindOf(err) == awsapi.NotFound {
		return s.name, nil
	}
	return owner, err
}

// ours are the names of the dashboards that may be deleted; those of other series stay,
// and one of which that cannot be seen is a problem.
func (s *series) ours(ctx context.Context, existing map[string]string) []string {
	var names []string
	for _, name := range slices.SortedFunc(maps.Keys(existing), byNumber) {
		arn := existing[name]
		switch owner, err := s.owner(ctx, name, arn); {
		case err != nil:
			s.fail(opListTags, "see whose the dashboard "+name+" is, which stays", err)
		case owner != s.name:
			s.tell(ctx, arn, "dashboard belongs to somebody else, and stays", "name", name, "series", owner)
		default:
			names = append(names, name)
		}
	}
	return names
}

// byNumber orders the names of a series: -2 before -10.
func byNumber(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// put writes one dashboard, and tells whether it counts as written.
func (s *series) put(ctx context.Context, board dashboard.Board) bool {
	intent := Intent{Op: opPutDashboard, Region: s.home, What: "write the dashboard " + board.Name}
	outcome, err := s.gate.do(ctx, intent, func(ctx context.Context) error {
		out, err := s.api.PutDashboard(ctx, &cloudwatch.PutDashboardInput{
			DashboardName: aws.String(board.Name), DashboardBody: aws.String(string(board.Body)),
			// These count when it is created, and are ignored when it is replaced.
			Tags: []types.Tag{
				{Key: aws.String(tagCreatedBy), Value: aws.String(createdBy)},
				{Key: aws.String(tagDeployment), Value: aws.String(s.deployment)},
				{Key: aws.String(tagDashboard), Value: aws.String(s.name)},
			},
		})
		if err == nil {
			s.validation(ctx, board.Name, out.DashboardValidationMessages)
		}
		return err
	})
	s.results = append(s.results, BoardResult{Name: board.Name, Outcome: outcome})
	if err != nil {
		var invalid *types.DashboardInvalidInputError
		if errors.As(err, &invalid) {
			s.validation(ctx, board.Name, invalid.DashboardValidationMessages)
		}
		s.fail(opPutDashboard, "write the dashboard "+board.Name, err)
	}
	return err == nil
}

// validation logs what CloudWatch has to say about a body.
func (s *series) validation(ctx context.Context, name string, messages []types.DashboardValidationMessage) {
	for _, m := range messages {
		s.log.WarnContext(ctx, "dashboard validation", "region", s.home, "what", name,
			"path", aws.ToString(m.DataPath), "message", aws.ToString(m.Message))
	}
}

// deleteAll deletes dashboards, as many in a call as it takes.
func (s *series) deleteAll(ctx context.Context, names []string) {
	for batch := range slices.Chunk(names, awsapi.MaxDashboardNames) {
		s.delete(ctx, batch)
	}
}

// delete deletes the dashboards in one call. If one of them is gone already, CloudWatch
// may refuse the call and delete the others or not: then each is deleted by itself.
func (s *series) delete(ctx context.Context, names []string) {
	what := fmt.Sprintf("delete %d dashboards (%s …)", len(names), names[0])
	if len(names) == 1 {
		what = "delete the dashboard " + names[0]
	}
	gone := false
	outcome, err := s.gate.do(ctx, Intent{Op: opDeleteDashboards, Region: s.home, What: what}, func(ctx context.Context) error {
		_, err := s.api.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: names})
		gone = awsapi.KindOf(err) == awsapi.NotFound
		return alreadyGone(err)
	})
	if gone && len(names) > 1 {
		for _, name := range names {
			s.delete(ctx, []string{name})
		}
		return
	}
	for _, name := range names {
		s.results = append(s.results, BoardResult{Name: name, Deleted: true, Outcome: outcome})
	}
	if err != nil {
		s.fail(opDeleteDashboards, what, err)
	}
}
