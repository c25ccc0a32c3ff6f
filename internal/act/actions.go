package act

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Rechecker decides again, on fresh data, about the resource of an automatic event. Its
// error means that the check could not be made, not that the event no longer holds.
type Rechecker interface {
	Recheck(ctx context.Context, req events.Request) (rules.Decision, error)
}

// Answer is what came of an action.
type Answer struct {
	// Sentence tells what was done, or why nothing was.
	Sentence string
	// Why is the reason alone where nothing was done; else empty.
	Why string
	// Outcome is Done, AlreadySo, DryRun or, for an automatic event that no longer holds,
	// Refused.
	Outcome Outcome
	// Restore is the command that undoes it; empty if nothing was done.
	Restore string
	// Events were sent because of it.
	Events []events.Event
	// AlarmsRemoved counts the resource's own alarms that were removed.
	AlarmsRemoved int
	// Problems are what failed after Personalize had accepted the action.
	Problems []model.Problem
}

// Err joins the problems; nil if there are none.
func (n Answer) Err() error {
	errs := make([]error, len(n.Problems))
	for i, p := range n.Problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// Do carries out an action by its name. As with the methods that it stands for, an error
// means that nothing was changed, as far as is known.
func (a *Actor) Do(ctx context.Context, action model.Action, req events.Request) (Answer, error) {
	switch action {
	case model.ActionUpdate:
		return a.UpdateTPS(ctx, req)
	case model.ActionDelete:
		return a.DeleteCampaign(ctx, req)
	case model.ActionStop:
		return a.StopRecommender(ctx, req)
	case model.ActionStart:
		return a.StartRecommender(ctx, req)
	}
	return Answer{}, fmt.Errorf("there is no action %q", action)
}

// updaterAPI is what is asked of Personalize to change a minimum.
type updaterAPI interface {
	UpdateCampaign(context.Context, *personalize.UpdateCampaignInput, ...func(*personalize.Options)) (*personalize.UpdateCampaignOutput, error)
	UpdateRecommender(context.Context, *personalize.UpdateRecommenderInput, ...func(*personalize.Options)) (*personalize.UpdateRecommenderOutput, error)
}

// UpdateTPS asks for another minimum of a campaign or recommender, and leaves all its
// other settings as they are. It answers as soon as Personalize has accepted the update,
// which then takes some minutes.
func (a *Actor) UpdateTPS(ctx context.Context, req events.Request) (Answer, error) {
	api := a.clients.Personalize(req.ARN.Region)
	unit := req.Kind.RateUnit()
	op := "UpdateCampaign"
	if req.Kind == model.Recommender {
		op = "UpdateRecommender"
	}
	return a.perform(ctx, req, deed{
		action: model.ActionUpdate, op: op,
		participle: func(s standing) string { return fmt.Sprintf("updated from %d to %d %s", s.minTPS, req.NewMinTPS, unit) },
		already: func(s standing) string {
			switch {
			case s.updating() && s.update.MinTPS == req.NewMinTPS:
				return fmt.Sprintf("is being updated to %d %s already", req.NewMinTPS, unit)
			case !s.updating() && s.minTPS == req.NewMinTPS:
				return fmt.Sprintf("has a minimum of %d %s already", req.NewMinTPS, unit)
			}
			return ""
		},
		outdated: func(s standing) string {
			if req.CurrentMinTPS > 0 && s.minTPS != req.CurrentMinTPS {
				return fmt.Sprintf("its minimum is %d %s and no longer %d", s.minTPS, unit, req.CurrentMinTPS)
			}
			return ""
		},
		contradicted: func(d rules.Decision) string {
			switch {
			case d.Verdict != rules.StepDown:
				return because(d)
			case req.CurrentMinTPS > 0 && d.Resource.MinTPS != req.CurrentMinTPS:
				return fmt.Sprintf("its minimum is %d %s and no longer %d", d.Resource.MinTPS, unit, req.CurrentMinTPS)
			case req.NewMinTPS < d.NewMinTPS || req.NewMinTPS >= d.Resource.MinTPS:
				return fmt.Sprintf("%d %s is not what it would be set to now (%s)", req.NewMinTPS, unit, d.Reason)
			}
			return ""
		},
		call: func(ctx context.Context, s standing) error { return setMinimum(ctx, api, req, s) },
		notice: func(audit json.RawMessage) events.Event {
			return notice(events.UpdatedType(req.Kind), events.NotificationDetail{
				ARN: req.ARN.String(), NewMinTPS: req.NewMinTPS, Reason: reason(req), Audit: audit,
			})
		},
	})
}

func setMinimum(ctx context.Context, api updaterAPI, req events.Request, s standing) error {
	arn, minimum := aws.String(req.ARN.String()), aws.Int32(int32(req.NewMinTPS)) // at most events.MaxMinTPS
	if req.Kind == model.Campaign {
		_, err := api.UpdateCampaign(ctx, &personalize.UpdateCampaignInput{CampaignArn: arn, MinProvisionedTPS: minimum})
		return err
	}
	// The configuration is replaced as a whole: what is not sent is reset.
	var config types.RecommenderConfig
	if s.config != nil {
		config = *s.config
	}
	config.MinRecommendationRequestsPerSecond = minimum
	_, err := api.UpdateRecommender(ctx, &personalize.UpdateRecommenderInput{RecommenderArn: arn, RecommenderConfig: &config})
	return err
}

// deleterAPI is what is asked of Personalize to delete a campaign.
type deleterAPI interface {
	DeleteCampaign(context.Context, *personalize.DeleteCampaignInput, ...func(*personalize.Options)) (*personalize.DeleteCampaignOutput, error)
}

// DeleteCampaign deletes a campaign. Its solution and the trained solution version
// stay. It answers as soon as Personalize has accepted the deletion, and the
// notification, the removal of the alarms and the rebuilding of the dashboard were tried.
func (a *Actor) DeleteCampaign(ctx context.Context, req events.Request) (Answer, error) {
	var api deleterAPI = a.clients.Personalize(req.ARN.Region)
	return a.perform(ctx, req, deed{
		action: model.ActionDelete, op: "DeleteCampaign",
		participle:   func(standing) string { return "deleted" },
		already:      func(standing) string { return "" },
		contradicted: unless(rules.Delete),
		call: func(ctx context.Context, _ standing) error {
			_, err := api.DeleteCampaign(ctx, &personalize.DeleteCampaignInput{CampaignArn: aws.String(req.ARN.String())})
			return err
		},
		notice: ended(events.CampaignDeleted, req),
	})
}

// switchAPI is what is asked of Personalize to stop and start a recommender.
type switchAPI interface {
	StopRecommender(context.Context, *personalize.StopRecommenderInput, ...func(*personalize.Options)) (*personalize.StopRecommenderOutput, error)
	StartRecommender(context.Context, *personalize.StartRecommenderInput, ...func(*personalize.Options)) (*personalize.StartRecommenderOutput, error)
}

// StopRecommender stops a recommender, which keeps its model and costs nothing until it
// is started again. It answers as DeleteCampaign does.
func (a *Actor) StopRecommender(ctx context.Context, req events.Request) (Answer, error) {
	var api switchAPI = a.clients.Personalize(req.ARN.Region)
	return a.perform(ctx, req, deed{
		action: model.ActionStop, op: "StopRecommender",
		participle: func(standing) string { return "stopped" },
		already: func(s standing) string {
			switch {
			case s.status == model.StatusInactive:
				return "is stopped already"
			case s.status.Doing("STOP"):
				return fmt.Sprintf("is being stopped already (%s)", s.status)
			}
			return ""
		},
		contradicted: unless(rules.Stop),
		call: func(ctx context.Context, _ standing) error {
			_, err := api.StopRecommender(ctx, &personalize.StopRecommenderInput{RecommenderArn: aws.String(req.ARN.String())})
			return err
		},
		notice: ended(events.RecommenderStopped, req),
	})
}

// StartRecommender starts a recommender that was stopped. Only people ask for that.
func (a *Actor) StartRecommender(ctx context.Context, req events.Request) (Answer, error) {
	var api switchAPI = a.clients.Personalize(req.ARN.Region)
	return a.perform(ctx, req, deed{
		action: model.ActionStart, op: "StartRecommender",
		participle: func(standing) string { return "started" },
		already: func(s standing) string {
			switch {
			case s.status == model.StatusActive:
				return "is running already"
			case s.status.Doing("START"):
				return fmt.Sprintf("is being started already (%s)", s.status)
			}
			return ""
		},
		contradicted: func(rules.Decision) string { return "recommenders are never started by themselves" },
		call: func(ctx context.Context, _ standing) error {
			_, err := api.StartRecommender(ctx, &personalize.StartRecommenderInput{RecommenderArn: aws.String(req.ARN.String())})
			return err
		},
	})
}

// unless gives the decision's reason if it is not the one that an event bears.
func unless(action rules.Verdict) func(rules.Decision) string {
	return func(d rules.Decision) string {
		switch {
		case d.Verdict == action:
			return ""
		case d.Throughput.Requests > 0:
			return fmt.Sprintf("it had %.0f requests in the last five minutes measured", d.Throughput.Requests)
		}
		return because(d)
	}
}

// because is the reason of a decision that speaks against an action; never empty.
func because(d rules.Decision) string { return cmp.Or(d.Reason, "nothing is decided about it now") }

// maxReason is how many characters of a reason go into a notification: an event that
// became too large for the bus would tell nothing.
const maxReason = 2000

// reason is the one given, or says that there was none.
func reason(req events.Request) string {
	if req.Reason == "" {
		return "asked for, no reason given"
	}
	if runes := []rune(req.Reason); len(runes) > maxReason {
		return string(runes[:maxReason]) + "…"
	}
	return req.Reason
}

func notice(detailType events.DetailType, detail any) events.Event {
	return events.Event{DetailType: detailType, Detail: detail}
}

// ended makes the notification of a resource that goes out of service.
func ended(detailType events.DetailType, req events.Request) func(json.RawMessage) events.Event {
	return func(audit json.RawMessage) events.Event {
		return notice(detailType, events.NotificationDetail{ARN: req.ARN.String(), Reason: reason(req), Audit: audit})
	}
}
