package web

import (
	"fmt"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// modeView is what is automatic, and how fresh the data are: the bar on every page.
type modeView struct {
	Lead     string
	Switches []switchView
	Counts   []tab
	Failing  int
	Late     []string // regions whose data are late
	Fault    string   // why the last cycle measured nothing
	Problems int
	Accounts string // how many could be worked in, if there are several
	Failed   bool   // not all could
	Working  string // what the cycle under way does
	Checked  stamp
	Next     stamp
}

// switchView is an automatic action and whether it is on.
type switchView struct{ Label, Text, Class string }

func modeOf(s Snapshot, rows []*row, buttons bool, now time.Time) modeView {
	v := modeView{
		Lead: leadText(s.Status, buttons), Fault: s.Status.LastError, Problems: len(s.Result.Problems), Checked: stampOf(s.Status.LastCycle, now),
		Next:     stampOf(s.Status.NextCycle, now),
		Switches: []switchView{switchOf("Auto step-down", s.Status.AutoAdjust), switchOf("Auto delete and stop", s.Status.AutoStop)},
	}
	if s.Status.DryRun {
		v.Switches = append(v.Switches, switchView{"Dry run", "ON", "dry"})
	}
	if s.Status.NextCycle.Sub(now) < time.Minute {
		v.Next = stamp{}
	}
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.State.Key]++
		if r.Protection != "" {
			counts["protected"]++
		}
	}
	v.Failing = counts[failing.Key]
	for _, one := range []tab{
		{Label: "protected", Icon: "lock"}, {Label: contested.Key, Icon: contested.Icon}, {Label: held.Key, Icon: held.Icon},
		{Label: "watched", Icon: watching.Icon, Tone: watching.Key},
	} {
		key := one.Label
		if one.Tone != "" {
			key = one.Tone
		}
		if one.Count = counts[key]; one.Count > 0 {
			one.Link = link("/resources", keyShow, key)
			v.Counts = append(v.Counts, one)
		}
	}
	for _, late := range s.Result.DataLate {
		v.Late = append(v.Late, late.Where())
	}
	v.Accounts, v.Failed = accountsText(s.Accounts)
	for _, p := range s.Progress {
		if p.Done < p.Total {
			v.Working = fmt.Sprintf("%s %s of %s", map[string]string{"discover": "Finding", "measure": "Reading", "check": "Checking", "alarms": "Alarms"}[p.Step],
				model.Number(float64(p.Done), 0), model.Number(float64(p.Total), 0))
		}
	}
	return v
}

// leadText is the verdict: does the monitor change anything without a person?
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

func switchOf(label string, s model.Switch) switchView {
	switch s {
	case model.On:
		return switchView{label, "ON", "on"}
	case model.DryRun:
		return switchView{label, "DRY RUN", "dry"}
	case model.Off:
		return switchView{label, "OFF", ""}
	}
	return switchView{label, "unknown", ""}
}

// notice is a line below the bar.
type notice struct{ Tone, Icon, Strong, Text, Link, Action string }

// noticesOf are what a person must know on every page.
func noticesOf(s Snapshot, now time.Time) []notice {
	var list []notice
	if s.Status.LastError != "" {
		n := notice{Tone: "bad", Icon: "warn", Strong: "The last cycle measured nothing."}
		if at := measured(s); !at.IsZero() {
			n.Text = "The values shown are from " + stampOf(at, now).Human + "."
		}
		list = append(list, n)
	}
	list = append(list, accountNotices(s, now)...)
	if s.Status.DryRun {
		list = append(list, notice{Tone: "late", Icon: "eye", Strong: "This is a dry run:", Text: "nothing is written, and no action is executed."})
	} else if s.Status.Role == serve.Standby {
		list = append(list, notice{Tone: "late", Icon: "eye", Strong: "This daemon is on standby:",
			Text: "another daemon leads. Its decisions, records and savings are not known here."})
	}
	var late []string
	for _, one := range s.Result.DataLate {
		late = append(late, one.Where())
	}
	if len(late) > 0 {
		list = append(list, notice{Tone: "late", Icon: "clock", Strong: "CloudWatch data are late in " + strings.Join(late, ", ") + ":",
			Text: "nothing is decided there until they arrive.", Link: "/#problems", Action: "Details"})
	}
	return list
}
