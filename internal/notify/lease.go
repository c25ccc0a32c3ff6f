package notify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// Lease says which of several daemons of one deployment leads, and up to which tick of the
// clock it has taken the work. It is in a tag of the deployment region's topic, the one thing
// that all of them have in common. The zero value is a lease without a holder.
type Lease struct {
	Holder string    // empty if no one holds it; letters, digits and -._ only
	Tick   time.Time // in UTC, to the second; zero if there never was one
}

// tagLease begins the key of the tag; the deployment follows, as several may share a topic.
const tagLease = "Serving/"

// noHolder is an empty holder in the tag.
const noHolder = "-"

// ReadLease reads the lease of this deployment. A tag that cannot be understood is a lease
// without a holder. If there is no topic, the error is of kind awsapi.NotFound.
func (n *Notifier) ReadLease(ctx context.Context) (Lease, error) {
	topic, err := n.homeTopic(ctx)
	if err != nil {
		return Lease{}, err
	}
	tags, err := n.w.ReadTags(ctx, n.w.DeploymentRegion, topic)
	if err != nil {
		return Lease{}, fmt.Errorf("read the lease from the tags of %s: %w", topic, awsapi.Plain(err))
	}
	return parseLease(tags[tagLease+n.w.Deployment]), nil
}

// WriteLease replaces the lease. Errors are those of ReadLease.
func (n *Notifier) WriteLease(ctx context.Context, lease Lease) error {
	topic, err := n.homeTopic(ctx)
	if err != nil {
		return err
	}
	intent := writer.Intent{Region: n.w.DeploymentRegion, ARN: topic, What: "write the lease of the leading daemon", Routine: true}
	if err := n.w.SetTags(ctx, intent, writer.Tags{tagLease + n.w.Deployment: lease.String()}); err != nil {
		return fmt.Errorf("write the lease to the tags of %s: %w", topic, awsapi.Plain(err))
	}
	return nil
}

// homeTopic is the ARN of the deployment region's topic.
func (n *Notifier) homeTopic(ctx context.Context) (string, error) {
	id, err := n.owner.Identity(ctx)
	if err != nil {
		return "", err
	}
	return id.ARN("sns", n.w.DeploymentRegion, TopicName).String(), nil
}

// String is the lease as the tag holds it: holder and tick.
func (l Lease) String() string {
	holder := l.Holder
	if holder == "" {
		holder = noHolder
	}
	return holder + " " + l.Tick.UTC().Format(time.RFC3339)
}

func parseLease(text string) Lease {
	holder, tick, _ := strings.Cut(text, " ")
	at, err := time.Parse(time.RFC3339, tick)
	if err != nil {
		return Lease{}
	}
	if holder == noHolder {
		holder = ""
	}
	return Lease{Holder: holder, Tick: at.UTC()}
}
