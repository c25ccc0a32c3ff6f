package solutions_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/solutions"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

const day = 24 * time.Hour

type bed struct {
	*localaws.Server
	*solutions.Reader
	clock   *model.VirtualClock
	clients *awsapi.Clients
}

// newBed has a shop in eu-west-1, and nothing in us-east-1.
func newBed(t *testing.T, change func(*localaws.EstateDatasetGroup)) bed {
	t.Helper()
	group := localaws.EstateDatasetGroup{
		Name: "shop",
		Solutions: []localaws.EstateSolution{
			{Name: "weekly", Recipe: "aws-sims", Age: 60 * day, TrainingHours: 2.5},
			{Name: "failing", Recipe: "aws-sims", Age: 60 * day, FailingFor: 20 * day, FailureReason: "no data"},
			{Name: "quiet", Recipe: "aws-sims", Age: 60 * day, TrainedAgo: 50 * day, AutoTraining: "false"},
			{Name: "old", Recipe: "aws-hrnn", Age: 60 * day, AutoTraining: "absent"},
		},
		BatchJobs:     []localaws.EstateBatchJob{{Name: "mail", Solution: "weekly"}, {Name: "audience", Solution: "weekly", Segment: true}},
		EventTrackers: []localaws.EstateEventTracker{{Name: "web"}},
	}
	if change != nil {
		change(&group)
	}
	clock := model.NewVirtualClock(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	server, err := localaws.New(localaws.Estate{Regions: []localaws.EstateRegion{
		{Name: "eu-west-1", DatasetGroups: []localaws.EstateDatasetGroup{group}}, {Name: "us-east-1"},
	}}, localaws.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(server)
	t.Cleanup(endpoint.Close)
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig("eu-west-1", endpoint.URL, "LOCAL", nil), Clock: clock})
	t.Cleanup(clients.Close)
	return bed{server, solutions.New(solutions.Options{Clients: clients, Clock: clock}), clock, clients}
}

// calls counts the calls since the last time, as "operation n".
func (b bed) calls() string {
	var list []string
	for name, n := range b.Calls() {
		list = append(list, fmt.Sprintf("%s %d", strings.TrimPrefix(name, "personalize."), n))
	}
	b.ResetCalls()
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func describe(f training.Facts) string {
	var texts []string
	for _, s := range f.Solutions {
		auto := "unknown"
		if s.Automatic != nil {
			auto = strconv.FormatBool(*s.Automatic)
		}
		hours, reported, failed := 0.0, 0, 0
		for _, v := range s.Versions {
			if v.Hours != nil {
				hours, reported = hours+*v.Hours, reported+1
			}
			if v.FailureReason != "" {
				failed++
			}
		}
		texts = append(texts, fmt.Sprintf("%s %s %s %s: %d versions, %d failed, %d with %v hours", s.Name, s.Recipe, auto, s.Schedule, len(s.Versions), failed, reported, hours))
	}
	return strings.Join(texts, "\n")
}

// Only what was trained in the last 30 days is described, and a version that has ended once.
func TestRead(t *testing.T) {
	b := newBed(t, nil)
	facts, problems := b.Read(t.Context(), []string{"eu-west-1", "us-east-1"})
	if len(problems) > 0 || len(facts) != 2 {
		t.Fatalf("%d regions, problems %v", len(facts), problems)
	}
	want := `failing aws-sims true rate(7 days): 9 versions, 3 failed, 2 with 2 hours
old aws-hrnn unknown : 1 versions, 0 failed, 1 with 1 hours
quiet aws-sims unknown : 1 versions, 0 failed, 0 with 0 hours
weekly aws-sims true rate(7 days): 9 versions, 0 failed, 5 with 12.5 hours`
	if got := describe(facts[0]); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	f := facts[0]
	if len(f.Jobs) != 2 || len(f.Trackers) != 1 || f.Trackers[0].Group != f.Groups[0].ARN || f.Groups[0].Name != "shop" || f.Groups[0].Created.IsZero() {
		t.Errorf("jobs %+v, trackers %+v, groups %+v", f.Jobs, f.Trackers, f.Groups)
	}
	all := training.Known{Groups: true, Solutions: true, Versions: true, Jobs: true, Trackers: true}
	if f.Known != all || facts[1].Known != all {
		t.Errorf("known: %+v, %+v", f.Known, facts[1].Known)
	}
	const lists = "ListBatchInferenceJobs 1, ListBatchSegmentJobs 1, ListDatasetGroups 2, ListEventTrackers 1, ListSolutionVersions 1, ListSolutions 1"
	if got := b.calls(); got != "DescribeSolution 3, DescribeSolutionVersion 8, "+lists {
		t.Errorf("calls: %s", got)
	}
	if _, problems = b.Read(t.Context(), []string{"eu-west-1", "us-east-1"}); len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := b.calls(); got != "DescribeSolution 3, "+lists {
		t.Errorf("calls of the second time: %s", got)
	}
	b.clock.Advance(7 * day)
	if _, problems = b.Read(t.Context(), []string{"eu-west-1"}); len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := b.calls(); !strings.HasPrefix(got, "DescribeSolution 3, DescribeSolutionVersion 1, ") {
		t.Errorf("calls a week later: %s", got)
	}
}

// An update in progress counts as what it makes of automatic training: what is being paused is not
// to be paused again. One that has ended does not count.
func TestReadDuringAnUpdate(t *testing.T) {
	b := newBed(t, nil)
	var weekly string // its ARN
	automatic := func() string {
		facts, problems := b.Read(t.Context(), []string{"eu-west-1"})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for _, s := range facts[0].Solutions {
			if s.Name == "weekly" && s.Automatic != nil {
				weekly = s.ARN
				return strconv.FormatBool(*s.Automatic)
			}
		}
		return "unknown"
	}
	update := func(in personalize.UpdateSolutionInput) {
		in.SolutionArn = &weekly
		if _, err := b.clients.Personalize("eu-west-1").UpdateSolution(t.Context(), &in); err != nil {
			t.Fatal(err)
		}
	}
	got := []string{automatic()}
	for _, in := range []personalize.UpdateSolutionInput{
		{PerformAutoTraining: aws.Bool(false)},
		{PerformAutoTraining: aws.Bool(true)},
		{SolutionUpdateConfig: &types.SolutionUpdateConfig{AutoTrainingConfig: &types.AutoTrainingConfig{SchedulingExpression: aws.String("rate(3 days)")}}},
	} {
		update(in)
		pending := automatic()
		b.clock.Advance(time.Hour)
		got = append(got, pending+" then "+automatic())
	}
	if want := "true, false then false, true then true, true then true"; strings.Join(got, ", ") != want {
		t.Errorf("automatic training: %v, want %s", got, want)
	}
}

// What could not be read is not known, and a problem for each operation.
func TestReadFailures(t *testing.T) {
	all := training.Known{Groups: true, Solutions: true, Versions: true, Jobs: true, Trackers: true}
	for operation, unknown := range map[string]func(*training.Known){
		"ListDatasetGroups":       func(k *training.Known) { *k = training.Known{} },
		"ListSolutions":           func(k *training.Known) { k.Solutions = false },
		"ListSolutionVersions":    func(k *training.Known) { k.Versions = false },
		"ListBatchInferenceJobs":  func(k *training.Known) { k.Jobs = false },
		"ListBatchSegmentJobs":    func(k *training.Known) { k.Jobs = false },
		"ListEventTrackers":       func(k *training.Known) { k.Trackers = false },
		"DescribeSolution":        func(*training.Known) {},
		"DescribeSolutionVersion": func(*training.Known) {},
	} {
		t.Run(operation, func(t *testing.T) {
			b := newBed(t, nil)
			b.AddFault(localaws.Fault{Service: "personalize", Operation: operation, Code: "AccessDeniedException", Status: 400})
			facts, problems := b.Read(t.Context(), []string{"eu-west-1"})
			if len(problems) != 1 || problems[0].Operation != operation || problems[0].Region != "eu-west-1" || !strings.Contains(problems[0].Err.Error(), "AccessDenied") {
				t.Errorf("problems: %v", problems)
			}
			want := all
			unknown(&want)
			if facts[0].Known != want {
				t.Errorf("known: %+v, want %+v", facts[0].Known, want)
			}
			for _, s := range facts[0].Solutions {
				if operation == "DescribeSolution" && s.Automatic != nil {
					t.Errorf("automatic training of %s is known", s.Name)
				}
				for _, v := range s.Versions {
					if operation == "DescribeSolutionVersion" && v.Hours != nil {
						t.Errorf("hours of %s are known", v.ARN)
					}
				}
			}
		})
	}
}

// Hundreds of versions and solutions take one call for each hundred.
func TestReadPages(t *testing.T) {
	b := newBed(t, func(g *localaws.EstateDatasetGroup) {
		g.Solutions, g.BatchJobs = nil, nil
		for i := range 120 {
			g.Solutions = append(g.Solutions, localaws.EstateSolution{
				Name: fmt.Sprintf("s%d", i), Recipe: "aws-sims", Age: 100 * day, AutoTraining: "false", TrainedAgo: 40 * day, ManualEvery: 30 * day,
			})
		}
	})
	facts, problems := b.Read(t.Context(), []string{"eu-west-1"})
	if len(problems) > 0 || len(facts[0].Solutions) != 120 || len(facts[0].Solutions[0].Versions) != 2 {
		t.Fatalf("%d solutions, problems %v", len(facts[0].Solutions), problems)
	}
	const want = "ListBatchInferenceJobs 1, ListBatchSegmentJobs 1, ListDatasetGroups 1, ListEventTrackers 1, ListSolutionVersions 3, ListSolutions 2"
	if got := b.calls(); got != want {
		t.Errorf("calls: %s, want %s", got, want)
	}
}
