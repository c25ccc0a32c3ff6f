// Package solutions reads the solutions of Amazon Personalize, how they are trained, and what
// uses them beside campaigns and recommenders. It lists whole regions at once, and describes
// only what was trained lately.
package solutions

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// Options configures a Reader. All are needed.
type Options struct {
	Clients *awsapi.Clients
	Clock   model.Clock
}

// Reader reads the training of regions. It describes a version that has ended training once, and
// remembers its hours. It is safe for concurrent use.
type Reader struct {
	Options

	hours sync.Map // *float64 by the ARN of a terminal version
}

// New makes a Reader. It calls nothing.
func New(o Options) *Reader { return &Reader{Options: o} }

// Read reads regions, in their order, without their campaigns and recommenders. What could not
// be read is a problem, one for each operation and region, and not known in the facts.
func (r *Reader) Read(ctx context.Context, regions []string) ([]training.Facts, []model.Problem) {
	facts, readings := make([]training.Facts, len(regions)), make([]*reading, len(regions))
	awsapi.Parallel(len(regions), awsapi.RegionsAtOnce, func(i int) {
		readings[i] = &reading{reader: r, region: regions[i], client: r.Clients.Personalize(regions[i]), failed: map[string]failure{}}
		facts[i] = readings[i].all(ctx)
	})
	var problems []model.Problem
	used := map[any]bool{}
	for i, read := range readings {
		problems = append(problems, read.problems()...)
		for _, s := range facts[i].Solutions {
			for _, v := range s.Versions {
				used[v.ARN] = true
			}
		}
	}
	r.hours.Range(func(arn, _ any) bool {
		if !used[arn] {
			r.hours.Delete(arn)
		}
		return true
	})
	return facts, problems
}

// reading is the reading of one region.
type reading struct {
	reader *Reader
	region string
	client *personalize.Client

	mu     sync.Mutex
	failed map[string]failure // by operation
}

// failure is that an operation failed, first for a resource, and then so many times more.
type failure struct {
	model.Problem
	more int
}

// ok notes a failure if there is an error. The ARN may be empty.
func (r *reading) ok(operation, arn string, err error) bool {
	if err == nil {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f, known := r.failed[operation]
	if f.more++; !known {
		f = failure{Problem: model.Problem{ARN: arn, Region: r.region, Operation: operation, Err: awsapi.Plain(err)}}
	}
	r.failed[operation] = f
	return false
}

func (r *reading) problems() []model.Problem {
	var problems []model.Problem
	for _, operation := range slices.Sorted(maps.Keys(r.failed)) {
		f := r.failed[operation]
		if f.more > 0 {
			f.Err = fmt.Errorf("%w (and %d more failed)", f.Err, f.more)
		}
		problems = append(problems, f.Problem)
	}
	return problems
}

// paginator is one of the SDK, of a listing.
type paginator[O any] interface {
	NextPage(ctx context.Context, options ...func(*personalize.Options)) (O, error)
}

// pages reads all pages of a listing, and calls use with each, which returns the token of the next one. It
// reports whether it could.
func pages[O any](ctx context.Context, r *reading, operation, arn string, p paginator[O], use func(O) (next *string)) bool {
	return r.ok(operation, arn, awsapi.ReadPages(func(*string) (*string, error) {
		out, err := p.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		return use(out), nil
	}))
}

var pageSize = aws.Int32(awsapi.MaxListPage)

// all reads the region. A solution that was not trained within the span costs nothing and is not
// described.
func (r *reading) all(ctx context.Context) training.Facts {
	f := training.Facts{Region: r.region}
	groups := personalize.NewListDatasetGroupsPaginator(r.client, &personalize.ListDatasetGroupsInput{MaxResults: pageSize})
	f.Known.Groups = pages(ctx, r, "ListDatasetGroups", "", groups, func(out *personalize.ListDatasetGroupsOutput) *string {
		for _, g := range out.DatasetGroups {
			f.Groups = append(f.Groups, training.DatasetGroup{
				ARN: aws.ToString(g.DatasetGroupArn), Name: aws.ToString(g.Name), Status: model.Status(aws.ToString(g.Status)),
				Created: timeOf(g.CreationDateTime),
			})
		}
		return out.NextToken
	})
	if !f.Known.Groups {
		return f
	}
	f.Known.Solutions, f.Known.Trackers = true, true
	lists := make([]training.Facts, len(f.Groups))
	awsapi.Parallel(len(f.Groups), awsapi.CallsAtOnce, func(i int) { lists[i] = r.group(ctx, f.Groups[i].ARN) })
	for _, l := range lists {
		f.Solutions, f.Trackers = append(f.Solutions, l.Solutions...), append(f.Trackers, l.Trackers...)
		f.Known.Solutions, f.Known.Trackers = f.Known.Solutions && l.Known.Solutions, f.Known.Trackers && l.Known.Trackers
	}
	if len(f.Solutions) == 0 && f.Known.Solutions { // then there is nothing that trains or runs
		f.Known.Versions, f.Known.Jobs = true, true
		return f
	}
	f.Jobs, f.Known.Jobs = r.jobs(ctx)
	versions, ok := r.versions(ctx)
	f.Known.Versions = ok
	since := r.reader.Clock.Now().Add(-training.Span)
	awsapi.Parallel(len(f.Solutions), awsapi.CallsAtOnce, func(i int) {
		f.Solutions[i] = r.complete(ctx, f.Solutions[i], versions[f.Solutions[i].ARN], since)
	})
	return f
}

// group reads what belongs to a dataset group: list entries do not name it.
func (r *reading) group(ctx context.Context, arn string) (f training.Facts) {
	solutions := personalize.NewListSolutionsPaginator(r.client, &personalize.ListSolutionsInput{DatasetGroupArn: &arn, MaxResults: pageSize})
	f.Known.Solutions = pages(ctx, r, "ListSolutions", arn, solutions, func(out *personalize.ListSolutionsOutput) *string {
		for _, s := range out.Solutions {
			f.Solutions = append(f.Solutions, training.Solution{
				ARN: aws.ToString(s.SolutionArn), Name: aws.ToString(s.Name), Group: arn, Recipe: model.RecipeName(aws.ToString(s.RecipeArn)),
				Created: timeOf(s.CreationDateTime),
			})
		}
		return out.NextToken
	})
	trackers := personalize.NewListEventTrackersPaginator(r.client, &personalize.ListEventTrackersInput{
		DatasetGroupArn: &arn, MaxResults: pageSize,
	})
	f.Known.Trackers = pages(ctx, r, "ListEventTrackers", arn, trackers, func(out *personalize.ListEventTrackersOutput) *string {
		for _, t := range out.EventTrackers {
			f.Trackers = append(f.Trackers, training.EventTracker{
				ARN: aws.ToString(t.EventTrackerArn), Name: aws.ToString(t.Name), Group: arn, Status: model.Status(aws.ToString(t.Status)),
				Created: timeOf(t.CreationDateTime),
			})
		}
		return out.NextToken
	})
	return f
}

// versions lists the versions of all solutions of the region, by solution: without a solution
// ListSolutionVersions lists those of all (API reference).
func (r *reading) versions(ctx context.Context) (versions map[string][]training.Version, ok bool) {
	versions = map[string][]training.Version{}
	all := personalize.NewListSolutionVersionsPaginator(r.client, &personalize.ListSolutionVersionsInput{MaxResults: pageSize})
	ok = pages(ctx, r, "ListSolutionVersions", "", all, func(out *personalize.ListSolutionVersionsOutput) *string {
		for _, s := range out.SolutionVersions {
			v := training.Version{
				ARN: aws.ToString(s.SolutionVersionArn), Status: model.Status(aws.ToString(s.Status)), FailureReason: aws.ToString(s.FailureReason),
				Created: timeOf(s.CreationDateTime), Updated: timeOf(s.LastUpdatedDateTime),
			}
			if s.TrainingType == types.TrainingTypeAutomatic || s.TrainingType == types.TrainingTypeManual {
				v.Automatic = new(s.TrainingType == types.TrainingTypeAutomatic)
			}
			versions[v.Solution()] = append(versions[v.Solution()], v)
		}
		return out.NextToken
	})
	return versions, ok
}

// jobs lists the batch jobs of all solution versions of the region.
func (r *reading) jobs(ctx context.Context) (jobs []training.BatchJob, ok bool) {
	add := func(name, version *string, created *time.Time) {
		jobs = append(jobs, training.BatchJob{Name: aws.ToString(name), Version: aws.ToString(version), Created: timeOf(created)})
	}
	inference := personalize.NewListBatchInferenceJobsPaginator(r.client, &personalize.ListBatchInferenceJobsInput{MaxResults: pageSize})
	ok = pages(ctx, r, "ListBatchInferenceJobs", "", inference, func(out *personalize.ListBatchInferenceJobsOutput) *string {
		for _, j := range out.BatchInferenceJobs {
			add(j.JobName, j.SolutionVersionArn, j.CreationDateTime)
		}
		return out.NextToken
	})
	segment := personalize.NewListBatchSegmentJobsPaginator(r.client, &personalize.ListBatchSegmentJobsInput{MaxResults: pageSize})
	also := pages(ctx, r, "ListBatchSegmentJobs", "", segment, func(out *personalize.ListBatchSegmentJobsOutput) *string {
		for _, j := range out.BatchSegmentJobs {
			add(j.JobName, j.SolutionVersionArn, j.CreationDateTime)
		}
		return out.NextToken
	})
	return jobs, ok && also
}

// complete adds the versions of a solution, and describes it if it was trained lately.
func (r *reading) complete(ctx context.Context, s training.Solution, versions []training.Version, since time.Time) training.Solution {
	lately := false
	for i, v := range versions {
		if v.Created.After(since) {
			versions[i].Hours, lately = r.trainingHours(ctx, v), true
		}
	}
	s.Versions = versions
	if !lately {
		return s
	}
	out, err := r.client.DescribeSolution(ctx, &personalize.DescribeSolutionInput{SolutionArn: &s.ARN})
	if !r.ok("DescribeSolution", s.ARN, err) || out.Solution == nil {
		return s
	}
	s.Automatic = out.Solution.PerformAutoTraining
	if u := out.Solution.LatestSolutionUpdate; u != nil && u.PerformAutoTraining != nil && !model.Status(aws.ToString(u.Status)).Settled() {
		s.Automatic = u.PerformAutoTraining
	}
	if c := out.Solution.SolutionConfig; c != nil && c.AutoTrainingConfig != nil {
		s.Schedule = aws.ToString(c.AutoTrainingConfig.SchedulingExpression)
	}
	if s.Recipe == "" && out.Solution.AutoMLResult != nil {
		s.Recipe = model.RecipeName(aws.ToString(out.Solution.AutoMLResult.BestRecipeArn))
	}
	return s
}

// trainingHours are the hours of a version; nil if AWS does not return them, or if they could not
// be read. Those of a version that has ended do not change.
func (r *reading) trainingHours(ctx context.Context, v training.Version) *float64 {
	if v.Status != model.StatusActive { // there are none
		return nil
	}
	if known, ok := r.reader.hours.Load(v.ARN); ok {
		hours, _ := known.(*float64)
		return hours
	}
	out, err := r.client.DescribeSolutionVersion(ctx, &personalize.DescribeSolutionVersionInput{SolutionVersionArn: &v.ARN})
	if !r.ok("DescribeSolutionVersion", v.ARN, err) || out.SolutionVersion == nil {
		return nil
	}
	r.reader.hours.Store(v.ARN, out.SolutionVersion.TrainingHours)
	return out.SolutionVersion.TrainingHours
}

// timeOf is a time in UTC; zero if there is none.
func timeOf(t *time.Time) time.Time { return aws.ToTime(t).UTC().Round(0) }
