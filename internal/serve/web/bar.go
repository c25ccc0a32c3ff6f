package web

import (
	"cmp"
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// Lead is the verdict of the bar on every page: does the monitor change anything without a person?
func (e *estate) Lead() string { return leadText(e.Status, e.Buttons) }

func leadText(s serve.Status, buttons bool) string {
	on := func(position model.Switch) bool { return s.AutoAdjust == position || s.AutoStop == position }
	switch {
	case s.DryRun:
		return "Looks only"
	case s.Role == serve.Standby:
		return "On standby"
	case on(model.On):
		return "Automatic"
	case on(model.DryRun):
		return "Reports only"
	case s.AutoAdjust == "" && s.AutoStop == "":
		return "Starting"
	case buttons:
		return "Asks first"
	}
	return "Looks only"
}

// switchView is an automatic action and whether it is on.
type switchView struct{ Label, Text, Class string }

// Switches are the automatic actions.
func (e *estate) Switches() []switchView {
	of := func(label string, s model.Switch) switchView {
		class := map[model.Switch]string{model.On: "on", model.DryRun: "dry"}[s]
		text := map[model.Switch]string{model.On: "ON", model.DryRun: "DRY RUN", model.Off: "OFF"}[s]
		return switchView{label, cmp.Or(text, "unknown"), class}
	}
	list := []switchView{of("Auto step-down", e.Status.AutoAdjust), of("Auto delete and stop", e.Status.AutoStop)}
	if e.Status.DryRun {
		list = append(list, switchView{"Dry run", "ON", "dry"})
	}
	return list
}

// Counts are how many endpoints are protected, or need attention without failing.
func (e *estate) Counts() (list []tab) {
	counts := map[string]int{}
	for _, r := range e.Rows {
		counts[r.State.Key]++
		if r.Protection != "" {
			counts["protected"]++
		}
	}
	for _, one := range []tab{
		{Label: "protected", Link: "protected", Icon: "lock"}, {Label: "contested", Link: contested.Key, Icon: contested.Icon},
		{Label: "held", Link: held.Key, Icon: held.Icon}, {Label: "watched", Link: watching.Key, Icon: watching.Icon},
	} {
		if one.Count = counts[one.Link]; one.Count > 0 {
			one.Link = link("/resources", keyShow, one.Link)
			list = append(list, one)
		}
	}
	return list
}

// Failing are the endpoints whose calls all fail.
func (e *estate) Failing() (list []*row) {
	for _, r := range e.Rows {
		if r.State == failing {
			list = append(list, r)
		}
	}
	return list
}

// accountsView is how many of several accounts could be worked in by the last cycle of each.
type accountsView struct {
	Text   string // empty if there is only one
	Failed bool   // not all could
}

// Reached are the accounts that could be worked in.
func (s Snapshot) Reached() (v accountsView) {
	good := 0
	for _, one := range s.Accounts {
		if one.LastError != "" {
			v.Failed = true
		} else if !one.LastSuccess.IsZero() {
			good++
		}
	}
	if len(s.Accounts) > 0 {
		v.Text = fmt.Sprintf("%d of %s", good, model.Plural(len(s.Accounts), "account"))
	}
	return v
}

// steps are the stages of a cycle, briefly and in words.
var steps = map[string][2]string{
	"discover": {"Finding", "Finding endpoints"}, "measure": {"Reading", "Reading their traffic"}, "check": {"Checking", "Checking decisions again"},
	"alarms": {"Alarms", "Writing alarms"},
}

// Working is what the cycle under way does; empty between two.
func (s Snapshot) Working() (text string) {
	for _, p := range s.Progress {
		if p.Done < p.Total {
			text = fmt.Sprintf("%s %s of %s", steps[p.Step][0], number(p.Done), number(p.Total))
		}
	}
	return text
}

// notice is a line below the bar.
type notice struct{ Tone, Icon, Strong, Text, Link, Action string }

// maxAccountNotices is how many accounts have a notice of their own.
const maxAccountNotices = 3

// Notices are what a person must know on every page.
func (s Snapshot) Notices() (list []notice) {
	details := func(tone, icon, strong, text string) notice {
		return notice{tone, icon, strong, text, "/#problems", "Details"}
	}
	from := func(whose string, at time.Time, otherwise string) string {
		if at.IsZero() {
			return otherwise
		}
		return whose + " from " + at.UTC().Format(stampLayout) + "."
	}
	if s.Status.LastError != "" {
		list = append(list, notice{
			Tone: "bad", Icon: "warn", Strong: "The last cycle measured nothing.", Text: from("The values shown are", s.measured(), ""),
		})
	} else {
		more := 0
		for _, one := range s.Accounts {
			switch {
			case one.LastError == "":
			case len(list) == maxAccountNotices:
				more++
			default:
				list = append(list, details("bad", "warn", "The last cycle in "+one.Account.String()+" measured nothing.",
					from("Its values are", one.LastSuccess, "Nothing is known of it, and no sum has it.")))
			}
		}
		if more > 0 {
			list = append(list, details("bad", "warn", "So it is in "+model.Plural(more, "more account")+".", ""))
		}
	}
	if s.Status.DryRun {
		list = append(list, notice{Tone: "late", Icon: "eye", Strong: "This is a dry run:", Text: "nothing is written, and no action is executed."})
	} else if s.Status.Role == serve.Standby {
		list = append(list, notice{Tone: "late", Icon: "eye", Strong: "This daemon is on standby:",
			Text: "another daemon leads. Its decisions, records and savings are not known here."})
	}
	if late := s.lateAt(time.Time{}); late != "" {
		list = append(list, details("late", "clock", "CloudWatch data are late in "+late+":", "nothing is decided there until they arrive."))
	}
	return list
}
