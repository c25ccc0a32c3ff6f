package events

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

const (
	// validForms are the forms of a request.
	validForms = `valid: one event as EventBridge delivers it, {"detail-type": "…", "detail": {…}}, ` +
		`or its detail alone, {"ARN": "…", …}; ` + "of entries for put-events, give the Detail of one, as an object"
	validText = "a text"
	validTime = "a time such as 2026-03-04T14:00:00Z"
)

// Decode reads a request: an event as EventBridge delivers it, or its detail alone. An
// object with a detail or a detail type is an event; one with keys of a detail beside them
// is ambiguous and rejected. So are the entries that put-events accepts, as there may be
// many of them. Unknown keys are ignored. The error names the key and the value.
func Decode(payload []byte) (Request, error) {
	top, err := object(payload)
	switch {
	case err != nil && bytes.HasPrefix(bytes.TrimSpace(payload), []byte("[")):
		return Request{}, fmt.Errorf("the event %w; %s", err, validForms)
	case err != nil:
		return Request{}, fmt.Errorf("the event %w", err)
	}
	if key := top.first("Entries", "DetailType", "Detail"); key != "" && top.first(keyARN, keyDetail, keyDetailType) == "" {
		return Request{}, fmt.Errorf("the event has the key %q of what put-events takes; %s", key, validForms)
	}
	detail, hasDetail := top[keyDetail]
	_, hasType := top[keyDetailType]
	if !hasDetail && !hasType {
		return decodeDetail("", payload)
	}
	if key := top.first(keyARN, keyNewMinTPS); key != "" {
		return Request{}, fmt.Errorf("key %q is beside %q or %q; move it into the detail", key, keyDetail, keyDetailType)
	}
	if !hasDetail {
		return Request{}, fmt.Errorf("key %q is missing", keyDetail)
	}
	var detailType DetailType
	if err := top.text(keyDetailType, (*string)(&detailType)); err != nil {
		return Request{}, err
	}
	switch _, command := commandActions[detailType]; {
	case hasType && detailType == "":
		return Request{}, fmt.Errorf("key %q is empty", keyDetailType)
	case hasType && !command:
		return Request{}, fmt.Errorf("an event of type %s requests no action", quoted(string(detailType)))
	}
	r, err := decodeDetail(detailType, detail)
	if err == nil && r.For != 0 { // the time of an event counts for a timed raise alone
		err = top.read(keyTime, validTime, func(raw []byte) bool { return json.Unmarshal(raw, &r.Asked) == nil })
	}
	if err != nil {
		return Request{}, err
	}
	return r, nil
}

func decodeDetail(detailType DetailType, payload []byte) (Request, error) {
	keys, err := object(payload)
	if err != nil {
		return Request{}, fmt.Errorf("the detail %w", err)
	}
	if _, ok := keys[keyARN]; !ok {
		return Request{}, fmt.Errorf("key %q is missing: the ARN of a campaign or recommender", keyARN)
	}
	r := Request{DetailType: detailType}
	var name string
	if err := keys.text(keyARN, &name); err != nil {
		return Request{}, err
	}
	if r.ARN, r.Kind, err = model.ParseResourceARN(name); err != nil {
		return Request{}, fmt.Errorf("key %q: %w", keyARN, err)
	}
	var minutes int
	validVerdict := fmt.Sprintf("%s, %s, %s, %s", rules.Raise, rules.Lower, rules.Return, rules.Drop)
	err = cmp.Or(
		keys.read(keyReason, validText, func(raw []byte) bool { return string(raw) == "null" || text(raw, &r.Reason) }),
		keys.read(keyAllowLarge, "true or false", func(raw []byte) bool { return json.Unmarshal(raw, &r.AllowLarge) == nil }),
		keys.whole(keyForMinutes, int(MaxRaise.Minutes()), &minutes),
		keys.read(keyUntil, validTime, func(raw []byte) bool {
			var until string
			ok := text(raw, &until)
			r.Until, err = time.Parse(time.RFC3339, until)
			return ok && err == nil
		}),
		keys.read(keyScheduled, validVerdict, func(raw []byte) bool {
			return text(raw, (*string)(&r.Scheduled)) && r.Scheduled.Scheduled()
		}),
		keys.whole(keyNewMinTPS, MaxMinTPS, &r.NewMinTPS),
		keys.whole(keyCurrentMinTPS, MaxMinTPS, &r.CurrentMinTPS),
		keys.whole(keyIdleHours, maxIdleHours, &r.IdleThresholdHours),
		keys.whole(keyUsedIdleHours, maxUsedIdleHours, &r.UsedIdleThresholdHours),
	)
	if err != nil {
		return Request{}, err
	}
	r.For = time.Duration(minutes) * time.Minute
	return r, nil
}

// ParseMinTPS reads a minimum that a person typed.
func ParseMinTPS(s string) (int, error) {
	n, ok := whole(s, MaxMinTPS)
	if !ok {
		return 0, fmt.Errorf("%s is not a whole number from 1 to %d", quoted(s), MaxMinTPS)
	}
	return n, nil
}

// fields are the keys of a JSON object, in their exact spelling.
type fields map[string]json.RawMessage

// object reads a JSON object. The error completes a sentence that begins with the name of the thing.
func object(payload []byte) (fields, error) {
	payload = bytes.TrimSpace(payload)
	switch {
	case len(payload) == 0:
		return nil, errors.New("is empty")
	case !json.Valid(payload):
		return nil, fmt.Errorf("is not JSON: %s", Brief(string(payload)))
	case payload[0] != '{':
		return nil, fmt.Errorf("is not a JSON object: %s", Brief(string(payload)))
	}
	var keys fields
	err := json.Unmarshal(payload, &keys)
	return keys, err
}

// first is the first of some keys that is there; empty if none is.
func (f fields) first(keys ...string) string {
	for _, key := range keys {
		if _, ok := f[key]; ok {
			return key
		}
	}
	return ""
}

// read reads the value of a key, if there is one. The function reports whether it is valid.
func (f fields) read(key, valid string, value func(raw []byte) bool) error {
	if raw, ok := f[key]; ok && !value(raw) {
		return fmt.Errorf("key %q is %s; valid: %s", key, Brief(string(raw)), valid)
	}
	return nil
}

func (f fields) text(key string, into *string) error {
	return f.read(key, validText, func(raw []byte) bool { return text(raw, into) })
}

func (f fields) whole(key string, highest int, into *int) error {
	return f.read(key, fmt.Sprintf("a whole number from 1 to %d", highest), func(raw []byte) (ok bool) {
		*into, ok = whole(string(raw), highest)
		return ok
	})
}

// text reads a JSON text, without the space around it.
func text(raw []byte, into *string) bool {
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return false
	}
	*into = strings.TrimSpace(*s)
	return true
}

// whole reads a JSON number that is whole and from 1 to highest, 5.0 and 5e0 included, but
// not one in quotes.
func whole(s string, highest int) (int, bool) {
	// Size and length first: an exponent could make gigabytes of digits.
	about, err := strconv.ParseFloat(s, 64)
	if err != nil || about < 0.5 || about > 2*MaxMinTPS || len(s) > 32 || !json.Valid([]byte(s)) {
		return 0, false
	}
	exact, ok := new(big.Rat).SetString(s)
	if !ok || !exact.IsInt() {
		return 0, false
	}
	n := exact.Num().Int64()
	return int(n), n >= 1 && n <= int64(highest)
}
