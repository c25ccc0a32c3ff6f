package localaws

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// scope is the credential scope of a signed request: who calls which service where.
type scope struct {
	accessKey string
	region    string
	service   string
}

const signingAlgorithm = "AWS4-HMAC-SHA256"

var (
	accessKeyPattern = lazy(`^[A-Za-z0-9_]{4,128}$`)
	regionPattern    = lazy(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)
	accountPattern   = lazy(`^[0-9]{12}$`)
	hexPattern       = lazy(`^[0-9a-f]{64}$`)
)

// parseScope reads the scope from an Authorization header of Signature Version 4. The
// header must be complete and well formed, but the signature itself is not verified:
// any secret key is accepted.
func parseScope(header string) (scope, error) {
	if header == "" {
		return scope{}, &apiError{
			Code: "MissingAuthenticationToken", Status: http.StatusForbidden,
			Message: "The request must contain a valid (registered) AWS access key ID: it has no Authorization header.",
		}
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
	if !hexPattern().MatchString(fields["Signature"]) {
		return scope{}, incomplete("the signature is not 64 hexadecimal digits")
	}
	return parseCredential(fields["Credential"])
}

// parseCredential reads AKID/date/region/service/aws4_request.
func parseCredential(credential string) (scope, error) {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 {
		return scope{}, incomplete("Credential must have exactly 5 slash-delimited elements, got '%s'.", credential)
	}
	sc := scope{accessKey: parts[0], region: parts[2], service: parts[3]}
	_, err := time.Parse("20060102", parts[1])
	switch {
	case !accessKeyPattern().MatchString(sc.accessKey):
		return scope{}, &apiError{
			Code: "InvalidClientTokenId", Status: http.StatusForbidden,
			Message: "The security token included in the request is invalid.",
		}
	case err != nil:
		return scope{}, incomplete("Date in Credential scope is not of the form YYYYMMDD: %s", quoted(parts[1]))
	case !regionPattern().MatchString(sc.region):
		return scope{}, incomplete("Region in Credential scope is not a region: %s", quoted(sc.region))
	case sc.service == "":
		return scope{}, incomplete("Service in Credential scope is empty")
	case parts[4] != "aws4_request":
		return scope{}, incomplete("Credential should be scoped with a valid terminator: 'aws4_request', not %s", quoted(parts[4]))
	}
	return sc, nil
}

func incomplete(format string, args ...any) *apiError {
	return refuse("IncompleteSignature", format, args...)
}

// accountOr returns the account of the caller: the access key, if it looks like an account
// number, so that tests can have several accounts, else the given one.
func (sc scope) accountOr(account string) string {
	if accountPattern().MatchString(sc.accessKey) {
		return sc.accessKey
	}
	return account
}

// partitionOf returns the partition a region lies in: aws-cn, aws-us-gov or aws.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// quoted renders text of a client for a message, shortened if it is long.
func quoted(text string) string {
	const most = 200
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strconv.Quote(text)
}
