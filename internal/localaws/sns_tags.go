package localaws

import "net/http"

type snsTag struct {
	Key   string `query:"Key" xml:"Key"`
	Value string `query:"Value" xml:"Value"`
}

func readSNSTags(list []snsTag) (map[string]string, error) {
	tags := map[string]string{}
	for _, t := range list {
		if _, twice := tags[t.Key]; twice {
			return nil, badParameter("Tags Reason: Duplicated keys are not allowed.")
		}
		tags[t.Key] = t.Value
	}
	if len(tags) > maxTags {
		return nil, refuse(codeTagLimit, "Could not complete request: tag quota of per resource exceeded")
	}
	if fault := tagFault(tags); fault != "" {
		return nil, badParameter("Tags Reason: %s", fault)
	}
	return tags, nil
}

// taggedTopic finds the topic of an ARN. The tag operations have another error than the
// rest for one that is missing.
func (s *Server) taggedTopic(c *call, arn string) (*topic, error) {
	if err := checkSNSARN("ResourceArn", arn, 6); err != nil {
		return nil, err
	}
	t := s.sns.topics[arn]
	if t == nil || t.home != c.home() {
		return nil, &apiError{Code: codeTagNotFound, Message: "Resource does not exist", Status: http.StatusNotFound}
	}
	return t, nil
}

func (s *Server) listSNSTags(c *call) (any, error) {
	var in struct {
		ARN string `query:"ResourceArn"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t, err := s.taggedTopic(c, in.ARN)
	if err != nil {
		return nil, err
	}
	return struct {
		Tags []snsTag `xml:"Tags>member"`
	}{each(sortedKeys(t.tags), func(key string) snsTag { return snsTag{key, t.tags[key]} })}, nil
}

func (s *Server) tagSNS(c *call) (any, error) {
	var in struct {
		ARN  string   `query:"ResourceArn"`
		Tags []snsTag `query:"Tags"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t, err := s.taggedTopic(c, in.ARN)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, badParameter("Tags Reason: at least one tag is required")
	}
	added, err := readSNSTags(in.Tags)
	if err != nil {
		return nil, err
	}
	merged := mergeTags(t.tags, added)
	if len(merged) > maxTags {
		return nil, refuse(codeTagLimit, "Could not complete request: tag quota of per resource exceeded")
	}
	t.tags = merged
	return struct{}{}, nil
}

func (s *Server) untagSNS(c *call) (any, error) {
	var in struct {
		ARN  string   `query:"ResourceArn"`
		Keys []string `query:"TagKeys"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t, err := s.taggedTopic(c, in.ARN)
	if err != nil {
		return nil, err
	}
	for _, key := range in.Keys {
		delete(t.tags, key)
	}
	return struct{}{}, nil
}
