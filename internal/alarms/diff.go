package alarms

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// ChangeKind is what is to be done to an alarm.
type ChangeKind string

// The kinds of change. Keep writes nothing; its reason says why where a person may wonder.
const (
	Create ChangeKind = "create"
	Update ChangeKind = "update"
	Adopt  ChangeKind = "adopt" // as it should be, except for its tags and its description
	Reset  ChangeKind = "reset"
	Delete ChangeKind = "delete"
	Keep   ChangeKind = "keep"
)

// Writes reports whether an alarm is created or changed.
func (k ChangeKind) Writes() bool { return k == Create || k == Update || k == Adopt || k == Reset }

// Change turns one alarm into what it should be.
type Change struct {
	Kind        ChangeKind
	Name        string
	ARN         string // of the existing alarm
	Resource    model.ARN
	Settings    Settings // create, update and adopt
	Description string   // create, update and adopt
	// Reset sets the alarm's state to INSUFFICIENT_DATA after the update, so that its next
	// evaluation, back to ALARM, notifies people.
	Reset bool
	// Adopt tags the alarm, which the upstream sample created, as this deployment's before it
	// is written.
	Adopt bool
	// OwnOnly restricts a deletion to alarms of this deployment: the resource still exists,
	// and another deployment may want the alarm.
	OwnOnly bool
	Reason  string
}

// ResourceState is what is known of the resource of an existing alarm.
type ResourceState int

// The states. The alarms of Unknown resources stay.
const (
	Unknown ResourceState = iota
	Monitored
	Inactive
	Gone
)

// Diff compares the existing alarms of a region with the desired ones. Other alarms are
// deleted if their resource is gone or no longer active, or is monitored and should not have
// this alarm. The changes are ordered by the alarms' names.
func Diff(desired []Desired, actual []Alarm, state func(model.ARN) ResourceState, now time.Time) []Change {
	byName := make(map[string]*Alarm, len(actual))
	for i := range actual {
		byName[actual[i].Name] = &actual[i]
	}
	changes := make([]Change, 0, max(len(desired), len(actual)))
	for _, d := range desired {
		if a, exists := byName[d.Name]; exists {
			changes = append(changes, update(d, *a, now))
			delete(byName, d.Name)
		} else {
			changes = append(changes, create(d))
		}
	}
	for _, a := range byName {
		changes = append(changes, unwanted(*a, state))
	}
	slices.SortFunc(changes, func(x, y Change) int { return strings.Compare(x.Name, y.Name) })
	return changes
}

// create makes a new alarm with actions off: its first evaluation notifies no one.
func create(d Desired) Change {
	s := d.Settings
	s.ActionsOn = false // guard: created with actions off
	return Change{
		Kind: Create, Name: d.Name, Resource: d.Resource, Settings: s,
		Description: describe(d.Type, kindOf(d.Resource), s.fingerprint()), Reason: "missing",
	}
}

// unwanted decides on an existing alarm that no monitored resource should have.
func unwanted(a Alarm, state func(model.ARN) ResourceState) Change {
	change := Change{Kind: Keep, Name: a.Name, ARN: a.ARN}
	arn, _, ok := OwnerOf(a)
	if !ok { // guard: an alarm under our prefix that is not ours
		change.Reason = "not an alarm of this program, although it has such a name"
		return change
	}
	change.Resource = arn
	switch state(arn) {
	case Monitored:
		change.Kind, change.OwnOnly, change.Reason = Delete, true, "switched off"
	case Inactive:
		change.Kind, change.Reason = Delete, "its resource is no longer active"
	case Gone:
		change.Kind, change.Reason = Delete, "its resource no longer exists"
	}
	return change
}

// update turns an existing alarm into the desired one, setting by setting: what the program
// wrote follows the parameters, and what a person changed stays.
func update(d Desired, a Alarm, now time.Time) Change {
	change := Change{Kind: Keep, Name: a.Name, ARN: a.ARN, Resource: d.Resource}
	last, ours := readFingerprint(a.Description)
	switch {
	case a.Foreign: // guard: alarm with settings that are never written
		change.Reason = "changed by a person: it uses settings that are never written here"
		return change
	case !ours && !unchangedSample(a, d): // guard: alarm without fingerprint
		change.Reason = "a person's: it has no fingerprint of this program"
		return change
	case !ours:
		last = a.Settings.fingerprint()
	}
	change.Adopt = !ours || last[tagsDue] != ""
	next, differs, kept := merge(d.Settings, a, last)
	if len(kept) > 0 {
		change.Reason = "changed by a person, which stays: " + strings.Join(kept, ", ")
	}
	if len(differs) > 0 {
		change.Kind, change.Settings = Update, next
		change.Reason = joinReasons("updated: "+strings.Join(differs, ", "), change.Reason)
		change.Reset = next.ActionsOn && !a.Settings.ActionsOn && a.State == StateAlarm
		written := nextFingerprint(last, a.Settings, next)
		if change.Reset {
			written[groupOn] = onReset + strconv.FormatInt(now.Unix(), 10)
		}
		change.Description = describe(d.Type, kindOf(d.Resource), written)
	} else if resetLost(last, a) {
		change.Kind, change.Reason, change.Adopt = Reset, "switched on while in ALARM, and no one has been notified yet", false
	} else if change.Adopt {
		change.Kind, change.Settings = Adopt, a.Settings
		change.Reason = joinReasons("taken over from the upstream sample", change.Reason)
		change.Description = describe(d.Type, kindOf(d.Resource), last)
	}
	return change
}

func joinReasons(reasons ...string) string {
	return strings.Join(slices.DeleteFunc(reasons, func(s string) bool { return s == "" }), "; ")
}

// merge returns the desired settings, except for the groups that differ from what was last
// written, which a person changed, and the actions, which are switched on only when due. It names the
// groups that differ from the alarm's, and those that are kept.
func merge(want Settings, a Alarm, last fingerprint) (next Settings, differs, kept []string) {
	next = a.Settings
	for _, g := range groups {
		switch {
		case !last.matches(g, a.Settings): // guard: settings that a person changed
			if want.print(g) != a.Settings.print(g) {
				kept = append(kept, string(g))
			}
		case g == groupOn:
			// guard: actions on only once the alarm was evaluated; each:1-2
			next.ActionsOn = want.ActionsOn && (a.Settings.ActionsOn || a.State == StateOK || a.State == StateAlarm)
		default:
			next.copyGroup(g, want)
		}
		if next.print(g) != a.Settings.print(g) {
			differs = append(differs, string(g))
		}
	}
	return next, differs, kept
}

// nextFingerprint is the fingerprint after an update: the new value of what is written now,
// and for what a person changed the last value written, so that it stays known as theirs.
func nextFingerprint(last fingerprint, have, next Settings) fingerprint {
	f := make(fingerprint, len(groups))
	for _, g := range groups {
		f[g] = next.print(g)
		// guard: what a person changed stays known as theirs; each:1
		if _, reset := switchedOn(last[g]); !last.matches(g, have) || (reset && next.ActionsOn) {
			f[g] = last[g]
		}
	}
	return f
}

// resetLost detects an alarm whose actions were switched on in ALARM and whose state was not
// reset after that, because the program was stopped in between: it has been in ALARM since
// before it was switched on. Its settings must also have been written after that, by
// CloudWatch's own clock: if ours is ahead, the same alarm would be reset again and again.
func resetLost(last fingerprint, a Alarm) bool {
	at, reset := switchedOn(last[groupOn])
	return reset && a.Settings.ActionsOn && a.State == StateAlarm && !a.StateChanged.IsZero() &&
		a.StateChanged.Before(at) && a.StateChanged.Before(a.Configured)
}

// Where a list starts moves by a prime number: about as far as a cycle comes in a long list, so that the next one
// continues there, and in a short list so that every place comes first at some time.
const (
	longStride  = 709 // of lists that are longer; a cycle has time for some 720 changes
	shortStride = 2654435761
)

// Rotate puts a list in a fair order: it starts at another place for each window, so that
// what is last, or fails, in one cycle is not last in all. The list is not changed.
func Rotate(changes []Change, w model.Window) []Change {
	if len(changes) == 0 {
		return nil
	}
	stride, length := uint64(longStride), uint64(len(changes))
	if length <= longStride {
		stride = shortStride
	}
	index := uint64(w.Start.Unix() / int64(rules.WindowLength.Seconds()))
	start := index % length * stride % length
	return slices.Concat(changes[start:], changes[:start])
}
