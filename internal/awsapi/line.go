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

// Line is err as one clear line: what a caller of the SDK wrapped around it, then the
// error code, message and request id of AWS, or what stood in the way of the call. The
// SDK's own account of operation, attempts and HTTP status is left out. It is empty if
// err is nil.
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

// Plain is err with Line as its text. Whatever is wrapped in it is still found by
// errors.Is and errors.As. It is nil if err is.
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

// lineOf says what is the matter, going by the innermost thing known.
func lineOf(err error) string {
	var (
		plain       *plainError
		credentials *CredentialsError
		api         smithy.APIError
		send        *smithyhttp.RequestSendError
		garbled     *smithy.DeserializationError
	)
	switch {
	case errors.As(err, &plain):
		return err.Error()
	case canceled(err):
		if errors.Is(err, context.DeadlineExceeded) {
			return "not done in time"
		}
		return "canceled"
	case errors.As(err, &credentials):
		return credentials.Error()
	case errors.As(err, &api) && api.ErrorCode() != unknownCode:
		return apiLine(api, err)
	case errors.As(err, &send):
		return sendLine(send)
	case errors.As(err, &garbled), errors.As(err, &api):
		return garbledLine(err)
	}
	return innermost(err).Error()
}

// unknownCode is the code and the message that the SDK finds in an answer without any:
// one that a proxy or another server gave, as a rule.
const unknownCode = "UnknownError"

// apiLine is an error that AWS answered with.
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

// sendLine is a request that found no server, or none that answered.
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
		return "no answer in time"
	}
	return innermost(err).Error()
}

// garbledLine is an answer that is none of AWS's, or broke off.
func garbledLine(err error) string {
	what := "an answer that cannot be read"
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.Response == nil || response.Response.Response == nil {
		return what + ": " + innermost(err).Error()
	}
	if response.HTTPStatusCode() >= http.StatusMultipleChoices {
		what = "an answer that is not an AWS service's"
	}
	what = fmt.Sprintf("%s: HTTP %d", what, response.HTTPStatusCode())
	if request := response.Response.Request; request != nil && request.URL != nil {
		what += " from " + request.URL.Scheme + "://" + request.URL.Host
	}
	return what
}

// innermost takes off the layers that the SDK wraps around an error: operation,
// attempts, response.
func innermost(err error) error {
	for {
		var inner error
		switch layer := err.(type) { //nolint:errorlint // the layers are taken off one by one
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
