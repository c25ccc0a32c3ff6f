package dashboards

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/dashboard"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

const (
	home        = awsbed.Home
	other       = awsbed.Other
	testAccount = awsbed.Account
)

var ctxAll = context.Background()

// world is the AWS of a test.
type world struct{ *awsbed.World }

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{awsbed.New(t)}
}

func worldAround(t *testing.T, clock *model.VirtualClock, server *localaws.Server, handler http.Handler) *world {
	t.Helper()
	return &world{awsbed.Around(t, clock, server, handler)}
}

func (w *world) actor(change ...func(*writer.Options)) (*Dashboards, *awsbed.Log) {
	wr, log := w.Writer(change...)
	return New(wr), log
}

const boardName = "Amazon-Personalize-Monitor"

// boardsOf are the dashboards of n campaigns, all in one dataset group.
func boardsOf(n int) []dashboard.Board {
	resources := awsbed.Campaigns(home, n)
	for i := range resources {
		resources[i].DatasetGroup = resources[i].ARN
		resources[i].DatasetGroup = resources[i].DatasetGroup.WithResource("dataset-group/shop")
	}
	return dashboard.Render(dashboard.Input{Name: boardName, Region: home, Resources: resources})
}

func (w *world) wantDashboards(want ...string) {
	w.T.Helper()
	if got := w.Dashboards(); !slices.Equal(got, want) {
		w.T.Errorf("dashboards %q, want %q", got, want)
	}
}

func (w *world) body(name string) string {
	w.T.Helper()
	out, err := w.Raw.CloudWatch(home).GetDashboard(ctxAll, &cloudwatch.GetDashboardInput{DashboardName: &name})
	w.Must(err)
	return aws.ToString(out.DashboardBody)
}

// did are the results as "name outcome", with a minus where it was deleted.
func did(results []report.Board) []string {
	var list []string
	for _, r := range results {
		sign := "+"
		if r.Change == report.Deleted {
			sign = "-"
		}
		list = append(list, sign+r.Name+" "+r.Outcome)
	}
	return list
}

func wantDid(t *testing.T, results []report.Board, want ...string) {
	t.Helper()
	if got := did(results); !slices.Equal(got, want) {
		t.Errorf("results %q, want %q", got, want)
	}
}

func TestBoardsAreBuiltTaggedAndRebuilt(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	boards := boardsOf(3)
	results, problems := a.Build(ctxAll, boardName, boards)
	w.NoProblems(problems)
	wantDid(t, results, "+"+boardName+" done")
	w.wantDashboards(boardName)
	if got := w.body(boardName); got != string(boards[0].Body) {
		t.Errorf("body %s", got)
	}
	arn := "arn:aws:cloudwatch::" + testAccount + ":dashboard/" + boardName
	out, err := w.Raw.CloudWatch(home).ListTagsForResource(ctxAll, &cloudwatch.ListTagsForResourceInput{ResourceARN: &arn})
	w.Must(err)
	tags := map[string]string{}
	for _, tag := range out.Tags {
		tags[*tag.Key] = *tag.Value
	}
	if want := map[string]string{"CreatedBy": "PersonalizeMonitor", "Deployment": "cli", "Dashboard": boardName}; !maps.Equal(tags, want) {
		t.Errorf("tags %v", tags)
	}

	// What a person changed by hand is overwritten, and an unchanged body is put as well.
	w.SomeDashboard(boardName)
	w.Writes()
	for range 2 {
		_, problems = a.Build(ctxAll, boardName, boards)
		w.NoProblems(problems)
	}
	w.WantWrites(map[string]int{"cloudwatch.PutDashboard": 2})
	if got := w.body(boardName); got != string(boards[0].Body) {
		t.Errorf("body %s", got)
	}
}

func TestSurplusBoardsAreDeleted(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	results, problems := a.Build(ctxAll, boardName, boardsOf(2000))
	w.NoProblems(problems)
	wantDid(t, results, "+"+boardName+" done", "+"+boardName+"-2 done", "+"+boardName+"-3 done", "+"+boardName+"-4 done")

	stays := []string{boardName + "-999", boardName + "-02", boardName + "-1", boardName + "-2-copy", boardName + "-2026", boardName + "-x", boardName + "2", "amazon-personalize-monitor-3"}
	for _, name := range stays {
		w.SomeDashboard(name)
	}
	results, problems = a.Build(ctxAll, boardName, boardsOf(700))
	w.NoProblems(problems)
	wantDid(t, results, "+"+boardName+" done", "+"+boardName+"-2 done", "-"+boardName+"-3 done", "-"+boardName+"-4 done")
	w.Writes()
	results, problems = a.Build(ctxAll, boardName, boardsOf(0))
	w.NoProblems(problems)
	wantDid(t, results, "+"+boardName+" done", "-"+boardName+"-2 done")
	w.WantWrites(map[string]int{"cloudwatch.PutDashboard": 1, "cloudwatch.DeleteDashboards": 1})
	w.wantDashboards(slices.Sorted(slices.Values(append(stays, boardName)))...)
}

func TestAnotherSeriesIsNeitherOverwrittenNorDeleted(t *testing.T) {
	w := newWorld(t)
	a, log := w.actor()
	second := boardName + "-2"
	_, problems := a.Build(ctxAll, second, []dashboard.Board{{Name: second, Body: []byte(`{"widgets":[]}`)}})
	w.NoProblems(problems)

	results, problems := a.Build(ctxAll, boardName, boardsOf(1))
	w.NoProblems(problems)
	wantDid(t, results, "+"+boardName+" done")
	if log.Count("dashboard belongs to another series, and stays", "name="+second) != 1 {
		t.Errorf("log:\n%s", log.String())
	}

	results, problems = a.Build(ctxAll, boardName, boardsOf(1500))
	wantDid(t, results, "+"+boardName+" done", "+"+second+" failed", "+"+boardName+"-3 done")
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "PutDashboard eu-west-1: write the dashboard "+second+": it belongs to the series") {
		t.Errorf("problems %v", problems)
	}
	if got := w.body(second); got != `{"widgets":[]}` {
		t.Errorf("body %s", got)
	}

	results, problems = a.Delete(ctxAll, boardName)
	w.NoProblems(problems)
	wantDid(t, results, "-"+boardName+" done", "-"+boardName+"-3 done")
	w.wantDashboards(second)
}

func TestNothingIsDeletedUnlessAllWereWritten(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	_, problems := a.Build(ctxAll, boardName, boardsOf(1500))
	w.NoProblems(problems)
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "PutDashboard", Times: 1, Code: "AccessDenied", Message: "no"})
	results, problems := a.Build(ctxAll, boardName, boardsOf(700))
	wantDid(t, results, "+"+boardName+" refused", "+"+boardName+"-2 done")
	if len(problems) != 1 || problems[0].Operation != "PutDashboard" || problems[0].Region != home || problems[0].ARN != "" {
		t.Errorf("problems %v", problems)
	}
	w.wantDashboards(boardName, boardName+"-2", boardName+"-3")
}

func TestABodyThatIsRefusedIsToldInFull(t *testing.T) {
	w := newWorld(t)
	a, log := w.actor()
	results, problems := a.Build(ctxAll, boardName, []dashboard.Board{{Name: boardName, Body: []byte(`{"widgets":[{"type":"chart"}]}`)}})
	wantDid(t, results, "+"+boardName+" refused")
	if len(problems) != 1 || !strings.Contains(problems[0].Err.Error(), "InvalidParameterInput: The dashboard body is invalid") {
		t.Errorf("problems %v", problems)
	}
	if log.Count("level=WARN", "dashboard validation", "path=/widgets/0/type") != 1 {
		t.Errorf("log:\n%s", log.String())
	}
	// A warning is no failure.
	results, problems = a.Build(ctxAll, boardName, []dashboard.Board{{Name: boardName, Body: []byte(`{"widgets":[],"colour":"red"}`)}})
	w.NoProblems(problems)
	wantDid(t, results, "+"+boardName+" done")
	if log.Count("level=WARN", "dashboard validation", "path=/colour") != 1 {
		t.Errorf("log:\n%s", log.String())
	}
}

func TestBoardsThatCannotBeListed(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "ListDashboards", Code: "AccessDenied", Message: "no"})
	results, problems := a.Build(ctxAll, boardName, boardsOf(700))
	wantDid(t, results, "+"+boardName+" done", "+"+boardName+"-2 failed")
	if len(problems) != 2 || problems[0].Operation != "ListDashboards" || problems[1].Operation != "PutDashboard" {
		t.Errorf("problems %v", problems)
	}
	results, problems = a.Delete(ctxAll, boardName)
	wantDid(t, results, "-"+boardName+" done")
	if len(problems) != 1 || problems[0].Operation != "ListDashboards" {
		t.Errorf("problems %v", problems)
	}
	results, _ = a.Delete(ctxAll, boardName) // it is missing by now
	wantDid(t, results, "-"+boardName+" already so")
	w.Server.ClearFaults()
	w.wantDashboards()
}

func TestABoardWhoseTagsCannotBeReadStays(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	_, problems := a.Build(ctxAll, boardName, boardsOf(700))
	w.NoProblems(problems)
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "ListTagsForResource", Code: "AccessDenied", Message: "no"})
	if _, problems = a.Build(ctxAll, boardName, boardsOf(1)); len(problems) != 1 || problems[0].Operation != "ListTagsForResource" {
		t.Errorf("built: problems %v", problems)
	}
	if _, problems = a.Delete(ctxAll, boardName); len(problems) != 1 || problems[0].Operation != "ListTagsForResource" {
		t.Errorf("deleted: problems %v", problems)
	}
	w.wantDashboards(boardName + "-2")
	// One that has gone when its tags are read is no one's.
	w.Server.ClearFaults()
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "ListTagsForResource", Code: "ResourceNotFoundException"})
	_, problems = a.Build(ctxAll, boardName, boardsOf(700))
	w.NoProblems(problems)
}

func TestBoardsAreDeletedWithAllTheirNumberedOnes(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	results, problems := a.Delete(ctxAll, boardName)
	w.NoProblems(problems)
	wantDid(t, results, "-"+boardName+" already so")
	w.WantWrites(map[string]int{})

	for n := range 250 {
		w.OurDashboard(dashboard.NumberedName(boardName, n+2))
	}
	w.SomeDashboard("mine")
	w.SomeDashboard(dashboard.NumberedName(boardName, 300)) // a person's, without our tag
	w.Writes()
	results, problems = a.Delete(ctxAll, boardName)
	w.NoProblems(problems)
	if len(results) != 250 {
		t.Errorf("%d results", len(results))
	}
	w.WantWrites(map[string]int{"cloudwatch.DeleteDashboards": 3})
	w.wantDashboards(dashboard.NumberedName(boardName, 300), "mine")
}

// unwilling deletes nothing in a call that names a dashboard which is gone, as CloudWatch
// once did.
type unwilling struct {
	server *localaws.Server
	calls  int
}

func (u *unwilling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/operation/DeleteDashboards") {
		u.calls++
		if u.calls == 1 {
			w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
			w.Header().Set("Content-Type", "application/cbor")
			w.Header().Set("X-Amzn-Query-Error", "ResourceNotFound;Sender")
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte("\xa1\x66__type\x76DashboardNotFoundError"))
			return
		}
	}
	u.server.ServeHTTP(w, r)
}

func TestDeletingGoesOnOneByOneIfOneIsGone(t *testing.T) {
	server := newWorld(t)
	u := &unwilling{server: server.Server}
	w := worldAround(t, server.Clock, server.Server, u)
	w.SomeDashboard(boardName)
	w.OurDashboard(boardName + "-2")
	a, _ := w.actor()
	results, problems := a.Delete(ctxAll, boardName)
	w.NoProblems(problems)
	wantDid(t, results, "-"+boardName+" done", "-"+boardName+"-2 done")
	if u.calls != 3 {
		t.Errorf("%d calls", u.calls)
	}
	w.wantDashboards()
}

func TestADryRunLeavesBoardsAsTheyAre(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	_, problems := a.Build(ctxAll, boardName, boardsOf(700))
	w.NoProblems(problems)
	w.Writes()
	dry, log := w.actor(awsbed.DryRun)
	results, problems := dry.Build(ctxAll, boardName, boardsOf(1))
	w.NoProblems(problems)
	wantDid(t, results, "+"+boardName+" dry run", "-"+boardName+"-2 dry run")
	results, problems = dry.Delete(ctxAll, boardName)
	w.NoProblems(problems)
	wantDid(t, results, "-"+boardName+" dry run", "-"+boardName+"-2 dry run")
	w.WantWrites(map[string]int{})
	if log.Count("dry run, would write", "op=PutDashboard", "write the dashboard "+boardName) != 1 {
		t.Errorf("log:\n%s", log.String())
	}
}

func TestBoardsAfterTheEnd(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	ctx, cancel := context.WithCancel(ctxAll)
	cancel()
	if _, problems := a.Build(ctx, boardName, boardsOf(1)); len(problems) == 0 {
		t.Error("no problems")
	}
	if _, problems := a.Delete(ctx, boardName); len(problems) == 0 {
		t.Error("no problems")
	}
	w.WantWrites(map[string]int{})
}

func TestBoardsOfEverySizeAreAccepted(t *testing.T) {
	for _, n := range []int{0, 1, 100, 5000} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			w := newWorld(t)
			a, log := w.actor()
			boards := boardsOf(n)
			results, problems := a.Build(ctxAll, boardName, boards)
			w.NoProblems(problems)
			if len(results) != len(boards) || log.Count("dashboard validation") != 0 {
				t.Errorf("%d results for %d boards; log:\n%s", len(results), len(boards), log.String())
			}
		})
	}
}

// The first of a series may be the sample's, without tags; one that has another
// deployment's tag is that deployment's.
// The topic is one for all deployments: it stays while another's alarms send to it.
// A stack that goes leaves the dashboard of another one that was given the same name; its
// own, a sample's untagged one and a person's own work go.
func TestAnotherStacksDashboardStays(t *testing.T) {
	for owner, stays := range map[string]bool{"": false, "cli": false, "eu-west-1/mine": false, "eu-west-1/theirs": true} {
		w := newWorld(t)
		in := &cloudwatch.PutDashboardInput{DashboardName: aws.String(boardName), DashboardBody: aws.String(`{"widgets":[]}`)}
		if owner != "" {
			in.Tags = []types.Tag{{Key: aws.String(writer.TagDeployment), Value: aws.String(owner)}}
		}
		_, err := w.Raw.CloudWatch(home).PutDashboard(ctxAll, in)
		w.Must(err)
		a, log := w.actor(func(o *writer.Options) { o.Deployment = "eu-west-1/mine" })
		results, problems := a.Delete(ctxAll, boardName)
		w.NoProblems(problems)
		if left := len(w.Dashboards()) == 1; left != stays || (len(results) == 0) != stays {
			t.Errorf("of %q: left %v, results %v", owner, left, results)
		}
		if logged := log.Count("belongs to another deployment", "eu-west-1/theirs") == 1; logged != stays {
			t.Errorf("of %q: logged %v", owner, logged)
		}
	}
}
