package lambda

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

type form int

const (
	bare      form = iota // keys of the sender: parameters, or the detail of an event
	scheduled             // sent by a schedule
	enveloped             // another event as EventBridge delivers it
	custom                // a request of CloudFormation
)

// Keys that determine the form, and keys of details.
const (
	keyDetailType  = "detail-type"
	keyDetail      = "detail"
	keyTime        = "time"
	keyRequestType = "RequestType"
	keyResponseURL = "ResponseURL"
	keyARN         = "ARN"
	keyReason      = "Reason"
)

// scheduledType is the detail type of the events of a schedule.
const scheduledType = "Scheduled Event"

type event struct {
	form       form
	payload    []byte
	keys       map[string]json.RawMessage // at the top
	detailType string                     // of a scheduled or enveloped event
	at         time.Time                  // of a scheduled event; zero if it has no time
}

// read determines the form of an event. An event of two forms is an error. An empty payload
// and null are an event without keys.
func read(payload []byte) (event, error) {
	payload = bytes.TrimSpace(payload)
	e := event{payload: payload}
	if len(payload) == 0 {
		return e, nil
	}
	if !json.Valid(payload) {
		return e, fmt.Errorf("the event is not JSON: %s", events.Brief(string(payload)))
	}
	if json.Unmarshal(payload, &e.keys) != nil {
		return e, fmt.Errorf("the event is not a JSON object: %s", events.Brief(string(payload)))
	}
	isCustom, isEvent := e.has(keyRequestType) || e.has(keyResponseURL), e.has(keyDetailType) || e.has(keyDetail)
	switch {
	case isCustom && isEvent:
		return e, fmt.Errorf("the event has keys both of a CloudFormation request (%s, %s) and of an EventBridge event (%s, %s)",
			keyRequestType, keyResponseURL, keyDetailType, keyDetail)
	case isCustom:
		e.form = custom
		return e, nil
	case !isEvent:
		return e, nil
	}
	var err error
	e.form = enveloped
	if e.detailType, err = text(e.keys, keyDetailType); err != nil || e.detailType != scheduledType {
		return e, err
	}
	e.form = scheduled
	given, err := text(e.keys, keyTime)
	if err != nil || given == "" {
		return e, err
	}
	if e.at, err = time.Parse(time.RFC3339, given); err != nil {
		return e, fmt.Errorf("key %q is %q; valid: a time such as 2026-01-02T15:05:00Z", keyTime, events.Brief(given))
	}
	return e, nil
}

func (e *event) has(key string) bool {
	_, ok := e.keys[key]
	return ok
}

// text is the text of a key without surrounding space; empty if it is missing or null.
func text(keys map[string]json.RawMessage, key string) (string, error) {
	raw, given := keys[key]
	if !given {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil { // null leaves it empty
		return "", fmt.Errorf("key %q is %s; valid: a text", key, events.Brief(string(raw)))
	}
	return strings.TrimSpace(s), nil
}

func (e *event) refused(function, valid string) error {
	return fmt.Errorf("an event of type %q is not for %s, which accepts %s", events.Brief(e.detailType), function, valid)
}

// unknownKeys are the keys that name no parameter and are not among the others given.
func (e *event) unknownKeys(others ...string) []string {
	var unknown []string
	for key := range e.keys {
		if !slices.Contains(others, key) && !slices.ContainsFunc(config.All(), func(p config.Spec) bool { return p.Name == key }) {
			unknown = append(unknown, events.Brief(key))
		}
	}
	slices.Sort(unknown)
	return unknown
}

// buildDetail reads the detail of an event that requests the dashboard, or the keys of a bare
// event.
func (e *event) buildDetail() (events.BuildDetail, error) {
	keys := e.keys
	if e.form == enveloped {
		keys = nil
		if raw := e.keys[keyDetail]; raw != nil && json.Unmarshal(raw, &keys) != nil {
			return events.BuildDetail{}, fmt.Errorf("the detail is not a JSON object: %s", events.Brief(string(raw)))
		}
	}
	arn, err := text(keys, keyARN)
	reason, invalid := text(keys, keyReason)
	if err = cmp.Or(err, invalid); err != nil {
		return events.BuildDetail{}, err
	}
	return events.BuildDetail{ARN: arn, Reason: reason}, nil
}
