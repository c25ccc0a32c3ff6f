package web

import (
	"fmt"
	"slices"
	"strings"

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
		{Label: "protected", Link: "protected", Icon: "lock"},
		{Label: "contested", Link: contested.Key, Icon: contested.Icon},
		{Label: "held", Link: held.Key, Icon: held.Icon},
		{Label: "watched", Link: watching.Key, Icon: watching.Icon},
	} {
		if one.Count = counts[one.Link]; one.Count > 0 {
			one.Link = link("/resources", keyShow, one.Link)
			list = append(list, one)
		}
	}
	return list
}

// Failing are the endpoints whose calls all fail.
func (e *estate) Failing() []*row {
	return slices.DeleteFunc(slices.Clone(e.Rows), func(r *row) bool { return r.State != failing })
}

// Reached is how many of several accounts could be worked in by the last cycle of each.
func (s Snapshot) Reached() (n int) {
	for _, one := range s.Accounts {
		if one.LastError == "" && !one.LastSuccess.IsZero() {
			n++
		}
	}
	return n
}

// Unreached are the accounts of several that could not.
func (s Snapshot) Unreached() []serve.AccountStatus {
	return slices.DeleteFunc(slices.Clone(s.Accounts), func(one serve.AccountStatus) bool { return one.LastError == "" })
}

// StandbyIn names some of several accounts in which another daemon leads, up to three; empty if this one leads in each that it can
// work in.
func (s Snapshot) StandbyIn() string {
	var names []string
	for _, one := range s.Accounts {
		if one.Role == serve.Standby {
			names = append(names, one.Account.String())
		}
	}
	if more := len(names) - 3; more > 0 {
		names = append(names[:3], model.Plural(more, "more account"))
	}
	return strings.Join(names, ", ")
}

// steps are the stages of a cycle, briefly and in words.
var steps = map[string][2]string{
	"discover": {"Finding", "Finding endpoints"}, "measure": {"Reading", "Reading their traffic"},
	"check": {"Checking", "Checking decisions again"}, "alarms": {"Alarms", "Writing alarms"},
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
