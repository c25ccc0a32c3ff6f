package localaws

import (
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// datasetGroupShape is the same in lists and descriptions.
type datasetGroupShape struct {
	ARN     string    `json:"datasetGroupArn"`
	Name    string    `json:"name"`
	Domain  string    `json:"domain,omitempty"`
	Status  string    `json:"status"`
	Created wire.Time `json:"creationDateTime"`
	Updated wire.Time `json:"lastUpdatedDateTime"`
}

func (g *datasetGroup) shape() datasetGroupShape {
	return datasetGroupShape{
		ARN: g.arn, Name: g.name, Domain: g.domain, Status: statusActive,
		Created: wire.Time{Time: g.created}, Updated: wire.Time{Time: g.created},
	}
}

func (s *Server) describeDatasetGroup(c *call) (any, error) {
	var in struct {
		ARN *string `json:"datasetGroupArn"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := checkARN("datasetGroupArn", in.ARN, "dataset-group"); err != nil {
		return nil, err
	}
	g := s.regionOf(c.home()).groups[*in.ARN]
	if g == nil {
		return nil, notFound(*in.ARN)
	}
	return struct {
		Group datasetGroupShape `json:"datasetGroup"`
	}{g.shape()}, nil
}

func (s *Server) listDatasetGroups(c *call) (any, error) {
	var in struct {
		NextToken  *string `json:"nextToken"`
		MaxResults *int32  `json:"maxResults"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	all := sorted(s.regionOf(c.home()).groups)
	page, next, err := pageOf(c, all, func(g *datasetGroup) string { return g.arn }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return struct {
		Groups    []datasetGroupShape `json:"datasetGroups"`
		NextToken *string             `json:"nextToken,omitempty"`
	}{each(page, (*datasetGroup).shape), next}, nil
}

var tagPattern = lazy(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// tagFault tells what is wrong with tags by the rules that the services share; empty if
// nothing is.
func tagFault(tags map[string]string) string {
	if len(tags) > maxTags {
		return "there are more than 50 tags"
	}
	for key, value := range tags {
		switch {
		case key == "" || len([]rune(key)) > 128 || !tagPattern().MatchString(key):
			return "the tag key " + quoted(key) + " is not valid"
		case len(key) >= 4 && (key[:4] == "aws:"):
			return "the tag key " + quoted(key) + " begins with aws:, which is reserved"
		case len([]rune(value)) > 256 || !tagPattern().MatchString(value):
			return "the value of the tag " + quoted(key) + " is not valid"
		}
	}
	return ""
}

// readTags checks the tags of a request and makes them a map.
func readTags(list []tagShape) (map[string]string, error) {
	tags := map[string]string{}
	for _, t := range list {
		if t.Key == nil || t.Value == nil {
			return nil, refuse(codeInvalidInput, "a tag needs tagKey and tagValue")
		}
		if _, twice := tags[*t.Key]; twice {
			return nil, refuse(codeInvalidInput, "the tag key %s is given twice", quoted(*t.Key))
		}
		tags[*t.Key] = *t.Value
	}
	if len(tags) > maxTags {
		return nil, refuse(codeTooManyTags, "there are more than %d tags", maxTags)
	}
	if fault := tagFault(tags); fault != "" {
		return nil, refuse(codeInvalidInput, "%s", fault)
	}
	return tags, nil
}

// tagsOf finds the tags of any resource that can have some.
func (h *regionState) tagsOf(arn string) *map[string]string {
	if e := h.endpoints[arn]; e != nil {
		return &e.tags
	}
	if g := h.groups[arn]; g != nil {
		return &g.tags
	}
	if sol := h.solutions[arn]; sol != nil {
		return &sol.tags
	}
	return nil
}

func (s *Server) personalizeTags(c *call, arn *string) (*map[string]string, error) {
	if err := checkARN("resourceArn", arn, ""); err != nil {
		return nil, err
	}
	tags := s.regionOf(c.home()).tagsOf(*arn)
	if tags == nil {
		return nil, notFound(*arn)
	}
	return tags, nil
}

func (s *Server) listPersonalizeTags(c *call) (any, error) {
	var in struct {
		ARN *string `json:"resourceArn"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	tags, err := s.personalizeTags(c, in.ARN)
	if err != nil {
		return nil, err
	}
	out := []tagShape{}
	for _, key := range sortedKeys(*tags) {
		out = append(out, tagShape{Key: ptr(key), Value: ptr((*tags)[key])})
	}
	return struct {
		Tags []tagShape `json:"tags"`
	}{out}, nil
}

func (s *Server) tagPersonalize(c *call) (any, error) {
	var in struct {
		ARN  *string    `json:"resourceArn"`
		Tags []tagShape `json:"tags"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	tags, err := s.personalizeTags(c, in.ARN)
	if err != nil {
		return nil, err
	}
	if in.Tags == nil {
		return nil, refuse(codeInvalidInput, "tags is required")
	}
	added, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	merged := mergeTags(*tags, added)
	if len(merged) > maxTags {
		return nil, refuse(codeTooManyTags, "%s would have more than %d tags", *in.ARN, maxTags)
	}
	*tags = merged
	return nil, nil
}

func (s *Server) untagPersonalize(c *call) (any, error) {
	var in struct {
		ARN  *string  `json:"resourceArn"`
		Keys []string `json:"tagKeys"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	tags, err := s.personalizeTags(c, in.ARN)
	if err != nil {
		return nil, err
	}
	if in.Keys == nil {
		return nil, refuse(codeInvalidInput, "tagKeys is required")
	}
	for _, key := range in.Keys {
		delete(*tags, key)
	}
	return nil, nil
}

func mergeTags(tags, added map[string]string) map[string]string {
	merged := make(map[string]string, len(tags)+len(added))
	for _, m := range []map[string]string{tags, added} {
		for key, value := range m {
			merged[key] = value
		}
	}
	return merged
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
