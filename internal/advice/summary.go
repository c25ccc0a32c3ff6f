package advice

import (
	"fmt"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// topProposals is how many things a summary proposes to do.
const topProposals = 3

// Training is how much was trained in 30 days, in training hours, and how much of that was never
// served by a campaign; nil if that is not known.
type Training struct {
	Hours       float64  `json:"hours"`
	NeverServed *float64 `json:"neverServed"`
	// Partial is set if hours or regions could not be read: there are at least as many hours.
	Partial bool `json:"partial"`
}

// TrainingCost is what training that ended in the period cost.
type TrainingCost struct {
	Spent   []model.Money `json:"spent"`   // by currency
	Unknown int           `json:"unknown"` // solutions with training that is not in Spent
}

// Summary is the answer to what was spent, how much of it was wasted, and what to do. Its JSON keys
// are stable.
type Summary struct {
	Period    string        `json:"period"`
	Spent     []model.Money `json:"spent"`
	Unknown   int           `json:"unknown"` // endpoints that are not in Spent
	Endpoints int           `json:"endpoints"`
	Idle      int           `json:"idle"`
	Training  *Training     `json:"training"` // null if it is not known
	// TrainingCost is that of the period, and not in Spent; null if it is not known.
	TrainingCost *TrainingCost `json:"trainingCost"`
	Do           []Proposal    `json:"do"` // at most three, each a command
	Saves        []model.Money `json:"savesPerMonth"`
	// AccountsUnread are the accounts of which nothing is known, in a report over several.
	AccountsUnread int `json:"accountsUnread,omitempty"`
	Accounts       int `json:"accounts,omitempty"` // of a report over several
	// Gaps are endpoints that could not be listed or described, such as "some recommenders in eu-west-1": none is counted.
	Gaps []string `json:"notRead,omitempty"`
	Text string   `json:"text"`
}

// Without is what is known to be in no sum, in words.
func (s Summary) Without() (list []string) {
	if s.AccountsUnread > 0 {
		list = append(list, fmt.Sprintf("without %d of %s", s.AccountsUnread, model.Plural(s.Accounts, "account")))
	}
	switch len(s.Gaps) {
	case 0:
	case 1:
		list = append(list, "without "+s.Gaps[0])
	default: // the notes and problems name them
		list = append(list, "without endpoints that could not be read")
	}
	return list
}

// SummaryOf completes a summary of which all but Saves and Text is known. Do has all proposals, and is nil if
// none were looked for, as in a span in the past.
func SummaryOf(s Summary) Summary {
	proposals := s.Do
	s.Do = []Proposal{}
	for _, p := range proposals {
		if p.Command != "" && len(s.Do) < topProposals {
			s.Do = append(s.Do, p)
		}
	}
	s.Spent, s.Saves = append([]model.Money{}, s.Spent...), Sum(s.Do)
	s.Text = s.spentText() + " " + s.foundText(proposals == nil)
	if proposals != nil {
		s.Text += " " + s.doText()
	}
	return s
}

func (s Summary) spentText() string {
	text, notes := s.Period+": ", []string{}
	switch {
	case len(s.Spent) > 0:
		text += model.MoneyText(s.Spent, " and ")
		if s.Unknown > 0 {
			notes = append(notes, fmt.Sprintf("without %d of %s", s.Unknown, model.Plural(s.Endpoints, "endpoint")))
		}
		notes = append(notes, s.Without()...)
		if s.TrainingCost == nil {
			notes = append(notes, "without training")
		}
		text += " (" + strings.Join(append([]string{"estimate"}, notes...), ", ") + ")"
	case s.Endpoints == 0:
		text += "no endpoint"
	default:
		text += "the cost is not known"
	}
	if missing := s.Without(); len(missing) > 0 && len(s.Spent) == 0 {
		text += " (" + strings.Join(missing, ", ") + ")"
	}
	return text + s.TrainingCost.text() + "."
}

// Plus adds what is known; it is not known if either is not.
func (c *TrainingCost) Plus(o *TrainingCost) *TrainingCost {
	if c == nil || o == nil {
		return nil
	}
	return &TrainingCost{Spent: model.SumMoney(c.Spent, o.Spent), Unknown: c.Unknown + o.Unknown}
}

// text is the cost of training as the end of a sentence.
func (c *TrainingCost) text() string {
	switch {
	case c == nil || len(c.Spent) == 0 && c.Unknown == 0:
		return ""
	case len(c.Spent) == 0:
		return fmt.Sprintf(", and the training of %s at unknown cost", model.Plural(c.Unknown, "solution"))
	case c.Unknown > 0:
		return fmt.Sprintf(", and %s for training (without that of %s)", model.MoneyText(c.Spent, " and "), model.Plural(c.Unknown, "solution"))
	}
	return ", and " + model.MoneyText(c.Spent, " and ") + " for training"
}

// foundText is what there is. Training is that of the last 30 days even if the period is in the past.
func (s Summary) foundText(past bool) string {
	text := fmt.Sprintf("%s (%d idle)", model.Plural(s.Endpoints, "endpoint"), s.Idle)
	if s.Training == nil {
		return text + "."
	}
	least, when := "", "in 30 days"
	if s.Training.Partial {
		least = "at least "
	}
	if past {
		when = "in the last 30 days"
	}
	text += fmt.Sprintf(", %s%s training hours %s of which ", least, model.Number(s.Training.Hours, 1), when)
	if s.Training.NeverServed == nil {
		return text + "it is unknown how many were served."
	}
	return text + least + model.Number(*s.Training.NeverServed, 1) + " were never served."
}

func (s Summary) doText() string {
	switch {
	case len(s.Do) > 0:
	case len(s.Without()) > 0:
		return "Nothing to do in what could be read."
	default:
		return "Nothing to do."
	}
	var things []string
	for _, p := range s.Do {
		things = append(things, p.text())
	}
	text := "Do this: "
	if n := len(things); n > 1 {
		text = fmt.Sprintf("Do these %s things: ", []string{"two", "three"}[n-2])
	}
	return text + strings.Join(things, "; ") + s.savesText()
}

// savesText is what the things save, as far as that is known in money.
func (s Summary) savesText() string {
	unknown, verb := 0, "save"
	for _, p := range s.Do {
		if p.Saves.Amount == nil {
			unknown++
		}
	}
	if unknown == 1 {
		verb = "saves"
	}
	switch {
	case len(s.Saves) == 0:
		return "."
	case unknown > 0:
		return fmt.Sprintf("; saves %s a month, and what %d of them %s is not known.",
			model.MoneyText(s.Saves, " and "), unknown, verb)
	}
	return "; saves " + model.MoneyText(s.Saves, " and ") + " a month."
}
