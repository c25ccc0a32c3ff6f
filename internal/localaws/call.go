package localaws

import (
	"net/http"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// newCall makes a call of a request: region and caller come from its signature's scope, which
// must be for the service, and its session token.
func (s *Server) newCall(r *http.Request, req *wire.Request, svc *api.Service) (*api.Call, error) {
	sc, err := parseScope(r.Header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	if sc.service != svc.Signing {
		return nil, api.RefuseWith(http.StatusForbidden, "SignatureDoesNotMatch",
			"Credential should be scoped to correct service: '%s'.", svc.Signing)
	}
	token := r.Header.Get("X-Amz-Security-Token")
	account, caller, err := s.sts.Identify(sc.accessKey, token, sc.region, s.clock.Now())
	if err != nil {
		return nil, err
	}
	return &api.Call{
		Home: api.Home{Account: account, Region: sc.region}, Service: svc.Name, Operation: req.Operation, AccessKey: sc.accessKey, Caller: caller,
		Request: req, Model: &svc.Model,
	}, nil
}

// scope is the credential scope of a signed request: who calls which service where.
type scope struct{ accessKey, region, service string }

const signingAlgorithm = "AWS4-HMAC-SHA256"

var scopePattern = api.Lazy(`^` + signingAlgorithm +
	` Credential=([^/,]*)/([0-9]{8})/([^/,]*)/([^/,]+)/aws4_request, ?SignedHeaders=[^,]+, ?Signature=[0-9a-f]{64}$`)

// parseScope reads the scope from an Authorization header of Signature Version 4. The header
// must be complete and well-formed, but the signature is not verified: any access key and any
// secret key are accepted.
func parseScope(header string) (scope, error) {
	if header == "" {
		return scope{}, api.RefuseWith(http.StatusForbidden, "MissingAuthenticationToken",
			"The request must contain a valid (registered) AWS access key ID: it has no Authorization header.")
	}
	parts := scopePattern().FindStringSubmatch(header)
	if parts == nil {
		return scope{}, api.Refuse("IncompleteSignature", "the Authorization header is not of the form %s Credential="+
			"KEY/YYYYMMDD/REGION/SERVICE/aws4_request, SignedHeaders=NAMES, Signature=64 hexadecimal digits: %s",
			signingAlgorithm, api.Quoted(header))
	}
	sc := scope{accessKey: parts[1], region: parts[3], service: parts[4]}
	_, err := time.Parse("20060102", parts[2])
	switch {
	case sc.accessKey == "":
		return scope{}, api.RefuseWith(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
	case err != nil:
		return scope{}, api.Refuse("IncompleteSignature", "Date in Credential scope is not of the form YYYYMMDD: %s", parts[2])
	case !api.RegionPattern().MatchString(sc.region):
		return scope{}, api.Refuse("IncompleteSignature", "Region in Credential scope is not a region: %s", api.Quoted(sc.region))
	}
	return sc, nil
}
