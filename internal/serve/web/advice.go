package web

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// advice is a recommendation: what to do with an endpoint, and what that saves.
type advice struct {
	Row      row
	Verb     string // Lower, Stop, Delete
	Detail   string // minimum 30 → 16
	Saves    money  // a month; unknown without a price
	TPSHours float64
	Risk     risk
	Blocked  string // why it is not done now; empty if it can be
	Note     string // who does it, or why
	Auto     bool   // the monitor does it
	Command  string
	Link     string // to the form that does it
	Label    string // of that link
}

// risk is what an action may cost in service: how often demand would rise faster than capacity.
type risk struct{ Tone, Word, Text string }

// riskOf rates how many jumps of demand a minimum would leave uncovered in 14 days.
func riskOf(jumps, now, days int) risk {
	a := float64(max(0, jumps-now)) * 7 / float64(max(1, days))
	text := model.Figure(float64(jumps)*7/float64(max(1, days))) + " jumps a week"
	switch {
	case a < 1:
		return risk{"low", "Low", text}
	case a < 7:
		return risk{"mid", "Medium", text}
	}
	return risk{"high", "High", text}
}

// adviceOf are the recommendations, the most money first. Nothing is recommended for an endpoint whose
// demand is unknown, as the ledger proposes nothing for it.
func adviceOf(rows []row, automatic switches) []advice {
	var list []advice
	for _, r := range rows {
		if r.Entry == nil || r.Entry.Saving == nil || !r.Monitored || r.State == failing {
			continue
		}
		saving := r.Entry.Saving
		a := advice{Row: r, Saves: r.Costs.Saves, TPSHours: saving.PerMonth, Link: r.Link() + "#change"}
		switch saving.Action {
		case rules.StepDown:
			a.Verb, a.Label = "Lower", "Lower to "+strconv.Itoa(saving.NewMin)+"…"
			a.Detail = fmt.Sprintf("minimum %d → %d", r.Min, saving.NewMin)
			a.Command = fmt.Sprintf("personalize-monitor update-tps %s %d", r.ARN, saving.NewMin)
			a.Link = link("/resource", keyARN, r.ARN, keyMin, strconv.Itoa(saving.NewMin)) + "#change"
			a.Risk = riskOf(saving.Jumps, saving.JumpsNow, 14)
		case rules.Delete:
			a.Verb, a.Label, a.Detail, a.Risk = "Delete", "Delete…", idleText(r), risk{"low", "Low", "no calls"}
			a.Command = "personalize-monitor delete-campaign " + r.ARN
		case rules.Stop:
			a.Verb, a.Label, a.Detail, a.Risk = "Stop", "Stop…", idleText(r), risk{"low", "Low", "no calls"}
			a.Command = "personalize-monitor stop-recommender " + r.ARN
		case "", rules.None, rules.Refused:
			continue
		}
		a.Auto = automatic.of(saving.Action) == model.On
		a.Note = automatic.text(saving.Action)
		switch {
		case r.Protection != "":
			a.Blocked, a.Note, a.Auto = "Protected", r.Protection, false
		case r.State == held:
			a.Blocked, a.Note, a.Auto = "Held", because[rules.ReasonFailures], false
		case r.State == contested:
			a.Note, a.Auto = because[rules.ReasonContested]+"; change it in your code", false
		case strings.HasPrefix(r.Check.Outcome, events.OutcomeRefused), strings.HasPrefix(r.Check.Outcome, events.OutcomeFailed):
			a.Note, a.Auto = shorten(r.Check.Outcome), false
		case r.State == watching:
			a.Note = "watched after a step"
		}
		list = append(list, a)
	}
	slices.SortStableFunc(list, func(a, b advice) int {
		return cmp.Or(compareMoney(b.Saves, a.Saves), cmp.Compare(b.TPSHours, a.TPSHours))
	})
	return list
}

// idleText is since when no one calls an endpoint.
func idleText(r row) string {
	if u := r.Entry.Usage; u != nil && u.IdleSince != nil && u.IdleSince.After(u.Window.Start) {
		return "no call since " + u.IdleSince.UTC().Format("2 Jan 15:04")
	}
	return "no call in all the time read"
}

// adviceView is the list with its sums.
type adviceView struct {
	List           []advice
	More           int
	Sum            total // of what is open or blocked, high risks aside
	Open, Blocked  total
	Segments       []segment
	NeedYou, Autos int
	Held           int
	Allowed        bool
	Known          bool
	TPSHours       string // of all, where no price is known
	Nothing        string // why the list is empty
}

func adviceViewOf(list []advice, most int, allowed bool, s Snapshot) adviceView {
	v := adviceView{Allowed: allowed, Known: s.Ledger != nil, Nothing: "Nothing to save is known: minimums fit the demand of 14 days."}
	hours := 0.0
	for _, a := range list {
		switch {
		case a.Blocked != "":
			v.Held++
		case a.Auto:
			v.Autos++
		default:
			v.NeedYou++
		}
		hours += a.TPSHours
		if a.Risk.Tone == "high" {
			continue
		}
		v.Sum.add(a.Saves)
		if a.Blocked != "" {
			v.Blocked.add(a.Saves)
		} else {
			v.Open.add(a.Saves)
		}
	}
	v.TPSHours = model.Figure(hours)
	v.Segments = segmentsOf(segment{Label: "open", Class: "f-save", Value: v.Open.Main()}, segment{Label: "blocked", Class: "f-rest", Value: v.Blocked.Main()})
	v.More = max(0, len(list)-most)
	v.List = list[:len(list)-v.More]
	switch {
	case s.Ledger == nil && s.LedgerErr != "":
		v.Nothing = "Unknown: " + s.LedgerErr
	case s.Ledger == nil:
		v.Nothing = "The demand of 14 days is being read."
	case len(s.Ledger.Problems) > 0:
		v.Nothing = "Nothing known to save; but some data could not be read."
	}
	return v
}

func adviceCSV(list []advice) [][]string {
	rows := [][]string{{"arn", "what", "detail", "savesPerMonth", "currency", "tpsHoursPerMonth", "risk", "riskText", "automatic", "blocked", "note", "command"}}
	for _, a := range list {
		amount := ""
		if a.Saves.Known() {
			amount = strconv.FormatFloat(a.Saves.Amount, 'f', 2, 64)
		}
		rows = append(rows, []string{a.Row.ARN, strings.ToLower(a.Verb), a.Detail, amount, a.Saves.Currency, strconv.FormatFloat(a.TPSHours, 'f', 1, 64),
			a.Risk.Word, a.Risk.Text, strconv.FormatBool(a.Auto), a.Blocked, a.Note, a.Command})
	}
	return rows
}
