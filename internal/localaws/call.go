package localaws

import (
	"net/http"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// newCall makes a call of a request: region and account come from its signature's scope, which
// must be for the service. An access key that looks like an account number is the caller's
// account, so that tests can have several; any other key belongs to the owner.
func newCall(r *http.Request, req *wire.Request, svc *api.Service, owner string) (*api.Call, error) {
	sc, err := parseScope(r.Header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	if sc.service != svc.Signing {
		return nil, api.RefuseWith(http.StatusForbidden, "SignatureDoesNotMatch",
			"Credential should be scoped to correct service: '%s'.", svc.Signing)
	}
	account := owner
	if api.AccountPattern().MatchString(sc.accessKey) {
		account = sc.accessKey
	}
	return &api.Call{
		Home: api.Home{Account: account, Region: sc.region}, Service: svc.Name, Operation: req.Operation, AccessKey: sc.accessKey, Request: req,
		Model: &svc.Model,
	}, nil
}

// scope is the credential scope of a signed request: who calls which service where.
type scope struct{ accessKey, region, service string }

const signingAlgorithm = "AWS4-HMAC-SHA256"

var (
	accessKeyPattern = api.Lazy(`^[A-Za-z0-9_]{4,128}$`)
	signaturePattern = api.Lazy(`^[0-9a-f]{64}$`)
)

// parseScope reads the scope from an Authorization header of Signature Version 4. The header
// must be complete and well-formed, but the signature is not verified: any secret key is
// accepted.
func parseScope(header string) (scope, error) {
	if header == "" {
		return scope{}, api.RefuseWith(http.StatusForbidden, "MissingAuthenticationToken",
			"The request must contain a valid (registered) AWS access key ID: it has no Authorization header.")
	}
	rest, ok := strings.CutPrefix(header, signingAlgorithm+" ")
	if !ok {
		return scope{}, incomplete("the Authorization header does not begin with %s", signingAlgorithm)
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := fields[key]; !ok || twice {
			return scope{}, incomplete("the Authorization header has a malformed part %q", part)
		}
		fields[key] = value
	}
	for _, key := range []string{"Credential", "SignedHeaders", "Signature"} {
		if fields[key] == "" {
			return scope{}, incomplete("Authorization header requires '%s' parameter.", key)
		}
	}
	if !signaturePattern().MatchString(fields["Signature"]) {
		return scope{}, incomplete("the signature is not 64 hexadecimal digits")
	}
	// AKID/date/region/service/aws4_request
	parts := strings.Split(fields["Credential"], "/")
	if len(parts) != 5 {
		return scope{}, incomplete("Credential must have exactly 5 slash-delimited elements, got '%s'.", fields["Credential"])
	}
	sc := scope{accessKey: parts[0], region: parts[2], service: parts[3]}
	_, err := time.Parse("20060102", parts[1])
	switch {
	case !accessKeyPattern().MatchString(sc.accessKey):
		return scope{}, api.RefuseWith(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
	case err != nil:
		return scope{}, incomplete("Date in Credential scope is not of the form YYYYMMDD: %s", api.Quoted(parts[1]))
	case !api.RegionPattern().MatchString(sc.region):
		return scope{}, incomplete("Region in Credential scope is not a region: %s", api.Quoted(sc.region))
	case sc.service == "":
		return scope{}, incomplete("Service in Credential scope is empty")
	case parts[4] != "aws4_request":
		return scope{}, incomplete("Credential should be scoped with a valid terminator: 'aws4_request', not %s", api.Quoted(parts[4]))
	}
	return sc, nil
}

func incomplete(format string, args ...any) error {
	return api.Refuse("IncompleteSignature", format, args...)
}
