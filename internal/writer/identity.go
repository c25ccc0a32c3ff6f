package writer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Identity is the account and partition of the credentials. The zero value is unknown.
type Identity struct {
	Account   string // 12 digits
	Partition string // aws, aws-cn, aws-us-gov, ...
}

// ARN is that of something in the account.
func (i Identity) ARN(service, region, resource string) model.ARN {
	return model.NewARN(i.Partition, service, region, i.Account, resource)
}

// Owner finds out who owns the credentials. It is safe for concurrent use.
type Owner struct {
	w *Writer

	mu       sync.Mutex // held during the call, so that there is one
	identity Identity
}

// NewOwner makes an Owner. If known is zero, STS is asked once it is needed.
func NewOwner(w *Writer, known Identity) *Owner { return &Owner{w: w, identity: known} }

// Identity returns the account and partition of the credentials. STS is asked once, in the
// deployment region; a failure is not remembered.
func (o *Owner) Identity(ctx context.Context) (Identity, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.identity != (Identity{}) {
		return o.identity, nil
	}
	out, err := o.w.Clients.STS(o.w.DeploymentRegion).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	var identity Identity
	if err == nil {
		identity, err = identityOf(out)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("ask STS who owns the credentials: GetCallerIdentity in %s: %w", o.w.DeploymentRegion, awsapi.Plain(err))
	}
	o.identity = identity
	return identity, nil
}

func identityOf(out *sts.GetCallerIdentityOutput) (Identity, error) {
	arn, err := model.ParseARN(aws.ToString(out.Arn))
	if err != nil {
		return Identity{}, err
	}
	if aws.ToString(out.Account) == "" {
		return Identity{}, errors.New("the answer names no account")
	}
	return Identity{Account: *out.Account, Partition: arn.Partition()}, nil
}

// Check returns an error if the credentials do not belong to the account of the resource.
func (o *Owner) Check(ctx context.Context, arn model.ARN) error {
	identity, err := o.Identity(ctx)
	if err != nil {
		return fmt.Errorf("GetCallerIdentity %s: %w", o.w.DeploymentRegion, err)
	}
	if identity.Account != arn.Account() {
		return fmt.Errorf("it belongs to the account %s, the credentials to %s", arn.Account(), identity.Account)
	}
	return nil
}
