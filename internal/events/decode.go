package events

import (
	"bytes"
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

// validForms are the forms of a request.
const validForms = `valid: one event as EventBridge delivers it, {"detail-type": "…", "detail": {…}}, ` +
	`or its detail alone, {"ARN": "…", …}; ` + "of entries for put-events, give the Detail of one, as an object"

// entryKey is a key of the entries that put-events accepts, if the object is none of the
// valid forms; else empty.
func entryKey(top map[string]json.RawMessage) string {
	for _, key := range []string{keyARN, keyDetail, keyDetailType} {
		if _, ok := top[key]; ok {
			return ""
		}
	}
	for _, key := range []string{"Entries", "DetailType", "Detail"} {
		if _, ok := top[key]; ok {
			return key
		}
	}
	return ""
}

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
	if key := entryKey(top); key != "" {
		return Request{}, fmt.Errorf("the event has the key %q of what put-events takes; %s", key, validForms)
	}
	_, hasDetail := top[keyDetail]
	typeText, hasType := top[keyDetailType]
	if !hasDetail && !hasType {
		return decodeDetail("", payload)
	}
	for _, key := range []string{keyARN, keyNewMinTPS} {
		if _, both := top[key]; both {
			return Request{}, fmt.Errorf("key %q is beside %q or %q; move it into the detail", key, keyDetail, keyDetailType)
		}
	}
	if !hasDetail {
		return Request{}, fmt.Errorf("key %q is missing", keyDetail)
	}
	if !hasType {
		return decodeEvent("", top)
	}
	detailType, err := text(keyDetailType, typeText)
	if err != nil {
		return Request{}, err
	}
	if detailType == "" {
		return Request{}, fmt.Errorf("key %q is empty", keyDetailType)
	}
	if _, command := commandActions[DetailType(detailType)]; !command {
		return Request{}, fmt.Errorf("an event of type %s requests no action", quoted(detailType))
	}
	return decodeEvent(DetailType(detailType), top)
}

// decodeEvent reads an event as EventBridge delivers it. Its time counts for a timed raise alone.
func decodeEvent(detailType DetailType, top map[string]json.RawMessage) (Request, error) {
	r, err := decodeDetail(detailType, top[keyDetail])
	if raw, ok := top[keyTime]; ok && err == nil && r.For != 0 && json.Unmarshal(raw, &r.Asked) != nil {
		return Request{}, fmt.Errorf("key %q is %s; valid: a time such as 2026-03-04T14:00:00Z", keyTime, Brief(string(raw)))
	}
	return r, err
}

func decodeDetail(detailType DetailType, payload []byte) (Request, error) {
	keys, err := object(payload)
	if err != nil {
		return Request{}, fmt.Errorf("the detail %w", err)
	}
	raw, ok := keys[keyARN]
	if !ok {
		return Request{}, fmt.Errorf("key %q is missing: the ARN of a campaign or recommender", keyARN)
	}
	name, err := text(keyARN, raw)
	if err != nil {
		return Request{}, err
	}
	r := Request{DetailType: detailType}
	if r.ARN, r.Kind, err = model.ParseResourceARN(name); err != nil {
		return Request{}, fmt.Errorf("key %q: %w", keyARN, err)
	}
	if raw, ok := keys[keyReason]; ok && string(raw) != "null" {
		if r.Reason, err = text(keyReason, raw); err != nil {
			return Request{}, err
		}
	}
	if raw, ok := keys[keyAllowLarge]; ok {
		if json.Unmarshal(raw, &r.AllowLarge) != nil {
			return Request{}, fmt.Errorf("key %q is %s; valid: true or false", keyAllowLarge, Brief(string(raw)))
		}
	}
	if err := r.decodeTimes(keys); err != nil {
		return Request{}, err
	}
	for _, number := range []struct {
		key     string
		highest int
		into    *int
	}{
		{keyNewMinTPS, MaxMinTPS, &r.NewMinTPS},
		{keyCurrentMinTPS, MaxMinTPS, &r.CurrentMinTPS},
		{keyIdleHours, maxIdleHours, &r.IdleThresholdHours},
		{keyUsedIdleHours, maxUsedIdleHours, &r.UsedIdleThresholdHours},
	} {
		raw, ok := keys[number.key]
		if !ok {
			continue
		}
		if *number.into, ok = whole(string(raw), number.highest); !ok {
			return Request{}, fmt.Errorf("key %q is %s; valid: a whole number from 1 to %d", number.key, Brief(string(raw)), number.highest)
		}
	}
	return r, nil
}

// decodeTimes reads when a timed raise ends, and which event of the monitor it is.
func (r *Request) decodeTimes(keys map[string]json.RawMessage) error {
	if raw, ok := keys[keyForMinutes]; ok {
		minutes, ok := whole(string(raw), int(MaxRaise.Minutes()))
		if !ok {
			return fmt.Errorf("key %q is %s; valid: a whole number from 1 to %d", keyForMinutes, Brief(string(raw)), int(MaxRaise.Minutes()))
		}
		r.For = time.Duration(minutes) * time.Minute
	}
	if raw, ok := keys[keyUntil]; ok {
		until, err := text(keyUntil, raw)
		if err == nil {
			r.Until, err = time.Parse(time.RFC3339, until)
		}
		if err != nil {
			return fmt.Errorf("key %q is %s; valid: a time such as 2026-03-04T14:00:00Z", keyUntil, Brief(string(raw)))
		}
	}
	if raw, ok := keys[keyScheduled]; ok {
		verdict, err := text(keyScheduled, raw)
		if r.Scheduled = rules.Verdict(verdict); err != nil || !r.Scheduled.Scheduled() {
			return fmt.Errorf("key %q is %s; valid: %s, %s, %s, %s", keyScheduled, Brief(string(raw)), rules.Raise, rules.Lower, rules.Return, rules.Drop)
		}
	}
	return nil
}

// ParseMinTPS reads a minimum that a person typed.
func ParseMinTPS(s string) (int, error) {
	n, ok := whole(s, MaxMinTPS)
	if !ok {
		return 0, fmt.Errorf("%s is not a whole number from 1 to %d", quoted(s), MaxMinTPS)
	}
	return n, nil
}

// object reads a JSON object by its keys, in their exact spelling. The error completes a
// sentence that begins with the name of the thing.
func object(payload []byte) (map[string]json.RawMessage, error) {
	payload = bytes.TrimSpace(payload)
	switch {
	case len(payload) == 0:
		return nil, errors.New("is empty")
	case !json.Valid(payload):
		return nil, fmt.Errorf("is not JSON: %s", Brief(string(payload)))
	case payload[0] != '{':
		return nil, fmt.Errorf("is not a JSON object: %s", Brief(string(payload)))
	}
	var keys map[string]json.RawMessage
	err := json.Unmarshal(payload, &keys)
	return keys, err
}

func text(key string, raw json.RawMessage) (string, error) {
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return "", fmt.Errorf("key %q is %s; valid: a text", key, Brief(string(raw)))
	}
	return strings.TrimSpace(*s), nil
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
