package awsapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// ErrNoRegion means that no setting names a region.
var ErrNoRegion = errors.New("no AWS region is set")

// CredentialsError means that there are no credentials, or that they cannot be read or
// renewed.
type CredentialsError struct{ Err error }

// Error is one line, without the list of places that the SDK has searched.
func (e *CredentialsError) Error() string {
	if op, ok := errors.AsType[*smithy.OperationError](e.Err); ok && op.ServiceID == imdsService {
		return "no AWS credentials found"
	}
	if role, ok := errors.AsType[*RoleError](e.Err); ok {
		return role.Error()
	}
	return "cannot use the AWS credentials: " + lineOf(e.Err)
}

func (e *CredentialsError) Unwrap() error { return e.Err }

// RoleError means that a role in another account cannot be assumed.
type RoleError struct {
	Role string // ARN
	With string // the external id that was sent, in words
	Err  error
}

// Error is one line.
func (e *RoleError) Error() string {
	return "cannot assume the role " + e.Role + " with " + e.With + ": " + lineOf(e.Err)
}

func (e *RoleError) Unwrap() error { return e.Err }

// imdsService is the service id in errors of the instance metadata service, the last place
// of the credentials chain: no other place had any.
const imdsService = "ec2imds"

// Time limits at the start. Where the instance metadata service exists it responds within
// milliseconds; elsewhere, as on a laptop, packets to it may be lost.
const (
	metadataRegionTimeout = 1 * time.Second
	credentialsTimeout    = 3 * time.Second
)

// LoadOptions are the settings that win over environment and shared configuration. Empty
// ones leave the choice to those.
type LoadOptions struct {
	Region      string
	Profile     string
	EndpointURL string // for all services and regions; wins over AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE>
	// Logger receives the SDK's own messages, at debug level; nil discards them.
	Logger *slog.Logger
}

// LoadConfig reads the AWS settings in the standard way: environment, shared
// configuration, container and instance roles. It checks that there is a region (else the
// error is ErrNoRegion) and that it can get credentials (else a *CredentialsError), unless a
// source does not respond within 3 seconds: then the first call reports it. When AWS rejects
// the credentials, or they cannot be read, the settings are read again, and the call is sent once more.
// Every error is one clear line; Hint says what to try.
func LoadConfig(ctx context.Context, o LoadOptions) (aws.Config, error) {
	if u, err := url.Parse(o.EndpointURL); o.EndpointURL != "" &&
		(err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https")) {
		return aws.Config{}, fmt.Errorf("%q is not an endpoint URL (such as http://127.0.0.1:4566)", o.EndpointURL)
	}
	cfg, err := load(ctx, o)
	if err != nil {
		return aws.Config{}, err
	}
	if cfg.Region == "" {
		if o.Region = metadataRegion(ctx, cfg); o.Region == "" {
			return aws.Config{}, ErrNoRegion
		}
		// Load again, because credential providers have copied the region.
		if cfg, err = load(ctx, o); err != nil {
			return aws.Config{}, err
		}
	}
	if !model.ValidRegion(cfg.Region) {
		return aws.Config{}, fmt.Errorf("%q is not the name of an AWS region (such as eu-west-1)", cfg.Region)
	}
	if err := checkCredentials(ctx, cfg.Credentials); err != nil {
		return aws.Config{}, err
	}
	cfg.Credentials = &credentialChain{current: cfg.Credentials, build: func(ctx context.Context) (aws.CredentialsProvider, error) {
		again, err := load(ctx, o)
		return again.Credentials, err
	}}
	return cfg, nil
}

// credentialChain gets credentials from the standard chain, and builds the chain again after
// they were rejected or could not be read: the SDK itself never reads a file of credentials
// twice, although another program rotates the keys in it.
type credentialChain struct {
	build func(context.Context) (aws.CredentialsProvider, error)

	mu      sync.Mutex
	current aws.CredentialsProvider // nil: to be built
}

// Retrieve implements aws.CredentialsProvider.
func (c *credentialChain) Retrieve(ctx context.Context) (aws.Credentials, error) {
	provider, err := c.provider(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	creds, err := provider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		c.Invalidate()
	}
	return creds, err
}

// provider returns the chain, and builds it if necessary.
func (c *credentialChain) provider(ctx context.Context) (aws.CredentialsProvider, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		built, err := c.build(ctx)
		if err != nil {
			return nil, err
		}
		c.current = built
	}
	return c.current, nil
}

// Invalidate makes the next Retrieve build the chain.
func (c *credentialChain) Invalidate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = nil
}

func load(ctx context.Context, o LoadOptions) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(o.Region),
		config.WithSharedConfigProfile(o.Profile),
		config.WithHTTPClient(newHTTPClient()),
		config.WithLogger(sdkLogger(o.Logger)),
	)
	if err != nil {
		return aws.Config{}, fmt.Errorf("cannot read the AWS settings: %w", Plain(err))
	}
	if o.EndpointURL != "" {
		cfg.BaseEndpoint = aws.String(o.EndpointURL)
		// As the first source, it wins over AWS_ENDPOINT_URL_<SERVICE>. It is not an option
		// of the load: the credential providers keep their own endpoints.
		cfg.ConfigSources = append([]any{config.LoadOptions{BaseEndpoint: o.EndpointURL}}, cfg.ConfigSources...)
	}
	return cfg, nil
}

// metadataRegion asks the instance metadata service for the region; empty if it does not
// respond.
func metadataRegion(ctx context.Context, cfg aws.Config) string {
	ctx, cancel := context.WithTimeout(ctx, metadataRegionTimeout)
	defer cancel()
	client := imds.NewFromConfig(cfg, func(o *imds.Options) { o.Retryer = aws.NopRetryer{} })
	out, err := client.GetRegion(ctx, &imds.GetRegionInput{})
	if err != nil {
		return ""
	}
	return out.Region
}

// checkCredentials gets the credentials once; they stay cached for the clients. Only the
// instance metadata service, the end of the chain, has to respond in time: without it there
// are no credentials. Another source may just be slow.
func checkCredentials(ctx context.Context, provider aws.CredentialsProvider) error {
	bounded, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	_, err := provider.Retrieve(bounded)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		cache, ok := provider.(*aws.CredentialsCache)
		if !ok || !slices.Contains(cache.ProviderSources(), aws.CredentialSourceIMDS) {
			return nil
		}
		err = &smithy.OperationError{ServiceID: imdsService, OperationName: "GetMetadata", Err: err}
	}
	return credentialsError(ctx, err)
}

// credentialsError gives an error of a provider its type, unless ctx ended, which says
// nothing about credentials.
func credentialsError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &smithy.CanceledError{Err: ctx.Err()}
	}
	return &CredentialsError{Err: err}
}

// typedCredentials gives the errors of a provider their type wherever they occur.
type typedCredentials struct{ aws.CredentialsProvider }

// Retrieve returns the credentials, or a *CredentialsError.
func (p typedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := p.CredentialsProvider.Retrieve(ctx)
	return creds, credentialsError(ctx, err)
}

// LocalConfig returns a configuration for the embedded AWS endpoint. It reads neither
// environment nor files. The region is a default; the endpoint serves all regions and
// services; any access key id will do, and the secret is ignored. A transport that is not
// nil replaces the network.
func LocalConfig(region, endpointURL, accessKeyID string, transport http.RoundTripper) aws.Config {
	cfg := aws.Config{
		Region:       region,
		Credentials:  credentials.NewStaticCredentialsProvider(accessKeyID, "local", ""),
		BaseEndpoint: aws.String(endpointURL),
		HTTPClient:   newHTTPClient(),
	}
	if transport != nil {
		cfg.HTTPClient = &http.Client{Transport: transport}
	}
	return cfg
}
