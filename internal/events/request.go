package events

import (
	"fmt"
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
			types = append(types, string(detailType)+" or ")
		}
	}
	slices.Sort(types)
	return ", which accepts " + strings.Join(types, "") + "a bare detail"
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
