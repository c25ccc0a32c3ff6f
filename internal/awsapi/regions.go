package awsapi

import (
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// personalizeRegions are the regions in which Amazon Personalize is offered, by partition,
// as "Amazon Personalize endpoints and quotas" (AWS General Reference) and the SDK's own
// table (service/personalize v1.50.5, internal/endpoints) list them. The other partitions
// do not offer it. A region missing here can still be named as a parameter.
var personalizeRegions = map[string][]string{
	"aws": {
		"ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
		"eu-central-1", "eu-west-1", "us-east-1", "us-east-2", "us-west-2",
	},
	"aws-cn": {"cn-north-1"},
}

// PersonalizeRegions returns the regions of a partition in which Personalize is offered,
// sorted; none for an unknown partition.
func PersonalizeRegions(partition string) []string {
	return slices.Clone(personalizeRegions[partition])
}

// PricingRegion returns the region of the Price List endpoint to use from a region: the API
// has endpoints in us-east-1, eu-central-1 and ap-south-1, and in cn-northwest-1 for China
// (the SDK's table, service/pricing v1.51.4, internal/endpoints). It is empty if the
// partition has none.
func PricingRegion(region string) string {
	switch {
	case model.PartitionOf(region) == "aws-cn":
		return "cn-northwest-1"
	case model.PartitionOf(region) != "aws":
		return ""
	case strings.HasPrefix(region, "eu-"):
		return "eu-central-1"
	case strings.HasPrefix(region, "ap-"):
		return "ap-south-1"
	}
	return "us-east-1"
}

// unknownCredentials are the error codes of a region that is not enabled for the account:
// it does not know the credentials. Expired credentials have other codes.
var unknownCredentials = []string{"InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", "InvalidAccessKeyId"}

// RegionDisabledError means that a region is not enabled for the account: it does not know
// credentials that other regions accept.
type RegionDisabledError struct {
	Region string
	Err    error
}

func (e *RegionDisabledError) Error() string {
	return "the region " + e.Region + " is not enabled for this account (" + lineOf(e.Err) + ")"
}

func (e *RegionDisabledError) Unwrap() error { return e.Err }

// credentialsUse is what AWS said about the credentials so far.
type credentialsUse struct {
	renew func() // makes the next call use new credentials; may be nil

	mu       sync.Mutex
	accepted map[string]bool // by region
	renewed  time.Time
	renewals int
}

// generation is that of the credentials which calls use from now on.
func (c *credentialsUse) generation() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.renewals
}

// replaced reports whether AWS rejected credentials of a generation, of which there is a newer one.
func (c *credentialsUse) replaced(used int, err error) bool {
	api, isAPI := errors.AsType[smithy.APIError](err)
	return isAPI && !is[*RegionDisabledError](err) && slices.Contains(rejectedCredentials, api.ErrorCode()) && c.generation() != used
}

// renewEvery is the least time between two renewals: the calls that are under way when
// credentials expire are all rejected, and say nothing about the new ones.
const renewEvery = 10 * time.Second

// judge notes what the outcome of a call in a region says about the credentials, has rejected
// ones renewed, and returns the error, more precisely if it can.
func (c *credentialsUse) judge(region string, err error, now time.Time) error {
	api, isAPI := errors.AsType[smithy.APIError](err)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil, isAPI && KindOf(err) != NoCredentials && api.ErrorCode() != unknownCode:
		c.accepted[region] = true
	case !isAPI:
	case slices.Contains(unknownCredentials, api.ErrorCode()) && !c.accepted[region] && len(c.accepted) > 0:
		return &RegionDisabledError{Region: region, Err: err}
	case slices.Contains(rejectedCredentials, api.ErrorCode()) && c.renew != nil && now.Sub(c.renewed) >= renewEvery:
		c.renewed = now
		c.renewals++
		c.renew()
	}
	return err
}

// rejectedCredentials are the error codes after which other credentials may be accepted: these
// expired, or were replaced.
var rejectedCredentials = append([]string{"ExpiredToken", "ExpiredTokenException"}, unknownCredentials...)

// RegionClosed reports whether err means that a region is closed to the credentials, rather
// than that a call failed: denied, not enabled for the account, or without the service,
// which then has no host name there. A retry does not help. In the home region, the
// credentials as such may be the cause.
func RegionClosed(err error) bool {
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		return name.IsNotFound
	}
	if KindOf(err) == Denied {
		return true
	}
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(unknownCredentials, api.ErrorCode())
}
