// Package awsapi connects the program to AWS. It makes one client per service and region;
// all clients share one HTTP client and one set of credentials. It limits the rate of
// each operation in each region, retries on the injected clock, counts every attempt,
// holds the limits of the APIs as constants, classifies errors, and prints each error as
// one clear line.
package awsapi

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"golang.org/x/time/rate"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Options configures Clients.
type Options struct {
	// Config holds credentials, endpoints, retry mode and HTTP client, as LoadConfig or
	// LocalConfig returns it. Its region is ignored: each client is for a given region.
	Config aws.Config
	// Clock drives the rate limits and the waits between retries; nil means the system
	// clock.
	Clock model.Clock
	// Logger receives the SDK's own messages, at debug level; nil keeps the logger of
	// Config.
	Logger *slog.Logger
}

// Clients makes and caches the service clients. It is safe for concurrent use, and so are
// the clients.
type Clients struct {
	config   aws.Config
	attempts *attempts

	mu          sync.Mutex
	personalize map[string]*personalize.Client
	cloudwatch  map[string]*cloudwatch.Client
	events      map[string]*eventbridge.Client
	sns         map[string]*sns.Client
	sts         map[string]*sts.Client
}

// New prepares clients. It sends nothing.
func New(o Options) *Clients {
	clock := cmp.Or[model.Clock](o.Clock, model.SystemClock{})
	cfg := o.Config.Copy()
	a := &attempts{clock: clock, calls: map[string]int{}, buckets: map[bucketKey]*rate.Limiter{}}
	a.credentials.accepted = map[string]bool{}
	if renewable, ok := cfg.Credentials.(interface{ Invalidate() }); ok {
		a.credentials.renew = renewable.Invalidate
	}
	cfg.HTTPClient = sharedHTTPClient(cfg.HTTPClient)
	if cfg.Credentials != nil {
		cfg.Credentials = typedCredentials{cfg.Credentials}
	}
	if o.Logger != nil {
		cfg.Logger = sdkLogger(o.Logger)
	}
	cfg.Retryer = clockRetryers(cfg, clock)
	cfg.APIOptions = append(cfg.APIOptions, a.addMiddleware)
	return &Clients{config: cfg, attempts: a}
}

// sharedHTTPClient freezes the HTTP client, because every service client would otherwise
// build a copy with its own connection pool.
func sharedHTTPClient(client aws.HTTPClient) aws.HTTPClient {
	if buildable, ok := client.(*awshttp.BuildableClient); ok {
		client = buildable.Freeze()
	}
	if shared, ok := client.(*http.Client); ok && shared.Transport != nil {
		plain := *shared
		plain.Transport = plainBodies{shared.Transport}
		return &plain
	}
	return client
}

// sdkLogger passes the SDK's messages to a slog.Logger. All are debug messages to the
// program: what matters also arrives as an error.
func sdkLogger(logger *slog.Logger) logging.Logger {
	if logger == nil {
		return logging.Nop{}
	}
	return logging.LoggerFunc(func(_ logging.Classification, format string, args ...any) {
		logger.Debug("aws sdk", "message", fmt.Sprintf(format, args...))
	})
}

// Close drops the idle connections. The clients stay usable.
func (c *Clients) Close() {
	if client, ok := c.config.HTTPClient.(*http.Client); ok {
		client.CloseIdleConnections()
	}
}

// Calls returns the number of attempts sent so far by "service.Operation", retries
// included. The service names are those of serviceNames.
func (c *Clients) Calls() map[string]int {
	c.attempts.mu.Lock()
	defer c.attempts.mu.Unlock()
	return maps.Clone(c.attempts.calls)
}

// Personalize returns the Amazon Personalize client of a region.
func (c *Clients) Personalize(region string) *personalize.Client {
	return clientOf(c, &c.personalize, region, personalize.NewFromConfig)
}

// CloudWatch returns the Amazon CloudWatch client of a region.
func (c *Clients) CloudWatch(region string) *cloudwatch.Client {
	return clientOf(c, &c.cloudwatch, region, cloudwatch.NewFromConfig)
}

// EventBridge returns the Amazon EventBridge client of a region.
func (c *Clients) EventBridge(region string) *eventbridge.Client {
	return clientOf(c, &c.events, region, eventbridge.NewFromConfig)
}

// SNS returns the Amazon SNS client of a region.
func (c *Clients) SNS(region string) *sns.Client {
	return clientOf(c, &c.sns, region, sns.NewFromConfig)
}

// STS returns the AWS STS client of a region.
func (c *Clients) STS(region string) *sts.Client {
	return clientOf(c, &c.sts, region, sts.NewFromConfig)
}

// ConfigFor returns the configuration of a client in a region. Packages make their own
// clients of services that not all programs need: each adds to the size of a program that
// links it and to the time that it takes to start.
func (c *Clients) ConfigFor(region string) aws.Config {
	cfg := c.config.Copy()
	cfg.Region = region
	return cfg
}

// clientOf returns the cached client of the region, or makes it. The maps are typed:
// a client stored as an interface would keep all its methods in the binary.
func clientOf[T, O any](c *Clients, cache *map[string]*T, region string, build func(aws.Config, ...func(*O)) *T) *T {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client, ok := (*cache)[region]; ok {
		return client
	}
	if *cache == nil {
		*cache = map[string]*T{}
	}
	client := build(c.ConfigFor(region))
	(*cache)[region] = client
	return client
}

// Time limits of one HTTP exchange. AWS responds to control-plane calls in well under a
// second and to a full GetMetricData in a few. What takes longer is stuck, and a retry on
// a new connection is better.
const (
	dialTimeout   = 5 * time.Second
	tlsTimeout    = 5 * time.Second
	headerTimeout = 30 * time.Second
	readTimeout   = 30 * time.Second // without a byte arriving
)

// idleConnections is the number of connections kept open per host. With a custom endpoint
// a single host serves all regions and services; the default of 10 would close and reopen
// connections all the time.
const idleConnections = 128

// plainBodies hides how smithy-go's request bodies write themselves. smithy-go closes a
// body as soon as the response header arrives, and the closed body then returns an error
// to the transport, which may still be looking for its end: a response that arrives very
// early, as over loopback, would cost the connection.
type plainBodies struct{ http.RoundTripper }

// RoundTrip sends the request with a body that can only be read and closed.
func (p plainBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		plain := *r // a transport must not change its request
		plain.Body = struct{ io.ReadCloser }{r.Body}
		r = &plain
	}
	return p.RoundTripper.RoundTrip(r)
}

// CloseIdleConnections passes the HTTP client's call on.
func (p plainBodies) CloseIdleConnections() {
	if closer, ok := p.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

func newHTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
		WithTransportOptions(func(t *http.Transport) {
			t.TLSHandshakeTimeout = tlsTimeout
			t.ResponseHeaderTimeout = headerTimeout
			t.MaxIdleConns = 2 * idleConnections
			t.MaxIdleConnsPerHost = idleConnections
		}).
		WithReadTimeout(readTimeout)
}
