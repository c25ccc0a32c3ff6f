package actions

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

const solutionPrefix = "arn:aws:personalize:" + other + ":" + testAccount + ":solution/"

// newTraining has solutions of every sort of automatic training, two of which campaigns serve.
func newTraining(t *testing.T) *world {
	t.Helper()
	endpoint := func(name string) localaws.EstateEndpoint {
		return localaws.EstateEndpoint{Name: name, Recipe: "aws-sims"}
	}
	return &world{awsbed.With(t, localaws.Estate{Account: testAccount, Regions: []localaws.EstateRegion{{Name: home}, {
		Name: other, DatasetGroups: []localaws.EstateDatasetGroup{{
			Name: "shop",
			Solutions: []localaws.EstateSolution{
				{Name: "weekly", Recipe: "aws-sims", TrainEvery: 3 * 24 * time.Hour},
				{Name: "shared", Recipe: "aws-sims"},
				{Name: "off", Recipe: "aws-sims", AutoTraining: "false"},
				{Name: "old", Recipe: "aws-sims", AutoTraining: "absent"},
			},
			Campaigns: []localaws.EstateCampaign{
				{EstateEndpoint: endpoint("home"), Solution: "weekly"},
				{EstateEndpoint: endpoint("plain"), Solution: "off"},
				{EstateEndpoint: endpoint("a"), Solution: "shared"},
				{EstateEndpoint: endpoint("b"), Solution: "shared"},
			},
		}},
	}}})}
}

func train(t *testing.T, name, schedule string) events.Request {
	t.Helper()
	req, err := events.NewTrainingRequest(solutionPrefix+name, schedule)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func (w *world) solution(name string) *types.Solution {
	w.T.Helper()
	out, err := w.Raw.Personalize(other).DescribeSolution(ctxAll, &personalize.DescribeSolutionInput{SolutionArn: aws.String(solutionPrefix + name)})
	w.Must(err)
	return out.Solution
}

// Pausing is recorded, reported by an event, and undone by one command, from the record as well.
func TestPauseAndResumeTraining(t *testing.T) {
	w := newTraining(t)
	var records []events.Audit
	a, _ := w.actor(func(o *testOptions) {
		o.AuditLog = func(_ context.Context, record events.Audit) error { records = append(records, record); return nil }
	})
	name := solutionPrefix + "weekly"
	n, err := a.Do(ctxAll, model.ActionPause, train(t, "weekly", ""))
	w.wantAnswer(n, err, writer.Done, "The automatic training of solution "+name+" is being paused.")
	w.wantActions(map[string]int{"personalize.UpdateSolution": 1, "events.PutEvents": 1})
	w.wantSent(`PersonalizeTrainingPaused: {"ARN":"` + name + `","Reason":"requested, no reason given"}`)
	if want := `personalize-monitor resume-training ` + name + ` --schedule "rate(3 days)"`; n.Restore != want || records[0].Restore != want {
		t.Errorf("undone by %q, in the record %q, want %q", n.Restore, records[0].Restore, want)
	}
	n, err = a.Do(ctxAll, model.ActionPause, train(t, "weekly", ""))
	w.wantAnswer(n, err, writer.AlreadySo, "Nothing to do: solution "+name+" has its automatic training paused already (CREATE PENDING).")
	if _, err = a.Do(ctxAll, model.ActionResume, train(t, "weekly", "")); err == nil || !strings.Contains(err.Error(), "an update of its training is in progress (CREATE PENDING): ResourceInUse") {
		t.Errorf("resumed during the update: %v", err)
	}
	w.Clock.Advance(time.Hour)
	if on := w.solution("weekly").PerformAutoTraining; on == nil || *on {
		t.Error("it is still trained automatically")
	}
	n, err = a.Do(ctxAll, model.ActionPause, train(t, "weekly", ""))
	w.wantAnswer(n, err, writer.AlreadySo, "Nothing to do: solution "+name+" is not trained automatically already.")

	// The record undoes it, with the schedule that there was.
	decoded, err := events.DecodeAudit(records[0].Raw())
	w.Must(err)
	asked := ""
	n, err = a.Restore(ctxAll, decoded, RestoreOptions{Confirm: func(_ context.Context, what string) error { asked = what; return nil }})
	w.wantAnswer(n, err, writer.Done, "The automatic training of solution "+name+" is being resumed.")
	if want := "resume the automatic training of solution " + name + ", rate(3 days)"; asked != want {
		t.Errorf("asked %q, want %q", asked, want)
	}
	if n.Restore != "personalize-monitor pause-training "+name {
		t.Errorf("undone by %q", n.Restore)
	}
	w.Clock.Advance(time.Hour)
	if s := w.solution("weekly"); !*s.PerformAutoTraining || *s.SolutionConfig.AutoTrainingConfig.SchedulingExpression != "rate(3 days)" {
		t.Errorf("after the restoration: %+v", s)
	}
	if n, err = a.Restore(ctxAll, decoded, RestoreOptions{}); err != nil || n.Outcome != writer.AlreadySo {
		t.Errorf("restored a second time: %+v, %v", n, err)
	}
	// Another schedule is set, and undone, too.
	n, err = a.Do(ctxAll, model.ActionResume, train(t, "weekly", "rate(9 days)"))
	w.wantAnswer(n, err, writer.Done, "is being resumed.")
	if want := `personalize-monitor resume-training ` + name + ` --schedule "rate(3 days)"`; n.Restore != want {
		t.Errorf("undone by %q, want %q", n.Restore, want)
	}
	w.Clock.Advance(time.Hour)
	if s := w.solution("weekly"); *s.SolutionConfig.AutoTrainingConfig.SchedulingExpression != "rate(9 days)" {
		t.Errorf("the schedule is %s", *s.SolutionConfig.AutoTrainingConfig.SchedulingExpression)
	}
}

func TestTrainingWithoutAChange(t *testing.T) {
	w := newTraining(t)
	a, _ := w.actor()
	n, err := a.Do(ctxAll, model.ActionResume, train(t, "shared", "rate(7 days)"))
	w.wantAnswer(n, err, writer.AlreadySo, "is trained automatically already.")
	n, err = a.Do(ctxAll, model.ActionPause, train(t, "off", ""))
	w.wantAnswer(n, err, writer.AlreadySo, "is not trained automatically already.")
	n, err = a.Do(ctxAll, model.ActionPause, train(t, "gone", ""))
	w.wantAnswer(n, err, writer.AlreadySo, "does not exist (any more).")
	dry, _ := w.actor(dryRun)
	n, err = dry.Do(ctxAll, model.ActionPause, train(t, "weekly", ""))
	w.wantAnswer(n, err, writer.DryRun, "would be paused.")
	w.WantWrites(map[string]int{})
	// What it was before is unknown: it is paused, and no command switches on what may have been off.
	n, err = a.Do(ctxAll, model.ActionPause, train(t, "old", ""))
	w.wantAnswer(n, err, writer.Done, "is being paused.")
	if n.Restore != "" {
		t.Errorf("undone by %q", n.Restore)
	}
	// No other action is about a solution, and these are about nothing else.
	for _, action := range []model.Action{model.ActionUpdate, model.ActionDelete, model.ActionStop, model.ActionStart} {
		if _, err := a.Do(ctxAll, action, train(t, "weekly", "")); err == nil || !strings.Contains(err.Error(), "is not about a solution") {
			t.Errorf("%s of a solution: %v", action, err)
		}
	}
	if _, err := a.Do(ctxAll, model.ActionPause, ask(t, "campaign/home", 0)); err == nil || !strings.Contains(err.Error(), "is not about a campaign") {
		t.Errorf("paused a campaign: %v", err)
	}
}

// An answer that is lost does not hide that training was paused.
func TestPauseTrainingWithALostAnswer(t *testing.T) {
	w := newTraining(t)
	a, _ := w.actor()
	w.Server.AddFault(localaws.Fault{Operation: "UpdateSolution", Kind: localaws.Truncate})
	n, err := a.Do(ctxAll, model.ActionPause, train(t, "weekly", ""))
	w.wantAnswer(n, err, writer.Done, "is being paused.")
}

// A deletion says that a solution is left behind that is still trained, and only then.
func TestDeletionLeavesASolutionBehind(t *testing.T) {
	const left = "Its solution is still trained automatically"
	for name, tt := range map[string]struct {
		campaign string
		fault    string // operation
		want     string
	}{
		"trained":               {"home", "", " is being deleted. " + left + " (every 3 days), and no other campaign serves it (personalize-monitor pause-training " + solutionPrefix + "weekly stops that)."},
		"not trained":           {"plain", "", " is being deleted."},
		"served by another":     {"a", "", " is being deleted."},
		"could not be read":     {"home", "DescribeSolution", "It could not be read whether its solution " + solutionPrefix + "weekly is still trained: DescribeSolution: "},
		"others cannot be read": {"home", "ListCampaigns", "It could not be read whether its solution " + solutionPrefix + "weekly is still trained: ListCampaigns: "},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTraining(t)
			a, _ := w.actor()
			if tt.fault != "" {
				w.Server.AddFault(localaws.Fault{Operation: tt.fault, Code: "AccessDeniedException"})
			}
			n, err := a.Do(ctxAll, model.ActionDelete, ask(t, "campaign/"+tt.campaign, 0))
			w.wantAnswer(n, err, writer.Done, tt.want)
			if strings.Contains(n.Sentence, left) != strings.Contains(tt.want, left) || len(n.Problems) > 0 {
				t.Errorf("answered %q, problems %v", n.Sentence, n.Problems)
			}
		})
	}
}
