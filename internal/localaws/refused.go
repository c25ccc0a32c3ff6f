package localaws

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/sts"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// refusals are the calls that the credentials of the estate's own account may not make, and the
// regions that are not enabled for their accounts, as the estate has both.
type refusals struct {
	account  string
	denied   []string   // actions; one that ends with * means all that begin so
	disabled []api.Home // of any account
}

func refusalsOf(estate estatefile.Estate) refusals {
	r := refusals{account: estate.Owner(), denied: estate.Denied}
	for home, region := range estate.All() {
		if region.Disabled {
			r.disabled = append(r.disabled, home)
		}
	}
	return r
}

// denies reports whether no one in an account may use an action. The case of actions does not
// matter, as in IAM.
func (r refusals) denies(account, action string) bool {
	return account == r.account && slices.ContainsFunc(r.denied, func(pattern string) bool {
		prefix, all := strings.CutSuffix(pattern, "*")
		return strings.EqualFold(pattern, action) || all && len(action) >= len(prefix) && strings.EqualFold(prefix, action[:len(prefix)])
	})
}

// check returns the error of a refused call, as the services word it; nil if it is not refused.
// GetCallerIdentity needs no permission (STS API reference).
func (r refusals) check(c *api.Call) error {
	action := c.Service + ":" + c.Operation
	switch {
	case slices.Contains(r.disabled, c.Home):
		return sts.InvalidToken()
	case action != "sts:GetCallerIdentity" && r.denies(c.Account, action):
		return denied(c)
	}
	return nil
}

func (fs *faults) addAccountFaults(estate Estate, start time.Time) {
	kinds := map[string]FaultKind{estatefile.FaultDenied: Denied, estatefile.FaultThrottled: Error}
	for _, a := range estate.Accounts {
		for _, f := range a.Faults {
			when := f.Span(start)
			fs.AddFault(Fault{Account: a.ID, Service: f.Service, From: when.From, Until: when.Until, Kind: kinds[f.Kind]})
		}
	}
}

// denied is the error of a call that the caller's policies do not allow.
func denied(c *api.Call) error {
	action := c.Service + ":" + c.Operation
	e := &wire.Error{
		Code: "AccessDeniedException", Query: "AccessDenied", Status: http.StatusForbidden,
		Message: c.Unauthorized(action + " because no identity-based policy allows the " + action + " action"),
	}
	if c.Service == "sns" {
		e.Query = "AuthorizationError"
	}
	return e
}
