package actions

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// participle says what happens to the resource: "deleted".
func (x *execution) participle() string {
	return cmp.Or(x.done, fmt.Sprintf("updated from %d to %d %s", x.before.minTPS, x.req.NewMinTPS, x.req.Kind.RateUnit()))
}

// nothingToDo says why there is nothing to do in a state; empty if there is something.
func (x *execution) nothingToDo(s state) string {
	switch {
	case s.gone:
		return "does not exist (any more)"
	case s.status.Deleting():
		return fmt.Sprintf("is being deleted already (%s)", s.status)
	case x.action.Training():
		return x.trainingAlready(s)
	case x.action == model.ActionUpdate:
		return x.updateAlready(s)
	case x.action == model.ActionStop && s.status == model.StatusInactive:
		return "is stopped already"
	case x.action == model.ActionStop && s.status.Doing("STOP"):
		return fmt.Sprintf("is being stopped already (%s)", s.status)
	case x.action == model.ActionStart && s.status == model.StatusActive:
		return "is running already"
	case x.action == model.ActionStart && s.status.Doing("START"):
		return fmt.Sprintf("is being started already (%s)", s.status)
	}
	return ""
}

// updateAlready says why a minimum needs no update; empty if it does.
func (x *execution) updateAlready(s state) string {
	minimum, unit := x.req.NewMinTPS, x.req.Kind.RateUnit()
	switch updating := s.updating(); {
	case updating && s.update.MinTPS == minimum:
		return fmt.Sprintf("is being updated to %d %s already", minimum, unit)
	case !updating && s.minTPS == minimum:
		return fmt.Sprintf("has a minimum of %d %s already", minimum, unit)
	}
	return ""
}

// outdated says why an automatic step-down no longer holds: the minimum is another than when it
// was decided.
func outdated(req events.Request, minimum int) string {
	if req.CurrentMinTPS > 0 && minimum != req.CurrentMinTPS {
		return fmt.Sprintf("its minimum is %d %s and no longer %d", minimum, req.Kind.RateUnit(), req.CurrentMinTPS)
	}
	return ""
}

// contradicted says why the fresh decision does not confirm an automatic request; empty if it
// does.
func contradicted(action model.Action, req events.Request, d rules.Decision) string {
	switch {
	case req.Scheduled != "":
		if d.Verdict != req.Scheduled || d.NewMinTPS != req.NewMinTPS { // guard: actions: what is scheduled now; each
			return cmp.Or(d.Reason, "its tags arrange nothing now")
		}
		return ""
	case action == model.ActionStart:
		return "recommenders are never started automatically"
	case d.Verdict != rules.VerdictOf(action) && action.Ends() && d.Throughput.Requests > 0:
		return fmt.Sprintf("it had %.0f requests in the last five minutes measured", d.Throughput.Requests)
	case d.Verdict != rules.VerdictOf(action):
		return cmp.Or(d.Reason, "nothing is decided about it now")
	case action != model.ActionUpdate:
		return ""
	case req.NewMinTPS < d.NewMinTPS || req.NewMinTPS >= d.Resource.MinTPS:
		reason := fmt.Sprintf("%d %s is not what it would be set to now (%s)", req.NewMinTPS, req.Kind.RateUnit(), d.Reason)
		return cmp.Or(outdated(req, d.Resource.MinTPS), reason)
	}
	return outdated(req, d.Resource.MinTPS)
}

// wanted is whether a solution is to be trained automatically.
func (x *execution) wanted() bool { return x.action == model.ActionResume }

// reschedules reports whether the action changes the schedule of automatic training.
func (x *execution) reschedules(s state) bool {
	return x.action == model.ActionResume && x.req.Schedule != "" && x.req.Schedule != s.training.schedule
}

// replaces reports whether the call replaces settings as a whole.
func (x *execution) replaces() bool {
	return x.action == model.ActionUpdate || x.action.Training() && x.reschedules(x.before)
}

// trainingAlready says why there is nothing to do; empty if there is something, or if it is
// unknown.
func (x *execution) trainingAlready(s state) string {
	done := map[bool]string{false: "paused", true: "resumed"}[x.wanted()]
	switch t := s.training; {
	case s.updating() && t.requested != nil && *t.requested == x.wanted():
		return fmt.Sprintf("has its automatic training %s already (%s)", done, s.update.Status)
	case s.updating(), t.on == nil, *t.on != x.wanted(), x.reschedules(s):
		return ""
	case x.wanted():
		return "is trained automatically already"
	}
	return "is not trained automatically already"
}

func (x *execution) call() func(context.Context) error {
	api, arn := x.w.Clients.Personalize(x.req.ARN.Region()), aws.String(x.req.ARN.String())
	minimum := aws.Int32(int32(x.req.NewMinTPS)) // at most events.MaxMinTPS
	switch {
	case x.action.Training():
		// What it does not have stays as it is.
		in := &personalize.UpdateSolutionInput{SolutionArn: arn, PerformAutoTraining: aws.Bool(x.wanted())}
		if x.reschedules(x.before) {
			in.SolutionUpdateConfig = &types.SolutionUpdateConfig{
				AutoTrainingConfig: &types.AutoTrainingConfig{SchedulingExpression: &x.req.Schedule}, EventsConfig: x.before.training.events,
			}
		}
		return writer.Call(api.UpdateSolution, in)
	case x.action == model.ActionDelete:
		return writer.Call(api.DeleteCampaign, &personalize.DeleteCampaignInput{CampaignArn: arn})
	case x.action == model.ActionStop:
		return writer.Call(api.StopRecommender, &personalize.StopRecommenderInput{RecommenderArn: arn})
	case x.action == model.ActionStart:
		return writer.Call(api.StartRecommender, &personalize.StartRecommenderInput{RecommenderArn: arn})
	case x.req.Kind == model.Campaign:
		return writer.Call(api.UpdateCampaign, &personalize.UpdateCampaignInput{CampaignArn: arn, MinProvisionedTPS: minimum})
	}
	// The configuration is replaced as a whole: what is not sent is reset.
	var config types.RecommenderConfig
	if x.before.config != nil {
		config = *x.before.config
	}
	config.MinRecommendationRequestsPerSecond = minimum
	return writer.Call(api.UpdateRecommender, &personalize.UpdateRecommenderInput{RecommenderArn: arn, RecommenderConfig: &config})
}

// leftBehind is what the deletion of a campaign leaves that still costs money: its solution, if it is
// trained automatically and no other campaign serves it. Empty if it does not; a sentence after a
// space.
func (x *execution) leftBehind(ctx context.Context) string {
	solution := x.before.solutionVersion[:max(strings.LastIndexByte(x.before.solutionVersion, '/'), 0)]
	if _, err := model.ParseSolutionARN(solution); err != nil {
		return ""
	}
	api := x.w.Clients.Personalize(x.req.ARN.Region())
	s, err := readSolution(ctx, api, solution)
	if err == nil && (s.training.on == nil || !*s.training.on) || awsapi.KindOf(err) == awsapi.NotFound {
		return ""
	}
	others := false
	if err == nil {
		others, err = x.servedByOthers(ctx, api, solution)
	}
	switch {
	case err != nil:
		return fmt.Sprintf(" It could not be read whether its solution %s is still trained: %s.", solution, awsapi.Line(err))
	case others:
		return ""
	}
	return fmt.Sprintf(" Its solution is still trained automatically%s, and no other campaign serves it (%s stops that).",
		training.Every(s.training.schedule), training.PauseCommand(solution))
}

func (x *execution) servedByOthers(ctx context.Context, api *personalize.Client, solution string) (bool, error) {
	others := false
	err := awsapi.ReadPages(func(token *string) (*string, error) {
		out, err := api.ListCampaigns(ctx, &personalize.ListCampaignsInput{
			SolutionArn: &solution, MaxResults: aws.Int32(awsapi.MaxListPage), NextToken: token,
		})
		if err != nil {
			return nil, fmt.Errorf("ListCampaigns: %w", awsapi.Plain(err))
		}
		for _, c := range out.Campaigns {
			others = others || aws.ToString(c.CampaignArn) != x.req.ARN.String() && !model.Status(aws.ToString(c.Status)).Deleting()
		}
		return out.NextToken, nil
	})
	return others, err
}
