package act

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Claim says which of several daemons of one deployment acts, and up to which of the
// clock's marks it has taken the work upon itself. It stands in a tag of the deployment
// region's topic, the one thing that all of them have in common. Its zero value is that
// of nobody.
type Claim struct {
	Holder string    // empty if nobody holds it; letters, digits and -._ only
	Mark   time.Time // in UTC, to the second; zero if there never was one
}

// tagClaim begins the key of the tag; the deployment follows, as several may share a topic.
const tagClaim = "Serving/"

// nobody stands for an empty holder in the tag.
const nobody = "-"

// claimAPI is what is asked of SNS about claims.
type claimAPI interface {
	ListTagsForResource(context.Context, *sns.ListTagsForResourceInput, ...func(*sns.Options)) (*sns.ListTagsForResourceOutput, error)
	TagResource(context.Context, *sns.TagResourceInput, ...func(*sns.Options)) (*sns.TagResourceOutput, error)
}

// ReadClaim reads the claim of this deployment. A tag that cannot be understood is a
// claim of nobody's. That there is no topic is an error of kind awsapi.NotFound.
func (a *Actor) ReadClaim(ctx context.Context) (Claim, error) {
	topic, err := a.homeTopic(ctx)
	if err != nil {
		return Claim{}, err
	}
	var api claimAPI = a.clients.SNS(a.home)
	out, err := api.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: aws.String(topic)})
	if err != nil {
		return Claim{}, fmt.Errorf("read whose turn it is off the tags of %s: %w", topic, awsapi.Plain(err))
	}
	for _, tag := range out.Tags {
		if aws.ToString(tag.Key) == tagClaim+a.deployment {
			return parseClaim(aws.ToString(tag.Value)), nil
		}
	}
	return Claim{}, nil
}

// WriteClaim writes the claim, over whatever stands there. Errors are those of ReadClaim.
func (a *Actor) WriteClaim(ctx context.Context, c Claim) error {
	topic, err := a.homeTopic(ctx)
	if err != nil {
		return err
	}
	var api claimAPI = a.clients.SNS(a.home)
	intent := Intent{Op: opTagResource, Region: a.home, ARN: topic, What: "tell other daemons whose turn it is", Routine: true}
	_, err = a.gate.do(ctx, intent, func(ctx context.Context) error {
		_, err := api.TagResource(ctx, &sns.TagResourceInput{
			ResourceArn: aws.String(topic), Tags: []types.Tag{{Key: aws.String(tagClaim + a.deployment), Value: aws.String(c.String())}},
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("write whose turn it is to the tags of %s: %w", topic, awsapi.Plain(err))
	}
	return nil
}

// homeTopic is the ARN of the deployment region's topic.
func (a *Actor) homeTopic(ctx context.Context) (string, error) {
	id, err := a.Identity(ctx)
	if err != nil {
		return "", err
	}
	topic := model.ARN{Partition: id.Partition, Service: "sns", Region: a.home, Account: id.Account, Resource: TopicName}
	return topic.String(), nil
}

// String is the claim as the tag holds it: who, and up to when.
func (c Claim) String() string {
	holder := c.Holder
	if holder == "" {
		holder = nobody
	}
	return holder + " " + c.Mark.UTC().Format(time.RFC3339)
}

func parseClaim(text string) Claim {
	holder, mark, _ := strings.Cut(text, " ")
	at, err := time.Parse(time.RFC3339, mark)
	if err != nil {
		return Claim{}
	}
	if holder == nobody {
		holder = ""
	}
	return Claim{Holder: holder, Mark: at.UTC()}
}
