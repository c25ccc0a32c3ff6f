package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

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
	api, isAPI := errors.AsType[smithy.APIError](err)
	send, isSend := errors.AsType[*smithyhttp.RequestSendError](err)
	switch {
	case is[*plainError](err):
		return err.Error()
	case canceled(err) && errors.Is(err, context.DeadlineExceeded):
		return "not finished in time"
	case canceled(err):
		return "canceled"
	case isCredentials:
		return credentials.Error()
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

// apiLine describes an error that AWS returned.
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

// hints are what a person can try, by the kind of the error.
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

// Hint returns what a person can try about err; empty if the error itself says it all.
func Hint(err error) string {
	if errors.Is(err, ErrNoRegion) {
		return "set AWS_REGION, or pass --region; --local needs no account"
	}
	kind := KindOf(err)
	if operation, ok := errors.AsType[*smithy.OperationError](err); ok && kind == Denied {
		return "allow " + serviceName(operation.ServiceID) + ":" + operation.OperationName +
			" to the credentials used, and check that the region is enabled for the account"
	}
	return hints[kind]
}
