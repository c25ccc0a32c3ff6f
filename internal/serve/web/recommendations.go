package web

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// recommendation is what to do with an endpoint or solution, as it is shown.
type recommendation struct {
	advice.Proposal
	Row     *row   // of the endpoint; an empty row if it is about none
	Verb    string // Lower, Stop, Delete; else What has it all
	Detail  string // minimum 30 → 16
	Saves   money  // a month; unknown without a price
	Risk    risk
	Blocked string // why it is not done now; empty if it can be
	Note    string // who does it, or why
	Auto    bool   // the monitor does it
	Link    string // to the form that does it; empty without one
	Label   string // of that link
}

// risk is how likely callers notice.
type risk struct{ Tone, Word, Text string }

// riskOf words the risk of a proposal, with the number that it is rated by.
func riskOf(p advice.Proposal, r *row) risk {
	v := risk{map[advice.Level]string{advice.Low: "low", advice.Medium: "mid", advice.High: "high"}[p.Risk],
		map[advice.Level]string{advice.Low: "Low", advice.Medium: "Medium", advice.High: "High"}[p.Risk], ""}
	switch {
	case p.Kind == advice.Delete || p.Kind == advice.Stop:
		v.Text = "no calls"
	case p.Kind == advice.LowerMinimum && r.Entry != nil && r.Entry.Saving != nil && r.Entry.Saving.ColdPerWeek != nil:
		v.Text = model.Figure(*r.Entry.Saving.ColdPerWeek) + " cold steps a week"
	}
	return v
}

// recommendationsOf are what to do, the most money first, as the ledger ranks them. Nothing is
// recommended for an endpoint whose calls all fail.
func recommendationsOf(s Snapshot, rows []*row) []recommendation {
	if s.Ledger == nil {
		return nil
	}
	byARN := make(map[string]*row, len(rows))
	for _, r := range rows {
		byARN[r.ARN] = r
	}
	automatic := switchesOf(s.Status)
	var list []recommendation
	for _, p := range s.Ledger.Recommendations {
		r := byARN[p.ARN]
		if r == nil {
			r = &row{}
		}
		if p.Kind == advice.Included || r.State == failing || r.ARN != "" && !r.Monitored {
			continue
		}
		a := recommendation{Proposal: p, Row: r}
		if p.Saves.Amount != nil {
			a.Saves = money{*p.Saves.Amount, p.Saves.Currency}
		}
		if verdict := verdictOf(p.Kind); verdict != "" && r.Entry != nil && r.Entry.Saving != nil {
			a.check(verdict, automatic)
		}
		list = append(list, a)
	}
	return list
}

// verdictOf is the action of a proposal; empty if the monitor never does it.
func verdictOf(k advice.Kind) rules.Verdict {
	return map[advice.Kind]rules.Verdict{advice.LowerMinimum: rules.StepDown, advice.Delete: rules.Delete, advice.Stop: rules.Stop}[k]
}

// check finds who does it, and what keeps it.
func (a *recommendation) check(verdict rules.Verdict, automatic switches) {
	r := a.Row
	a.Auto = automatic.of(verdict) == model.On
	a.Note = automatic.text(verdict)
	switch {
	case r.keeps[verdict] || r.keeps[r.Check.Decision] && !r.Check.Decision.Changes():
		a.Blocked, a.Note, a.Auto = "Protected", r.Protection, false
	case r.State == held:
		a.Blocked, a.Note, a.Auto = "Held", because[rules.ReasonFailures], false
	case r.State == contested:
		a.Note, a.Auto = because[rules.ReasonContested]+"; change it in your code", false
	case strings.HasPrefix(r.Check.Outcome, events.OutcomeRefused), strings.HasPrefix(r.Check.Outcome, events.OutcomeFailed):
		a.Note, a.Auto = shorten(r.Check.Outcome, mostCause), false
	case r.State == watching:
		a.Note = "watched after a step"
	}
}

// Metered is what it saves a month in TPS-hours; 0 if it saves none.
func (a recommendation) Metered() float64 {
	if a.Proposal.Saves.TPSHours == nil {
		return 0
	}
	return *a.Proposal.Saves.TPSHours
}

// mostWhy is how long the reason of a recommendation may be, in characters.
const mostWhy = 130

// word fills in the texts that a page shows. A long list is worded only as far as it is shown.
func (a recommendation) word() recommendation {
	r := a.Row
	a.Risk = riskOf(a.Proposal, r)
	a.What = strings.ToUpper(a.What[:1]) + a.What[1:]
	if a.Detail = shorten(a.Why, mostWhy); r.Entry == nil || r.Entry.Saving == nil {
		return a
	}
	switch a.Kind {
	case advice.LowerMinimum:
		target := strconv.Itoa(r.Entry.Saving.NewMin)
		a.Verb, a.Label, a.Detail = "Lower", "Lower to "+target+"…", fmt.Sprintf("minimum %d → %s", r.Min, target)
		a.Link = link("/resource", keyARN, r.ARN, keyMin, target) + "#change"
	case advice.Delete:
		a.Verb, a.Label, a.Detail, a.Link = "Delete", "Delete…", idleText(r), r.Link()+"#end"
	case advice.Stop:
		a.Verb, a.Label, a.Detail, a.Link = "Stop", "Stop…", idleText(r), r.Link()+"#end"
	case advice.PauseTraining, advice.Batch, advice.OneCampaign, advice.Included:
	}
	return a
}

// idleText is since when no one calls an endpoint.
func idleText(r *row) string {
	if u := r.Entry.Usage; u != nil && u.IdleSince != nil && u.IdleSince.After(u.Window.Start) {
		return "no call since " + u.IdleSince.UTC().Format("2 Jan 15:04")
	}
	return "no call in all the time read"
}

// adviceView is the list with its sums.
type adviceView struct {
	List           []recommendation
	More           int
	Sum            total // of what is open or blocked, high risks aside
	Open, Blocked  total
	Segments       []segment
	NeedYou, Autos int
	Held           int
	Allowed        bool
	Known          bool
	TPSHours       string // the same where no price is known
	Nothing        string // why the list is empty
}

func adviceViewOf(list []recommendation, most int, allowed bool, s Snapshot) adviceView {
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
		if a.Proposal.Risk == advice.High {
			continue
		}
		hours += a.Metered()
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
	for _, a := range list[:len(list)-v.More] {
		v.List = append(v.List, a.word())
	}
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
