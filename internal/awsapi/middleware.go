package awsapi

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/time/rate"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// serviceNames maps the SDK's service ids to the names in call counts, rates and IAM
// actions.
var serviceNames = map[string]string{
	"Personalize":     "personalize",
	"CloudWatch":      "cloudwatch",
	"CloudWatch Logs": "logs",
	"EventBridge":     "events",
	"SNS":             "sns",
	"STS":             "sts",
	"Pricing":         "pricing",
}

// serviceName returns the name of an SDK service id, or the id itself for a service that
// this package makes no client for.
func serviceName(id string) string { return cmp.Or(serviceNames[id], id) }

// attempts limits the rate of all attempts, and counts them.
type attempts struct {
	clock model.Clock

	mu      sync.Mutex
	calls   map[string]int // by "service.Operation"
	buckets map[bucketKey]*rate.Limiter
}

// addMiddleware adds what belongs to an operation (the attempt counter that the retries
// read) and what belongs to each attempt, hence after the SDK's Retry: the wait for the
// rate limit and the call count. Both run before the request is signed, so that no wait
// makes a signature old.
func (a *attempts) addMiddleware(stack *middleware.Stack) error {
	err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("PersonalizeMonitorAttempts", startOperation), middleware.Before)
	if err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("PersonalizeMonitorRate", a.attempt), "Retry", middleware.After)
}

func startOperation(
	ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
) (middleware.InitializeOutput, middleware.Metadata, error) {
	return next.HandleInitialize(middleware.WithStackValue(ctx, attemptsKey{}, new(int)), in)
}

func (a *attempts) attempt(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (middleware.FinalizeOutput, middleware.Metadata, error) {
	name := serviceName(awsmiddleware.GetServiceID(ctx)) + "." + awsmiddleware.GetOperationName(ctx)
	if err := a.wait(ctx, awsmiddleware.GetRegion(ctx), name, 1); err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, err
	}
	a.mu.Lock()
	a.calls[name]++
	a.mu.Unlock()
	out, metadata, err := next.HandleFinalize(ctx, in)
	if n, ok := ctx.Value(lostKey{}).(*atomic.Int32); ok && lost(err) {
		n.Add(1)
	}
	return out, metadata, err
}

type lostKey struct{}

// CountLost counts the attempts under the returned context whose outcome is unknown: AWS
// sent no response, or one that does not say. Attempts that were throttled, refused or
// never sent do not count.
func CountLost(ctx context.Context) (context.Context, *atomic.Int32) {
	n := new(atomic.Int32)
	return context.WithValue(ctx, lostKey{}, n), n
}

// lost reports whether an attempt's error leaves the outcome of the call unknown.
func lost(err error) bool {
	kind := KindOf(err)
	return is[*smithy.DeserializationError](err) || kind == Canceled || kind == Unreachable || kind == Unavailable
}

// CaptureBody makes one call keep the raw body of its response in body, because the SDK
// drops what it does not know. Pass it as personalize.WithAPIOptions(CaptureBody(&body)).
// Of several attempts it keeps the last one's; body is empty if there was no response.
func CaptureBody(body *[]byte) func(*middleware.Stack) error {
	capture := func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		*body = nil
		out, metadata, err := next.HandleDeserialize(ctx, in)
		response, ok := out.RawResponse.(*smithyhttp.Response)
		if err != nil || !ok {
			return out, metadata, err
		}
		raw, err := io.ReadAll(response.Body)
		if err != nil {
			return out, metadata, fmt.Errorf("read the response: %w", err)
		}
		*body = raw
		response.Body = struct {
			io.Reader
			io.Closer
		}{bytes.NewReader(raw), response.Body}
		return out, metadata, nil
	}
	return func(stack *middleware.Stack) error {
		// After OperationDeserializer means nearer to the network than it.
		return stack.Deserialize.Insert(
			middleware.DeserializeMiddlewareFunc("PersonalizeMonitorCapture", capture), "OperationDeserializer", middleware.After)
	}
}
