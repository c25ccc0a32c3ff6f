package awsapi

import (
	"errors"

	"github.com/aws/smithy-go"
)

// Hint says what a person can try about err; empty if there is nothing to say beyond
// the error itself.
func Hint(err error) string {
	if errors.Is(err, ErrNoRegion) {
		return "set AWS_REGION, or give --region; --local needs no account"
	}
	switch KindOf(err) {
	case NoCredentials:
		return "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in again (aws sso login); --local needs no account"
	case Unreachable:
		return "check the region, --endpoint-url and AWS_ENDPOINT_URL, and the way to the network (proxy, VPC endpoint)"
	case Denied:
		return deniedHint(err)
	case Throttled:
		return "AWS takes fewer calls than were sent; it is tried again in the next cycle"
	case Unavailable:
		return "AWS had a fault of its own; it is tried again in the next cycle"
	case Quota:
		return "remove what is not needed, or ask AWS for a higher quota"
	case InUse:
		return "try again when the change under way is done"
	}
	return ""
}

// deniedHint names the IAM action that is missing, if the operation is known.
func deniedHint(err error) string {
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		return "allow " + serviceWord(operation.ServiceID) + ":" + operation.OperationName +
			" to the credentials used, and check that the region is enabled for the account"
	}
	return "check the IAM policy of the credentials used, and that the region is enabled for the account"
}
