package model

import (
	"regexp"
	"slices"
)

// Account is one of several accounts that are watched together. The zero value stands for the only
// account, which results do not name.
type Account struct {
	ID   string `json:"account"`     // 12 digits
	Name string `json:"accountName"` // for people; empty if it has none
	// Payer is the ID of the account that the bill of this one goes to; empty if it is not known.
	Payer string `json:"-"`
}

// String is the name with the ID, or what there is of them.
func (a Account) String() string {
	if a.Name == "" {
		return a.ID
	}
	return a.Name + " (" + a.ID + ")"
}

// Label is the name, or the ID of an account without a name.
func (a Account) Label() string {
	if a.Name == "" {
		return a.ID
	}
	return a.Name
}

// accountPattern is the form of the ID of an account.
var accountPattern = regexp.MustCompile(`^\d{12}$`)

// ValidAccount reports whether s has the form of the ID of an account.
func ValidAccount(s string) bool { return accountPattern.MatchString(s) }

// OfAccount names the account of one of many things; empty where all are of one account.
type OfAccount struct {
	Account     string `json:"account,omitempty"` // ID
	AccountName string `json:"accountName,omitempty"`
}

// SetAccount names the account.
func (o *OfAccount) SetAccount(a Account) { o.Account, o.AccountName = a.ID, a.Name }

// InAccount are things with their account named.
func InAccount[T any, P interface {
	*T
	SetAccount(a Account)
}](list []T, a Account) []T {
	list = slices.Clone(list)
	for i := range list {
		P(&list[i]).SetAccount(a)
	}
	return list
}
