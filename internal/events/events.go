// Package events is what the program sends on the event bus, and how it is written:
// commands, which request an action, and notifications, which report one. The detail types
// and the keys of the details are fixed: rules, functions and people's own targets match on
// them. Decisions become events here.
package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Source is the source of every event of ours.
const Source = "personalize.monitor"

// DetailType is the meaning of an event.
type DetailType string

// Commands: each requests an action.
const (
	BuildDashboard    DetailType = "BuildPersonalizeMonitorDashboard"
	UpdateCampaign    DetailType = "UpdatePersonalizeCampaignMinProvisionedTPS"
	UpdateRecommender DetailType = "UpdatePersonalizeRecommenderMinRecommendationRPS"
	DeleteCampaign    DetailType = "DeletePersonalizeCampaign"
	StopRecommender   DetailType = "StopPersonalizeRecommender"
)

// Notifications. The first four report that Personalize has accepted a change.
const (
	CampaignUpdated    DetailType = "PersonalizeCampaignMinProvisionedTPSUpdated"
	RecommenderUpdated DetailType = "PersonalizeRecommenderMinRecommendationRPSUpdated"
	CampaignDeleted    DetailType = "PersonalizeCampaignDeleted"
	RecommenderStopped DetailType = "PersonalizeRecommenderStopped"
	// DryRunDecision reports what would have been done, had its parameter not been DryRun.
	// The original application has no such event.
	DryRunDecision DetailType = "PersonalizeMonitorDryRunDecision"
	// FailuresNoticed reports failures that point to a missing minimum, and MinimumContested
	// that somebody sets a minimum back after our steps. Nothing was changed. The original
	// application has no such events.
	FailuresNoticed  DetailType = "PersonalizeMonitorFailuresNoticed"
	MinimumContested DetailType = "PersonalizeMonitorMinimumContested"
	// TrainingPaused and TrainingResumed report that Personalize has accepted to switch the
	// automatic training of a solution off or on. The original application has no such events.
	TrainingPaused  DetailType = "PersonalizeTrainingPaused"
	TrainingResumed DetailType = "PersonalizeTrainingResumed"
	// ReturnDropped reports that a timed raise does not return, because somebody changed the
	// minimum meanwhile. The original application has no such event.
	ReturnDropped DetailType = "PersonalizeMonitorReturnDropped"
)

// UpdateType is the command that requests another minimum.
func UpdateType(kind model.Kind) DetailType { return byKind(kind, UpdateCampaign, UpdateRecommender) }

// IdleType is the command that follows from idleness.
func IdleType(kind model.Kind) DetailType { return byKind(kind, DeleteCampaign, StopRecommender) }

func byKind(kind model.Kind, campaign, recommender DetailType) DetailType {
	if kind == model.Recommender {
		return recommender
	}
	return campaign
}

// NotificationTypes lists the notifications, as the rule that forwards them to people
// matches on them.
func NotificationTypes() []DetailType {
	return []DetailType{
		CampaignUpdated, CampaignDeleted, RecommenderUpdated, RecommenderStopped, DryRunDecision, FailuresNoticed, MinimumContested,
		TrainingPaused, TrainingResumed,
		ReturnDropped,
	}
}

// Datapoints are the sums of requests by the start of their hour, ascending.
type Datapoints []model.Datapoint

// MarshalJSON writes the list as targets know it: in UTC, the newest first, never null.
func (d Datapoints) MarshalJSON() ([]byte, error) {
	type datapoint struct {
		Timestamp time.Time
		Value     float64
	}
	list := make([]datapoint, 0, len(d))
	for _, p := range slices.Backward(d) {
		list = append(list, datapoint{p.Time.UTC(), p.Value})
	}
	return json.Marshal(list)
}

// UpdateDetail is the detail of UpdateCampaign and UpdateRecommender as the monitor
// sends them. Whatever the kind, its rates are named TPS.
type UpdateDetail struct {
	ARN           string
	Utilization   float64 // percent, of the window measured last
	AgeHours      int     // whole hours since the creation
	CurrentMinTPS int     // the receiver drops the event if this is no longer true
	NewMinTPS     int     // at least 1
	MinAverageTPS int     // the low watermark of the look-back: the lowest level reached three times, rounded down
	MaxAverageTPS int     // of the highest hour, rounded down
	Datapoints    Datapoints
	Reason        string
	Scheduled     rules.Verdict   `json:",omitempty"` // if a tag arranges the change: raise, lower, return or drop-return
	Audit         json.RawMessage `json:",omitempty"`
}

// IdleDetail is the detail of DeleteCampaign and StopRecommender as the monitor sends
// them.
type IdleDetail struct {
	ARN                                   string
	Utilization                           float64 // percent, of the window measured last
	AgeHours                              int     // whole hours since the creation
	IdleThresholdHours                    int
	UsedIdleThresholdHours                int `json:",omitempty"`
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

// NotificationDetail is the detail of the notifications.
type NotificationDetail struct {
	ARN       string
	Action    model.Action `json:",omitempty"` // DryRunDecision only: what would have been done
	NewMinTPS int          `json:",omitempty"` // of an update
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

// Limits of one PutEvents call (EventBridge API reference and user guide). The service
// now accepts 1 MB; the older limit holds everywhere.
const (
	MaxEntries = 10
	MaxBytes   = 256 * 1024
)

// Entry is an encoded event. Its source is Source.
type Entry struct {
	DetailType DetailType
	Resources  []string
	Detail     json.RawMessage
	Time       time.Time // zero: not given, the bus sets it
}

// Entry encodes the event for the bus. If an UpdateDetail makes it longer than MaxBytes,
// its datapoints are left out: they alone can make it long, and no one needs them to act.
// Any other event that is longer is an error, and so is a detail that is not a JSON object, or
// holds what JSON cannot express: NaN, an Audit that is not JSON.
func (e Event) Entry() (Entry, error) {
	detail, err := encode(e.Detail)
	if err != nil {
		return Entry{}, fmt.Errorf("encode the detail of %s: %w", e.DetailType, err)
	}
	entry := Entry{DetailType: e.DetailType, Resources: e.Resources, Detail: detail, Time: e.Time}
	if entry.Size() <= MaxBytes {
		return entry, nil
	}
	if update, ok := e.Detail.(UpdateDetail); ok && len(update.Datapoints) > 0 {
		update.Datapoints = nil
		e.Detail = update
		return e.Entry()
	}
	return Entry{}, fmt.Errorf("event %s has %d bytes, more than the %d that one call accepts", entry.Name(), entry.Size(), MaxBytes)
}

// Name is the detail type, with the resource.
func (e Entry) Name() string {
	if len(e.Resources) == 0 {
		return string(e.DetailType)
	}
	return string(e.DetailType) + " about " + e.Resources[0]
}

// Size is the size of the entry in bytes as EventBridge counts it ("Calculating the
// size of PutEvents event entries" in its user guide): the UTF-8 text of source, detail
// type, detail and resources, and 14 for a time that is given.
func (e Entry) Size() int {
	size := len(Source) + len(e.DetailType) + len(e.Detail)
	for _, resource := range e.Resources {
		size += len(resource)
	}
	if !e.Time.IsZero() {
		size += 14
	}
	return size
}

// encode writes v without the escapes for HTML.
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
