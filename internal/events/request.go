package events

import (
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Bounds of the numbers in a request.
const (
	// MaxMinTPS is the largest minimum that can be asked for. Personalize names no
	// maximum; the number is an int32 in its API model.
	MaxMinTPS = 1<<31 - 1
	// maxIdleHours is the longest idle time there is (parameter IdleThresholdHours).
	maxIdleHours = 168
)

// Request is what an event asks for.
type Request struct {
	// DetailType is the command that the event bears; empty for a bare detail, which
	// goes to whichever action it is handed to.
	DetailType DetailType
	ARN        model.ARN
	Kind       model.Kind
	NewMinTPS  int    // 0 if not given
	Reason     string // empty if not given
	// CurrentMinTPS and IdleThresholdHours are given by events that the monitor sends by
	// itself: the minimum it saw, and the idle time it went by; else 0.
	CurrentMinTPS      int
	IdleThresholdHours int
}

// NewRequest is a person's request about the named resource. The error is that of
// model.ParseResourceARN.
func NewRequest(arn string) (Request, error) {
	parsed, kind, err := model.ParseResourceARN(arn)
	if err != nil {
		return Request{}, err
	}
	return Request{ARN: parsed, Kind: kind}, nil
}

// Automatic tells whether the monitor asks, and not a person: what it decided may be
// outdated when it arrives, and is checked again.
func (r Request) Automatic() bool { return r.CurrentMinTPS > 0 || r.IdleThresholdHours > 0 }

// Action is what the request's detail type asks for; empty for a bare detail and for
// types that are no command about a resource.
func (r Request) Action() model.Action { return commandActions[r.DetailType] }

var commandActions = map[DetailType]model.Action{
	UpdateCampaign:    model.ActionUpdate,
	UpdateRecommender: model.ActionUpdate,
	DeleteCampaign:    model.ActionDelete,
	StopRecommender:   model.ActionStop,
}

// Validate checks that the request can be carried out by the action: the right command, the
// right kind of resource, and all that the action needs.
func (r Request) Validate(action model.Action) error {
	if err := r.fits(action); err != nil {
		return err
	}
	switch {
	case action == model.ActionDelete && r.Kind != model.Campaign:
		return fmt.Errorf("%s deletes campaigns; %s is a recommender", action, r.ARN)
	case (action == model.ActionStop || action == model.ActionStart) && r.Kind != model.Recommender:
		return fmt.Errorf("%s is about recommenders; %s is a campaign", action, r.ARN)
	case action == model.ActionUpdate && r.NewMinTPS == 0:
		return fmt.Errorf("key %q is missing: %s needs a whole number from 1 to %d", keyNewMinTPS, action, MaxMinTPS)
	}
	return nil
}

// fits checks the detail type, if there is one.
func (r Request) fits(action model.Action) error {
	switch {
	case r.DetailType == "":
		return nil
	case r.Action() != action:
		return fmt.Errorf("an event of type %s is not for %s%s", quoted(string(r.DetailType)), action, hintFor(action))
	case action == model.ActionUpdate && r.DetailType != UpdateType(r.Kind):
		return fmt.Errorf("an event of type %q about a %s (%s)", r.DetailType, r.Kind, r.ARN)
	}
	return nil
}

// hintFor names the detail types that an action takes.
func hintFor(action model.Action) string {
	switch action {
	case model.ActionUpdate:
		return fmt.Sprintf(", which takes %s, %s or a bare detail", UpdateCampaign, UpdateRecommender)
	case model.ActionDelete:
		return fmt.Sprintf(", which takes %s or a bare detail", DeleteCampaign)
	case model.ActionStop:
		return fmt.Sprintf(", which takes %s or a bare detail", StopRecommender)
	}
	return ", which takes a bare detail"
}
