package localaws

import (
	"math"
	"strconv"
	"strings"
)

// Error codes of Amazon Personalize.
const (
	codeInvalidInput    = "InvalidInputException"
	codeInvalidToken    = "InvalidNextTokenException"
	codeNotFound        = "ResourceNotFoundException"
	codeInUse           = "ResourceInUseException"
	codeAlreadyExists   = "ResourceAlreadyExistsException"
	codeLimitExceeded   = "LimitExceededException"
	codeTooManyTags     = "TooManyTagsException"
	maxPersonalizePage  = 100
	maxPersonalizeARN   = 256
	maxPersonalizeToken = 1500
)

func (s *Server) personalizeOperations() map[string]operation {
	return map[string]operation{
		"ListCampaigns":           s.listCampaigns,
		"DescribeCampaign":        s.describeCampaign,
		"CreateCampaign":          s.createCampaign,
		"UpdateCampaign":          s.updateCampaign,
		"DeleteCampaign":          s.deleteCampaign,
		"ListRecommenders":        s.listRecommenders,
		"DescribeRecommender":     s.describeRecommender,
		"CreateRecommender":       s.createRecommender,
		"UpdateRecommender":       s.updateRecommender,
		"StopRecommender":         s.stopRecommender,
		"StartRecommender":        s.startRecommender,
		"DeleteRecommender":       s.deleteRecommender,
		"DescribeSolution":        s.describeSolution,
		"DescribeSolutionVersion": s.describeSolutionVersion,
		"ListSolutions":           s.listSolutions,
		"ListSolutionVersions":    s.listSolutionVersions,
		"DescribeDatasetGroup":    s.describeDatasetGroup,
		"ListDatasetGroups":       s.listDatasetGroups,
		"ListTagsForResource":     s.listPersonalizeTags,
		"TagResource":             s.tagPersonalize,
		"UntagResource":           s.untagPersonalize,
	}
}

// personalizeARN is the pattern of Arn in the API model, narrowed to what can be told
// apart: region, account and a resource.
var personalizeARN = lazy(`^arn:[a-z\d-]+:personalize:[^:]*:[^:]*:.+$`)

// checkARN refuses what is not an ARN of the kind, such as campaign.
func checkARN(member string, arn *string, kind string) error {
	switch {
	case arn == nil || *arn == "":
		return refuse(codeInvalidInput, "%s is required", member)
	case len(*arn) > maxPersonalizeARN || !personalizeARN().MatchString(*arn):
		return refuse(codeInvalidInput, "%s %s is not an ARN of Amazon Personalize", member, quoted(*arn))
	case kind != "" && !strings.HasPrefix(strings.SplitN(*arn, ":", 6)[5], kind+"/"):
		return refuse(codeInvalidInput, "%s %s is not the ARN of a %s", member, quoted(*arn), kind)
	}
	return nil
}

func notFound(arn string) error {
	return refuse(codeNotFound, "Resource Arn %s does not exist.", arn)
}

func inUse(e *endpoint, what string) error {
	state := e.status
	if e.updating() {
		state += ", with its latest update " + e.latest.status
	}
	return refuse(codeInUse, "%s is %s; it cannot be %s now", e.arn, state, what)
}

// find returns the caller's campaign or recommender.
func (s *Server) findEndpoint(c *call, member string, arn *string, kind string) (*endpoint, error) {
	if err := checkARN(member, arn, kind); err != nil {
		return nil, err
	}
	e := s.regionOf(c.home()).endpoints[*arn]
	if e == nil {
		return nil, notFound(*arn)
	}
	return e, nil
}

// pageOf cuts a page out of items sorted by key, by the rules of the service: up to 100
// items, which is also the default.
func pageOf[T any](c *call, items []T, key func(T) string, token *string, size *int32) ([]T, *string, error) {
	n := maxPersonalizePage
	if size != nil {
		if *size < 1 || *size > maxPersonalizePage {
			return nil, nil, refuse(codeInvalidInput, "maxResults is %d; it is from 1 to %d", *size, maxPersonalizePage)
		}
		n = int(*size)
	}
	from := ""
	if token != nil {
		from = *token
		if from == "" || len(from) > maxPersonalizeToken {
			return nil, nil, refuse(codeInvalidToken, "the nextToken is not valid")
		}
	}
	out, next, ok := page(c, items, key, from, n)
	switch {
	case !ok:
		return nil, nil, refuse(codeInvalidToken, "the nextToken %s is not valid", quoted(from))
	case next == "":
		return out, nil, nil
	case len(next) > maxPersonalizeToken:
		return nil, nil, internalFailure()
	}
	return out, &next, nil
}

func endpointARN(e *endpoint) string { return e.arn }

// checkMinimum refuses a minimum below 1; there is no upper bound.
func checkMinimum(member string, v *int32) error {
	if v != nil && *v < 1 {
		return refuse(codeInvalidInput, "%s is %d; it is at least 1", member, *v)
	}
	return nil
}

// checkExploration refuses item exploration settings that the service does not have.
func checkExploration(m map[string]string) error {
	for key, text := range m {
		v, err := strconv.ParseFloat(text, 64)
		switch {
		case key != "explorationWeight" && key != "explorationItemAgeCutOff":
			return refuse(codeInvalidInput, "itemExplorationConfig has no %s", quoted(key))
		case err != nil || math.IsNaN(v) || v < 0 || (key == "explorationWeight" && v > 1):
			return refuse(codeInvalidInput, "%s is %s, which is out of its range", key, quoted(text))
		}
	}
	return nil
}

// checkNew refuses a name that is malformed or taken.
func checkNew(h *regionState, kind string, name *string) error {
	if name == nil || !namePattern().MatchString(*name) {
		return refuse(codeInvalidInput, "name %s is not valid: it has 1 to 63 letters, digits, - and _", quoted(value(name)))
	}
	if arn := h.arn(kind + "/" + *name); h.endpoints[arn] != nil {
		return refuse(codeAlreadyExists, "Another resource with Arn %s already exists.", arn)
	}
	return nil
}
