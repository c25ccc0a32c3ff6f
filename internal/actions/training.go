package actions

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// autoTraining is the automatic training of a solution. Pausing it is reversible: what was
// trained stays, and a training in progress is not stopped.
type autoTraining struct {
	on       *bool  // nil if AWS does not return it, which is unknown
	schedule string // empty if unknown
	// requested is what the latest update requests; nil if there was none or it does not say.
	requested *bool
	events    *types.EventsConfig // the other part of what an update of the schedule replaces
}

func readSolution(ctx context.Context, api *personalize.Client, arn string) (state, error) {
	var body []byte
	out, err := api.DescribeSolution(ctx, &personalize.DescribeSolutionInput{SolutionArn: &arn},
		personalize.WithAPIOptions(awsapi.CaptureBody(&body)))
	if err != nil {
		return state{}, fmt.Errorf("DescribeSolution: %w", awsapi.Plain(err))
	}
	described := out.Solution
	if described == nil || aws.ToString(described.SolutionArn) != arn {
		return state{}, errOtherResource
	}
	s := state{status: model.Status(aws.ToString(described.Status)), training: &autoTraining{on: described.PerformAutoTraining}}
	if c := described.SolutionConfig; c != nil {
		s.training.events = c.EventsConfig
		if c.AutoTrainingConfig != nil {
			s.training.schedule = aws.ToString(c.AutoTrainingConfig.SchedulingExpression)
		}
	}
	if u := described.LatestSolutionUpdate; u != nil {
		s.update = &model.Update{Status: model.Status(aws.ToString(u.Status)), Created: aws.ToTime(u.CreationDateTime)}
		s.training.requested = u.PerformAutoTraining
	}
	var raw struct {
		Solution struct {
			Config struct {
				Events json.RawMessage `json:"eventsConfig"`
			} `json:"solutionConfig"`
		} `json:"solution"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return state{}, fmt.Errorf("read its settings: %w", err)
	}
	s.unknown, err = unknownSettings(raw.Solution.Config.Events, reflect.TypeFor[types.EventsConfig]())
	return s, err
}

// wanted is whether the action wants a solution to be trained automatically.
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

// trainingUpdate is the request. What it does not have stays as it is.
func (x *execution) trainingUpdate() *personalize.UpdateSolutionInput {
	in := &personalize.UpdateSolutionInput{SolutionArn: aws.String(x.req.ARN.String()), PerformAutoTraining: aws.Bool(x.wanted())}
	if x.reschedules(x.before) {
		in.SolutionUpdateConfig = &types.SolutionUpdateConfig{
			AutoTrainingConfig: &types.AutoTrainingConfig{SchedulingExpression: &x.req.Schedule}, EventsConfig: x.before.training.events,
		}
	}
	return in
}

// leftBehind is what the deletion of a campaign leaves that still costs money: its solution, if it is
// trained automatically and no other campaign serves it. Empty if it does not; a sentence after a
// space.
func (x *execution) leftBehind(ctx context.Context) string {
	solution := x.before.solutionVersion[:max(strings.LastIndexByte(x.before.solutionVersion, '/'), 0)]
	if _, err := model.ParseSolutionARN(solution); err != nil {
		return ""
	}
	api := x.w.Clients.Personalize(x.req.ARN.Region)
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

// servedByOthers reports whether another campaign serves the solution.
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
