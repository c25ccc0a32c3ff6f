package localaws

import (
	"net/http"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// addAccountFaults adds the faults of the estate's accounts.
func (fs *faults) addAccountFaults(estate Estate, start time.Time) {
	kinds := map[string]FaultKind{estatefile.FaultDenied: Denied, estatefile.FaultThrottled: Error}
	for _, a := range estate.Accounts {
		for _, f := range a.Faults {
			when := f.Span(start)
			fs.AddFault(Fault{Account: a.ID, Service: f.Service, From: when.From, Until: when.Until, Kind: kinds[f.Kind]})
		}
	}
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
