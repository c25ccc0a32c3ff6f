package events

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// The outcomes of decisions.
const (
	OutcomeAsked   = "asked" // sent as an event, for a function to execute
	OutcomeBegun   = "begun" // about to be executed: written before each stop and deletion
	OutcomeDone    = "done"  // Personalize has accepted it
	OutcomeAlready = "already so"
	OutcomeDryRun  = "dry run" // it would have been done
	OutcomeRefused = "refused" // a rule or a guard said no
	OutcomeFailed  = "failed"
)

// Audit is the record of one decision that would change something, done or refused: what
// was decided, by which facts, the outcome, and what is needed to undo it. Logs have it
// under the key audit, details of events under the key Audit.
type Audit struct {
	Time      time.Time    `json:"time"`
	ARN       string       `json:"arn"`
	Kind      model.Kind   `json:"kind"`
	Region    string       `json:"region"`
	Action    model.Action `json:"action,omitempty"` // empty where a rule refused before it came to one
	Outcome   string       `json:"outcome"`
	Automatic bool         `json:"automatic"` // decided by the monitor, not requested by a person
	Reason    string       `json:"reason"`
	NewMinTPS int          `json:"newMinTPS,omitempty"` // update-tps: the requested minimum
	Inputs    *Inputs      `json:"inputs,omitempty"`    // of a decision of the monitor
	Before    *Before      `json:"before,omitempty"`    // of an action that was executed, or would have been
	Restore   string       `json:"restore,omitempty"`   // the command that undoes the action
	Note      string       `json:"note,omitempty"`      // the last line of a notification: how to undo it
	// PromisedPerMonth is what the action was expected to save, in TPS-hours in a month of 730 hours, by
	// the demand of the 14 days before (hourly means) or the lack of one; nil if nothing was promised.
	PromisedPerMonth *float64   `json:"promisedTPSHoursPerMonth,omitempty"`
	ReturnAt         *time.Time `json:"returnAt,omitempty"` // of a timed raise: when it returns
	// Scheduled is the verdict of what a tag arranged: raise, lower, return or drop-return.
	Scheduled rules.Verdict `json:"scheduled,omitempty"`
}

// Inputs are the facts that a decision was made from. Rates are in TPS or RPS.
type Inputs struct {
	WindowStart        time.Time  `json:"windowStart"` // the five minutes measured last
	WindowEnd          time.Time  `json:"windowEnd"`
	Requests           float64    `json:"requests"`    // in the window
	Utilization        float64    `json:"utilization"` // percent, in the window
	Readable           bool       `json:"readable"`    // whether the window could be read completely
	Status             string     `json:"status"`
	Recipe             string     `json:"recipe,omitempty"` // its name; empty if it could not be read
	MinTPS             int        `json:"minTPS"`
	Created            time.Time  `json:"created"`
	AgeHours           int        `json:"ageHours"`
	LastTouched        *time.Time `json:"lastTouched,omitempty"` // the latest update, by anyone
	IdleThresholdHours int        `json:"idleThresholdHours"`
	Idle               bool       `json:"idle"`                 // no request in the idle time, by complete data
	IdleRequests       float64    `json:"idleRequests"`         // successful ones, within the idle time
	IdleFailedRequests float64    `json:"idleFailedRequests"`   // failed ones
	Watermark          int        `json:"watermark"`            // LowestHour, rounded down
	LowestHour         float64    `json:"lowestHour"`           // its average
	HighestHour        float64    `json:"highestHour"`          // the highest hour's average
	HoursLookedAt      int        `json:"hoursLookedAt"`        // whole hours
	StaleSince         *time.Time `json:"staleSince,omitempty"` // age of the description, if it is an old copy
	AdjustMinTPS       string     `json:"autoAdjustMinTPS"`     // the parameters as they were
	StopIdle           string     `json:"autoDeleteOrStopIdle"` //

	// Of a candidate for a stop or deletion; SilentHoursNeeded is 0 unless its history was read.
	UsedIdleThresholdHours int `json:"usedIdleThresholdHours,omitempty"`
	SilentHours            int `json:"silentHours,omitempty"` // watched, and without a call since the last one
	SilentHoursNeeded      int `json:"silentHoursNeeded,omitempty"`
}

// Before is a resource before an action: what is needed to restore it.
type Before struct {
	Name            string `json:"name"`
	Status          string `json:"status"`
	SolutionVersion string `json:"solutionVersion,omitempty"` // of a campaign; ARN, perhaps ending in /$LATEST
	MinTPS          int    `json:"minTPS,omitempty"`          // at least 1; absent of a solution
	// Of a solution: whether it was trained automatically, null if unknown, and how often.
	AutoTraining *bool  `json:"autoTraining,omitempty"`
	Schedule     string `json:"schedule,omitempty"`
	// Config is the campaignConfig or recommenderConfig, spelt as on the wire; may be empty.
	Config json.RawMessage `json:"config,omitempty"`
	// Tags are nil if they could not be read; empty if it has no tags.
	Tags map[string]string `json:"tags"`
}

// plainAudit is an Audit without its methods, for the encoder.
type plainAudit Audit

// MarshalJSON writes the record as an object, although it has a text form as well.
func (a Audit) MarshalJSON() ([]byte, error) { return json.Marshal(plainAudit(a)) }

// MarshalText writes the record as JSON, for logs in text form.
func (a Audit) MarshalText() ([]byte, error) { return a.MarshalJSON() }

// MinBefore is the minimum before the action; 0 if it is not on record.
func (a Audit) MinBefore() int {
	switch {
	case a.Before != nil:
		return a.Before.MinTPS
	case a.Inputs != nil:
		return a.Inputs.MinTPS
	}
	return 0
}

// Raw is the record as the details of events carry it; nil if it cannot be encoded.
func (a Audit) Raw() json.RawMessage {
	raw, _ := encode(plainAudit(a)) // nil with an error
	return raw
}

// DecodeAudit reads a record: the record itself, a log line that has one under the key
// audit, or an event or its detail with one under Audit. The error says what is missing;
// for anything else it is ErrNoAudit.
func DecodeAudit(line []byte) (Audit, error) {
	keys, err := object(line)
	if err != nil {
		return Audit{}, fmt.Errorf("the record %w", err)
	}
	if detail, ok := keys[keyDetail]; ok {
		if keys, err = object(detail); err != nil {
			return Audit{}, fmt.Errorf("the detail %w", err)
		}
	}
	for _, key := range []string{"audit", "Audit"} {
		if raw, ok := keys[key]; ok {
			a, err := decodeAudit(raw)
			if about, given := keys[keyARN]; err == nil && given {
				var name string
				_ = text(about, &name)
				if name != a.ARN { // guard: an event about another resource than its record
					return Audit{}, fmt.Errorf("the event is about %s, its audit record about %s", quoted(name), a.ARN)
				}
			}
			return a, err
		}
	}
	if _, ok := keys["outcome"]; !ok {
		return Audit{}, ErrNoAudit
	}
	return decodeAudit(line)
}

// ErrNoAudit is the error of DecodeAudit for what has no audit record.
var ErrNoAudit = errors.New("it has no audit record")

func decodeAudit(raw []byte) (Audit, error) {
	var plain plainAudit
	if err := json.Unmarshal(raw, &plain); err != nil {
		return Audit{}, fmt.Errorf("the audit record is malformed: %w", err)
	}
	a := Audit(plain)
	arn, kind, err := a.subject()
	switch {
	case err != nil:
		return Audit{}, fmt.Errorf("the audit record's arn: %w", err)
	case a.Outcome == "":
		return Audit{}, errors.New("the audit record has no outcome")
	case a.Time.IsZero():
		return Audit{}, errors.New("the audit record has no time")
	}
	a.Kind, a.Region = kind, arn.Region()
	// Records may come from anyone: a command of theirs is neither shown nor executed.
	a.Restore, a.Note = a.RestoreCommand(), ""
	return a, nil
}

// subject is the resource of the record: a solution if it is about training, else an endpoint.
func (a Audit) subject() (model.ARN, model.Kind, error) {
	if a.Action.Training() {
		arn, err := model.ParseSolutionARN(a.ARN)
		return arn, model.Solution, err
	}
	return model.ParseResourceARN(a.ARN)
}

// Request is a person's request about the resource of the record; if it is about training, with the
// schedule that there was before.
func (a Audit) Request() (Request, error) {
	arn, kind, err := a.subject()
	req := Request{ARN: arn, Kind: kind}
	if a.Action.Training() && a.Before != nil {
		req.Schedule = a.Before.Schedule
	}
	return req, err
}

// ParseSubject accepts the ARN of what records are about: a campaign, recommender or solution.
func ParseSubject(arn string) (model.ARN, error) {
	parsed, _, err := model.ParseResourceARN(arn)
	if err == nil {
		return parsed, nil
	}
	if solution, also := model.ParseSolutionARN(arn); also == nil {
		return solution, nil
	}
	return model.ARN{}, err
}

// Restorable is why the action of the record cannot be undone; nil if it can. A record may come from
// anyone: its state before must be that of its own resource.
func (a Audit) Restorable() error {
	arn, kind, err := a.subject()
	if err != nil {
		return fmt.Errorf("the record's arn: %w", err)
	}
	undone := []model.Action{model.ActionUpdate, model.ActionDelete, model.ActionStop, model.ActionPause, model.ActionResume}
	switch {
	case a.Outcome != OutcomeDone && a.Outcome != OutcomeBegun: // what was begun may have been done by a process that was killed
		return fmt.Errorf("the record of %s is of an action that was not done (%s), so there is nothing to restore", a.ARN, Brief(a.Outcome))
	case !slices.Contains(undone, a.Action):
		return fmt.Errorf("the record of %s is of %s, which cannot be undone", a.ARN, quoted(string(a.Action)))
	case a.Before == nil:
		return fmt.Errorf("the record of %s does not have the state of the resource before", a.ARN)
	case a.Before.Name != arn.Name(): // guard: a record of another resource
		return fmt.Errorf("the record of %s has the state of another resource, %s", a.ARN, quoted(a.Before.Name))
	case a.Action.Training():
		return a.trainingRestorable()
	case a.Before.MinTPS < 1 || a.Before.MinTPS > MaxMinTPS:
		return fmt.Errorf("the record of %s has a minimum of %d; valid: 1 to %d", a.ARN, a.Before.MinTPS, MaxMinTPS)
	case a.Action == model.ActionDelete && !solutionBeside(arn, a.Before.SolutionVersion): // guard: a solution version from elsewhere
		return fmt.Errorf("the record of %s does not have its solution version in the same account and region, but %s",
			a.ARN, quoted(a.Before.SolutionVersion))
	}
	return Request{ARN: arn, Kind: kind, NewMinTPS: a.Before.MinTPS}.Validate(a.Action)
}

// trainingRestorable is why a change of automatic training cannot be undone.
func (a Audit) trainingRestorable() error {
	switch {
	case a.Before.AutoTraining == nil: // guard: audit: what was unknown before is not switched on
		return fmt.Errorf("the record of %s does not have whether it was trained automatically before", a.ARN)
	case a.Before.Schedule != "" && !ValidSchedule(a.Before.Schedule):
		return fmt.Errorf("the record of %s has an unknown schedule, %s", a.ARN, quoted(a.Before.Schedule))
	}
	return nil
}

// Undoing is the action that undoes that of the record, which must be restorable: of automatic
// training, what it was before decides.
func (a Audit) Undoing() model.Action {
	switch {
	case a.Action == model.ActionDelete:
		return model.ActionRestore
	case a.Action == model.ActionStop:
		return model.ActionStart
	case a.Action == model.ActionUpdate:
		return model.ActionUpdate
	case *a.Before.AutoTraining:
		return model.ActionResume
	}
	return model.ActionPause
}

// solutionBeside reports whether a text is the ARN of a solution version in the account and region of
// a resource.
func solutionBeside(resource model.ARN, version string) bool {
	arn, err := model.ParseARN(version)
	return err == nil && solutionPath.MatchString(arn.Resource()) &&
		arn.Partition() == resource.Partition() && arn.Service() == resource.Service() &&
		arn.Region() == resource.Region() && arn.Account() == resource.Account()
}

// solutionPath is the last part of the ARN of a solution version (its name and id).
var solutionPath = regexp.MustCompile(`^solution/[a-zA-Z0-9][a-zA-Z0-9\-_]{0,62}/[a-zA-Z0-9$\-_]{1,63}$`)

// RestoreCommand is the command that undoes what the record describes; empty if there is nothing to
// undo. It is made of the checked ARN, a number, or for a deletion the record itself as one word.
func (a Audit) RestoreCommand() string {
	if a.Restorable() != nil {
		return ""
	}
	command := fmt.Sprintf("personalize-monitor %s %s", a.Undoing(), a.ARN)
	switch {
	case a.Undoing() == model.ActionUpdate:
		return fmt.Sprintf("%s %d", command, a.Before.MinTPS)
	case a.Undoing() == model.ActionResume && a.Before.Schedule != "": // AWS may not keep it
		return command + ` --schedule "` + a.Before.Schedule + `"`
	case a.Undoing() != model.ActionRestore:
		return command
	}
	token, err := a.Token()
	if err != nil {
		return ""
	}
	return "personalize-monitor restore --record " + token
}

// Token is the part of the record that undoes the action, as one word for a command line.
func (a Audit) Token() (string, error) {
	a.Inputs, a.Restore, a.Note = nil, "", ""
	raw, err := encode(plainAudit(a))
	return base64.RawURLEncoding.EncodeToString(raw), err
}

// FromToken reads what Token wrote.
func FromToken(token string) (Audit, error) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(token), "="))
	if err != nil || !json.Valid(raw) { // a word that was cut off, too
		return Audit{}, fmt.Errorf("%s is not the whole record of a notification", quoted(token))
	}
	return DecodeAudit(raw)
}
