// Package actions changes campaigns and recommenders: it sets minimums, deletes campaigns,
// stops and starts recommenders, and restores what was changed. Each action reads the resource,
// returns early if there is nothing to do, checks an automatic request again on fresh data,
// makes the call, and then sees to notification, alarms and dashboard.
package actions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboards"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// Rechecker decides again, on fresh data, about the resource of an automatic request. Its error
// means that this was not possible, not that the decision no longer holds.
type Rechecker interface {
	Recheck(ctx context.Context, req events.Request) (rules.Decision, error)
}

// Options wires an Actions. All are needed, except Rechecker.
type Options struct {
	Writer    *writer.Writer
	Owner     *writer.Owner
	Budget    *writer.Budget
	Alarms    *alarms.Alarms
	Rebuilder *dashboards.Rebuilder
	Rechecker Rechecker // without one automatic requests fail
	AuditLog  audit.Log // records every action, executed or refused
}

// Actions executes actions. It is safe for concurrent use.
type Actions struct {
	o Options
	w *writer.Writer
}

// New makes an Actions. It calls nothing.
func New(o Options) *Actions { return &Actions{o: o, w: o.Writer} }

// Answer is the outcome of an action.
type Answer struct {
	// Sentence says what was done, or why nothing was.
	Sentence string
	// Why is the reason alone if nothing was done; else empty.
	Why string
	// Outcome is Done, AlreadySo, DryRun or, for an automatic request that no longer holds,
	// Refused.
	Outcome writer.Outcome
	// Restore is the command that undoes it; empty if nothing was done.
	Restore string
	// Events were sent because of it.
	Events []events.Event
	// AlarmsRemoved counts the resource's own alarms that were deleted.
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

// add adds what followed the action.
func (n *Answer) add(sent []events.Event, problems []model.Problem) {
	n.Events = append(n.Events, sent...)
	n.Problems = append(n.Problems, problems...)
}

// Do executes an action. It returns once Personalize has accepted the change, which then takes
// some minutes, and once notification, alarms and dashboard were tried. An error means that
// nothing was changed, as far as is known.
func (a *Actions) Do(ctx context.Context, action model.Action, req events.Request) (Answer, error) {
	steps, ok := a.steps(action, req)
	if !ok {
		return Answer{}, fmt.Errorf("there is no action %q", action)
	}
	x := &execution{Options: a.o, w: a.w, req: req, steps: steps, release: func() {}}
	return x.run(ctx)
}

// steps distinguish one action from another.
type steps struct {
	action model.Action
	op     string // the AWS operation
	// participle says what happens to the resource: "deleted".
	participle func(state) string
	// already says why there is nothing to do, unless the resource is gone or being deleted;
	// empty if there is something.
	already func(state) string
	// contradicted says why the fresh decision does not confirm an automatic request; empty if
	// it does.
	contradicted func(rules.Decision) string
	call         func(context.Context, state) error
	// notification is sent once the call is accepted; nil if none is.
	notification func(record json.RawMessage) events.Event
}

func (a *Actions) steps(action model.Action, req events.Request) (s steps, ok bool) {
	switch action {
	case model.ActionUpdate:
		s = a.updateTPS(req)
	case model.ActionDelete:
		s = a.deleteCampaign(req)
	case model.ActionStop:
		s = a.stopRecommender(req)
	case model.ActionStart:
		s = a.startRecommender(req)
	default:
		return steps{}, false
	}
	s.action = action
	return s, true
}

// updateTPS requests another minimum of a campaign or recommender, and keeps all its other
// settings.
func (a *Actions) updateTPS(req events.Request) steps {
	unit := req.Kind.RateUnit()
	op := "UpdateCampaign"
	if req.Kind == model.Recommender {
		op = "UpdateRecommender"
	}
	return steps{
		op:         op,
		participle: func(s state) string { return fmt.Sprintf("updated from %d to %d %s", s.minTPS, req.NewMinTPS, unit) },
		already: func(s state) string {
			switch {
			case s.updating() && s.update.MinTPS == req.NewMinTPS:
				return fmt.Sprintf("is being updated to %d %s already", req.NewMinTPS, unit)
			case !s.updating() && s.minTPS == req.NewMinTPS:
				return fmt.Sprintf("has a minimum of %d %s already", req.NewMinTPS, unit)
			}
			return ""
		},
		contradicted: func(d rules.Decision) string {
			switch {
			case d.Verdict != rules.StepDown:
				return reasonOf(d)
			case outdated(req, d.Resource.MinTPS) != "":
				return outdated(req, d.Resource.MinTPS)
			case req.NewMinTPS < d.NewMinTPS || req.NewMinTPS >= d.Resource.MinTPS:
				return fmt.Sprintf("%d %s is not what it would be set to now (%s)", req.NewMinTPS, unit, d.Reason)
			}
			return ""
		},
		call: func(ctx context.Context, s state) error { return a.setMinimum(ctx, req, s) },
		notification: func(record json.RawMessage) events.Event {
			return events.Event{DetailType: events.UpdatedType(req.Kind), Detail: events.NotificationDetail{
				ARN: req.ARN.String(), NewMinTPS: req.NewMinTPS, Reason: reason(req), Audit: record,
			}}
		},
	}
}

// outdated says why an automatic step-down no longer holds: the minimum is another than when it
// was decided.
func outdated(req events.Request, minimum int) string {
	if req.CurrentMinTPS > 0 && minimum != req.CurrentMinTPS {
		return fmt.Sprintf("its minimum is %d %s and no longer %d", minimum, req.Kind.RateUnit(), req.CurrentMinTPS)
	}
	return ""
}

func (a *Actions) setMinimum(ctx context.Context, req events.Request, s state) error {
	api := a.w.Clients.Personalize(req.ARN.Region)
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

// deleteCampaign deletes a campaign. Its solution and the trained solution version stay.
func (a *Actions) deleteCampaign(req events.Request) steps {
	return steps{
		op:           "DeleteCampaign",
		participle:   func(state) string { return "deleted" },
		already:      func(state) string { return "" },
		contradicted: unless(rules.Delete),
		call: func(ctx context.Context, _ state) error {
			_, err := a.w.Clients.Personalize(req.ARN.Region).DeleteCampaign(ctx, &personalize.DeleteCampaignInput{CampaignArn: aws.String(req.ARN.String())})
			return err
		},
		notification: ended(events.CampaignDeleted, req),
	}
}

// stopRecommender stops a recommender, which keeps its model and costs nothing until it is
// started again.
func (a *Actions) stopRecommender(req events.Request) steps {
	return steps{
		op:         "StopRecommender",
		participle: func(state) string { return "stopped" },
		already: func(s state) string {
			switch {
			case s.status == model.StatusInactive:
				return "is stopped already"
			case s.status.Doing("STOP"):
				return fmt.Sprintf("is being stopped already (%s)", s.status)
			}
			return ""
		},
		contradicted: unless(rules.Stop),
		call: func(ctx context.Context, _ state) error {
			_, err := a.w.Clients.Personalize(req.ARN.Region).StopRecommender(ctx, &personalize.StopRecommenderInput{RecommenderArn: aws.String(req.ARN.String())})
			return err
		},
		notification: ended(events.RecommenderStopped, req),
	}
}

// startRecommender starts a recommender that was stopped. Only people request it.
func (a *Actions) startRecommender(req events.Request) steps {
	return steps{
		op:         "StartRecommender",
		participle: func(state) string { return "started" },
		already: func(s state) string {
			switch {
			case s.status == model.StatusActive:
				return "is running already"
			case s.status.Doing("START"):
				return fmt.Sprintf("is being started already (%s)", s.status)
			}
			return ""
		},
		contradicted: func(rules.Decision) string { return "recommenders are never started automatically" },
		call: func(ctx context.Context, _ state) error {
			_, err := a.w.Clients.Personalize(req.ARN.Region).StartRecommender(ctx, &personalize.StartRecommenderInput{RecommenderArn: aws.String(req.ARN.String())})
			return err
		},
	}
}

// unless returns the decision's reason if its verdict is another than the request's.
func unless(verdict rules.Verdict) func(rules.Decision) string {
	return func(d rules.Decision) string {
		switch {
		case d.Verdict == verdict:
			return ""
		case d.Throughput.Requests > 0:
			return fmt.Sprintf("it had %.0f requests in the last five minutes measured", d.Throughput.Requests)
		}
		return reasonOf(d)
	}
}

// reasonOf is the reason of a decision against an action; never empty.
func reasonOf(d rules.Decision) string {
	if d.Reason == "" {
		return "nothing is decided about it now"
	}
	return d.Reason
}

// maxReason is how many characters of a reason go into a notification: the bus rejects events
// that are too large.
const maxReason = 2000

// reason is the reason of the request, or says that there is none.
func reason(req events.Request) string {
	if req.Reason == "" {
		return "requested, no reason given"
	}
	if runes := []rune(req.Reason); len(runes) > maxReason {
		return string(runes[:maxReason]) + "…"
	}
	return req.Reason
}

// ended makes the notification of a resource that goes out of service.
func ended(detailType events.DetailType, req events.Request) func(json.RawMessage) events.Event {
	return func(record json.RawMessage) events.Event {
		return events.Event{DetailType: detailType, Detail: events.NotificationDetail{ARN: req.ARN.String(), Reason: reason(req), Audit: record}}
	}
}
