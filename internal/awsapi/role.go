package awsapi

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// sessionName is the name of the sessions of roles, which CloudTrail shows.
const sessionName = "personalize-monitor"

// AssumeRole returns the configuration with the credentials of a role, which are renewed before they
// expire. The configuration's own credentials assume it, in its region, when they are needed first.
// The external id may be empty.
func AssumeRole(cfg aws.Config, roleARN, externalID string) aws.Config {
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), roleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = sessionName
		if externalID != "" {
			o.ExternalID = &externalID
		}
	})
	assumed := cfg.Copy()
	assumed.Credentials = aws.NewCredentialsCache(provider)
	return assumed
}
