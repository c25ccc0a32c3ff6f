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
	*advice.Proposal
	Row     *row   // of the endpoint; an empty row if it is about none
	What    string // in words, with the name
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

// risk is how likely callers notice, with the number that it is rated by.
type risk struct{ Tone, Word, Text string }

func riskOf(level, text string) risk {
	return risk{map[string]string{"low": "low", "medium": "mid", "high": "high"}[level], capital(level), text}
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
	list := make([]recommendation, 0, len(s.Ledger.Recommendations))
	for i := range s.Ledger.Recommendations {
		p := &s.Ledger.Recommendations[i]
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
		// What is not one of these the monitor never does.
		verdict, ok := map[advice.Kind]rules.Verdict{
			advice.LowerMinimum: rules.StepDown, advice.Delete: rules.Delete, advice.Stop: rules.Stop,
		}[p.Kind]
		if ok && r.Saving != nil {
			a.Auto, a.Note = switchOf(s.Status, verdict) == model.On, switchText(s.Status, verdict)
			a.check(verdict)
		}
		list = append(list, a)
	}
	return list
}

// check finds what keeps it.
func (a *recommendation) check(verdict rules.Verdict) {
	r := a.Row
	switch {
	case r.Unread:
		a.Blocked, a.Note, a.Auto = "Not read", unreadAccount, false
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

// Where is the region and the account, if there are several; else empty.
func (a recommendation) Where() string {
	if a.Account == "" {
		return ""
	}
	return a.In(a.Region)
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
	a.What, a.Detail, a.Risk = capital(a.Proposal.What), shorten(a.Why, mostWhy), riskOf(string(a.Proposal.Risk), "")
	if a.Kind == advice.Delete || a.Kind == advice.Stop {
		a.Risk.Text = "no calls"
	}
	if r.Saving == nil {
		return a
	}
	switch a.Kind {
	case advice.LowerMinimum:
		target := strconv.Itoa(r.Saving.NewMin)
		a.Verb, a.Label, a.Detail = "Lower", "Lower to "+target+"…", fmt.Sprintf("minimum %d → %s", r.Min, target)
		a.Link = link("/resource", keyARN, r.ARN, keyMin, target) + "#change"
		if r.Saving.ColdPerWeek != nil {
			a.Risk.Text = model.Figure(*r.Saving.ColdPerWeek) + " cold steps a week"
		}
	case advice.Delete, advice.Stop:
		a.Verb = capital(string(a.Kind))
		a.Label, a.Link, a.Detail = a.Verb+"…", r.Link()+"#end", "no call in all the time read"
		if u := r.Usage; u != nil && u.IdleSince != nil && u.IdleSince.After(u.Window.Start) {
			a.Detail = "no call since " + u.IdleSince.UTC().Format("2 Jan 15:04")
		}
	case advice.PauseTraining, advice.Batch, advice.OneCampaign, advice.Included:
	}
	return a
}

// adviceView is the list with its sums.
type adviceView struct {
	List           []recommendation
	More           int
	Sum            total // of what is open or blocked, high risks aside
	Open, Blocked  total
	Segments       segments
	NeedYou, Autos int
	Held           int
	Allowed        bool
	Known          bool
	TPSHours       float64 // the same where no price is known
}

// adviceView has only so many recommendations in its list.
func (e *estate) adviceView(most int) adviceView {
	v := adviceView{
		Allowed: e.Buttons, Known: e.Ledger != nil, More: max(0, len(e.advice)-most),
	}
	for _, a := range e.advice {
		sum := &v.Open
		switch {
		case a.Blocked != "":
			v.Held++
			sum = &v.Blocked
		case a.Auto:
			v.Autos++
		default:
			v.NeedYou++
		}
		if a.Proposal.Risk != advice.High {
			v.TPSHours += a.Metered()
			v.Sum.add(a.Saves)
			sum.add(a.Saves)
		}
	}
	v.Segments = segmentsOf(segment{Label: "open", Class: "f-save", Value: v.Open.Main()},
		segment{Label: "blocked", Class: "f-rest", Value: v.Blocked.Main()})
	v.List = mapped(e.advice[:len(e.advice)-v.More], recommendation.word)
	return v
}
