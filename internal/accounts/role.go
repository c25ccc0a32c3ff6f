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

// Settings returns what makes the settings of accounts from the given ones, and from the clients that
// were made of them. All accounts share the connections, and nothing else. No role is assumed: the first
// call does that, and later ones renew the credentials before they expire.
func Settings(given aws.Config, clients *awsapi.Clients) func(Entry) aws.Config {
	given = given.Copy()
	if client, ok := given.HTTPClient.(*awshttp.BuildableClient); ok {
		given.HTTPClient = client.Freeze()
	}
	return func(e Entry) aws.Config {
		settings := given.Copy()
		if e.Role.Account() == "" {
			return settings
		}
		with := "no external id"
		provider := stscreds.NewAssumeRoleProvider(clients.STS(settings.Region), e.Role.String(), func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName, o.Duration = sessionName, sessionTime
			if e.ExternalID != "" {
				o.ExternalID, with = aws.String(e.ExternalID), "the external id given"
			}
		})
		role := aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			creds, err := provider.Retrieve(ctx)
			if err != nil {
				return creds, &awsapi.RoleError{Role: e.Role.String(), With: with, Err: err}
			}
			return creds, nil
		})
		settings.Credentials = aws.NewCredentialsCache(role, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewBefore })
		return settings
	}
}
