// Package personalize is Amazon Personalize: campaigns, recommenders and the solutions they
// serve, with their life cycles and traffic.
//
// A Service is not safe for concurrent use; the endpoint runs one operation at a time.
package personalize

import (
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// Error codes.
const (
	codeInvalid  = "InvalidInputException"
	codeToken    = "InvalidNextTokenException"
	codeNotFound = "ResourceNotFoundException"
	codeInUse    = "ResourceInUseException"
	codeExists   = "ResourceAlreadyExistsException"
	codeLimit    = "LimitExceededException"
	codeTags     = "TooManyTagsException"
)

const (
	maxARN   = 256
	maxToken = 1500
)

// Service is everything that Amazon Personalize knows.
type Service struct {
	*lifecycle
	quotas   estatefile.Quotas
	register Register
	regions  map[api.Home]*region
}

// Register sets the source of a metric of a resource of the estate.
type Register func(h api.Home, metric string, dims map[string]string, src api.Source)

// API describes the service.
func (s *Service) API() *api.Service {
	return &api.Service{
		Name: "personalize", Signing: "personalize", Protocols: []wire.Protocol{wire.JSON}, Target: "AmazonPersonalize",
		Operations: map[string]api.Operation{
			"ListCampaigns":           api.Op(s.listCampaigns),
			"DescribeCampaign":        api.Op(s.describeCampaign),
			"CreateCampaign":          api.Op(s.createCampaign),
			"UpdateCampaign":          api.Op(s.updateCampaign),
			"DeleteCampaign":          api.Do(s.deleteCampaign),
			"ListRecommenders":        api.Op(s.listRecommenders),
			"DescribeRecommender":     api.Op(s.describeRecommender),
			"CreateRecommender":       api.Op(s.createRecommender),
			"UpdateRecommender":       api.Op(s.updateRecommender),
			"StopRecommender":         api.Op(s.stopRecommender),
			"StartRecommender":        api.Op(s.startRecommender),
			"DeleteRecommender":       api.Do(s.deleteRecommender),
			"DescribeSolution":        api.Op(s.describeSolution),
			"DescribeSolutionVersion": api.Op(s.describeSolutionVersion),
			"ListTagsForResource":     api.Op(s.listTags),
			"TagResource":             api.Do(s.tag),
			"UntagResource":           api.Do(s.untag),
		},
	}
}

// arnPattern is the pattern of Arn in the API model, narrowed to ARNs of the service.
var arnPattern = api.Lazy(`^arn:[a-z\d-]+:personalize:[^:]*:[^:]*:.+$`)

// checkARN refuses what is not an ARN of the kind, such as campaign.
func checkARN(member, arn, kind string) error {
	switch {
	case arn == "":
		return api.Refuse(codeInvalid, "%s is required", member)
	case len(arn) > maxARN || !arnPattern().MatchString(arn):
		return api.Refuse(codeInvalid, "%s %s is not an ARN of Amazon Personalize", member, api.Quoted(arn))
	case kind != "" && !strings.HasPrefix(strings.SplitN(arn, ":", 6)[5], kind+"/"):
		return api.Refuse(codeInvalid, "%s %s is not the ARN of a %s", member, api.Quoted(arn), kind)
	}
	return nil
}

func notFound(arn string) error {
	return api.Refuse(codeNotFound, "Resource Arn %s does not exist.", arn)
}

// checkState refuses a change of a resource that is in another state, or being updated.
func (e *endpoint) checkState(change string, states ...string) error {
	if api.Is(e.Status, states...) && !e.updating() {
		return nil
	}
	state := e.Status
	if e.updating() {
		state += ", with its latest update " + e.latest.Status
	}
	return api.Refuse(codeInUse, "%s is %s; it cannot be %s now", e.arn, state, change)
}

// find returns the caller's campaign or recommender.
func (s *Service) find(c *api.Call, kind, arn string) (*endpoint, error) {
	if err := checkARN(kind+"Arn", arn, kind); err != nil {
		return nil, err
	}
	e := s.region(c.Home).endpoints[arn]
	if e == nil {
		return nil, notFound(arn)
	}
	return e, nil
}

type pageInput struct {
	NextToken  *string `json:"nextToken"`
	MaxResults *int32  `json:"maxResults"`
}

var paging = api.Paging{
	Most: 100, BadToken: api.Refuse(codeToken, "the nextToken is not valid"),
	BadLimit: func(value, rule string) error { return api.Constraint(codeInvalid, value, "maxResults", rule) },
}

// page cuts a page out of endpoints, which are sorted by ARN.
func (in *pageInput) page(c *api.Call, endpoints []*endpoint) ([]*endpoint, string, error) {
	if len(api.Value(in.NextToken)) > maxToken {
		return nil, "", paging.BadToken
	}
	page, next, err := api.PageOf(c, paging, endpoints, func(e *endpoint) string { return e.arn }, in.NextToken, in.MaxResults)
	if len(next) > maxToken {
		return nil, "", api.RefuseWith(http.StatusInternalServerError, "InternalServerException", "the nextToken is too long")
	}
	return page, next, err
}

// checkMinimum refuses a minimum below 1; there is no upper bound.
func checkMinimum(member string, v *int32) error {
	if v != nil && *v < 1 {
		return api.Refuse(codeInvalid, "%s is %d; it is at least 1", member, *v)
	}
	return nil
}

// checkExploration refuses item exploration settings that the service does not have.
func checkExploration(m map[string]string) error {
	for key, text := range m {
		v, err := strconv.ParseFloat(text, 64)
		switch {
		case key != "explorationWeight" && key != "explorationItemAgeCutOff":
			return api.Refuse(codeInvalid, "itemExplorationConfig has no %s", api.Quoted(key))
		case err != nil || math.IsNaN(v) || v < 0 || (key == "explorationWeight" && v > 1):
			return api.Refuse(codeInvalid, "%s is %s, which is out of its range", key, api.Quoted(text))
		}
	}
	return nil
}

// tag is a tag in the spelling of this service.
type tag struct {
	Key   *string `json:"tagKey"`
	Value *string `json:"tagValue"`
}

// mergeTags returns the tags of a resource with more tags added or replaced.
func mergeTags(tags map[string]string, more []tag) (map[string]string, error) {
	merged, fault := api.MergeTags(tags, api.Map(more, func(t tag) api.Tag { return api.Tag(t) }))
	switch {
	case fault == nil:
		return merged, nil
	case fault.TooMany:
		return nil, api.Refuse(codeTags, "%s", fault.Text)
	}
	return nil, api.Refuse(codeInvalid, "%s", fault.Text)
}

// findTags returns the tags of any resource that can have some.
func (s *Service) findTags(c *api.Call, arn string) (*map[string]string, error) {
	if err := checkARN("resourceArn", arn, ""); err != nil {
		return nil, err
	}
	r := s.region(c.Home)
	switch {
	case r.endpoints[arn] != nil:
		return &r.endpoints[arn].tags, nil
	case r.groups[arn] != nil:
		return &r.groups[arn].tags, nil
	case r.solutions[arn] != nil:
		return &r.solutions[arn].tags, nil
	}
	return nil, notFound(arn)
}

type tagInput struct {
	ARN  string   `json:"resourceArn"`
	Tags []tag    `json:"tags"`
	Keys []string `json:"tagKeys"`
}

type tagOutput struct {
	Tags []tag `json:"tags"`
}

func (s *Service) listTags(c *api.Call, in *tagInput) (tagOutput, error) {
	tags, err := s.findTags(c, in.ARN)
	if err != nil {
		return tagOutput{}, err
	}
	return tagOutput{api.Map(api.ListTags(*tags), func(t api.Tag) tag { return tag(t) })}, nil
}

func (s *Service) tag(c *api.Call, in *tagInput) error {
	tags, err := s.findTags(c, in.ARN)
	if err != nil {
		return err
	}
	if in.Tags == nil {
		return api.Refuse(codeInvalid, "tags is required")
	}
	merged, err := mergeTags(*tags, in.Tags)
	if err == nil {
		*tags = merged
	}
	return err
}

func (s *Service) untag(c *api.Call, in *tagInput) error {
	tags, err := s.findTags(c, in.ARN)
	if err != nil {
		return err
	}
	if in.Keys == nil {
		return api.Refuse(codeInvalid, "tagKeys is required")
	}
	for _, key := range in.Keys {
		delete(*tags, key)
	}
	return nil
}

// Describe adds the resources to a snapshot, without what changes automatically.
func (s *Service) Describe(out map[string]string, render func(any) string) {
	for h, r := range s.regions {
		for _, e := range r.endpoints {
			parts := []string{e.Status, e.Version, strconv.Itoa(int(e.MinTPS)), render(e.Config), render(e.recommender), render(e.tags)}
			if u := e.latest; u != nil && u.Status != estatefile.Active {
				parts = append(parts, "update", u.Status, strconv.Itoa(int(u.MinTPS)), render(u.recommender))
			}
			out[h.Region+" "+e.kind+" "+e.name] = strings.Join(parts, " ")
		}
	}
}
