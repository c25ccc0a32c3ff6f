// Package actions changes campaigns and recommenders: it sets minimums, deletes campaigns,
// stops and starts recommenders, and restores what was changed. Each action reads the resource,
// returns early if there is nothing to do, checks an automatic request again on fresh data,
// makes the call, and then sees to notification, alarms and dashboard.
package actions

import (
	"context"
	"errors"
	"fmt"

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
	// RecheckSchedule does so for what tags arrange, by tags that were just read.
	RecheckSchedule(ctx context.Context, req events.Request, tags map[string]string) (rules.Decision, error)
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

// distinction is what distinguishes one action from another: an update sets another minimum and keeps
// all other settings; a deletion keeps the solution and the trained solution version; a stopped
// recommender keeps its model and costs nothing until it is started again, which only people request.
type distinction struct {
	operation    string            // of AWS
	done         string            // what happens to the resource; empty: see participle
	notification events.DetailType // sent once the call is accepted; empty: none is
}

var distinctions = map[model.Action]distinction{
	model.ActionUpdate: {"UpdateCampaign", "", events.CampaignUpdated},
	model.ActionDelete: {"DeleteCampaign", "deleted", events.CampaignDeleted},
	model.ActionStop:   {"StopRecommender", "stopped", events.RecommenderStopped},
	model.ActionStart:  {"StartRecommender", "started", ""},
	model.ActionPause:  {"UpdateSolution", "paused", events.TrainingPaused},
	model.ActionResume: {"UpdateSolution", "resumed", events.TrainingResumed},
}

// Do executes an action. It returns once Personalize has accepted the change, which then takes
// some minutes, and once notification, alarms and dashboard were tried. An error means that
// nothing was changed, as far as is known.
func (a *Actions) Do(ctx context.Context, action model.Action, req events.Request) (Answer, error) {
	how, known := distinctions[action]
	switch {
	case !known:
		return Answer{}, fmt.Errorf("there is no action %q", action)
	case action == model.ActionUpdate && req.Kind == model.Recommender:
		how = distinction{"UpdateRecommender", "", events.RecommenderUpdated}
	}
	x := &execution{Options: a.o, distinction: how, w: a.w, action: action, req: req, release: keep}
	answer, err := x.run(ctx)
	x.countLost(ctx)
	return answer, err
}

// Answer is the outcome of an action.
type Answer struct {
	// Sentence says what was done, or why nothing was.
	Sentence string
	// Why is the reason alone if nothing was done; else empty.
	Why string
	// Outcome is Done, AlreadySo, DryRun or Refused: for an automatic request that no longer
	// holds, and for a stop or deletion that cannot be recorded.
	Outcome writer.Outcome
	// Gone is that nothing was done because the resource does not exist.
	Gone bool
	// Restore is the command that undoes it; empty if nothing was done.
	Restore string
	// Events were sent because of it.
	Events []events.Event
	// AlarmsRemoved counts the resource's own alarms that were deleted.
	AlarmsRemoved int
	// Problems are what failed after Personalize had accepted the action, and audit records
	// that are lost.
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

func (n *Answer) add(sent []events.Event, problems []model.Problem) {
	n.Events = append(n.Events, sent...)
	n.Problems = append(n.Problems, problems...)
}

// maxReason is how many characters of a reason go into a notification: the bus rejects events
// that are too large.
const maxReason = 2000

// reason is the reason of the request, or a text that it has none.
func reason(req events.Request) string {
	if req.Reason == "" {
		return "requested, no reason given"
	}
	text := model.OneLine(req.Reason) // people could take a further line for ours
	if runes := []rune(text); len(runes) > maxReason {
		return string(runes[:maxReason]) + "…"
	}
	return text
}
