// Package events is what the program says on the event bus, and how it is written:
// commands, which ask for an action, and notifications, which tell of one. The detail
// types and the keys of the details are fixed: rules, functions and people's own
// targets match on them. Decisions become events here, and act puts them on the bus.
package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Source is the source of every event of ours.
const Source = "personalize.monitor"

// DetailType says what an event means.
type DetailType string

// Commands: each asks for something to be done.
const (
	BuildDashboard    DetailType = "BuildPersonalizeMonitorDashboard"
	UpdateCampaign    DetailType = "UpdatePersonalizeCampaignMinProvisionedTPS"
	UpdateRecommender DetailType = "UpdatePersonalizeRecommenderMinRecommendationRPS"
	DeleteCampaign    DetailType = "DeletePersonalizeCampaign"
	StopRecommender   DetailType = "StopPersonalizeRecommender"
)

// Notifications: each tells that something was set going.
const (
	CampaignUpdated    DetailType = "PersonalizeCampaignMinProvisionedTPSUpdated"
	RecommenderUpdated DetailType = "PersonalizeRecommenderMinRecommendationRPSUpdated"
	CampaignDeleted    DetailType = "PersonalizeCampaignDeleted"
	RecommenderStopped DetailType = "PersonalizeRecommenderStopped"
	// DryRunDecision tells what would have been set going, but for a switch that stands at
	// DryRun. The original application knows no such thing.
	DryRunDecision DetailType = "PersonalizeMonitorDryRunDecision"
)

// UpdateType is the command that asks for another minimum.
func UpdateType(kind model.Kind) DetailType {
	if kind == model.Recommender {
		return UpdateRecommender
	}
	return UpdateCampaign
}

// IdleType is the command that follows from idleness: campaigns are deleted,
// recommenders stopped.
func IdleType(kind model.Kind) DetailType {
	if kind == model.Recommender {
		return StopRecommender
	}
	return DeleteCampaign
}

// UpdatedType is the notification of another minimum.
func UpdatedType(kind model.Kind) DetailType {
	if kind == model.Recommender {
		return RecommenderUpdated
	}
	return CampaignUpdated
}

// EndedType is the notification of a campaign deleted or a recommender stopped.
func EndedType(kind model.Kind) DetailType {
	if kind == model.Recommender {
		return RecommenderStopped
	}
	return CampaignDeleted
}

// NotificationTypes lists the notifications, as the rule that forwards them to people
// matches on them.
func NotificationTypes() []DetailType {
	var types []DetailType
	for _, kind := range []model.Kind{model.Campaign, model.Recommender} {
		types = append(types, UpdatedType(kind), EndedType(kind))
	}
	return append(types, DryRunDecision)
}

// Datapoint is the number of requests in the hour that begins at Timestamp.
type Datapoint struct {
	Timestamp time.Time
	Value     float64
}

// Datapoints is a list that is written [] where it is empty.
type Datapoints []Datapoint

// MarshalJSON writes the list, never null.
func (d Datapoints) MarshalJSON() ([]byte, error) {
	return json.Marshal(append([]Datapoint{}, d...))
}

// DatapointsOf turns a series into the form in which events carry it: in UTC, the
// newest first.
func DatapointsOf(points []model.Datapoint) Datapoints {
	list := make(Datapoints, 0, len(points))
	for _, p := range slices.Backward(points) {
		list = append(list, Datapoint{Timestamp: p.Time.UTC(), Value: p.Value})
	}
	return list
}

// UpdateDetail is the detail of UpdateCampaign and UpdateRecommender as the monitor
// sends them. Whatever the kind, its rates are named TPS.
type UpdateDetail struct {
	ARN           string
	Utilization   float64 // percent, of the window measured last
	AgeHours      int     // whole hours since the creation
	CurrentMinTPS int     // dropped by the receiver if no longer true
	NewMinTPS     int     // at least 1
	MinAverageTPS int     // of the lowest hour of the look-back, rounded down
	MaxAverageTPS int     // of the highest hour, rounded down
	Datapoints    Datapoints
	Reason        string
	Audit         json.RawMessage `json:",omitempty"`
}

// Shrink is the detail without its datapoints, which are all that can make it long and
// which nobody needs in order to act on it.
func (d UpdateDetail) Shrink() UpdateDetail {
	d.Datapoints = nil
	return d
}

// IdleDetail is the detail of DeleteCampaign and StopRecommender as the monitor sends
// them.
type IdleDetail struct {
	ARN                                   string
	Utilization                           float64 // percent, of the window measured last
	AgeHours                              int     // whole hours since the creation
	IdleThresholdHours                    int
	TotalRequestsDuringIdleThresholdHours int
	Reason                                string
	Audit                                 json.RawMessage `json:",omitempty"`
}

// BuildDetail is the detail of BuildDashboard.
type BuildDetail struct {
	ARN    string `json:",omitempty"` // the resource that was deleted or stopped, if that is why
	Reason string
	Audit  json.RawMessage `json:",omitempty"`
}

// UpdatedDetail is the detail of CampaignUpdated and RecommenderUpdated.
type UpdatedDetail struct {
	ARN       string
	NewMinTPS int
	Reason    string
	Audit     json.RawMessage `json:",omitempty"`
}

// EndedDetail is the detail of CampaignDeleted and RecommenderStopped.
type EndedDetail struct {
	ARN    string
	Reason string
	Audit  json.RawMessage `json:",omitempty"`
}

// DryRunDetail is the detail of DryRunDecision.
type DryRunDetail struct {
	ARN       string
	Action    model.Action // what would have been done
	NewMinTPS int          `json:",omitempty"` // the minimum that it would have been given
	Reason    string
	Audit     json.RawMessage `json:",omitempty"`
}

// Event is one command or notification.
type Event struct {
	DetailType DetailType
	Resources  []string  // the ARN concerned; empty for a general BuildDashboard
	Detail     any       // one of the details of this package
	Time       time.Time // zero: the bus sets the time
}

// Encode writes the detail as the bus takes it. An UpdateDetail that would make the
// event longer than MaxBytes is shrunk; any other is written at its length, for Batch to
// refuse. It is an error if the detail is not a JSON object, or holds what JSON cannot
// express: a utilization that is no number, an Audit that is no JSON.
func (e Event) Encode() (json.RawMessage, error) {
	detail, err := encode(e.Detail)
	if err != nil {
		return nil, fmt.Errorf("encode the detail of %s: %w", e.DetailType, err)
	}
	update, isUpdate := e.Detail.(UpdateDetail)
	if isUpdate && len(update.Datapoints) > 0 && e.entry(detail).Size() > MaxBytes {
		if detail, err = encode(update.Shrink()); err != nil {
			return nil, fmt.Errorf("encode the shortened detail of %s: %w", e.DetailType, err)
		}
	}
	return detail, nil
}

// encode writes v without the escapes for HTML, which nobody reads events as.
func encode(v any) (json.RawMessage, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	detail := bytes.TrimSpace(buffer.Bytes())
	if len(detail) == 0 || detail[0] != '{' {
		return nil, fmt.Errorf("%T is not a JSON object", v)
	}
	return detail, nil
}

// entry joins the event with its encoded detail.
func (e Event) entry(detail json.RawMessage) Entry {
	return Entry{DetailType: e.DetailType, Resources: e.Resources, Detail: detail, Time: e.Time}
}

// Entry encodes the event into what is put on the bus. Errors are those of Encode.
func (e Event) Entry() (Entry, error) {
	detail, err := e.Encode()
	if err != nil {
		return Entry{}, err
	}
	return e.entry(detail), nil
}
