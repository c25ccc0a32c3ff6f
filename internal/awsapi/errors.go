package awsapi

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Kind classifies an error of an AWS call.
type Kind string

// The kinds of errors.
const (
	None          Kind = ""               // no error
	Other         Kind = "other"          // none of the below
	NotFound      Kind = "not found"      // the resource does not exist (any more)
	Throttled     Kind = "throttled"      // too many calls, even after the retries
	Denied        Kind = "denied"         // not allowed, or the region is not enabled for the account
	InUse         Kind = "in use"         // another change of the resource is in progress
	Invalid       Kind = "invalid"        // AWS rejects the request as it is
	Quota         Kind = "quota"          // one more would exceed a quota of the account
	NoCredentials Kind = "no credentials" // credentials are missing, expired or not accepted
	Unreachable   Kind = "unreachable"    // no connection, or no response on it
	Unavailable   Kind = "unavailable"    // a fault inside the service
	Canceled      Kind = "canceled"       // the program's own context ended
)

// Transient reports whether the same call may well succeed later, nothing else having
// changed.
func (k Kind) Transient() bool {
	switch k {
	case Throttled, InUse, Unreachable, Unavailable, Canceled:
		return true
	}
	return false
}

// codes are the error codes of the services used: those that their API models declare,
// and the common ones that any service may return. Throttling codes are the SDK's own
// list (retry.DefaultThrottleErrorCodes).
var codes = map[Kind][]string{
	NotFound: {"ResourceNotFoundException", "ResourceNotFound", "NotFoundException", "NotFound", "DashboardNotFoundError"},
	Denied: {
		"AccessDeniedException", "AccessDenied", "AuthorizationError", "AuthorizationErrorException",
		"UnauthorizedOperation", "NotAuthorized", "OptInRequired", "SubscriptionRequired",
	},
	InUse: {
		"ResourceInUseException", "ConcurrentModificationException", "ConcurrentAccess", "ConcurrentAccessException",
		"ConflictException",
	},
	Quota: {
		"LimitExceededException", "LimitExceeded", "LimitExceededFault", "TooManyTagsException", "TopicLimitExceeded",
		"SubscriptionLimitExceeded", "ServiceQuotaExceededException",
	},
	Invalid: {
		"InvalidInputException", "InvalidNextTokenException", "InvalidNextToken", "ValidationException", "ValidationError",
		"InvalidParameter", "InvalidParameterException", "InvalidParameterValue", "InvalidParameterCombination",
		"InvalidParameterInput", "InvalidEventPatternException", "InvalidFormat", "InvalidFormatFault", "MissingParameter",
		"MissingRequiredParameter", "SerializationException", "UnknownOperationException", "InvalidAction",
	},
	NoCredentials: {
		"ExpiredToken", "ExpiredTokenException", "RequestExpired", "UnrecognizedClientException", "InvalidClientTokenId",
		"InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature", "IncompleteSignatureException",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException", "AuthFailure", "NotAuthenticated",
		"InvalidAccessKeyId",
	},
	Unavailable: {
		"InternalFailure", "InternalFailureException", "InternalServiceError", "InternalServiceFault", "InternalServerError",
		"InternalException", "InternalError", "ServiceUnavailable", "ServiceUnavailableException", "InternalServerException",
		"RequestTimeout", "RequestTimeoutException",
	},
}

// kindOfCode returns the kind of an error code; Other if the code is not known.
func kindOfCode(code string) Kind {
	for kind, list := range codes {
		if slices.Contains(list, code) {
			return kind
		}
	}
	if _, ok := retry.DefaultThrottleErrorCodes[code]; ok {
		return Throttled
	}
	return Other
}

// KindOf classifies err, however it is wrapped; None if it is nil.
func KindOf(err error) Kind {
	if err == nil {
		return None
	}
	api, isAPI := errors.AsType[smithy.APIError](err)
	response, isResponse := errors.AsType[*smithyhttp.ResponseError](err)
	switch {
	case canceled(err):
		return Canceled
	case is[*CredentialsError](err):
		return NoCredentials
	case isAPI && kindOfCode(api.ErrorCode()) != Other:
		return kindOfCode(api.ErrorCode())
	case is[smithy.InvalidParamsError](err):
		return Invalid
	case is[*smithyhttp.RequestSendError](err):
		return Unreachable
	// The code says nothing: the HTTP status may.
	case !isResponse:
		return Other
	case response.HTTPStatusCode() == http.StatusTooManyRequests:
		return Throttled
	case response.HTTPStatusCode() >= http.StatusInternalServerError:
		return Unavailable
	}
	return Other
}

// canceled reports whether a context of the program ended. A network time-out is also a
// context.DeadlineExceeded to errors.Is, but it is inside a RequestSendError, which the
// SDK replaces by a CanceledError if the context did end.
func canceled(err error) bool {
	switch {
	case is[*smithy.CanceledError](err), is[*aws.RequestCanceledError](err):
		return true
	case is[*smithyhttp.RequestSendError](err):
		return false
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// is reports whether err is or wraps an error of the type.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
