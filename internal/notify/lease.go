package notify

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// The keys of the tags, of the deployment region's topic, that have the lease and the version of a
// deployment, begin with these; the deployment follows, as several may share a topic.
const (
	tagLease   = "Serving/"
	tagVersion = "Version/"
	// maxTagKey is the length of a tag's key (SNS API reference, Tag).
	maxTagKey = 128
)

// Lease says which of several daemons of one deployment leads, and up to which tick of the
// clock it has taken the work. It is in a tag of the deployment region's topic, the one thing
// that all of them have in common. The zero value is a lease without a holder.
type Lease struct {
	Holder string    // empty if no one holds it; letters, digits and -._ only
	Tick   time.Time // in UTC, to the second; zero if there never was one
}

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
	return cmp.Or(l.Holder, noHolder) + " " + l.Tick.UTC().Format(time.RFC3339)
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

// VersionTag is a version as the tag has it: that of a build without one has parentheses, which no tag
// may have.
func VersionTag(version string) string { return strings.Trim(version, "()") }

// recordVersion sets the version in the tags of the topic, if it is another one. It changes nothing
// if the program has no version or runs once, from the command line.
func (s *setup) recordVersion(ctx context.Context) {
	arn, key, version := s.topic.String(), VersionKey(s.w.Deployment), VersionTag(s.w.Version)
	if version == "" || len(key) > maxTagKey {
		return
	}
	tags, err := s.w.ReadTags(ctx, s.region, arn)
	switch {
	case s.w.DryRun && awsapi.KindOf(err) == awsapi.NotFound:
		return // the topic would have been created
	case err != nil:
		s.fail(arn, writer.OpListTags, "read the recorded version from the tags of the topic", err)
		return
	case tags[key] == version:
		return
	}
	intent := writer.Intent{Region: s.region, ARN: arn, What: "record the version " + version, Routine: true}
	if err := s.w.SetTags(ctx, intent, writer.Tags{key: version}); err != nil {
		s.fail(arn, writer.OpTagResource, "record the version in the tags of the topic", fmt.Errorf("version %s: %w", version, err))
	}
}

// VersionKey is the key of the tag with the version of a deployment.
func VersionKey(deployment string) string { return tagVersion + deployment }

// Versions are the versions of the program that the tags of a topic have, by deployment: those whose deployment region
// is that of the topic.
func Versions(tags writer.Tags) map[string]string {
	return ofDeployments(tags, tagVersion, func(version string) string { return version })
}

// Leases are the leases that the tags of a topic have, by deployment, as Versions.
func Leases(tags writer.Tags) map[string]Lease { return ofDeployments(tags, tagLease, parseLease) }

// ofDeployments are the values of the tags whose keys begin with a text, by the rest of the key.
func ofDeployments[T any](tags writer.Tags, prefix string, parse func(string) T) map[string]T {
	values := map[string]T{}
	for key, value := range tags {
		if deployment, ok := strings.CutPrefix(key, prefix); ok {
			values[deployment] = parse(value)
		}
	}
	return values
}
