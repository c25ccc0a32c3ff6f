package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxTags is how many tags a resource can have.
const MaxTags = 50

// Tag is a tag in the inputs and outputs of most services.
type Tag struct {
	Key   *string `json:"Key"   xml:"Key"`
	Value *string `json:"Value" xml:"Value"`
}

var tagPattern = Lazy(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// CheckTags returns what is wrong with tags by the rules that the services share, empty if
// nothing is.
func CheckTags(tags map[string]string) string {
	if len(tags) > MaxTags {
		return fmt.Sprintf("there are more than %d tags", MaxTags)
	}
	for key, value := range tags {
		switch {
		case key == "" || utf8.RuneCountInString(key) > 128 || !tagPattern().MatchString(key):
			return "the tag key " + Quoted(key) + " is not valid"
		case len(key) >= 4 && strings.EqualFold(key[:4], "aws:"):
			return "the tag key " + Quoted(key) + " begins with aws:, which is reserved"
		case utf8.RuneCountInString(value) > 256 || !tagPattern().MatchString(value):
			return "the value of the tag " + Quoted(key) + " is not valid"
		}
	}
	return ""
}

// MergeTags returns the tags of a resource with more tags added or replaced. The error is the
// service's.
func (c *Call) MergeTags(tags map[string]string, more []Tag) (map[string]string, error) {
	merged := map[string]string{}
	maps.Copy(merged, tags)
	added := map[string]string{}
	for _, t := range more {
		if t.Key == nil || t.Value == nil {
			return nil, c.Model.BadTags("a tag needs a key and a value", false)
		}
		if _, twice := added[*t.Key]; twice {
			return nil, c.Model.BadTags("the tag key "+Quoted(*t.Key)+" is given twice", false)
		}
		added[*t.Key], merged[*t.Key] = *t.Value, *t.Value
	}
	if len(merged) > MaxTags {
		return nil, c.Model.BadTags(fmt.Sprintf("the resource would have more than %d tags", MaxTags), true)
	}
	if fault := CheckTags(added); fault != "" {
		return nil, c.Model.BadTags(fault, false)
	}
	return merged, nil
}

// ListTags returns the tags of a resource by key.
func ListTags(tags map[string]string) []Tag {
	return Map(slices.Sorted(maps.Keys(tags)), func(key string) Tag { return Tag{new(key), new(tags[key])} })
}

// tagInput is the input of all tag operations. CloudWatch and EventBridge spell the
// resource's ARN in capitals, SNS does not.
type tagInput struct {
	ResourceARN *string  `json:"ResourceARN"`
	ResourceArn *string  `json:"ResourceArn"`
	Tags        []Tag    `json:"Tags"`
	TagKeys     []string `json:"TagKeys"`
}

func (in *tagInput) arn() *string {
	if in.ResourceARN != nil {
		return in.ResourceARN
	}
	return in.ResourceArn
}

type tagOutput struct {
	Tags []Tag `json:"Tags" xml:"Tags>member"`
}

// Tagging finds the tags of the resource that an ARN names; nil if the input has no ARN.
type Tagging func(c *Call, arn *string) (*map[string]string, error)

// AddTo adds the operations ListTagsForResource, TagResource and UntagResource.
func (find Tagging) AddTo(operations map[string]Operation) {
	operations["ListTagsForResource"] = Op(func(c *Call, in *tagInput) (any, error) {
		tags, err := find(c, in.arn())
		if err != nil {
			return nil, err
		}
		return tagOutput{ListTags(*tags)}, nil
	})
	operations["TagResource"] = Op(func(c *Call, in *tagInput) (any, error) { return struct{}{}, find.Tag(c, in.arn(), in.Tags) })
	operations["UntagResource"] = Op(func(c *Call, in *tagInput) (any, error) { return struct{}{}, find.Untag(c, in.arn(), in.TagKeys) })
}

// Tag adds or replaces tags of a resource. Nil tags are missing ones.
func (find Tagging) Tag(c *Call, arn *string, more []Tag) error {
	tags, err := find(c, arn)
	switch {
	case err != nil:
		return err
	case more == nil:
		return c.Model.Missing("Tags")
	}
	merged, err := c.MergeTags(*tags, more)
	if err == nil {
		*tags = merged
	}
	return err
}

// Untag removes tags of a resource. Nil keys are missing ones.
func (find Tagging) Untag(c *Call, arn *string, keys []string) error {
	tags, err := find(c, arn)
	switch {
	case err != nil:
		return err
	case keys == nil:
		return c.Model.Missing("TagKeys")
	}
	for _, key := range keys {
		delete(*tags, key)
	}
	return nil
}
