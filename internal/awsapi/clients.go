// Package awsapi is where the program meets AWS: one client per service and region,
// all sharing one HTTP client and one set of credentials; a rate limit per operation
// and region; the SDK's retries, waiting on the injected clock; a count of every
// attempt; the limits of the APIs as constants; and errors told apart by kind and
// printed as one clear line. It stands beside the line discover → measure → decide →
// act → report: inventory, traffic and act make their calls through it.
package awsapi

import (
	"log/slog"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Options says how clients are made.
type Options struct {
	// Config holds credentials, endpoints, retry mode and HTTP client, as LoadConfig or
	// LocalConfig makes it. Its region does not matter: clients are asked for by region.
	Config aws.Config
	// Clock is asked for the time by the rate limits and waited on by them and by the
	// retries; nil means the system clock.
	Clock model.Clock
	// Logger takes the SDK's own messages, at debug level; nil discards them.
	Logger *slog.Logger
	// Rates replaces limits by "service.Operation", in calls a second and region; zero or
	// less lifts the limit. Operations that are not named keep their usual one.
	Rates map[string]float64
}

// Clients makes and keeps the clients of the services used. It is safe for concurrent
// use, and so are the clients it gives.
type Clients struct {
	config aws.Config
	http   *http.Client // nil if the configuration brought its own kind of client
	clock  model.Clock
	limits *rateLimits
	points *pointLimits
	counts *callCounts

	mu          sync.Mutex
	personalize map[string]*personalize.Client
	cloudwatch  map[string]*cloudwatch.Client
	logs        map[string]*cloudwatchlogs.Client
	events      map[string]*eventbridge.Client
	sns         map[string]*sns.Client
	sts         map[string]*sts.Client
	pricing     map[string]*pricing.Client
}

// New prepares clients; none is made, and nothing is called, before it is asked for.
func New(o Options) *Clients {
	clock := o.Clock
	if clock == nil {
		clock = model.SystemClock{}
	}
	c := &Clients{
		config:      o.Config.Copy(),
		clock:       clock,
		limits:      newRateLimits(clock, o.Rates),
		points:      newPointLimits(clock),
		counts:      &callCounts{},
		personalize: map[string]*personalize.Client{},
		cloudwatch:  map[string]*cloudwatch.Client{},
		logs:        map[string]*cloudwatchlogs.Client{},
		events:      map[string]*eventbridge.Client{},
		sns:         map[string]*sns.Client{},
		sts:         map[string]*sts.Client{},
		pricing:     map[string]*pricing.Client{},
	}
	c.shareHTTPClient()
	if c.config.Credentials != nil {
		c.config.Credentials = typedCredentials{c.config.Credentials}
	}
	if o.Logger != nil || c.config.Logger == nil {
		c.config.Logger = sdkLogger{o.Logger}
	}
	c.config.Retryer = patientRetryers(c.config, clock)
	c.config.APIOptions = append(c.config.APIOptions, c.addMiddleware)
	return c
}

// shareHTTPClient freezes the HTTP client, because every service client would
// otherwise build a copy with a connection pool of its own.
func (c *Clients) shareHTTPClient() {
	switch client := c.config.HTTPClient.(type) {
	case nil:
		c.config.HTTPClient = newHTTPClient().Freeze()
	case *awshttp.BuildableClient:
		c.config.HTTPClient = client.Freeze()
	}
	if client, ok := c.config.HTTPClient.(*http.Client); ok && client.Transport != nil {
		plain := *client
		plain.Transport = plainBodies{client.Transport}
		c.http, c.config.HTTPClient = &plain, &plain
	}
}

// Close drops the idle connections. Clients made stay usable.
func (c *Clients) Close() {
	if c.http != nil {
		c.http.CloseIdleConnections()
	}
}

// Calls counts the attempts sent so far by "service.Operation", retries included. The
// service words are personalize, cloudwatch, logs, events, sns, sts and pricing.
func (c *Clients) Calls() map[string]int { return c.counts.snapshot() }

// Personalize is the client for a region.
func (c *Clients) Personalize(region string) *personalize.Client {
	return forRegion(c, c.personalize, region, func(cfg aws.Config) *personalize.Client {
		return personalize.NewFromConfig(cfg)
	})
}

// CloudWatch is the client for a region.
func (c *Clients) CloudWatch(region string) *cloudwatch.Client {
	return forRegion(c, c.cloudwatch, region, func(cfg aws.Config) *cloudwatch.Client {
		return cloudwatch.NewFromConfig(cfg)
	})
}

// CloudWatchLogs is the client for a region.
func (c *Clients) CloudWatchLogs(region string) *cloudwatchlogs.Client {
	return forRegion(c, c.logs, region, func(cfg aws.Config) *cloudwatchlogs.Client {
		return cloudwatchlogs.NewFromConfig(cfg)
	})
}

// EventBridge is the client for a region.
func (c *Clients) EventBridge(region string) *eventbridge.Client {
	return forRegion(c, c.events, region, func(cfg aws.Config) *eventbridge.Client {
		return eventbridge.NewFromConfig(cfg)
	})
}

// SNS is the client for a region.
func (c *Clients) SNS(region string) *sns.Client {
	return forRegion(c, c.sns, region, func(cfg aws.Config) *sns.Client {
		return sns.NewFromConfig(cfg)
	})
}

// STS is the client for a region.
func (c *Clients) STS(region string) *sts.Client {
	return forRegion(c, c.sts, region, func(cfg aws.Config) *sts.Client {
		return sts.NewFromConfig(cfg)
	})
}

// Pricing is the client for a region. The Price List API has endpoints in few of them
// (see PricingRegion); what it tells is the same everywhere in a partition.
func (c *Clients) Pricing(region string) *pricing.Client {
	return forRegion(c, c.pricing, region, func(cfg aws.Config) *pricing.Client {
		return pricing.NewFromConfig(cfg)
	})
}

// forRegion gives the client made earlier for the region, or makes it.
func forRegion[T any](c *Clients, made map[string]*T, region string, build func(aws.Config) *T) *T {
	c.mu.Lock()
	defer c.mu.Unlock()
	client, ok := made[region]
	if !ok {
		cfg := c.config.Copy()
		cfg.Region = region
		client = build(cfg)
		made[region] = client
	}
	return client
}
