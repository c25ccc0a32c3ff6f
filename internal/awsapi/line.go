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
)

// Line returns err as one clear line: what a caller of the SDK wrapped around it, then the
// error code, message and request id of AWS, or what prevented the call. It leaves out the
// SDK's own description of operation, attempts and HTTP status. It is empty if err is nil.
func Line(err error) string {
	if err == nil {
		return ""
	}
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		if prefix, _, ok := strings.Cut(err.Error(), operation.Error()); ok {
			return oneLine(prefix + lineOf(operation.Err))
		}
	}
	return oneLine(lineOf(err))
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

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// lineOf describes err by the innermost error that it knows.
func lineOf(err error) string {
	var (
		plain       *plainError
		credentials *CredentialsError
		api         smithy.APIError
		send        *smithyhttp.RequestSendError
		unreadable  *smithy.DeserializationError
	)
	switch {
	case errors.As(err, &plain):
		return err.Error()
	case canceled(err):
		if errors.Is(err, context.DeadlineExceeded) {
			return "not finished in time"
		}
		return "canceled"
	case errors.As(err, &credentials):
		return credentials.Error()
	case errors.As(err, &api) && api.ErrorCode() != unknownCode:
		return apiLine(api, err)
	case errors.As(err, &send):
		return sendLine(send)
	case errors.As(err, &unreadable), errors.As(err, &api):
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
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.RequestID != "" {
		line += " (request " + response.RequestID + ")"
	}
	return line
}

// sendLine describes a request that reached no server, or one that did not respond.
func sendLine(err *smithyhttp.RequestSendError) string {
	where := "the endpoint"
	cause := err.Err
	var failed *url.Error
	if errors.As(cause, &failed) {
		cause = failed.Err
		if u, parseErr := url.Parse(failed.URL); parseErr == nil && u.Host != "" {
			where = u.Scheme + "://" + u.Host
		}
	}
	return fmt.Sprintf("cannot reach %s: %s", where, sendCause(cause))
}

func sendCause(err error) string {
	var (
		name    *net.DNSError
		errno   syscall.Errno
		timeout interface{ Timeout() bool }
	)
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return "no such host"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no response in time"
	}
	return innermost(err).Error()
}

// unreadableLine describes a response that is not from AWS, or was cut off.
func unreadableLine(err error) string {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.Response == nil || response.Response.Response == nil {
		return "the response cannot be read: " + innermost(err).Error()
	}
	problem := "the response cannot be read"
	if response.HTTPStatusCode() >= http.StatusMultipleChoices {
		problem = "the response is not from an AWS service"
	}
	problem = fmt.Sprintf("%s: HTTP %d", problem, response.HTTPStatusCode())
	if request := response.Response.Request; request != nil && request.URL != nil {
		problem += " from " + request.URL.Scheme + "://" + request.URL.Host
	}
	return problem
}

// innermost removes the layers that the SDK wraps around an error: operation, attempts,
// response.
func innermost(err error) error {
	for {
		var inner error
		switch layer := err.(type) { //nolint:errorlint // it removes one layer at a time
		case *smithy.OperationError:
			inner = layer.Err
		case *retry.MaxAttemptsError:
			inner = layer.Err
		case *awshttp.ResponseError:
			inner = layer.Err
		case *smithyhttp.ResponseError:
			inner = layer.Err
		case *smithy.DeserializationError:
			inner = layer.Err
		}
		if inner == nil {
			return err
		}
		err = inner
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
	var operation *smithy.OperationError
	if kind == Denied && errors.As(err, &operation) {
		return "allow " + serviceName(operation.ServiceID) + ":" + operation.OperationName +
			" to the credentials used, and check that the region is enabled for the account"
	}
	return hints[kind]
}
