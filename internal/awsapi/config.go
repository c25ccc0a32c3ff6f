package awsapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// ErrNoRegion says that no region is set anywhere.
var ErrNoRegion = errors.New("no AWS region is set")

// CredentialsError says that there are no credentials, or that those there are cannot
// be read or renewed.
type CredentialsError struct{ Err error }

// Error is one line, without the list of places that the SDK has looked at.
func (e *CredentialsError) Error() string {
	if fromInstanceMetadata(e.Err) {
		return "no AWS credentials found"
	}
	return "the AWS credentials cannot be used: " + lineOf(e.Err)
}

// Unwrap gives the SDK's error.
func (e *CredentialsError) Unwrap() error { return e.Err }

// fromInstanceMetadata tells whether err comes from the instance metadata service, the
// last place of the chain: then no other had anything to offer.
func fromInstanceMetadata(err error) bool {
	var op *smithy.OperationError
	return errors.As(err, &op) && op.ServiceID == "ec2imds"
}

// How long the instance metadata service is waited for. Where there is one it answers
// within milliseconds; where there is none, as on a laptop, a packet sent to it may
// simply be lost.
const (
	metadataRegionTimeout      = 1 * time.Second
	metadataCredentialsTimeout = 3 * time.Second
)

// LoadOptions are the settings that win over environment and shared configuration.
// Empty ones leave the choice to those.
type LoadOptions struct {
	Region      string
	Profile     string
	EndpointURL string // for all services and regions; wins over AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE>
	// Logger takes the SDK's own messages, at debug level; nil discards them.
	Logger *slog.Logger
}

// LoadConfig reads the AWS settings in the standard way: environment, shared
// configuration, container and instance roles. It makes sure that there is a region
// (else the error is ErrNoRegion) and that credentials can be had (else it is a
// *CredentialsError). Every error is one clear line; Hint knows what to try.
func LoadConfig(ctx context.Context, o LoadOptions) (aws.Config, error) {
	if err := checkEndpoint(o.EndpointURL); err != nil {
		return aws.Config{}, err
	}
	cfg, err := load(ctx, o)
	if err != nil {
		return aws.Config{}, err
	}
	if cfg.Region == "" {
		if o.Region = metadataRegion(ctx, cfg); o.Region == "" {
			return aws.Config{}, ErrNoRegion
		}
		// Once more, as providers of credentials have taken the region over already.
		if cfg, err = load(ctx, o); err != nil {
			return aws.Config{}, err
		}
	}
	if !model.ValidRegion(cfg.Region) {
		return aws.Config{}, fmt.Errorf("%q is not the name of an AWS region (such as eu-west-1)", cfg.Region)
	}
	return cfg, checkCredentials(ctx, cfg.Credentials)
}

func load(ctx context.Context, o LoadOptions) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(o.Region),
		config.WithSharedConfigProfile(o.Profile),
		config.WithHTTPClient(newHTTPClient()),
		config.WithLogger(sdkLogger{o.Logger}),
	)
	if err != nil {
		return aws.Config{}, fmt.Errorf("the AWS settings cannot be read: %w", Plain(err))
	}
	if o.EndpointURL != "" {
		cfg.BaseEndpoint = aws.String(o.EndpointURL)
		cfg.ServiceOptions = append(cfg.ServiceOptions, useEndpoint(o.EndpointURL))
	}
	return cfg, nil
}

// checkEndpoint refuses what is no absolute http or https URL.
func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("%q is not an endpoint URL (such as http://127.0.0.1:4566)", endpoint)
	}
	return nil
}

// useEndpoint sets the endpoint of each service client, after the environment has had
// its say: AWS_ENDPOINT_URL_<SERVICE> would win over a mere aws.Config.BaseEndpoint.
func useEndpoint(endpoint string) func(string, any) {
	return func(_ string, options any) {
		switch o := options.(type) {
		case *personalize.Options:
			o.BaseEndpoint = &endpoint
		case *cloudwatch.Options:
			o.BaseEndpoint = &endpoint
		case *cloudwatchlogs.Options:
			o.BaseEndpoint = &endpoint
		case *eventbridge.Options:
			o.BaseEndpoint = &endpoint
		case *sns.Options:
			o.BaseEndpoint = &endpoint
		case *sts.Options:
			o.BaseEndpoint = &endpoint
		case *pricing.Options:
			o.BaseEndpoint = &endpoint
		}
	}
}

// metadataRegion asks the instance metadata service for the region, briefly; empty if
// it does not answer.
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

// checkCredentials asks for the credentials once; they stay cached for the clients.
func checkCredentials(ctx context.Context, provider aws.CredentialsProvider) error {
	if cache, ok := provider.(*aws.CredentialsCache); ok &&
		slices.Contains(cache.ProviderSources(), aws.CredentialSourceIMDS) {
		bounded, cancel := context.WithTimeout(ctx, metadataCredentialsTimeout)
		defer cancel()
		_, err := provider.Retrieve(bounded)
		if err != nil && ctx.Err() == nil && bounded.Err() != nil {
			// The chain ends there: silence means that there is nothing.
			err = &smithy.OperationError{ServiceID: "ec2imds", OperationName: "GetMetadata", Err: err}
		}
		return credentialsError(ctx, err)
	}
	_, err := provider.Retrieve(ctx)
	return credentialsError(ctx, err)
}

// credentialsError types an error of a provider, unless ctx ended, which says nothing
// about credentials.
func credentialsError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &smithy.CanceledError{Err: ctx.Err()}
	}
	return &CredentialsError{Err: err}
}

// typedCredentials makes the errors of a provider recognisable wherever they come up.
type typedCredentials struct{ aws.CredentialsProvider }

// Retrieve gives the credentials, or a *CredentialsError.
func (p typedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := p.CredentialsProvider.Retrieve(ctx)
	return creds, credentialsError(ctx, err)
}

// LocalConfig is a configuration for the embedded AWS endpoint: it reads neither
// environment nor files. The region is a default; the endpoint is one for all regions
// and services; the access key id is any, and the secret does not matter. A transport
// stands in for the network if it is not nil.
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
