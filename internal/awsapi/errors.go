package awsapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Kind tells what to make of an error of an AWS call.
type Kind int

// The kinds of errors.
const (
	None          Kind = iota // no error
	Other                     // none of the below
	NotFound                  // the thing does not exist (any more)
	Throttled                 // too many calls, even after the retries
	Denied                    // not allowed, or the region is not enabled for the account
	InUse                     // something else is under way with the thing; another time
	Invalid                   // the request is refused as it stands
	Quota                     // one more would exceed a quota of the account
	NoCredentials             // credentials are missing, expired or not accepted
	Unreachable               // no connection, or no answer on it
	Unavailable               // the service failed by itself
	Canceled                  // our own context ended
)

var kindNames = [...]string{
	None: "none", Other: "other", NotFound: "not found", Throttled: "throttled", Denied: "denied", InUse: "in use",
	Invalid: "invalid", Quota: "quota", NoCredentials: "no credentials", Unreachable: "unreachable",
	Unavailable: "unavailable", Canceled: "canceled",
}

// String is the kind in words.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return kindNames[Other]
	}
	return kindNames[k]
}

// kindOfCode has the error codes of the services used: those that their API models
// declare, and the common ones that any service may answer with. Throttling codes are
// the SDK's own list (retry.DefaultThrottleErrorCodes).
var kindOfCode = map[string]Kind{
	"ResourceNotFoundException": NotFound,
	"ResourceNotFound":          NotFound,
	"NotFoundException":         NotFound,
	"NotFound":                  NotFound,
	"DashboardNotFoundError":    NotFound,

	"AccessDeniedException":       Denied,
	"AccessDenied":                Denied,
	"AuthorizationError":          Denied,
	"AuthorizationErrorException": Denied,
	"UnauthorizedOperation":       Denied,
	"NotAuthorized":               Denied,
	"OptInRequired":               Denied,
	"SubscriptionRequired":        Denied,

	"ResourceInUseException":          InUse,
	"ConcurrentModificationException": InUse,
	"ConcurrentAccess":                InUse,
	"ConcurrentAccessException":       InUse,
	"ConflictException":               InUse,

	"LimitExceededException":        Quota,
	"LimitExceeded":                 Quota,
	"LimitExceededFault":            Quota,
	"TooManyTagsException":          Quota,
	"TopicLimitExceeded":            Quota,
	"SubscriptionLimitExceeded":     Quota,
	"ServiceQuotaExceededException": Quota,

	"InvalidInputException":        Invalid,
	"InvalidNextTokenException":    Invalid,
	"InvalidNextToken":             Invalid,
	"ValidationException":          Invalid,
	"ValidationError":              Invalid,
	"InvalidParameter":             Invalid,
	"InvalidParameterException":    Invalid,
	"InvalidParameterValue":        Invalid,
	"InvalidParameterCombination":  Invalid,
	"InvalidParameterInput":        Invalid,
	"InvalidEventPatternException": Invalid,
	"InvalidFormat":                Invalid,
	"InvalidFormatFault":           Invalid,
	"MissingParameter":             Invalid,
	"MissingRequiredParameter":     Invalid,
	"SerializationException":       Invalid,
	"UnknownOperationException":    Invalid,
	"InvalidAction":                Invalid,

	"ExpiredToken":                        NoCredentials,
	"ExpiredTokenException":               NoCredentials,
	"RequestExpired":                      NoCredentials,
	"UnrecognizedClientException":         NoCredentials,
	"InvalidClientTokenId":                NoCredentials,
	"InvalidSignatureException":           NoCredentials,
	"SignatureDoesNotMatch":               NoCredentials,
	"IncompleteSignature":                 NoCredentials,
	"IncompleteSignatureException":        NoCredentials,
	"MissingAuthenticationToken":          NoCredentials,
	"MissingAuthenticationTokenException": NoCredentials,
	"AuthFailure":                         NoCredentials,
	"NotAuthenticated":                    NoCredentials,
	"InvalidAccessKeyId":                  NoCredentials,

	"InternalFailure":             Unavailable,
	"InternalFailureException":    Unavailable,
	"InternalServiceError":        Unavailable,
	"InternalServiceFault":        Unavailable,
	"InternalServerError":         Unavailable,
	"InternalException":           Unavailable,
	"InternalError":               Unavailable,
	"ServiceUnavailable":          Unavailable,
	"ServiceUnavailableException": Unavailable,
	"InternalServerException":     Unavailable,
	"RequestTimeout":              Unavailable,
	"RequestTimeoutException":     Unavailable,
}

// KindOf tells what kind of error err is, however it is wrapped; None if it is nil.
func KindOf(err error) Kind {
	if err == nil {
		return None
	}
	var (
		credentials *CredentialsError
		api         smithy.APIError
		params      smithy.InvalidParamsError
		send        *smithyhttp.RequestSendError
	)
	switch {
	case canceled(err):
		return Canceled
	case errors.As(err, &credentials):
		return NoCredentials
	case errors.As(err, &api) && kindOf(api.ErrorCode()) != Other:
		return kindOf(api.ErrorCode())
	case errors.As(err, &params):
		return Invalid
	case errors.As(err, &send):
		return Unreachable
	}
	return kindOfStatus(err)
}

// kindOfStatus goes by the HTTP status, where there is one, of an answer whose error
// code says nothing.
func kindOfStatus(err error) Kind {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) {
		return Other
	}
	switch status := response.HTTPStatusCode(); {
	case status == http.StatusTooManyRequests:
		return Throttled
	case status >= http.StatusInternalServerError:
		return Unavailable
	}
	return Other
}

// kindOf is the kind that an error code stands for; Other if the code is not known.
func kindOf(code string) Kind {
	if kind, ok := kindOfCode[code]; ok {
		return kind
	}
	if _, ok := retry.DefaultThrottleErrorCodes[code]; ok {
		return Throttled
	}
	return Other
}

// canceled tells whether a context of ours ended. A time-out of the network is also a
// context.DeadlineExceeded to errors.Is, but comes within a RequestSendError, which the
// SDK replaces by a CanceledError if the context did end.
func canceled(err error) bool {
	var (
		smithyCanceled *smithy.CanceledError
		awsCanceled    *aws.RequestCanceledError
		send           *smithyhttp.RequestSendError
	)
	switch {
	case errors.As(err, &smithyCanceled), errors.As(err, &awsCanceled):
		return true
	case errors.As(err, &send):
		return false
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Transient tells whether the same call may well succeed another time, nothing else
// having changed.
func (k Kind) Transient() bool {
	switch k {
	case Throttled, InUse, Unreachable, Unavailable, Canceled:
		return true
	}
	return false
}
