package lambda

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// form is what an event is.
type form int

const (
	bare      form = iota // keys of the sender's own: parameters, or the detail of an event
	scheduled             // sent by a schedule
	enveloped             // another event as EventBridge delivers it
	custom                // a request of CloudFormation
)

// Keys by which the forms are told apart.
const (
	keyDetailType  = "detail-type"
	keyDetail      = "detail"
	keyTime        = "time"
	keyRequestType = "RequestType"
	keyResponseURL = "ResponseURL"
)

// scheduledType is the detail type of what a schedule sends.
const scheduledType = "Scheduled Event"

// event is an event, told apart.
type event struct {
	form       form
	keys       map[string]json.RawMessage // at the top
	detailType string                     // unless it is bare or custom
	at         time.Time                  // of a scheduled event; zero if it does not say
}

// read tells the forms of event apart. What could be read in two ways is refused; no
// payload at all, and null, are an event without keys.
func read(payload []byte) (event, error) {
	payload = bytes.TrimSpace(payload)
	if len(payload) == 0 || string(payload) == "null" {
		return event{}, nil
	}
	var e event
	if !json.Valid(payload) {
		return event{}, fmt.Errorf("the event is not JSON: %s", events.Brief(string(payload)))
	}
	if err := json.Unmarshal(payload, &e.keys); err != nil {
		return event{}, fmt.Errorf("the event is not a JSON object: %s", events.Brief(string(payload)))
	}
	isCustom, isEvent := e.has(keyRequestType) || e.has(keyResponseURL), e.has(keyDetailType) || e.has(keyDetail)
	switch {
	case isCustom && isEvent:
		return e, fmt.Errorf("the event has keys both of a CloudFormation request (%s, %s) and of an EventBridge event (%s, %s)",
			keyRequestType, keyResponseURL, keyDetailType, keyDetail)
	case isCustom:
		e.form = custom
	case isEvent:
		return e, e.open()
	}
	return e, nil
}

// open reads what stands around the detail.
func (e *event) open() error {
	e.form = enveloped
	if raw, ok := e.keys[keyDetailType]; ok {
		if e.detailType, ok = text(raw); !ok {
			return fmt.Errorf("key %q is %s; valid: a text", keyDetailType, events.Brief(string(raw)))
		}
	}
	if e.detailType != scheduledType {
		return nil
	}
	e.form = scheduled
	if raw, ok := e.keys[keyTime]; ok {
		at, _ := text(raw)
		var err error
		if e.at, err = time.Parse(time.RFC3339, at); err != nil {
			return fmt.Errorf("key %q is %s; valid: a time such as 2026-01-02T15:05:00Z", keyTime, events.Brief(string(raw)))
		}
	}
	return nil
}

func (e *event) has(key string) bool {
	_, ok := e.keys[key]
	return ok
}

// refused is the error for an event that means nothing to a function.
func (e *event) refused(f Function, takes string) error {
	return fmt.Errorf("an event of type %s is not for %s, which takes %s", strconv.Quote(events.Brief(e.detailType)), f, takes)
}

// leftOver are the keys that name no parameter and none of the others given.
func (e *event) leftOver(others ...string) []string {
	var left []string
	for key := range e.keys {
		known := slices.Contains(others, key) || slices.ContainsFunc(config.All(), func(p config.Spec) bool { return p.Name == key })
		if !known {
			left = append(left, events.Brief(key))
		}
	}
	slices.Sort(left)
	return left
}

// buildDetail reads the detail of an event that asks for the dashboard to be built, or
// the keys of a bare one.
func (e *event) buildDetail() (events.BuildDetail, error) {
	raw, err := encode(e.keys)
	if e.form == enveloped {
		raw = e.keys[keyDetail]
	}
	if err != nil || len(raw) == 0 || string(raw) == "null" {
		return events.BuildDetail{}, err
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		return events.BuildDetail{}, fmt.Errorf("the detail is not a JSON object: %s", events.Brief(string(raw)))
	}
	var d events.BuildDetail
	for key, into := range map[string]*string{keyARN: &d.ARN, keyReason: &d.Reason} {
		value, given := keys[key]
		if !given || string(value) == "null" {
			continue
		}
		var ok bool
		if *into, ok = text(value); !ok {
			return events.BuildDetail{}, fmt.Errorf("key %q is %s; valid: a text", key, events.Brief(string(value)))
		}
	}
	return d, nil
}

// Keys of the details.
const (
	keyARN    = "ARN"
	keyReason = "Reason"
)

// text reads a JSON text.
func text(raw json.RawMessage) (string, bool) {
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return "", false
	}
	return strings.TrimSpace(*s), true
}
