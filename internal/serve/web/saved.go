package web

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/savings"
)

// savedView is what the actions on record have saved in the calendar month that was metered last, and in
// all: money, or TPS-hours without prices.
type savedView struct{ Label, Value, Text string }

func savedOf(s Snapshot) savedView {
	v := savedView{Label: "Saved", Value: "unknown", Text: "not known yet"}
	if s.Saved == nil {
		return v
	}
	last := s.Saved.Until.Add(-time.Nanosecond).UTC()
	begin := time.Date(last.Year(), last.Month(), 1, 0, 0, 0, 0, time.UTC)
	month := s.Saved.In(begin.Format("2006-01"))
	v.Label = "Saved in " + begin.Format("January")
	// What was done before the records began is unknown.
	if since := s.Status.Recorded; since.After(begin) {
		v.Label = "Saved since the start"
		if !since.Equal(s.Status.Started) {
			v.Label = "Saved since " + since.UTC().Format("2 January")
		}
	}
	var sum total
	for _, m := range month.Estimates {
		sum.add(money{m.Amount, m.Currency})
	}
	switch {
	case len(month.Estimates) > 0:
		v.Value = sum.String()
	case month.TPSHours != nil:
		v.Value = model.Figure(*month.TPSHours) + " TPS-hours"
	case month.UnknownHours == 0:
		v.Value = "0" // nothing was in effect
	}
	v.Text = "by " + model.Plural(month.Actions, "action")
	if month.TPSHours != nil && len(month.Estimates) > 0 {
		v.Text = model.Figure(*month.TPSHours) + " TPS-hours " + v.Text
	}
	if month.UnknownHours > 0 {
		v.Text += "; " + model.Figure(month.UnknownHours) + " h of actions are unknown"
	}
	if !s.Status.Recorded.IsZero() {
		v.Text += "; since " + s.Status.Recorded.UTC().Format("2 January 15:04 UTC") + ": " + savedText(s.Saved.Total)
	}
	return v
}

// savedText is what actions have saved: money first, and what it leaves out.
func savedText(s savings.Sum) string {
	if len(s.Estimates) == 0 {
		return report.SavedText(s)
	}
	var sum total
	for _, m := range s.Estimates {
		sum.add(money{m.Amount, m.Currency})
	}
	text := sum.String()
	if s.TPSHours != nil {
		text += ", " + model.Figure(*s.TPSHours) + " TPS-hours"
	}
	if s.Unpriced > 0 {
		text += ", without " + model.Plural(s.Unpriced, "action")
	}
	if s.UnknownHours > 0 {
		text += fmt.Sprintf(" (%s h of actions are unknown)", model.Figure(s.UnknownHours))
	}
	return text
}

// savedKinds are the kinds of actions that save, in the ledger by month.
var savedKinds = map[model.Action]string{
	model.ActionUpdate: "lowered minimums", model.ActionDelete: "deleted campaigns", model.ActionStop: "stopped recommenders",
	model.ActionPause: "paused training",
}

// savedWhat is what an action did, in words.
func savedWhat(a savings.Action) string {
	switch a.Action {
	case model.ActionUpdate:
		verb := "lowered"
		if a.To > a.From {
			verb = "raised"
		}
		return "minimum " + verb + " " + report.SavedMinimum(a)
	case model.ActionDelete:
		return "campaign deleted"
	case model.ActionStop:
		return "recommender stopped"
	case model.ActionPause:
		return "training paused"
	}
	return strings.ReplaceAll(string(a.Action), "-", " ")
}

// savedMonth is what one kind of action has saved in a calendar month.
type savedMonth struct{ Month, Action, Saved, Actions string }

// savedMonths are the months of the ledger, the newest first.
func savedMonths(s Snapshot) []savedMonth {
	if s.Saved == nil {
		return nil
	}
	list := make([]savedMonth, len(s.Saved.Months))
	for i, m := range s.Saved.Months {
		list[len(list)-1-i] = savedMonth{m.Month, cmp.Or(savedKinds[m.Action], strings.ReplaceAll(string(m.Action), "-", " ")), savedText(m.Sum), model.Plural(m.Actions, "action")}
	}
	return list
}

// savedAction is what one action on a resource has saved.
type savedAction struct {
	When                                   stamp
	What, Saved, Promised, Achieved, State string
}

// savedActions are the actions on a resource, the newest first.
func savedActions(s Snapshot, arn string, now time.Time) []savedAction {
	if s.Saved == nil {
		return nil
	}
	var list []savedAction
	for _, a := range s.Saved.Of(arn) {
		sum := savings.Sum{Actions: 1, Amount: a.Amount}
		if a.Estimate != nil {
			sum.Estimates = []model.Money{*a.Estimate}
		}
		list = append([]savedAction{{
			When: stampOf(a.Time, now), What: savedWhat(a), Saved: savedText(sum),
			Promised: report.Number(a.PromisedPerMonth, 1, ""), Achieved: report.Number(a.AchievedPerMonth, 1, ""), State: report.SavedState(a),
		}}, list...)
	}
	return list
}

func savedMonthsCSV(list []savedMonth) [][]string {
	rows := [][]string{{"month", "action", "saved", "by"}}
	for _, m := range list {
		rows = append(rows, []string{m.Month, m.Action, m.Saved, m.Actions})
	}
	return rows
}

func savedActionsCSV(list []savedAction) [][]string {
	rows := [][]string{{"time", "what", "saved", "tpsHoursPromisedPerMonth", "tpsHoursAchievedPerMonth", "state"}}
	for _, a := range list {
		rows = append(rows, []string{a.When.Machine, a.What, a.Saved, a.Promised, a.Achieved, a.State})
	}
	return rows
}
