package localaws

import (
	"net/http"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/sts"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// rolesOf returns the roles that the estate's own account may assume, for an endpoint that starts
// at a time.
func rolesOf(estate Estate, start time.Time) []sts.Role {
	var roles []sts.Role
	for _, a := range estate.Accounts {
		if a.Role == "" || a.Status != "" && a.Status != estatefile.Active {
			continue
		}
		role := sts.Role{Account: a.ID, Name: a.Role, ExternalID: a.ExternalID, Trusted: estate.Owner()}
		for _, f := range a.Faults {
			if f.Kind == estatefile.FaultDenied && (f.Service == "" || f.Service == "sts") {
				role.Refused = append(role.Refused, spanOf(&f, start))
			}
		}
		roles = append(roles, role)
	}
	return roles
}

// addAccountFaults adds the faults of the estate's accounts.
func (fs *faults) addAccountFaults(estate Estate, start time.Time) {
	kinds := map[string]FaultKind{estatefile.FaultDenied: Denied, estatefile.FaultThrottled: Error}
	for _, a := range estate.Accounts {
		for _, f := range a.Faults {
			when := spanOf(&f, start)
			fs.AddFault(Fault{Account: a.ID, Service: f.Service, From: when.From, Until: when.Until, Kind: kinds[f.Kind]})
		}
	}
}

// spanOf is when a fault of an account hits.
func spanOf(f *estatefile.AccountFault, start time.Time) api.Span {
	span := api.Span{From: start.Add(f.After)}
	if f.Lasting > 0 {
		span.Until = span.From.Add(f.Lasting)
	}
	return span
}

// denied is the error of a call that the caller's policies do not allow, as each protocol's
// services name it.
func denied(c *api.Call) error {
	action := c.Service + ":" + c.Operation
	e := &wire.Error{
		Code: "AccessDeniedException", Status: http.StatusForbidden,
		Message: c.Unauthorized(action + " because no identity-based policy allows the " + action + " action"),
	}
	switch {
	case c.Service == "sns":
		e.Code = "AuthorizationError"
	case c.Request.Protocol == wire.Query:
		e.Code = "AccessDenied"
	case c.Request.Protocol != wire.JSON:
		e.Query = "AccessDenied"
	}
	return e
}
