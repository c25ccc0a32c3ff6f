package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// ChangeKind is what is to be done to an alarm.
type ChangeKind string

// The kinds of change. Keep means that nothing is written; it has a note where a person
// may wonder why.
const (
	CreateAlarm ChangeKind = "create"
	UpdateAlarm ChangeKind = "update"
	AdoptAlarm  ChangeKind = "adopt" // as it should be, but for its tags and its description
	ResetAlarm  ChangeKind = "reset"
	DeleteAlarm ChangeKind = "delete"
	KeepAlarm   ChangeKind = "keep"
)

// AlarmChange is one alarm's way from what it is to what it should be.
type AlarmChange struct {
	Kind        ChangeKind
	Name        string
	ARN         string // of the existing alarm
	Resource    model.ARN
	Settings    AlarmSettings // create and update
	Description string        // create and update
	// Reset asks that the alarm's state be set to INSUFFICIENT_DATA after the update, so
	// that its next evaluation, back to ALARM, is told.
	Reset bool
	// Adopt asks that the alarm, which the original application made, be tagged as this
	// deployment's before it is written.
	Adopt bool
	// OwnOnly restricts a deletion to alarms of this deployment: the resource still
	// exists, and somebody else may want the alarm.
	OwnOnly bool
	Reason  string
}

// Standing is what is known of the resource that an existing alarm belongs to.
type Standing int

// Unknown resources keep their alarms.
const (
	Unknown Standing = iota
	Monitored
	Inactive
	Gone
)

// DiffAlarms compares the existing alarms of a region with the wanted ones. Alarms that
// nobody wants are removed if standing says that their resource is gone or no longer
// active, or is monitored and should not have this alarm. The changes are ordered by
// the alarms' names.
func DiffAlarms(wanted []WantedAlarm, actual []Alarm, standing func(model.ARN) Standing, now time.Time) []AlarmChange {
	byName := make(map[string]Alarm, len(actual))
	for _, a := range actual {
		byName[a.Name] = a
	}
	changes := make([]AlarmChange, 0, len(wanted)+len(actual))
	for _, w := range wanted {
		if a, exists := byName[w.Name]; exists {
			changes = append(changes, adjust(w, a, now))
			delete(byName, w.Name)
		} else {
			changes = append(changes, create(w))
		}
	}
	for _, a := range byName {
		changes = append(changes, unwanted(a, standing))
	}
	slices.SortFunc(changes, func(x, y AlarmChange) int { return strings.Compare(x.Name, y.Name) })
	return changes
}

func kindOf(arn model.ARN) model.Kind {
	kind, _ := arn.Kind()
	return kind
}

// create makes a new alarm with actions off: its first evaluation tells nobody anything.
func create(w WantedAlarm) AlarmChange {
	s := w.Settings
	s.ActionsOn = false
	return AlarmChange{
		Kind: CreateAlarm, Name: w.Name, Resource: w.Resource, Settings: s,
		Description: describe(w.Type, kindOf(w.Resource), s.written()), Reason: "missing",
	}
}

// unwanted decides on an existing alarm that no monitored resource wants.
func unwanted(a Alarm, standing func(model.ARN) Standing) AlarmChange {
	change := AlarmChange{Kind: KeepAlarm, Name: a.Name, ARN: a.ARN}
	arn, ok := alarmResource(a)
	if !ok {
		change.Reason = "not an alarm of ours, though its name says so"
		return change
	}
	change.Resource = arn
	switch standing(arn) {
	case Monitored:
		change.Kind, change.OwnOnly, change.Reason = DeleteAlarm, true, "switched off"
	case Inactive:
		change.Kind, change.Reason = DeleteAlarm, "its resource is no longer active"
	case Gone:
		change.Kind, change.Reason = DeleteAlarm, "its resource is gone"
	}
	return change
}

// alarmResource finds the resource of an alarm by its dimension; ok is false if name
// and dimension do not fit together as they do in every alarm of ours.
func alarmResource(a Alarm) (arn model.ARN, ok bool) {
	m := a.Settings.Metric
	arn, kind, err := model.ParseResourceARN(m.DimensionValue)
	if err != nil || m.DimensionName != kind.DimensionName() {
		return model.ARN{}, false
	}
	for _, t := range []AlarmType{LowUtilization, IdleAlarm} {
		if a.Name == t.Name(kind, arn.Name()) {
			return arn, true
		}
	}
	return model.ARN{}, false
}

// adjust brings an existing alarm in step with the wanted one: setting by setting,
// what we wrote follows the parameters and what a person changed stays.
func adjust(w WantedAlarm, a Alarm, now time.Time) AlarmChange {
	change := AlarmChange{Kind: KeepAlarm, Name: a.Name, ARN: a.ARN, Resource: w.Resource}
	last, ours := readFingerprint(a.Description)
	switch {
	case a.Foreign:
		change.Reason = "changed by a person: it uses settings that are never written here"
		return change
	case !ours && !original(a, w):
		change.Reason = "a person's: it bears no fingerprint of ours"
		return change
	case !ours:
		last = a.Settings.written()
	}
	change.Adopt = !ours || last[unclaimed] != ""
	next, theirs := merge(w.Settings, a, last)
	if len(theirs) > 0 {
		change.Reason = "changed by a person, which stays: " + strings.Join(theirs, ", ")
	}
	if differs := differences(a.Settings, next); len(differs) > 0 {
		change.Kind, change.Settings = UpdateAlarm, next
		change.Reason = joinReasons("brought in step: "+strings.Join(differs, ", "), change.Reason)
		change.Reset = next.ActionsOn && !a.Settings.ActionsOn && a.State == StateAlarm
		written := rewrite(last, a.Settings, next)
		if change.Reset {
			written[groupOn] = onReset + strconv.FormatInt(now.Unix(), 10)
		}
		change.Description = describe(w.Type, kindOf(w.Resource), written)
	} else if resetLost(last, a) {
		change.Kind, change.Reason, change.Adopt = ResetAlarm, "switched on while in ALARM, which nobody was told yet", false
	} else if change.Adopt {
		change.Kind, change.Settings = AdoptAlarm, a.Settings
		change.Reason = joinReasons("taken over from the original application", change.Reason)
		change.Description = describe(w.Type, kindOf(w.Resource), last)
	}
	return change
}

func joinReasons(reasons ...string) string {
	return strings.Join(slices.DeleteFunc(reasons, func(s string) bool { return s == "" }), "; ")
}

// merge takes the wanted settings, but leaves each group that differs from what we last
// wrote as the person made it, and switches actions on only when that is due.
func merge(want AlarmSettings, a Alarm, last written) (next AlarmSettings, theirs []string) {
	next = a.Settings
	for _, g := range groups {
		switch {
		case !sameAsWritten(g, last, a.Settings):
			if want.print(g) != a.Settings.print(g) {
				theirs = append(theirs, string(g))
			}
		case g == groupOn:
			next.ActionsOn = want.ActionsOn && (a.Settings.ActionsOn || a.State == StateOK || a.State == StateAlarm)
		default:
			next.take(g, want)
		}
	}
	return next, theirs
}

func sameAsWritten(g group, last written, s AlarmSettings) bool {
	if _, ok := switchedOn(last[g]); ok && g == groupOn {
		return s.ActionsOn
	}
	return last[g] == s.print(g)
}

// differences names the groups in which two settings differ.
func differences(have, want AlarmSettings) []string {
	var names []string
	for _, g := range groups {
		if have.print(g) != want.print(g) {
			names = append(names, string(g))
		}
	}
	return names
}

// rewrite is the fingerprint after an update: for what we write now its new value, for
// what a person changed what we wrote before, so that it stays known as theirs.
func rewrite(last written, have, next AlarmSettings) written {
	w := make(written, len(groups))
	for _, g := range groups {
		w[g] = next.print(g)
		if _, reset := switchedOn(last[g]); !sameAsWritten(g, last, have) || (reset && next.ActionsOn) {
			w[g] = last[g]
		}
	}
	return w
}

// resetLost recognises an alarm whose actions were switched on in ALARM and whose state
// was not reset after that, because the program was stopped in between: it has stood in
// ALARM since before it was switched on. That its settings were written later than that
// is asked for besides, by CloudWatch's own clock: should ours be ahead, it is the same
// alarm over and over otherwise.
func resetLost(last written, a Alarm) bool {
	at, reset := switchedOn(last[groupOn])
	return reset && a.Settings.ActionsOn && a.State == StateAlarm && !a.StateChanged.IsZero() &&
		a.StateChanged.Before(at) && a.StateChanged.Before(a.Configured)
}

// rotateStride is a large prime: its multiples visit every place of a list of any
// shorter length.
const rotateStride = 2654435761

// Rotate puts a list in a fair order: it starts at another place for each window, so
// that what is last, or fails, in one cycle is not last in all. The list is not changed.
func Rotate(changes []AlarmChange, w model.Window) []AlarmChange {
	if len(changes) == 0 {
		return nil
	}
	index := uint64(w.Start.Unix() / int64(WindowLength.Seconds()))
	start := index % uint64(len(changes)) * rotateStride % uint64(len(changes))
	return slices.Concat(changes[start:], changes[:start])
}
