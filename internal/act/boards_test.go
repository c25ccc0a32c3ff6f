package act

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
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

const boardName = "Amazon-Personalize-Monitor"

// boardsOf are the dashboards of n campaigns, all in one dataset group.
func boardsOf(n int) []dashboard.Board {
	resources := campaigns(home, n)
	for i := range resources {
		resources[i].DatasetGroup = resources[i].ARN
		resources[i].DatasetGroup.Resource = "dataset-group/shop"
	}
	return dashboard.Render(dashboard.Input{Name: boardName, Region: home, Resources: resources})
}

// dashboards are the names of those that exist, sorted.
func (w *world) dashboards() []string {
	w.t.Helper()
	out, err := w.raw.CloudWatch(other).ListDashboards(ctxAll, &cloudwatch.ListDashboardsInput{})
	w.must(err)
	var names []string
	for _, e := range out.DashboardEntries {
		names = append(names, aws.ToString(e.DashboardName))
	}
	return names
}

func (w *world) wantDashboards(want ...string) {
	w.t.Helper()
	if got := w.dashboards(); !slices.Equal(got, want) {
		w.t.Errorf("dashboards %q, want %q", got, want)
	}
}

func (w *world) body(name string) string {
	w.t.Helper()
	out, err := w.raw.CloudWatch(home).GetDashboard(ctxAll, &cloudwatch.GetDashboardInput{DashboardName: &name})
	w.must(err)
	return aws.ToString(out.DashboardBody)
}

// someDashboard puts a dashboard that carries no tags.
func (w *world) someDashboard(name string) {
	w.t.Helper()
	_, err := w.raw.CloudWatch(home).PutDashboard(ctxAll, &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: aws.String(`{"widgets":[]}`)})
	w.must(err)
}

// ourDashboard makes a numbered dashboard of our series.
func (w *world) ourDashboard(name string) {
	w.t.Helper()
	_, err := w.raw.CloudWatch(home).PutDashboard(ctxAll, &cloudwatch.PutDashboardInput{
		DashboardName: &name, DashboardBody: aws.String(`{"widgets":[]}`),
		Tags: []types.Tag{
			{Key: aws.String(tagCreatedBy), Value: aws.String(createdBy)},
			{Key: aws.String(tagDeployment), Value: aws.String("cli")},
			{Key: aws.String(tagDashboard), Value: aws.String(boardName)},
		},
	})
	w.must(err)
}

// did are the results as "name outcome", with a minus where it was deleted.
func did(results []BoardResult) []string {
	var list []string
	for _, r := range results {
		sign := "+"
		if r.Deleted {
			sign = "-"
		}
		list = append(list, sign+r.Name+" "+string(r.Outcome))
	}
	return list
}

func wantDid(t *testing.T, results []BoardResult, want ...string) {
	t.Helper()
	if got := did(results); !slices.Equal(got, want) {
		t.Errorf("results %q, want %q", got, want)
	}
}

func TestBoardsAreBuiltTaggedAndRebuilt(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	boards := boardsOf(3)
	results, problems := a.BuildBoards(ctxAll, boardName, boards)
	w.noProblems(problems)
	wantDid(t, results, "+"+boardName+" done")
	w.wantDashboards(boardName)
	if got := w.body(boardName); got != string(boards[0].Body) {
		t.Errorf("body %s", got)
	}
	arn := "arn:aws:cloudwatch::" + testAccount + ":dashboard/" + boardName
	out, err := w.raw.CloudWatch(home).ListTagsForResource(ctxAll, &cloudwatch.ListTagsForResourceInput{ResourceARN: &arn})
	w.must(err)
	tags := map[string]string{}
	for _, tag := range out.Tags {
		tags[*tag.Key] = *tag.Value
	}
	if want := map[string]string{"CreatedBy": "PersonalizeMonitor", "Deployment": "cli", "Dashboard": boardName}; !maps.Equal(tags, want) {
		t.Errorf("tags %v", tags)
	}

	// What a person changed by hand is overwritten, and an unchanged body is put as well.
	w.someDashboard(boardName)
	w.writes()
	for range 2 {
		_, problems = a.BuildBoards(ctxAll, boardName, boards)
		w.noProblems(problems)
	}
	w.wantWrites(map[string]int{"cloudwatch.PutDashboard": 2})
	if got := w.body(boardName); got != string(boards[0].Body) {
		t.Errorf("body %s", got)
	}
}

func TestSurplusBoardsAreDeleted(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	results, problems := a.BuildBoards(ctxAll, boardName, boardsOf(2000))
	w.noProblems(problems)
	wantDid(t, results, "+"+boardName+" done", "+"+boardName+"-2 done", "+"+boardName+"-3 done", "+"+boardName+"-4 done")

	stays := []string{boardName + "-999", boardName + "-02", boardName + "-1", boardName + "-2-copy", boardName + "-2026", boardName + "-x", boardName + "2", "amazon-personalize-monitor-3"}
	for _, name := range stays {
		w.someDashboard(name)
	}
	results, problems = a.BuildBoards(ctxAll, boardName, boardsOf(700))
	w.noProblems(problems)
	wantDid(t, results, "+"+boardName+" done", "+"+boardName+"-2 done", "-"+boardName+"-3 done", "-"+boardName+"-4 done")
	w.writes()
	results, problems = a.BuildBoards(ctxAll, boardName, boardsOf(0))
	w.noProblems(problems)
	wantDid(t, results, "+"+boardName+" done", "-"+boardName+"-2 done")
	w.wantWrites(map[string]int{"cloudwatch.PutDashboard": 1, "cloudwatch.DeleteDashboards": 1})
	w.wantDashboards(slices.Sorted(slices.Values(append(stays, boardName)))...)
}

func TestAnotherSeriesIsNeitherOverwrittenNorDeleted(t *testing.T) {
	w := newWorld(t)
	a, log := w.actor()
	second := boardName + "-2"
	_, problems := a.BuildBoards(ctxAll, second, []dashboard.Board{{Name: second, Body: []byte(`{"widgets":[]}`)}})
	w.noProblems(problems)

	results, problems := a.BuildBoards(ctxAll, boardName, boardsOf(1))
	w.noProblems(problems)
	wantDid(t, results, "+"+boardName+" done")
	if log.count("dashboard belongs to somebody else, and stays", "name="+second) != 1 {
		t.Errorf("log:\n%s", log.text.String())
	}

	results, problems = a.BuildBoards(ctxAll, boardName, boardsOf(1500))
	wantDid(t, results, "+"+boardName+" done", "+"+second+" failed", "+"+boardName+"-3 done")
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "PutDashboard eu-west-1: write the dashboard "+second+": "+second+" is somebody else's dashboard") {
		t.Errorf("problems %v", problems)
	}
	if got := w.body(second); got != `{"widgets":[]}` {
		t.Errorf("body %s", got)
	}

	results, problems = a.DeleteBoards(ctxAll, boardName)
	w.noProblems(problems)
	wantDid(t, results, "-"+boardName+" done", "-"+boardName+"-3 done")
	w.wantDashboards(second)
}

func TestNothingIsDeletedUnlessAllWereWritten(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	_, problems := a.BuildBoards(ctxAll, boardName, boardsOf(1500))
	w.noProblems(problems)
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "PutDashboard", Times: 1, Code: "AccessDenied", Message: "no"})
	results, problems := a.BuildBoards(ctxAll, boardName, boardsOf(700))
	wantDid(t, results, "+"+boardName+" refused", "+"+boardName+"-2 done")
	if len(problems) != 1 || problems[0].Operation != "PutDashboard" || problems[0].Region != home || problems[0].ARN != "" {
		t.Errorf("problems %v", problems)
	}
	w.wantDashboards(boardName, boardName+"-2", boardName+"-3")
}

func TestABodyThatIsRefusedIsToldInFull(t *testing.T) {
	w := newWorld(t)
	a, log := w.actor()
	results, problems := a.BuildBoards(ctxAll, boardName, []dashboard.Board{{Name: boardName, Body: []byte(`{"widgets":[{"type":"chart"}]}`)}})
	wantDid(t, results, "+"+boardName+" refused")
	if len(problems) != 1 || !strings.Contains(problems[0].Err.Error(), "InvalidParameterInput: The dashboard body is invalid") {
		t.Errorf("problems %v", problems)
	}
	if log.count("level=WARN", "dashboard validation", "path=/widgets/0/type") != 1 {
		t.Errorf("log:\n%s", log.text.String())
	}
	// A warning is no failure.
	results, problems = a.BuildBoards(ctxAll, boardName, []dashboard.Board{{Name: boardName, Body: []byte(`{"widgets":[],"colour":"red"}`)}})
	w.noProblems(problems)
	wantDid(t, results, "+"+boardName+" done")
	if log.count("level=WARN", "dashboard validation", "path=/colour") != 1 {
		t.Errorf("log:\n%s", log.text.String())
	}
}

func TestBoardsThatCannotBeListed(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "ListDashboards", Code: "AccessDenied", Message: "no"})
	results, problems := a.BuildBoards(ctxAll, boardName, boardsOf(700))
	wantDid(t, results, "+"+boardName+" done", "+"+boardName+"-2 failed")
	if len(problems) != 2 || problems[0].Operation != "ListDashboards" || problems[1].Operation != "PutDashboard" {
		t.Errorf("problems %v", problems)
	}
	results, problems = a.DeleteBoards(ctxAll, boardName)
	wantDid(t, results, "-"+boardName+" done")
	if len(problems) != 1 || problems[0].Operation != "ListDashboards" {
		t.Errorf("problems %v", problems)
	}
	results, _ = a.DeleteBoards(ctxAll, boardName) // it is missing by now
	wantDid(t, results, "-"+boardName+" already so")
	w.server.ClearFaults()
	w.wantDashboards()
}

func TestABoardWhoseTagsCannotBeReadStays(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	_, problems := a.BuildBoards(ctxAll, boardName, boardsOf(700))
	w.noProblems(problems)
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "ListTagsForResource", Code: "AccessDenied", Message: "no"})
	if _, problems = a.BuildBoards(ctxAll, boardName, boardsOf(1)); len(problems) != 1 || problems[0].Operation != "ListTagsForResource" {
		t.Errorf("built: problems %v", problems)
	}
	if _, problems = a.DeleteBoards(ctxAll, boardName); len(problems) != 1 || problems[0].Operation != "ListTagsForResource" {
		t.Errorf("deleted: problems %v", problems)
	}
	w.wantDashboards(boardName + "-2")
	// One that has gone when it is asked about is nobody's.
	w.server.ClearFaults()
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "ListTagsForResource", Code: "ResourceNotFoundException"})
	_, problems = a.BuildBoards(ctxAll, boardName, boardsOf(700))
	w.noProblems(problems)
}

func TestBoardsAreDeletedWithAllTheirNumberedOnes(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	results, problems := a.DeleteBoards(ctxAll, boardName)
	w.noProblems(problems)
	wantDid(t, results, "-"+boardName+" already so")
	w.wantWrites(map[string]int{})

	for n := range 250 {
		w.ourDashboard(dashboard.NumberedName(boardName, n+2))
	}
	w.someDashboard("mine")
	w.someDashboard(dashboard.NumberedName(boardName, 300)) // a person's, without our tag
	w.writes()
	results, problems = a.DeleteBoards(ctxAll, boardName)
	w.noProblems(problems)
	if len(results) != 250 {
		t.Errorf("%d results", len(results))
	}
	w.wantWrites(map[string]int{"cloudwatch.DeleteDashboards": 3})
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
	u := &unwilling{server: server.server}
	w := worldAround(t, server.clock, server.server, u)
	w.someDashboard(boardName)
	w.ourDashboard(boardName + "-2")
	a, _ := w.actor()
	results, problems := a.DeleteBoards(ctxAll, boardName)
	w.noProblems(problems)
	wantDid(t, results, "-"+boardName+" done", "-"+boardName+"-2 done")
	if u.calls != 3 {
		t.Errorf("%d calls", u.calls)
	}
	w.wantDashboards()
}

func TestADryRunLeavesBoardsAsTheyAre(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	_, problems := a.BuildBoards(ctxAll, boardName, boardsOf(700))
	w.noProblems(problems)
	w.writes()
	dry, log := w.actor(dryRun)
	results, problems := dry.BuildBoards(ctxAll, boardName, boardsOf(1))
	w.noProblems(problems)
	wantDid(t, results, "+"+boardName+" dry run", "-"+boardName+"-2 dry run")
	results, problems = dry.DeleteBoards(ctxAll, boardName)
	w.noProblems(problems)
	wantDid(t, results, "-"+boardName+" dry run", "-"+boardName+"-2 dry run")
	w.wantWrites(map[string]int{})
	if log.count("dry run, would write", "op=PutDashboard", "write the dashboard "+boardName) != 1 {
		t.Errorf("log:\n%s", log.text.String())
	}
}

func TestBoardsAfterTheEnd(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	ctx, cancel := context.WithCancel(ctxAll)
	cancel()
	if _, problems := a.BuildBoards(ctx, boardName, boardsOf(1)); len(problems) == 0 {
		t.Error("no problems")
	}
	if _, problems := a.DeleteBoards(ctx, boardName); len(problems) == 0 {
		t.Error("no problems")
	}
	w.wantWrites(map[string]int{})
}

func TestBoardsOfEverySizeAreAccepted(t *testing.T) {
	for _, n := range []int{0, 1, 100, 5000} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			w := newWorld(t)
			a, log := w.actor()
			boards := boardsOf(n)
			results, problems := a.BuildBoards(ctxAll, boardName, boards)
			w.noProblems(problems)
			if len(results) != len(boards) || log.count("dashboard validation") != 0 {
				t.Errorf("%d results for %d boards; log:\n%s", len(results), len(boards), log.text.String())
			}
		})
	}
}

func TestACleanupKeepsTheDashboardsOfAnotherSeries(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	second := boardName + "-2"
	_, problems := a.BuildBoards(ctxAll, second, []dashboard.Board{{Name: second, Body: []byte(`{"widgets":[]}`)}})
	w.noProblems(problems)
	w.someDashboard(boardName)
	w.someDashboard(boardName + "-3")
	w.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "ListTagsForResource", Skip: 2, Times: 1, Code: "AccessDenied", Message: "no"})
	result, problems := a.Cleanup(ctxAll, CleanupInput{DashboardName: boardName})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "read the tags of the dashboard "+boardName+"-3: AccessDenied") {
		t.Errorf("problems %v", problems)
	}
	var got []string
	for _, item := range result.Items {
		got = append(got, item.Name+": "+string(item.State))
	}
	if want := []string{boardName + ": removed", second + ": kept", boardName + "-3: unclear"}; !slices.Equal(got, want) {
		t.Errorf("items %q", got)
	}
	w.wantDashboards(second, boardName+"-3")
}

// The first of a series may be the original's, without tags; one that bears another
// deployment's tag is that deployment's.
func TestACleanupKeepsAnotherDeploymentsDashboards(t *testing.T) {
	w := newWorld(t)
	stack := New(Options{Clients: w.raw, Clock: w.clock, DeploymentRegion: home, Deployment: "eu-west-1/stack"})
	_, problems := stack.BuildBoards(ctxAll, boardName, boardsOf(700))
	w.noProblems(problems)
	a, _ := w.actor()
	result, problems := a.Cleanup(ctxAll, CleanupInput{DashboardName: boardName})
	w.noProblems(problems)
	if len(result.In(Removed)) != 0 || len(result.In(Kept)) != 2 {
		t.Errorf("items %v", states(result))
	}
	result, problems = a.Cleanup(ctxAll, CleanupInput{DashboardName: boardName, Deployment: "eu-west-1/stack"})
	w.noProblems(problems)
	if len(result.In(Removed)) != 2 {
		t.Errorf("items %v", states(result))
	}
}

// The topic is one for all deployments: it stays while another's alarms send to it.
func TestACleanupKeepsTheTopicThatAnotherDeploymentsAlarmsUse(t *testing.T) {
	w := newWorld(t)
	a, _ := w.actor()
	w.notify(a)
	stack := New(Options{Clients: w.raw, Clock: w.clock, DeploymentRegion: home, Deployment: "eu-west-1/stack"})
	_, problems := stack.ReconcileAlarms(ctxAll, ReconcileInput{Region: home, Changes: w.diff(stack, campaigns(home, 1), alarmParams, rules.Monitored)})
	w.noProblems(problems)
	result, problems := a.Cleanup(ctxAll, CleanupInput{})
	w.noProblems(problems)
	kept := map[CleanupKind]bool{}
	for _, item := range result.In(Kept) {
		kept[item.Kind] = kept[item.Kind] || item.Region == home
	}
	if !kept[KindAlarm] || !kept[KindTopic] {
		t.Errorf("items %v", states(result))
	}
}

// A stack that goes leaves the dashboard of another one that was given the same name; its
// own, an original's untagged one and a person's own work go.
func TestAnotherStacksDashboardStays(t *testing.T) {
	for owner, stays := range map[string]bool{"": false, "cli": false, "eu-west-1/mine": false, "eu-west-1/theirs": true} {
		w := newWorld(t)
		in := &cloudwatch.PutDashboardInput{DashboardName: aws.String(boardName), DashboardBody: aws.String(`{"widgets":[]}`)}
		if owner != "" {
			in.Tags = []types.Tag{{Key: aws.String(tagDeployment), Value: aws.String(owner)}}
		}
		_, err := w.raw.CloudWatch(home).PutDashboard(ctxAll, in)
		w.must(err)
		a, log := w.actor(func(o *Options) { o.Deployment = "eu-west-1/mine" })
		results, problems := a.DeleteBoards(ctxAll, boardName)
		w.noProblems(problems)
		if left := len(w.dashboards()) == 1; left != stays || (len(results) == 0) != stays {
			t.Errorf("of %q: left %v, results %v", owner, left, results)
		}
		if told := log.count("belongs to another deployment", "eu-west-1/theirs") == 1; told != stays {
			t.Errorf("of %q: told %v", owner, told)
		}
	}
}
