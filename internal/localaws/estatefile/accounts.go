package estatefile

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

const defaultAccount = "000000000000"

// The kinds of faults of an account.
const (
	FaultDenied    = "denied"
	FaultThrottled = "throttled"
)

// The states of an account ("Monitor the state of your AWS accounts", in the AWS Organizations
// user guide).
var accountStates = []string{Active, "SUSPENDED", "PENDING_ACTIVATION", "PENDING_CLOSURE", "CLOSED"}

// Account is an account of the organization whose management account is the estate's own.
type Account struct {
	ID   string `yaml:"id"`   // 12 digits
	Name string `yaml:"name"` // in listings; the ID if empty
	// Status is the account's state, ACTIVE if empty. Roles of an account in any other state
	// cannot be assumed.
	Status string `yaml:"status"`
	// Role is the name or ARN of the role that callers of the estate's own account may assume.
	// Empty means that there is no such role.
	Role string `yaml:"role"`
	// ExternalID is what the role's trust policy demands; empty means that it demands none.
	ExternalID string         `yaml:"externalId"`
	Faults     []AccountFault `yaml:"faults"`
	Regions    []Region       `yaml:"-"` // a mapping by name in the file, as those of the estate
}

// AccountFault is a failure of the calls to one account, within a stretch of time.
type AccountFault struct {
	// Kind is denied (the caller may not do it) or throttled (too many calls).
	Kind string `yaml:"kind"`
	// Service is the one that fails, such as cloudwatch; empty means all, and that the account's
	// role cannot be assumed. With sts, no more than that.
	Service string `yaml:"service"`
	// After is when it begins, counted from the endpoint's start. It ends Lasting later; zero
	// means never.
	After   time.Duration `yaml:"after"`
	Lasting time.Duration `yaml:"lasting"`
}

// Span is when the fault hits, for an endpoint that starts at a time.
func (f *AccountFault) Span(start time.Time) api.Span {
	span := api.Span{From: start.Add(f.After)}
	if f.Lasting > 0 {
		span.Until = span.From.Add(f.Lasting)
	}
	return span
}

// RoleARN is the ARN of the account's role in the partition of a region, empty if no one can
// assume one.
func (a *Account) RoleARN(region string) string {
	switch {
	case a.Role == "" || a.Status != "" && a.Status != Active:
		return ""
	case strings.HasPrefix(a.Role, "arn:"):
		return a.Role
	}
	return "arn:" + api.Partition(region) + ":iam::" + a.ID + ":role/" + a.Role
}

// Refuses reports whether the account's role refuses everyone at a time, on an endpoint that
// started at another.
func (a *Account) Refuses(start, now time.Time) bool {
	return slices.ContainsFunc(a.Faults, func(f AccountFault) bool {
		return f.Kind == FaultDenied && (f.Service == "" || f.Service == "sts") && f.Span(start).Contains(now)
	})
}

// Owner is the estate's own account.
func (e *Estate) Owner() string { return cmp.Or(e.Account, defaultAccount) }

// All returns every region of every account, those of the estate's own account first.
func (e *Estate) All() iter.Seq2[api.Home, *Region] {
	return func(yield func(api.Home, *Region) bool) {
		for h, region := range e.placed(nil) {
			if !yield(h, region.Region) {
				return
			}
		}
	}
}

type placedRegion struct {
	*Region
	place place
}

// placed returns every region with its place in the file.
func (e *Estate) placed(found *faults) iter.Seq2[api.Home, placedRegion] {
	root := place{found: found}
	return func(yield func(api.Home, placedRegion) bool) {
		each := func(account string, regions []Region, at place) bool {
			for i := range regions {
				if name := regions[i].Name; !yield(api.Home{Account: account, Region: name}, placedRegion{&regions[i], at.at("regions", name)}) {
					return false
				}
			}
			return true
		}
		if !each(e.Owner(), e.Regions, root) {
			return
		}
		for i := range e.Accounts {
			if !each(e.Accounts[i].ID, e.Accounts[i].Regions, root.at("accounts", i)) {
				return
			}
		}
	}
}

var (
	rolePattern       = api.Lazy(`^(arn:aws[a-z-]*:iam::[0-9]{12}:role/([\x21-\x7e]+/)?)?[\w+=,.@-]{1,64}$`)
	externalIDPattern = api.Lazy(`^[\w+=,.@:/-]{2,}$`)
	faultServices     = []string{"personalize", "cloudwatch", "logs", "events", "sns", "pricing", "sts", "organizations"}
)

// checkAccounts checks the list of accounts, without their regions.
func (e *Estate) checkAccounts(root place) {
	seen := map[string]bool{}
	for i := range e.Accounts {
		a, at := &e.Accounts[i], root.at("accounts", i)
		what := "account " + api.Quoted(a.ID)
		at.forbid(!api.AccountPattern().MatchString(a.ID), "id", "id of an account is %q; it is 12 digits", a.ID)
		at.forbid(seen[a.ID], "id", "%s is given twice", what)
		seen[a.ID] = true
		at.forbid(a.ID == e.Owner() && len(a.Regions) > 0, "regions",
			"%s is the estate's own; its regions are those at the top of the file", what)
		at.forbid(len(a.Name) > 50, "name", "%s: the name has more than 50 characters", what)
		at.forbid(a.Status != "" && !api.Is(a.Status, accountStates...), "status", "%s: status is %q; it is %s",
			what, a.Status, strings.Join(accountStates, ", "))
		at.forbid(a.Role != "" && !rolePattern().MatchString(a.Role), "role",
			"%s: role is %q; it is the name of a role, or its ARN such as arn:aws:iam::%s:role/Reader", what, a.Role, a.ID)
		at.forbid(strings.HasPrefix(a.Role, "arn:") && !strings.Contains(a.Role, "::"+a.ID+":"), "role",
			"%s: role %q is of another account", what, a.Role)
		at.forbid(a.ExternalID != "" && a.Role == "", "externalId", "%s: externalId needs a role", what)
		at.forbid(a.ExternalID != "" && (len(a.ExternalID) > 1224 || !externalIDPattern().MatchString(a.ExternalID)), "externalId",
			"%s: externalId is %q; it has 2 to 1224 letters, digits and _ + = , . @ : / -", what, a.ExternalID)
		for k, f := range a.Faults {
			f.check(at.at("faults", k), what)
		}
	}
}

func (f *AccountFault) check(at place, what string) {
	at.forbid(!api.Is(f.Kind, FaultDenied, FaultThrottled), "kind", "%s: kind of a fault is %q; it is denied or throttled", what, f.Kind)
	at.forbid(f.Service != "" && !api.Is(f.Service, faultServices...), "service",
		"%s: service of a fault is %q; it is %s, or left out for all", what, f.Service, strings.Join(faultServices, ", "))
	at.forbid(f.After < 0 || f.Lasting < 0, "after", "%s: after and lasting of a fault are not negative", what)
}

// checkPrices refuses two prices for the same product: there is one price list for all accounts.
func (e *Estate) checkPrices(found *faults) {
	type product struct{ region, name string }
	prices := map[product]float64{}
	for _, r := range e.placed(found) {
		for name, price := range r.TPSHourPrices {
			first, known := prices[product{r.Name, name}]
			r.place.forbid(known && first != price, "tpsHourPrices",
				"tpsHourPrices of %s has %v for %s, and another account has %v; all accounts have one price list", r.Name, price, name, first)
			prices[product{r.Name, name}] = price
		}
	}
}
