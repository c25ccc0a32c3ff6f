package localaws

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"
)

// trainingEstate has solutions with every sort of schedule and outcome.
func trainingEstate() Estate {
	e := shopEstate()
	g := &e.Regions[0].DatasetGroups[0]
	g.Solutions = []EstateSolution{
		{Name: "weekly", Recipe: "aws-sims", Age: 20 * day, TrainingHours: 2.5, Tags: map[string]string{"a": "b"}},
		{Name: "twice", Recipe: "aws-sims", Age: 8 * day, TrainEvery: 3 * day, ManualEvery: 2 * day},
		{Name: "failing", Recipe: "aws-sims", Age: 20 * day, FailingFor: 10 * day, FailureReason: "no data"},
		{Name: "stopped", Recipe: "aws-sims", Age: 20 * day, StoppedFor: 2 * day},
		{Name: "manual", Recipe: "aws-sims", AutoTraining: "false", TrainedAgo: 4 * day},
		{Name: "old", Recipe: "aws-sims", AutoTraining: "absent"},
	}
	g.Campaigns = append(g.Campaigns,
		EstateCampaign{EstateEndpoint: EstateEndpoint{Name: "newest", Recipe: "aws-sims"}, Solution: "weekly"},
		EstateCampaign{EstateEndpoint: EstateEndpoint{Name: "older", Recipe: "aws-sims"}, Solution: "weekly", SolutionVersionAge: 8 * day},
		EstateCampaign{EstateEndpoint: EstateEndpoint{Name: "follower", Recipe: "aws-sims"}, Solution: "failing", AutoSync: true})
	g.BatchJobs = []EstateBatchJob{{Name: "mail", Solution: "weekly"}, {Name: "audience", Solution: "weekly", Segment: true, Age: 9 * day}}
	g.EventTrackers = []EstateEventTracker{{Name: "web", Age: 5 * day}}
	e.Regions[0].DatasetGroups = append(e.Regions[0].DatasetGroups, EstateDatasetGroup{Name: "unused", EventTrackers: []EstateEventTracker{{Name: "app"}}})
	return e
}

const day = 24 * time.Hour

func (r *rig) solution(t *testing.T, name string) *types.Solution {
	t.Helper()
	return ok[*personalize.DescribeSolutionOutput](t)(r.personalize().DescribeSolution(background, &personalize.DescribeSolutionInput{SolutionArn: arnOf("solution/" + name)})).Solution
}

// versions describes the versions of a solution, the newest first.
func (r *rig) versions(t *testing.T, name string) (list []*types.SolutionVersion) {
	t.Helper()
	out := ok[*personalize.ListSolutionVersionsOutput](t)(r.personalize().ListSolutionVersions(background, &personalize.ListSolutionVersionsInput{SolutionArn: arnOf("solution/" + name)}))
	for _, s := range out.SolutionVersions {
		v := ok[*personalize.DescribeSolutionVersionOutput](t)(r.personalize().DescribeSolutionVersion(background, &personalize.DescribeSolutionVersionInput{SolutionVersionArn: s.SolutionVersionArn})).SolutionVersion
		i := 0
		for i < len(list) && list[i].CreationDateTime.After(*v.CreationDateTime) {
			i++
		}
		list = append(list[:i], append([]*types.SolutionVersion{v}, list[i:]...)...)
	}
	return list
}

// trainings describes versions: hours since their training began and ended, status, type, hours.
func trainings(now time.Time, list []*types.SolutionVersion) string {
	var texts []string
	for _, v := range list {
		text := fmt.Sprintf("%.1f-%.1f %s %s", now.Sub(*v.CreationDateTime).Hours(), now.Sub(*v.LastUpdatedDateTime).Hours(), *v.Status, v.TrainingType)
		if v.TrainingHours != nil {
			text += fmt.Sprintf(" %vh", *v.TrainingHours)
		}
		texts = append(texts, strings.TrimSpace(text+" "+aws.ToString(v.FailureReason)))
	}
	return strings.Join(texts, ", ")
}

func TestSolutionsAreTrained(t *testing.T) {
	r := newWorld(t, trainingEstate())
	for name, want := range map[string]string{
		"weekly":  "26.5-24.0 ACTIVE AUTOMATIC 2.5h, 194.5-192.0 ACTIVE AUTOMATIC 2.5h, 362.5-360.0 ACTIVE AUTOMATIC 2.5h",
		"twice":   "25.0-24.0 ACTIVE AUTOMATIC 1h, 37.0-36.0 ACTIVE MANUAL 1h, 85.0-84.0 ACTIVE MANUAL 1h, 97.0-96.0 ACTIVE AUTOMATIC 1h, 133.0-132.0 ACTIVE MANUAL 1h, 169.0-168.0 ACTIVE AUTOMATIC 1h, 181.0-180.0 ACTIVE MANUAL 1h",
		"failing": "25.0-24.0 CREATE FAILED AUTOMATIC no data, 193.0-192.0 CREATE FAILED AUTOMATIC no data, 361.0-360.0 ACTIVE AUTOMATIC 1h",
		"stopped": "25.0-24.0 CREATE STOPPED AUTOMATIC, 193.0-192.0 ACTIVE AUTOMATIC 1h, 361.0-360.0 ACTIVE AUTOMATIC 1h",
		"manual":  "97.0-96.0 ACTIVE MANUAL 1h",
		"old":     "25.0-24.0 ACTIVE MANUAL 1h",
	} {
		if got := trainings(noon, r.versions(t, name)); got != want {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
	}
	weekly := r.versions(t, "weekly")
	if newest, older := r.campaign(t, "newest"), r.campaign(t, "older"); *newest.SolutionVersionArn != *weekly[0].SolutionVersionArn ||
		*older.SolutionVersionArn != *weekly[1].SolutionVersionArn {
		t.Errorf("the campaigns serve %s and %s", *newest.SolutionVersionArn, *older.SolutionVersionArn)
	}
	// The next trainings happen on the clock, and are seen while they run.
	r.clock.move(6*day - time.Hour)
	if got := trainings(r.clock.Now(), r.versions(t, "weekly")[:1]); got != "1.5-1.5 CREATE IN_PROGRESS AUTOMATIC" {
		t.Errorf("during the training: %s", got)
	}
	if c := r.campaign(t, "follower"); *c.SolutionVersionArn != *r.versions(t, "failing")[3].SolutionVersionArn {
		t.Errorf("a campaign follows a failed training: %s", *c.SolutionVersionArn)
	}
	r.clock.move(time.Hour)
	if got := trainings(r.clock.Now(), r.versions(t, "weekly")[:2]); got != "2.5-0.0 ACTIVE AUTOMATIC 2.5h, 170.5-168.0 ACTIVE AUTOMATIC 2.5h" {
		t.Errorf("after the training: %s", got)
	}
	if got := trainings(r.clock.Now(), r.versions(t, "failing")[:1]); got != "1.0-0.0 CREATE FAILED AUTOMATIC no data" {
		t.Errorf("the next failure: %s", got)
	}
	if n := len(r.versions(t, "old")); n != 1 {
		t.Errorf("a solution without automatic training has %d versions", n)
	}
}

func TestUpdateSolution(t *testing.T) {
	r := newWorld(t, trainingEstate())
	update := func(name string, auto *bool, schedule string) error {
		in := &personalize.UpdateSolutionInput{SolutionArn: arnOf("solution/" + name), PerformAutoTraining: auto}
		if schedule != "" {
			in.SolutionUpdateConfig = &types.SolutionUpdateConfig{AutoTrainingConfig: &types.AutoTrainingConfig{SchedulingExpression: &schedule}}
		}
		return errOf(r.personalize().UpdateSolution(background, in))
	}
	state := func(name string) string {
		s := r.solution(t, name)
		text := "unknown"
		if s.PerformAutoTraining != nil {
			text = strconv.FormatBool(*s.PerformAutoTraining)
		}
		if c := s.SolutionConfig; c != nil && c.AutoTrainingConfig != nil {
			text += " " + *c.AutoTrainingConfig.SchedulingExpression
		}
		if u := s.LatestSolutionUpdate; u != nil {
			text += ", update " + *u.Status
		}
		return text
	}
	for name, want := range map[string]string{"weekly": "true rate(7 days)", "twice": "true rate(3 days)", "manual": "false", "old": "unknown"} {
		if got := state(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for _, tt := range []struct {
		name     string
		solution string
		auto     *bool
		schedule string
		want     string
	}{
		{"nothing", "weekly", nil, "", "InvalidInputException"},
		{"a solution that does not exist", "gone", aws.Bool(false), "", "ResourceNotFoundException"},
		{"a schedule of hours", "weekly", nil, "rate(7 hours)", "InvalidInputException"},
		{"a schedule of 31 days", "weekly", nil, "rate(31 days)", "InvalidInputException"},
		{"a schedule of no days", "weekly", nil, "rate(0 days)", "InvalidInputException"},
		{"a schedule that is too long", "weekly", nil, "rate(0000000007 days)", "InvalidInputException"},
		{"a schedule without automatic training", "weekly", aws.Bool(false), "rate(7 days)", "InvalidInputException"},
	} {
		if err := update(tt.solution, tt.auto, tt.schedule); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	if err := update("weekly", aws.Bool(false), ""); err != nil {
		t.Fatal(err)
	}
	if got := state("weekly"); got != "true rate(7 days), update CREATE PENDING" {
		t.Errorf("just after the request: %s", got)
	}
	if err := update("weekly", aws.Bool(true), ""); err == nil || !strings.Contains(err.Error(), "ResourceInUseException") {
		t.Errorf("an update during another: %v", err)
	}
	r.clock.move(10 * time.Minute)
	if got := state("weekly"); got != "false, update ACTIVE" {
		t.Errorf("after the update: %s", got)
	}
	before := len(r.versions(t, "weekly"))
	r.clock.move(30 * day)
	if n := len(r.versions(t, "weekly")); n != before {
		t.Errorf("%d versions more although training is paused", n-before)
	}
	// Switched on again, it trains within an hour, and then by its schedule.
	if err := update("weekly", aws.Bool(true), ""); err != nil {
		t.Fatal(err)
	}
	r.clock.move(10*time.Minute + time.Hour)
	if got := state("weekly"); got != "true rate(7 days), update ACTIVE" {
		t.Errorf("switched on again: %s", got)
	}
	if n := len(r.versions(t, "weekly")); n != before+1 {
		t.Errorf("%d versions within an hour, want 1", n-before)
	}
	r.clock.move(15 * day)
	if n := len(r.versions(t, "weekly")); n != before+3 {
		t.Errorf("%d versions after 15 days, want 3", n-before)
	}
	// Another schedule replaces the former one.
	if err := update("twice", nil, "rate(1 day)"); err != nil {
		t.Fatal(err)
	}
	r.clock.move(time.Hour)
	if got := state("twice"); got != "true rate(1 day), update ACTIVE" {
		t.Errorf("another schedule: %s", got)
	}
}

func TestListingsOfTraining(t *testing.T) {
	r := newWorld(t, trainingEstate())
	pz := r.personalize()
	groups := ok[*personalize.ListDatasetGroupsOutput](t)(pz.ListDatasetGroups(background, &personalize.ListDatasetGroupsInput{})).DatasetGroups
	if len(groups) != 3 {
		t.Errorf("%d dataset groups", len(groups))
	}
	shop := arnOf("dataset-group/shop")
	in := func(group *string) int {
		return len(ok[*personalize.ListSolutionsOutput](t)(pz.ListSolutions(background, &personalize.ListSolutionsInput{DatasetGroupArn: group})).Solutions)
	}
	if all, ofShop, ofUnused := in(nil), in(shop), in(arnOf("dataset-group/unused")); ofShop == 0 || all < ofShop || ofUnused != 0 {
		t.Errorf("solutions: %d, of the shop %d, of another group %d", all, ofShop, ofUnused)
	}
	trackers := ok[*personalize.ListEventTrackersOutput](t)(pz.ListEventTrackers(background, &personalize.ListEventTrackersInput{DatasetGroupArn: shop})).EventTrackers
	if len(trackers) != 1 || *trackers[0].Name != "web" || !trackers[0].CreationDateTime.Equal(noon.Add(-5*day)) {
		t.Errorf("event trackers: %+v", trackers)
	}
	weekly := r.versions(t, "weekly")
	inference := ok[*personalize.ListBatchInferenceJobsOutput](t)(pz.ListBatchInferenceJobs(background, &personalize.ListBatchInferenceJobsInput{})).BatchInferenceJobs
	segment := ok[*personalize.ListBatchSegmentJobsOutput](t)(pz.ListBatchSegmentJobs(background, &personalize.ListBatchSegmentJobsInput{SolutionVersionArn: weekly[2].SolutionVersionArn})).BatchSegmentJobs
	if len(inference) != 1 || *inference[0].SolutionVersionArn != *weekly[0].SolutionVersionArn || len(segment) != 1 || *segment[0].JobName != "audience" {
		t.Errorf("batch jobs: %+v, %+v", inference, segment)
	}
	// All versions, page by page.
	var seen []string
	pages := personalize.NewListSolutionVersionsPaginator(pz, &personalize.ListSolutionVersionsInput{MaxResults: aws.Int32(3)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(background)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.SolutionVersions {
			seen = append(seen, *v.SolutionVersionArn)
		}
	}
	unique := map[string]bool{}
	for _, arn := range seen {
		unique[arn] = true
	}
	if len(seen) < 20 || len(unique) != len(seen) {
		t.Errorf("%d versions in pages, %d of them different", len(seen), len(unique))
	}
	if err := errOf(pz.ListSolutionVersions(background, &personalize.ListSolutionVersionsInput{SolutionArn: arnOf("solution/gone")})); err == nil || !strings.Contains(err.Error(), "ResourceNotFound") {
		t.Errorf("the versions of a solution that does not exist: %v", err)
	}
}
