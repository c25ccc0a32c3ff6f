// Package personalize is Amazon Personalize: campaigns, recommenders and the solutions they
// serve, with their life cycles and traffic.
package personalize

import (
	"math"
	"strconv"
	"strings"
	"time"

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

// Service is everything that Amazon Personalize knows.
type Service struct {
	life    *lifecycle
	quotas  estatefile.Quotas
	regions map[api.Home]*region
}

// Register sets the source of a metric of a resource of the estate.
type Register func(h api.Home, namespace, metric string, dims map[string]string, src api.Source)

// API describes the service.
func (s *Service) API() *api.Service {
	patterns := map[string]api.Pattern{"name": {Expression: estatefile.NamePattern, Rule: "have 1 to 63 letters, digits, - and _"}}
	for _, kind := range []string{kindCampaign, kindRecommender, "solution", "dataset-group", "recipe"} {
		expression := api.Lazy(`^arn:[a-z\d-]+:personalize:[^:]*:[^:]*:` + kind + `/`)
		patterns[kind] = api.Pattern{Expression: expression, Rule: "be the ARN of a " + kind}
	}
	const active, inactive, failed = estatefile.Active, estatefile.Inactive, estatefile.CreateFailed
	operations := map[string]api.Operation{
		"ListCampaigns": list[inSolution](s, "campaigns", func(r *region) []*endpoint { return r.campaigns },
			func(e *endpoint) string { return solutionOf(e.Version) }, nil),
		"DescribeCampaign": api.Op(s.describeCampaign),
		"CreateCampaign":   api.Op(s.createCampaign),
		"UpdateCampaign":   api.Op(s.updateCampaign),
		"DeleteCampaign":   change[campaignInput](s, "deleted", s.life.beginDelete, active, failed),
		"ListRecommenders": list[inGroup](s, "recommenders", func(r *region) []*endpoint { return r.recommenders },
			func(e *endpoint) string { return e.group.arn }, nil),
		"DescribeRecommender": api.Op(s.describeRecommender),
		"CreateRecommender":   api.Op(s.createRecommender),
		"UpdateRecommender":   api.Op(s.updateRecommender),
		"StopRecommender":     change[recommenderInput](s, "stopped", s.life.beginStop, active),
		"StartRecommender":    change[recommenderInput](s, "started", s.life.beginStart, inactive),
		"DeleteRecommender":   change[recommenderInput](s, "deleted", s.life.beginDelete, active, inactive, failed),
		"ListDatasetGroups":   list[pageInput](s, "datasetGroups", (*region).sortedGroups, nil, nil),
		"ListSolutions": list[inGroup](s, "solutions", func(r *region) []*solution { return byARNOf(&r.sortedSolutions, r.solutions) },
			func(sol *solution) string { return sol.group.arn }, nil),
		"DescribeSolution": api.Op(s.describeSolution),
		"UpdateSolution":   api.Op(s.updateSolution),
		"ListSolutionVersions": list[inSolution](s, "solutionVersions",
			func(r *region) []*solutionVersion { return byARNOf(&r.sortedVersions, r.versions) },
			func(v *solutionVersion) string { return v.solution.arn }, func(r *region, arn string) bool { return r.solutions[arn] != nil }),
		"DescribeSolutionVersion": api.Op(s.describeSolutionVersion),
		"ListBatchInferenceJobs": list[ofVersion](s, "batchInferenceJobs", func(r *region) []*batchJob { return r.jobsOf(false) },
			func(j *batchJob) string { return j.version }, nil),
		"ListBatchSegmentJobs": list[ofVersion](s, "batchSegmentJobs", func(r *region) []*batchJob { return r.jobsOf(true) },
			func(j *batchJob) string { return j.version }, nil),
		"ListEventTrackers": list[inGroup](s, "eventTrackers", func(r *region) []*eventTracker { return r.trackers },
			func(t *eventTracker) string { return t.group.arn }, nil),
	}
	addTagging(operations, s.findTags)
	return &api.Service{
		Name: "personalize", Signing: "personalize", Protocols: []wire.Protocol{wire.JSON},
		Target: "AmazonPersonalize", Operations: operations,
		Model: api.NewModel(codeInvalid, codeTags, api.Refuse(codeToken, "the nextToken is not valid"), patterns),
	}
}

// change is an operation that begins a change of a resource that is in one of the states. The
// output of a deletion is empty.
func change[In campaignInput | recommenderInput](
	s *Service, what string, begin func(*endpoint, time.Time), states ...string,
) api.Operation {
	return api.Op(func(c *api.Call, in *In) (any, error) {
		e, err := s.region(c.Home).find(struct{ ARN string }(*in).ARN)
		if err == nil {
			err = e.checkState(what, states...)
		}
		if err != nil {
			return nil, err
		}
		begin(e, c.Now)
		if what == "deleted" {
			return nil, nil
		}
		return in, nil
	})
}

// arnPattern is the pattern of Arn in the API model, narrowed to ARNs of the service.
var arnPattern = api.Lazy(`^arn:[a-z\d-]+:personalize:[^:]*:[^:]*:.+$`)

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

func (r *region) find(arn string) (*endpoint, error) {
	e := r.endpoints[arn]
	if e == nil {
		return nil, notFound(arn)
	}
	return e, nil
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

type tag struct {
	Key   *string `json:"tagKey"`
	Value *string `json:"tagValue"`
}

func sharedTags(tags []tag) []api.Tag {
	if tags == nil {
		return nil
	}
	return api.Map(tags, func(t tag) api.Tag { return api.Tag(t) })
}

func (s *Service) findTags(c *api.Call, arn *string) (*map[string]string, error) {
	r := s.region(c.Home)
	switch {
	case r.endpoints[*arn] != nil:
		return &r.endpoints[*arn].tags, nil
	case r.groups[*arn] != nil:
		return &r.groups[*arn].tags, nil
	case r.solutions[*arn] != nil:
		return &r.solutions[*arn].tags, nil
	case !arnPattern().MatchString(*arn):
		return nil, api.Refuse(codeInvalid, "resourceArn %s is not an ARN of Amazon Personalize", api.Quoted(*arn))
	}
	return nil, notFound(*arn)
}

type tagInput struct {
	ARN  string   `json:"resourceArn" check:"required"`
	Tags []tag    `json:"tags"`
	Keys []string `json:"tagKeys"`
}

// addTagging adds the tag operations in the spelling of this service.
func addTagging(operations map[string]api.Operation, find api.Tagging) {
	operations["ListTagsForResource"] = api.Op(func(c *api.Call, in *tagInput) (any, error) {
		tags, err := find(c, &in.ARN)
		if err != nil {
			return nil, err
		}
		return api.Out{"tags": api.Map(api.ListTags(*tags), func(t api.Tag) tag { return tag(t) })}, nil
	})
	operations["TagResource"] = api.Do(func(c *api.Call, in *tagInput) error { return find.Tag(c, &in.ARN, sharedTags(in.Tags)) })
	operations["UntagResource"] = api.Do(func(c *api.Call, in *tagInput) error { return find.Untag(c, &in.ARN, in.Keys) })
}

// Advance executes the transitions that are due.
func (s *Service) Advance(now time.Time) { s.life.advance(now) }

// Describe adds the resources to a snapshot, without what changes automatically.
func (s *Service) Describe(owner string, out map[string]string, render func(any) string) {
	for h, r := range s.regions {
		for _, e := range r.endpoints {
			parts := []string{e.Status, e.Version, strconv.Itoa(int(e.MinTPS)), render(e.Config), render(e.recommender), render(e.tags)}
			if u := e.latest; u != nil && u.Status != estatefile.Active {
				parts = append(parts, "update", u.Status, strconv.Itoa(int(u.MinTPS)), render(u.recommender))
			}
			out[h.Entry(owner, e.kind, e.name)] = strings.Join(parts, " ")
		}
		for _, sol := range r.solutions {
			if sol.declared || sol.update != nil {
				parts := []string{render(sol.auto), sol.every.String(), render(sol.events), render(sol.tags)}
				if u := sol.update; u != nil && u.Status != estatefile.Active {
					parts = append(parts, "update", u.Status, render(u.AutoTraining), render(u.Config))
				}
				out[h.Entry(owner, "solution", sol.name)] = strings.Join(parts, " ")
			}
		}
	}
}
