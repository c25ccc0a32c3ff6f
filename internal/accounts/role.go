package accounts

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

const (
	// sessionName names the program in the CloudTrail log of the accounts.
	sessionName = "personalize-monitor"
	// sessionTime is how long credentials of a role are valid: a role that is assumed with the
	// credentials of another one allows no more (IAM user guide, "role chaining").
	sessionTime = time.Hour
	// renewBefore is how long before they expire credentials are renewed.
	renewBefore = 5 * time.Minute
)

// Source makes the settings of accounts. All accounts share the connections of the given settings,
// and nothing else.
type Source struct {
	settings aws.Config
	clients  *awsapi.Clients
}

// NewSource makes a source from the given settings, and the clients that were made of them.
func NewSource(settings aws.Config, clients *awsapi.Clients) *Source {
	settings = settings.Copy()
	if client, ok := settings.HTTPClient.(*awshttp.BuildableClient); ok {
		settings.HTTPClient = client.Freeze()
	}
	return &Source{settings, clients}
}

// Config is the settings of an account. It assumes no role: the first call does, and later ones renew
// the credentials before they expire.
func (s *Source) Config(e Entry) aws.Config {
	settings := s.settings.Copy()
	if e.Role.Account == "" {
		return settings
	}
	provider := stscreds.NewAssumeRoleProvider(s.clients.STS(settings.Region), e.Role.String(), func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName, o.Duration = sessionName, sessionTime
		if e.ExternalID != "" {
			o.ExternalID = aws.String(e.ExternalID)
		}
	})
	settings.Credentials = aws.NewCredentialsCache(role{provider, e}, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewBefore })
	return settings
}

// role gets the credentials of a role.
type role struct {
	*stscreds.AssumeRoleProvider
	entry Entry
}

// Retrieve implements aws.CredentialsProvider. Its errors name the role.
func (r role) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := r.AssumeRoleProvider.Retrieve(ctx)
	if err == nil {
		return creds, nil
	}
	id := "no external id"
	if r.entry.ExternalID != "" {
		id = "the external id given"
	}
	return creds, &awsapi.RoleError{Role: r.entry.Role.String(), With: id, Err: err}
}
