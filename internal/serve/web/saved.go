package web

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/savings"
)

// savedTile is what the actions on record have saved in the calendar month that was metered last, and in
// all.
func savedTile(s Snapshot) tile {
	t := tile{
		Label: "Saved", Value: "–", Text: "not known yet", Tone: "saved", Link: link("/timeline", keyKind, string(EntryAction)),
	}
	if s.Saved == nil {
		return t
	}
	last := s.Saved.Until.Add(-time.Nanosecond).UTC()
	begin := time.Date(last.Year(), last.Month(), 1, 0, 0, 0, 0, time.UTC)
	month := s.Saved.In(begin.Format("2006-01"))
	t.Label = "Saved in " + begin.Format("January")
	// What was done before the records began is unknown.
	if since := s.Status.Recorded; since.After(begin) {
		t.Label = "Saved since the start"
		if !since.Equal(s.Status.Started) {
			t.Label = "Saved since " + since.UTC().Format("2 January")
		}
	}
	switch {
	case month.TPSHours != nil:
		t.Value, t.Unit = model.Figure(*month.TPSHours), "TPS-hours"
	case month.UnknownHours == 0:
		t.Value, t.Unit = "0", "TPS-hours" // nothing was in effect
	}
	t.Text = "by " + model.Plural(month.Actions, "action")
	for _, m := range month.Estimates {
		t.Text += fmt.Sprintf("; estimate: %s %s", m.Currency, model.Number(m.Amount, 0))
	}
	if month.UnknownHours > 0 {
		t.Text += "; " + model.Figure(month.UnknownHours) + " h of actions are unknown"
	}
	if !s.Status.Recorded.IsZero() {
		t.Text += "; in all " + report.SavedText(s.Saved.Total) + " since " + s.Status.Recorded.UTC().Format("2 January 15:04 UTC")
	}
	return t
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
		list[len(list)-1-i] = savedMonth{m.Month, string(m.Action), report.SavedText(m.Sum), model.Plural(m.Actions, "action")}
	}
	return list
}

// savedAction is what one action on a resource has saved.
type savedAction struct {
	When                                            stamp
	What, Minimum, Saved, Promised, Achieved, State string
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
			sum.Estimates = []savings.Money{*a.Estimate}
		}
		list = append([]savedAction{{
			When: stampOf(a.Time, now), What: string(a.Action), Minimum: report.SavedMinimum(a), Saved: report.SavedText(sum),
			Promised: report.Number(a.PromisedPerMonth, 1, ""), Achieved: report.Number(a.AchievedPerMonth, 1, ""), State: report.SavedState(a),
		}}, list...)
	}
	return list
}
