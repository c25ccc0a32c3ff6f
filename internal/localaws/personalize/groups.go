package personalize

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

type batchJob struct {
	named
	segment bool
	version string // ARN
	created time.Time
}

type eventTracker struct {
	named
	group   *datasetGroup
	created time.Time
}

func activeSince(created time.Time) status {
	return status{Status: estatefile.Active, Created: created, Updated: created}
}

type datasetGroupSummary struct {
	ARN    string `json:"datasetGroupArn"`
	Name   string `json:"name"`
	Domain string `json:"domain,omitempty"`
	status
}

func (r *region) sortedGroups() []*datasetGroup {
	return slices.SortedFunc(maps.Values(r.groups), func(a, b *datasetGroup) int { return strings.Compare(a.arn, b.arn) })
}

func (g *datasetGroup) summary() any {
	return datasetGroupSummary{g.arn, g.name, g.domain, activeSince(g.created)}
}

// eventTrackerSummary does not name the dataset group.
type eventTrackerSummary struct {
	ARN  string `json:"eventTrackerArn"`
	Name string `json:"name"`
	status
}

func (t *eventTracker) summary() any {
	return eventTrackerSummary{t.arn, t.name, activeSince(t.created)}
}

// jobSummary has the ARN under the name of its kind.
type jobSummary struct {
	InferenceARN string `json:"batchInferenceJobArn,omitempty"`
	SegmentARN   string `json:"batchSegmentJobArn,omitempty"`
	Name         string `json:"jobName"`
	Version      string `json:"solutionVersionArn"`
	status
}

func (j *batchJob) summary() any {
	if j.segment {
		return jobSummary{SegmentARN: j.arn, Name: j.name, Version: j.version, status: activeSince(j.created)}
	}
	return jobSummary{InferenceARN: j.arn, Name: j.name, Version: j.version, status: activeSince(j.created)}
}

func (r *region) jobsOf(segment bool) []*batchJob {
	return api.Filter(r.jobs, func(j *batchJob) bool { return j.segment == segment })
}

// The inputs of listings, with the ARN by which each can be narrowed.
type (
	pageInput struct {
		NextToken  *string `json:"nextToken"`
		MaxResults *int32  `json:"maxResults" check:"1..100"`
	}
	inSolution struct {
		pageInput
		ARN *string `json:"solutionArn" check:"..256 solution"`
	}
	inGroup struct {
		pageInput
		ARN *string `json:"datasetGroupArn" check:"..256 dataset-group"`
	}
	ofVersion struct {
		pageInput
		ARN *string `json:"solutionVersionArn" check:"..256 solution"`
	}
)

func (in *pageInput) page() *pageInput   { return in }
func (in *pageInput) narrowed() *string  { return nil }
func (in *inSolution) narrowed() *string { return in.ARN }
func (in *inGroup) narrowed() *string    { return in.ARN }
func (in *ofVersion) narrowed() *string  { return in.ARN }

const maxToken = 1500

// list is the operation that lists items of a region, which are sorted by ARN. of is the ARN by which an item is narrowed;
// one that exists does not hold for is refused, unless exists is nil.
func list[In any, P interface {
	*In
	page() *pageInput
	narrowed() *string
}, T interface {
	id() string
	summary() any
}](s *Service, member string, items func(r *region) []T, of func(T) string, exists func(r *region, arn string) bool) api.Operation {
	return api.Op(func(c *api.Call, in *In) (any, error) {
		r := s.region(c.Home)
		found := items(r)
		if wanted := P(in).narrowed(); wanted != nil {
			if exists != nil && !exists(r, *wanted) {
				return nil, notFound(*wanted)
			}
			found = api.Filter(found, func(item T) bool { return of(item) == *wanted })
		}
		page := P(in).page()
		if len(api.Value(page.NextToken)) > maxToken {
			return nil, c.Model.BadToken
		}
		found, next, err := api.Page(c, found, T.id, page.NextToken, page.MaxResults, 100)
		if len(next) > maxToken {
			return nil, api.RefuseWith(http.StatusInternalServerError, "InternalServerException", "the nextToken is too long")
		}
		return api.Listing(member, api.Map(found, T.summary), "nextToken", next), err
	})
}
