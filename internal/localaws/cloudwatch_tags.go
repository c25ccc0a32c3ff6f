package localaws

import (
	"maps"
	"slices"
	"strings"
)

type tagResourceInput struct {
	ResourceARN *string `cbor:"ResourceARN"`
	Tags        []tag   `cbor:"Tags"`
}

type untagResourceInput struct {
	ResourceARN *string  `cbor:"ResourceARN"`
	TagKeys     []string `cbor:"TagKeys"`
}

type listTagsInput struct {
	ResourceARN *string `cbor:"ResourceARN"`
}

type listTagsOutput struct {
	Tags []tag `cbor:"Tags"`
}

func (s *Server) cloudwatchListTags(c *call) (any, error) {
	var in listTagsInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(c, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	out := listTagsOutput{Tags: []tag{}}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, tag{key, tags[key]})
	}
	return out, nil
}

func (s *Server) cloudwatchTag(c *call) (any, error) {
	var in tagResourceInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(c, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	if in.Tags == nil {
		return nil, missing("Tags")
	}
	if err := checkTags(in.Tags, tags); err != nil {
		return nil, err
	}
	setTags(tags, in.Tags)
	return nil, nil
}

func (s *Server) cloudwatchUntag(c *call) (any, error) {
	var in untagResourceInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(c, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	if in.TagKeys == nil {
		return nil, missing("TagKeys")
	}
	for _, key := range in.TagKeys {
		delete(tags, key)
	}
	return nil, nil
}

// tagsOf returns the tags of the alarm of this region or the dashboard that an ARN names,
// to be read or changed.
func (s *Server) tagsOf(c *call, arn *string) (map[string]string, error) {
	if arn == nil {
		return nil, missing("ResourceARN")
	}
	if name, ok := strings.CutPrefix(*arn, c.arn("cloudwatch", "alarm:")); ok {
		if a := s.alarms.named(c.home(), name); a != nil {
			return a.tags, nil
		}
		return nil, unknownResource(*arn)
	}
	if name, ok := strings.CutPrefix(*arn, dashboardARN(c, "")); ok {
		if d := s.dashboards.of[c.account][name]; d != nil {
			return d.tags, nil
		}
		return nil, unknownResource(*arn)
	}
	if !strings.HasPrefix(*arn, "arn:") {
		return nil, invalidValue("The value %s for parameter ResourceARN is not an ARN.", quoted(*arn))
	}
	return nil, unknownResource(*arn)
}

func setTags(tags map[string]string, more []tag) {
	for _, t := range more {
		tags[t.Key] = t.Value
	}
}
