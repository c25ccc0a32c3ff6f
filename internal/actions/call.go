package actions

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// execution is one action in progress.
type execution struct {
	Options
	w      *writer.Writer
	action model.Action
	req    events.Request
	// before is the state of the resource before the action.
	before state
	// decision is the fresh decision about an automatic request; nil before there is one.
	decision *rules.Decision
	// release returns what was reserved of the budget; never nil.
	release func(context.Context)
	// returns is the return that a timed raise arranges; zero for other requests.
	returns schedule.Return
	// lost are the audit records that could not be written.
	lost []model.Problem
}

// What distinguishes one action from another: an update sets another minimum and keeps all other
// settings; a deletion keeps the solution and the trained solution version; a stopped recommender
// keeps its model and costs nothing until it is started again, which only people request.

// operation is the AWS operation of the action.
func (x *execution) operation() string {
	switch {
	case x.action.Training():
		return "UpdateSolution"
	case x.action == model.ActionDelete:
		return "DeleteCampaign"
	case x.action == model.ActionStop:
		return "StopRecommender"
	case x.action == model.ActionStart:
		return "StartRecommender"
	case x.req.Kind == model.Recommender:
		return "UpdateRecommender"
	}
	return "UpdateCampaign"
}

// participle says what happens to the resource: "deleted".
func (x *execution) participle() string {
	switch x.action {
	case model.ActionDelete:
		return "deleted"
	case model.ActionStop:
		return "stopped"
	case model.ActionStart:
		return "started"
	case model.ActionPause:
		return "paused"
	case model.ActionResume:
		return "resumed"
	}
	return fmt.Sprintf("updated from %d to %d %s", x.before.minTPS, x.req.NewMinTPS, x.req.Kind.RateUnit())
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
		return x.minimumAlready(s)
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

// minimumAlready is nothingToDo for an update.
func (x *execution) minimumAlready(s state) string {
	minimum := fmt.Sprintf("%d %s", x.req.NewMinTPS, x.req.Kind.RateUnit())
	switch {
	case s.updating() && s.update.MinTPS == x.req.NewMinTPS:
		return "is being updated to " + minimum + " already"
	case !s.updating() && s.minTPS == x.req.NewMinTPS:
		return "has a minimum of " + minimum + " already"
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

// call requests the change of Personalize.
func (x *execution) call(ctx context.Context) (err error) {
	api, arn := x.w.Clients.Personalize(x.req.ARN.Region), aws.String(x.req.ARN.String())
	minimum := aws.Int32(int32(x.req.NewMinTPS)) // at most events.MaxMinTPS
	switch {
	case x.action.Training():
		_, err = api.UpdateSolution(ctx, x.trainingUpdate())
	case x.action == model.ActionDelete:
		_, err = api.DeleteCampaign(ctx, &personalize.DeleteCampaignInput{CampaignArn: arn})
	case x.action == model.ActionStop:
		_, err = api.StopRecommender(ctx, &personalize.StopRecommenderInput{RecommenderArn: arn})
	case x.action == model.ActionStart:
		_, err = api.StartRecommender(ctx, &personalize.StartRecommenderInput{RecommenderArn: arn})
	case x.req.Kind == model.Campaign:
		_, err = api.UpdateCampaign(ctx, &personalize.UpdateCampaignInput{CampaignArn: arn, MinProvisionedTPS: minimum})
	default:
		// The configuration is replaced as a whole: what is not sent is reset.
		var config types.RecommenderConfig
		if x.before.config != nil {
			config = *x.before.config
		}
		config.MinRecommendationRequestsPerSecond = minimum
		_, err = api.UpdateRecommender(ctx, &personalize.UpdateRecommenderInput{RecommenderArn: arn, RecommenderConfig: &config})
	}
	return err
}

// notification is sent once the call is accepted; nil if none is.
func (x *execution) notification(record events.Audit) []events.Event {
	detail := events.NotificationDetail{}
	var detailType events.DetailType
	switch x.action {
	case model.ActionUpdate:
		detailType, detail.NewMinTPS = events.UpdatedType(x.req.Kind), x.req.NewMinTPS
	case model.ActionDelete:
		detailType = events.CampaignDeleted
	case model.ActionStop:
		detailType = events.RecommenderStopped
	case model.ActionPause:
		detailType = events.TrainingPaused
	case model.ActionResume:
		detailType = events.TrainingResumed
	default:
		return nil
	}
	return []events.Event{events.Notification(detailType, record, detail)}
}
