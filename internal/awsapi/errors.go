package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
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
	NotFound: {"ResourceNotFoundException", "ResourceNotFound", "NotFoundException", "NotFound", "DashboardNotFoundError", "NoSuchEntity"},
	Denied: {
		"AccessDeniedException", "AccessDenied", "AuthorizationError", "AuthorizationErrorException",
		"UnauthorizedOperation", "NotAuthorized", "OptInRequired", "SubscriptionRequired",
	},
	InUse: {
		"ResourceInUseException", "ConcurrentModificationException", "ConcurrentAccess", "ConcurrentAccessException",
		"ConflictException", "StaleTag",
	},
	Quota: {
		"LimitExceededException", "LimitExceeded", "LimitExceededFault", "TooManyTagsException", "TagLimitExceeded", "TopicLimitExceeded",
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
	case is[*CredentialsError](err): // before Canceled: its cause may be a source that did not respond in time
		return NoCredentials
	case canceled(err):
		return Canceled
	case is[*RegionDisabledError](err):
		return Denied
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

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// Line returns err as one clear line: what a caller of the SDK wrapped around it, then the
// error code, message and request id of AWS, or what prevented the call. It leaves out the
// SDK's own description of operation, attempts and HTTP status. It is empty if err is nil.
func Line(err error) string {
	if err == nil {
		return ""
	}
	if operation, ok := errors.AsType[*smithy.OperationError](err); ok {
		if prefix, _, ok := strings.Cut(err.Error(), operation.Error()); ok {
			return model.OneLine(prefix + lineOf(operation.Err))
		}
	}
	return model.OneLine(lineOf(err))
}

// Plain returns err with Line as its text. errors.Is and errors.As still find whatever err
// wraps. It is nil if err is.
func Plain(err error) error {
	if err == nil {
		return nil
	}
	return &plainError{line: Line(err), err: err}
}

type plainError struct {
	line string
	err  error
}

func (e *plainError) Error() string { return e.line }
func (e *plainError) Unwrap() error { return e.err }

// lineOf describes err by the innermost error that it knows.
func lineOf(err error) string {
	credentials, isCredentials := errors.AsType[*CredentialsError](err)
	role, isRole := errors.AsType[*RoleError](err)
	api, isAPI := errors.AsType[smithy.APIError](err)
	send, isSend := errors.AsType[*smithyhttp.RequestSendError](err)
	disabled, isDisabled := errors.AsType[*RegionDisabledError](err)
	switch {
	case is[*plainError](err):
		return err.Error()
	case isRole:
		return role.Error()
	case isCredentials:
		return credentials.Error()
	case canceled(err) && errors.Is(err, context.DeadlineExceeded):
		return "not finished in time"
	case canceled(err):
		return "canceled"
	case isDisabled:
		return disabled.Error()
	case isAPI && api.ErrorCode() != unknownCode:
		return apiLine(api, err)
	case isSend:
		return sendLine(send)
	case is[*smithy.DeserializationError](err), isAPI:
		return unreadableLine(err)
	}
	return innermost(err).Error()
}

// unknownCode is the code and the message that the SDK finds in a response without any,
// usually from a proxy or another server.
const unknownCode = "UnknownError"

func apiLine(api smithy.APIError, err error) string {
	line := api.ErrorCode()
	if message := strings.TrimSpace(api.ErrorMessage()); message != "" && message != unknownCode {
		line += ": " + message
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok && response.RequestID != "" {
		line += " (request " + response.RequestID + ")"
	}
	return line
}

// sendLine describes a request that reached no server, or one that did not respond.
func sendLine(err *smithyhttp.RequestSendError) string {
	where, cause := "the endpoint", err.Err
	if failed, ok := errors.AsType[*url.Error](cause); ok {
		cause = failed.Err
		if u, parseErr := url.Parse(failed.URL); parseErr == nil && u.Host != "" {
			where = u.Scheme + "://" + u.Host
		}
	}
	name, isName := errors.AsType[*net.DNSError](cause)
	errno, isErrno := errors.AsType[syscall.Errno](cause)
	network, isNetwork := errors.AsType[net.Error](cause)
	why := innermost(cause).Error()
	switch {
	case isName && name.IsNotFound:
		why = "no such host"
	case isErrno:
		why = errno.Error()
	case isNetwork && network.Timeout():
		why = "no response in time"
	}
	return "cannot reach " + where + ": " + why
}

// unreadableLine describes a response that is not from AWS, or was cut off.
func unreadableLine(err error) string {
	response, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok {
		return "the response cannot be read: " + innermost(err).Error()
	}
	line := "the response cannot be read"
	if response.HTTPStatusCode() >= http.StatusMultipleChoices {
		line = "the response is not from an AWS service"
	}
	line += fmt.Sprintf(": HTTP %d", response.HTTPStatusCode())
	if request := response.Response.Request; request != nil {
		line += " from " + request.URL.Scheme + "://" + request.URL.Host
	}
	return line
}

// innermost removes the layers that the SDK wraps around an error: operation, attempts,
// response.
func innermost(err error) error {
	for {
		switch err.(type) { //nolint:errorlint // it removes one layer at a time
		case *smithy.OperationError, *retry.MaxAttemptsError, *awshttp.ResponseError, *smithyhttp.ResponseError,
			*smithy.DeserializationError:
			if inner := errors.Unwrap(err); inner != nil {
				err = inner
				continue
			}
		}
		return err
	}
}

var hints = map[Kind]string{
	NoCredentials: "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in again (aws sso login);" +
		" --local needs no account",
	Unreachable: "check the region, --endpoint-url, AWS_ENDPOINT_URL, and the network path (proxy, VPC endpoint)",
	Denied:      "check the IAM policy of the credentials used, and that the region is enabled for the account",
	Throttled:   "AWS accepts fewer calls than were sent; the next cycle tries again",
	Unavailable: "AWS had an internal fault; the next cycle tries again",
	Quota:       "remove what is not needed, or ask AWS for a higher quota",
	InUse:       "try again when the change in progress is complete",
}

// Explain is Line, with what a person can try.
func Explain(err error) string {
	text := Line(err)
	if hint := Hint(err); hint != "" {
		text += "; " + hint
	}
	return text
}

// Hint returns what a person can try about err; empty if the error itself says it all.
func Hint(err error) string {
	if errors.Is(err, ErrNoRegion) {
		return "set AWS_REGION, or pass --region; --local needs no account"
	}
	if is[*RegionDisabledError](err) {
		return "enable the region in the account's settings, or leave it out of Regions"
	}
	if role, ok := errors.AsType[*RoleError](err); ok {
		if kind := KindOf(role.Err); kind.Transient() || kind == NoCredentials {
			return hints[kind] // nothing is known of the role
		}
		return "its trust policy must name these credentials and the external id, and their own policy allow sts:AssumeRole"
	}
	kind := KindOf(err)
	if operation, ok := errors.AsType[*smithy.OperationError](err); ok && kind == Denied {
		return "allow " + serviceName(operation.ServiceID) + ":" + operation.OperationName +
			" to the credentials used, and check that the region is enabled for the account"
	}
	return hints[kind]
}
