// Package model is the vocabulary of the program: campaigns and recommenders, their minimum
// and state, the series measured for them, actions and problems. It comes first in discover
// → measure → decide → act → report and imports nothing of ours, so every other package can
// use it.
package model

import (
	"cmp"
	"regexp"
	"slices"
)

// Kind is one of the two endpoint types of Amazon Personalize, or a solution.
type Kind string

// The kinds. Their values are what users see in tables and JSON. Solution is the kind in actions
// about training and in their records; an ARN.Kind and a Resource are of one of the other two.
const (
	Campaign    Kind = "campaign"
	Recommender Kind = "recommender"
	Solution    Kind = "solution"
)

func (k Kind) choose(campaign, recommender string) string {
	if k == Recommender {
		return recommender
	}
	return campaign
}

// Title is the kind as in CamelCase names.
func (k Kind) Title() string {
	if k == Solution {
		return "Solution"
	}
	return k.choose("Campaign", "Recommender")
}

// ListOperation is the operation of Personalize that lists the kind.
func (k Kind) ListOperation() string { return "List" + k.Title() + "s" }

// DescribeOperation is the operation of Personalize that describes one of the kind.
func (k Kind) DescribeOperation() string { return "Describe" + k.Title() }

// DimensionName is the CloudWatch dimension that names a resource of this kind, in
// AWS/Personalize and in our own namespace.
func (k Kind) DimensionName() string { return k.Title() + "Arn" }

// MinimumMetric is our metric for the configured minimum.
func (k Kind) MinimumMetric() string {
	return k.choose("minProvisionedTPS", "minRecommendationRequestsPerSecond")
}

// AverageMetric is our metric for requests per second, averaged over a window.
func (k Kind) AverageMetric() string { return k.choose("averageTPS", "averageRPS") }

// UtilizationMetric is our metric for average ÷ minimum, in percent.
func (k Kind) UtilizationMetric() string { return string(k) + "Utilization" }

// RateUnit is the unit of the kind's throughput.
func (k Kind) RateUnit() string { return k.choose("TPS", "RPS") }

// Action is what can be done to a resource. Its value is the name of the command, of the
// Lambda function and of the action in audit records. The zero value is no action.
type Action string

// The actions. Starting a recommender undoes stopping it; restoring creates a deleted
// campaign again; pausing and resuming the automatic training of a solution undo each other. No
// event of ours requests these four.
const (
	ActionUpdate  Action = "update-tps"
	ActionDelete  Action = "delete-campaign"
	ActionStop    Action = "stop-recommender"
	ActionStart   Action = "start-recommender"
	ActionRestore Action = "restore"
	ActionPause   Action = "pause-training"
	ActionResume  Action = "resume-training"
)

// Ends reports whether the action takes a resource out of service.
func (a Action) Ends() bool { return a == ActionDelete || a == ActionStop }

// Training reports whether the action is about the automatic training of a solution.
func (a Action) Training() bool { return a == ActionPause || a == ActionResume }

// Switch says whether something happens automatically. The zero value counts as Off.
type Switch string

// The positions of a switch. DryRun decides, logs and notifies as On does, and changes
// nothing.
const (
	Off    Switch = "No"
	On     Switch = "Yes"
	DryRun Switch = "DryRun"
)

// Is reports whether the switch is in the position; the zero value is Off.
// guard: a switch that is not set is off; each:1-2
func (s Switch) Is(position Switch) bool { return s == position || s == "" && position == Off }

// Mode says when the hourly checks of a resource are made.
type Mode string

// The modes of HourlyChecks.
const (
	Auto   Mode = "auto"   // each resource once an hour, in its own slot
	Always Mode = "always" // every resource, now
	Never  Mode = "never"
	// Elsewhere is that of a daemon on standby: the one that leads makes them. No parameter has it.
	Elsewhere Mode = "elsewhere"
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
func (a Account) Label() string { return cmp.Or(a.Name, a.ID) }

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

// Label is the account as a table has it; empty where all are of one account.
func (o OfAccount) Label() string { return Account{ID: o.Account, Name: o.AccountName}.Label() }

// In is a region, with the account if there are several.
func (o OfAccount) In(region string) string {
	if o.Account == "" {
		return region
	}
	return region + " · " + o.Label()
}

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
