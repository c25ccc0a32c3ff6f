package events

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Keys of an event as EventBridge delivers it, and of the details.
const (
	keyDetailType    = "detail-type"
	keyDetail        = "detail"
	keyTime          = "time"
	keyARN           = "ARN"
	keyNewMinTPS     = "NewMinTPS"
	keyReason        = "Reason"
	keyCurrentMinTPS = "CurrentMinTPS"
	keyIdleHours     = "IdleThresholdHours"
	keyAllowLarge    = "AllowLarge"
	keyUsedIdleHours = "UsedIdleThresholdHours"
	keyForMinutes    = "ForMinutes"
	keyUntil         = "Until"
	keyScheduled     = "Scheduled"
)

// Bounds of the numbers in a request.
const (
	// MaxMinTPS is the largest minimum that can be requested. Personalize documents no
	// maximum; the number is an int32 in its API model.
	MaxMinTPS = 1<<31 - 1
	// maxIdleHours is the longest idle time there is (parameter IdleThresholdHours).
	maxIdleHours = 168
	// maxUsedIdleHours is that of UsedIdleThresholdHours.
	maxUsedIdleHours = 1080
	// MinRaise and MaxRaise bound how long a timed raise may be: an update takes minutes, and a
	// process that remembers nothing reads the tags of what was changed in the last MaxRaise.
	MinRaise = 15 * time.Minute
	MaxRaise = 30 * 24 * time.Hour
)

// Request is what an event requests.
type Request struct {
	// DetailType is the command of the event; empty for a bare detail, which is for
	// whichever action receives it.
	DetailType DetailType
	ARN        model.ARN
	Kind       model.Kind
	NewMinTPS  int    // 0 if not given
	Reason     string // empty if not given
	// CurrentMinTPS and IdleThresholdHours are only in events of the monitor: the minimum it
	// saw, and its idle time; else 0.
	CurrentMinTPS      int
	IdleThresholdHours int
	// UsedIdleThresholdHours accompanies IdleThresholdHours; 0 if not given.
	UsedIdleThresholdHours int
	// Schedule is the rate of automatic training to resume with, such as "rate(7 days)"; empty
	// means the one that the solution has.
	Schedule string
	// For and Until are when a timed raise ends; at most one is given.
	For   time.Duration
	Until time.Time
	// Asked is the time of the event, from which For counts; zero means now.
	Asked time.Time
	// Scheduled is the verdict by which the monitor requests what a tag arranges; else empty.
	Scheduled rules.Verdict
	// AllowLarge permits a minimum that rules.LargeMinimum rejects.
	AllowLarge bool
	// Command is that the request comes from a person's command, who can repeat it with
	// AllowLarge: then a minimum is also compared with the present one.
	Command bool
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

// NewTrainingRequest is a person's request about the training of the named solution.
func NewTrainingRequest(arn, schedule string) (Request, error) {
	parsed, err := model.ParseSolutionARN(arn)
	switch {
	case err != nil:
		return Request{}, err
	case schedule != "" && !ValidSchedule(schedule):
		return Request{}, fmt.Errorf("the schedule %s is not of the form rate(n days), from 1 to 30 days", quoted(schedule))
	}
	return Request{ARN: parsed, Kind: model.Solution, Schedule: schedule}, nil
}

// schedulePattern is the form of a schedule (AutoTrainingConfig in the Personalize API reference).
var schedulePattern = regexp.MustCompile(`^rate\(([1-9]|[12][0-9]|30) days?\)$`)

// ValidSchedule reports whether a text is a schedule of automatic training: every 1 to 30 days.
func ValidSchedule(s string) bool { return schedulePattern.MatchString(s) }

// Automatic reports whether the request is the monitor's and not a person's: its decision
// may be outdated on arrival, and is checked again.
func (r Request) Automatic() bool { return r.CurrentMinTPS > 0 || r.IdleThresholdHours > 0 }

// Timed reports whether the request is a raise that returns.
func (r Request) Timed() bool { return r.For != 0 || !r.Until.IsZero() }

// Due is when a timed raise ends that is carried out now. It is an error if that is too soon, too
// late or over: a copy of its event that arrives after the return raises nothing again.
func (r Request) Due(now time.Time) (time.Time, error) {
	due, from := r.Until, now
	if due.IsZero() {
		if !r.Asked.IsZero() {
			from = r.Asked
		}
		due = from.Add(r.For)
	}
	due = due.UTC().Truncate(time.Second)
	if due.Sub(from) < MinRaise-time.Second || due.Sub(now) > MaxRaise || !due.After(now) {
		return due, fmt.Errorf("a raise until %s; valid: from %s to %d days from now (it is %s)",
			due.Format(time.RFC3339), "15 minutes", int(MaxRaise.Hours()/24), now.UTC().Format(time.RFC3339))
	}
	return due, nil
}

// Action is the action that the request's detail type requests; empty for a bare detail and
// for types that are no command about a resource.
func (r Request) Action() model.Action { return commandActions[r.DetailType] }

var commandActions = map[DetailType]model.Action{
	UpdateCampaign:    model.ActionUpdate,
	UpdateRecommender: model.ActionUpdate,
	DeleteCampaign:    model.ActionDelete,
	StopRecommender:   model.ActionStop,
}

// Validate checks that the request fits the action: the right command, the right kind of
// resource, and all that the action needs.
func (r Request) Validate(action model.Action) error {
	switch {
	case action.Training() != (r.Kind == model.Solution): // guard: an action about training is about a solution, and no other is
		return fmt.Errorf("%s is not about a %s (%s)", action, r.Kind, r.ARN)
	case r.DetailType != "" && r.Action() != action:
		return fmt.Errorf("an event of type %s is not for %s%s", quoted(string(r.DetailType)), action, acceptedBy(action))
	case r.DetailType != "" && action == model.ActionUpdate && r.DetailType != UpdateType(r.Kind):
		return fmt.Errorf("an event of type %q about a %s (%s)", r.DetailType, r.Kind, r.ARN)
	case action == model.ActionDelete && r.Kind != model.Campaign:
		return fmt.Errorf("%s deletes campaigns; %s is a recommender", action, r.ARN)
	case (action == model.ActionStop || action == model.ActionStart) && r.Kind != model.Recommender:
		return fmt.Errorf("%s is about recommenders; %s is a campaign", action, r.ARN)
	}
	return r.validateKeys(action)
}

// validateKeys checks that the request has the keys that the action needs, and none that it has no use for.
func (r Request) validateKeys(action model.Action) error {
	switch {
	case r.For != 0 && !r.Until.IsZero():
		return fmt.Errorf("keys %q and %q are both given; give one of them", keyForMinutes, keyUntil)
	case r.Timed() && (action != model.ActionUpdate || r.Automatic()):
		return fmt.Errorf("keys %q and %q are for people's requests to %s", keyForMinutes, keyUntil, model.ActionUpdate)
	case r.Scheduled != "" && (action != model.ActionUpdate || r.CurrentMinTPS == 0):
		return fmt.Errorf("key %q is for events of the monitor to %s, which have %q", keyScheduled, model.ActionUpdate, keyCurrentMinTPS)
	case action == model.ActionUpdate && r.NewMinTPS == 0:
		return fmt.Errorf("key %q is missing: %s needs a whole number from 1 to %d", keyNewMinTPS, action, MaxMinTPS)
	}
	return nil
}

// acceptedBy lists the forms of a request that an action accepts.
func acceptedBy(action model.Action) string {
	var types []string
	for detailType, requested := range commandActions {
		if requested == action {
			types = append(types, string(detailType))
		}
	}
	if len(types) == 0 {
		return ", which accepts a bare detail"
	}
	slices.Sort(types)
	return ", which accepts " + strings.Join(types, ", ") + " or a bare detail"
}

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
	if top.first(keyDetail, keyDetailType) == "" {
		return decodeDetail("", payload)
	}
	return decodeEvent(top)
}

// decodeEvent reads a request from an event.
func decodeEvent(top fields) (Request, error) {
	if key := top.first(keyARN, keyNewMinTPS); key != "" {
		return Request{}, fmt.Errorf("key %q is beside %q or %q; move it into the detail", key, keyDetail, keyDetailType)
	}
	detail, ok := top[keyDetail]
	if !ok {
		return Request{}, fmt.Errorf("key %q is missing", keyDetail)
	}
	_, hasType := top[keyDetailType]
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

const maxShown = 80

// Brief is a value as errors show it: on one line, printable, at most 80 characters.
func Brief(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "?"))
	if runes := []rune(s); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return s
}

func quoted(s string) string { return strconv.Quote(Brief(s)) }
