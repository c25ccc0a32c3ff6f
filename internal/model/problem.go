package model

import (
	"cmp"
	"encoding/json"
)

// Problem is one failure that affects one resource or region while the rest goes on. It
// is an error that wraps its cause.
type Problem struct {
	ARN       string  // of the resource; empty if a whole region failed
	Region    string  // empty if a whole account failed
	Account   Account // if several are watched together
	Operation string  // the AWS operation, or a step that makes no single call
	Err       error   // the cause
}

// Where is the resource; if the problem is not about one resource the region, or the account.
func (p Problem) Where() string {
	switch {
	case p.ARN != "":
		return p.ARN
	case p.Region == "" || p.Account == (Account{}):
		return cmp.Or(p.Region, p.Account.String())
	}
	return p.Region + " of " + p.Account.String()
}

// Message is the cause on one line; empty if there is none.
func (p Problem) Message() string {
	if p.Err == nil {
		return ""
	}
	return OneLine(p.Err.Error())
}

// Error is operation, place and cause on one line.
func (p Problem) Error() string { return p.Operation + " " + p.Where() + ": " + p.Message() }

func (p Problem) Unwrap() error { return p.Err }

// MarshalJSON writes the cause as its message.
func (p Problem) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Account     string `json:"account,omitempty"`
		AccountName string `json:"accountName,omitempty"`
		ARN         string `json:"arn"`
		Region      string `json:"region"`
		Operation   string `json:"operation"`
		Error       string `json:"error"`
	}{p.Account.ID, p.Account.Name, p.ARN, p.Region, p.Operation, p.Message()})
}

// CompareProblems orders by region, account, resource, operation and cause.
func CompareProblems(a, b Problem) int {
	return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Account.ID, b.Account.ID), cmp.Compare(a.ARN, b.ARN),
		cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Message(), b.Message()))
}
