package notify

import (
	"context"
	"fmt"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// tagVersion begins the key of the tag, of the deployment region's topic, that has the version of the
// program that works there; the deployment follows, as several may share a topic.
const tagVersion = "Version/"

// maxTagKey is the length of a tag's key (SNS API reference, Tag).
const maxTagKey = 128

// VersionTag is a version as the tag has it: that of a build without one has parentheses, which no tag
// may have.
func VersionTag(version string) string { return strings.Trim(version, "()") }

// recordVersion sets the version in the tags of the topic, if it is another one. It changes nothing
// if the program has no version or runs once, from the command line.
func (s *setup) recordVersion(ctx context.Context) {
	arn, key, version := s.topic.String(), tagVersion+s.w.Deployment, VersionTag(s.w.Version)
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
	}
	if tags[key] == version {
		return
	}
	intent := writer.Intent{Region: s.region, ARN: arn, What: "record the version " + version, Routine: true}
	if err := s.w.SetTags(ctx, intent, writer.Tags{key: version}); err != nil {
		s.fail(arn, writer.OpTagResource, "record the version in the tags of the topic", fmt.Errorf("version %s: %w", version, err))
	}
}

// Versions are the versions of the program that the tags of the deployment region's topic have, by
// deployment.
func Versions(tags writer.Tags) map[string]string { return ofDeployments(tags, tagVersion) }

// Leases are the leases that the tags of the deployment region's topic have, by deployment.
func Leases(tags writer.Tags) map[string]Lease {
	leases := map[string]Lease{}
	for deployment, text := range ofDeployments(tags, tagLease) {
		leases[deployment] = parseLease(text)
	}
	return leases
}

// ofDeployments are the values of the tags whose keys begin with a text, by the rest of the key.
func ofDeployments(tags writer.Tags, prefix string) map[string]string {
	values := map[string]string{}
	for key, value := range tags {
		if deployment, ok := strings.CutPrefix(key, prefix); ok {
			values[deployment] = value
		}
	}
	return values
}
