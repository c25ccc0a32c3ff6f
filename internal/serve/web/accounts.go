package web

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// maxAccountNotices is how many accounts have a notice of their own.
const maxAccountNotices = 3

// account is one of several accounts; the zero value if there is one, or it is not watched.
func (s Snapshot) account(id string) model.Account {
	for _, one := range s.Accounts {
		if one.ID == id {
			return one.Account
		}
	}
	return model.Account{}
}

// failed reports whether the last cycle in one of several accounts measured nothing.
func (s Snapshot) failed(id string) bool {
	for _, one := range s.Accounts {
		if one.ID == id {
			return one.LastError != "" || one.LastSuccess.IsZero()
		}
	}
	return false
}

// place is the region of a resource, with its account if there are several: as alarms and problems
// have it.
func (s Snapshot) place(arn model.ARN) string {
	return model.Problem{Region: arn.Region, Account: s.account(arn.Account)}.Where()
}

// subject describes a resource.
func (s Snapshot) subject(r model.Resource) report.Subject {
	subject := report.SubjectOf(r)
	a := s.account(r.ARN.Account)
	subject.Account, subject.AccountName = a.ID, a.Name
	return subject
}

// placed is an entry with the account beside its region, if there are several.
func (s Snapshot) placed(e Entry) Entry {
	if len(s.Accounts) == 0 {
		return e
	}
	if arn, err := model.ParseARN(e.ARN); err == nil {
		e.Region = s.place(arn)
	}
	return e
}

// accountOptions are the choices of one account; nil if there is only one.
func accountOptions(s Snapshot) []option {
	if len(s.Accounts) == 0 {
		return nil
	}
	options := []option{{"", "All accounts"}}
	for _, one := range s.Accounts {
		options = append(options, option{one.ID, one.Account.String()})
	}
	return options
}

// accountNotices are the accounts whose last cycle measured nothing, unless that is so of all.
func accountNotices(s Snapshot, now time.Time) []notice {
	var list []notice
	if s.Status.LastError != "" {
		return nil
	}
	more := 0
	for _, one := range s.Accounts {
		switch {
		case one.LastError == "":
			continue
		case len(list) == maxAccountNotices:
			more++
			continue
		}
		n := notice{
			Tone: "bad", Icon: "warn", Strong: "The last cycle in " + one.Account.String() + " measured nothing.",
			Text: "Nothing is known of it, and no sum has it.", Link: "/#problems", Action: "Details",
		}
		if at := one.LastSuccess; !at.IsZero() {
			n.Text = "Its values are from " + stampOf(at, now).Human + "."
		}
		list = append(list, n)
	}
	if more > 0 {
		list = append(list, notice{Tone: "bad", Icon: "warn", Strong: "So it is in " + model.Plural(more, "more account") + ".", Link: "/#problems", Action: "Details"})
	}
	return list
}

// accountsText is how many of several accounts could be worked in by the last cycle of each; failed means
// that not all could.
func accountsText(list []serve.AccountStatus) (text string, failed bool) {
	if len(list) == 0 {
		return "", false
	}
	good, waiting := 0, 0
	for _, one := range list {
		switch {
		case one.LastError != "":
		case one.LastSuccess.IsZero():
			waiting++
		default:
			good++
		}
	}
	return fmt.Sprintf("%d of %s", good, model.Plural(len(list), "account")), good+waiting < len(list)
}
