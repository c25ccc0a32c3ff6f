package awsapi

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// The words for the services, as they stand in call counts and rates.
const (
	servicePersonalize = "personalize"
	serviceCloudWatch  = "cloudwatch"
	serviceLogs        = "logs"
	serviceEvents      = "events"
	serviceSNS         = "sns"
	serviceSTS         = "sts"
	servicePricing     = "pricing"
)

// serviceWords are our words for the SDK's service ids.
var serviceWords = map[string]string{
	"Personalize":     servicePersonalize,
	"CloudWatch":      serviceCloudWatch,
	"CloudWatch Logs": serviceLogs,
	"EventBridge":     serviceEvents,
	"SNS":             serviceSNS,
	"STS":             serviceSTS,
	"Pricing":         servicePricing,
}

// serviceWord is our word for an SDK service id, or the id itself for a service that
// this package makes no client for.
func serviceWord(id string) string {
	if word, ok := serviceWords[id]; ok {
		return word
	}
	return id
}

// addMiddleware adds to an operation's stack what belongs to the operation as a whole
// (the count of its attempts, for the retries) and what belongs to each attempt, which
// is why it stands after the SDK's Retry: the wait for the rate limit, and the count.
// Both come before the request is signed, so that no wait makes a signature old.
func (c *Clients) addMiddleware(stack *middleware.Stack) error {
	err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("PersonalizeMonitorAttempts", startAttempts), middleware.Before)
	if err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("PersonalizeMonitorRate", c.eachAttempt), "Retry", middleware.After)
}

func startAttempts(
	ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
) (middleware.InitializeOutput, middleware.Metadata, error) {
	return next.HandleInitialize(middleware.WithStackValue(ctx, attemptsKey{}, new(int)), in)
}

func (c *Clients) eachAttempt(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (middleware.FinalizeOutput, middleware.Metadata, error) {
	service := serviceWord(awsmiddleware.GetServiceID(ctx))
	operation := awsmiddleware.GetOperationName(ctx)
	if err := c.limits.wait(ctx, awsmiddleware.GetRegion(ctx), service, operation); err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, err
	}
	c.counts.add(service + "." + operation)
	out, metadata, err := next.HandleFinalize(ctx, in)
	if n, ok := ctx.Value(lostKey{}).(*atomic.Int32); ok && lost(err) {
		n.Add(1)
	}
	return out, metadata, err
}

type lostKey struct{}

// CountLost counts, from here on, the attempts under the context it gives of which nobody
// knows what became: there was no answer, or none that tells. One that was throttled or
// refused is not among them, nor one that was never sent.
func CountLost(ctx context.Context) (context.Context, *atomic.Int32) {
	n := new(atomic.Int32)
	return context.WithValue(ctx, lostKey{}, n), n
}

// lost tells whether an attempt's error leaves it open what became of the call.
func lost(err error) bool {
	var garbled *smithy.DeserializationError
	if errors.As(err, &garbled) {
		return true
	}
	switch KindOf(err) {
	case Canceled, Unreachable, Unavailable:
		return true
	}
	return false
}

// callCounts counts attempts by "service.Operation".
type callCounts struct {
	mu     sync.Mutex
	counts map[string]int
}

func (c *callCounts) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[name]++
}

func (c *callCounts) snapshot() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := make(map[string]int, len(c.counts))
	maps.Copy(counts, c.counts)
	return counts
}
