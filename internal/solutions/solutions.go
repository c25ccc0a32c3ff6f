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

	mu    sync.Mutex
	hours map[string]*float64 // by the ARN of a terminal version
}

// New makes a Reader. It calls nothing.
func New(o Options) *Reader { return &Reader{Options: o, hours: map[string]*float64{}} }

// Read reads regions, in their order, without their campaigns and recommenders. What could not
// be read is a problem, one for each operation and region, and not known in the facts.
func (r *Reader) Read(ctx context.Context, regions []string) ([]training.Facts, []model.Problem) {
	facts, readings := make([]training.Facts, len(regions)), make([]*reading, len(regions))
	awsapi.Parallel(len(regions), awsapi.RegionsAtOnce, func(i int) {
		readings[i] = &reading{reader: r, region: regions[i], client: r.Clients.Personalize(regions[i]), failed: map[string]failure{}}
		facts[i] = readings[i].all(ctx)
	})
	var problems []model.Problem
	used := map[string]bool{}
	for i, read := range readings {
		problems = append(problems, read.problems()...)
		for _, s := range facts[i].Solutions {
			for _, v := range s.Versions {
				used[v.ARN] = true
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.hours, func(arn string, _ *float64) bool { return !used[arn] })
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

// pages reads all pages of a listing. It reports whether it could.
func pages[T any](r *reading, operation, arn string, page func(token *string) ([]T, *string, error)) (items []T, ok bool) {
	err := awsapi.ReadPages(func(token *string) (*string, error) {
		list, next, err := page(token)
		items = append(items, list...)
		return next, err
	})
	return items, r.ok(operation, arn, err)
}

var pageSize = aws.Int32(awsapi.MaxListPage)

// all reads the region. A solution that was not trained within the span costs nothing and is not
// described.
func (r *reading) all(ctx context.Context) training.Facts {
	f := training.Facts{Region: r.region}
	f.Groups, f.Known.Groups = r.groups(ctx)
	if !f.Known.Groups {
		return f
	}
	f.Known.Solutions, f.Known.Trackers = true, true
	lists := make([]groupLists, len(f.Groups))
	awsapi.Parallel(len(f.Groups), awsapi.CallsAtOnce, func(i int) { lists[i] = r.group(ctx, f.Groups[i].ARN) })
	for _, l := range lists {
		f.Solutions, f.Trackers = append(f.Solutions, l.solutions...), append(f.Trackers, l.trackers...)
		f.Known.Solutions, f.Known.Trackers = f.Known.Solutions && l.solutionsRead, f.Known.Trackers && l.trackersRead
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

func (r *reading) groups(ctx context.Context) ([]training.DatasetGroup, bool) {
	return pages(r, "ListDatasetGroups", "", func(token *string) (groups []training.DatasetGroup, next *string, err error) {
		out, err := r.client.ListDatasetGroups(ctx, &personalize.ListDatasetGroupsInput{MaxResults: pageSize, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		for _, g := range out.DatasetGroups {
			groups = append(groups, training.DatasetGroup{
				ARN: aws.ToString(g.DatasetGroupArn), Name: aws.ToString(g.Name), Status: model.Status(aws.ToString(g.Status)),
				Created: timeOf(g.CreationDateTime),
			})
		}
		return groups, out.NextToken, nil
	})
}

// groupLists are what belongs to a dataset group: list entries do not name it.
type groupLists struct {
	solutions                   []training.Solution
	trackers                    []training.EventTracker
	solutionsRead, trackersRead bool
}

func (r *reading) group(ctx context.Context, arn string) (l groupLists) {
	l.solutions, l.solutionsRead = pages(r, "ListSolutions", arn, func(token *string) (list []training.Solution, next *string, err error) {
		out, err := r.client.ListSolutions(ctx, &personalize.ListSolutionsInput{DatasetGroupArn: &arn, MaxResults: pageSize, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		for _, s := range out.Solutions {
			list = append(list, training.Solution{
				ARN: aws.ToString(s.SolutionArn), Name: aws.ToString(s.Name), Group: arn, Recipe: model.RecipeName(aws.ToString(s.RecipeArn)),
				Created: timeOf(s.CreationDateTime),
			})
		}
		return list, out.NextToken, nil
	})
	l.trackers, l.trackersRead = pages(r, "ListEventTrackers", arn, func(token *string) ([]training.EventTracker, *string, error) {
		var list []training.EventTracker
		out, err := r.client.ListEventTrackers(ctx, &personalize.ListEventTrackersInput{
			DatasetGroupArn: &arn, MaxResults: pageSize, NextToken: token,
		})
		if err != nil {
			return nil, nil, err
		}
		for _, t := range out.EventTrackers {
			list = append(list, training.EventTracker{
				ARN: aws.ToString(t.EventTrackerArn), Name: aws.ToString(t.Name), Group: arn, Status: model.Status(aws.ToString(t.Status)),
				Created: timeOf(t.CreationDateTime),
			})
		}
		return list, out.NextToken, nil
	})
	return l
}

// versions lists the versions of all solutions of the region, by solution: without a solution
// ListSolutionVersions lists those of all (API reference).
func (r *reading) versions(ctx context.Context) (map[string][]training.Version, bool) {
	all, ok := pages(r, "ListSolutionVersions", "", func(token *string) (versions []training.Version, next *string, err error) {
		out, err := r.client.ListSolutionVersions(ctx, &personalize.ListSolutionVersionsInput{MaxResults: pageSize, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		for _, v := range out.SolutionVersions {
			versions = append(versions, training.Version{
				ARN: aws.ToString(v.SolutionVersionArn), Status: model.Status(aws.ToString(v.Status)), FailureReason: aws.ToString(v.FailureReason),
				Created: timeOf(v.CreationDateTime), Updated: timeOf(v.LastUpdatedDateTime), Automatic: automatic(v.TrainingType),
			})
		}
		return versions, out.NextToken, nil
	})
	bySolution := map[string][]training.Version{}
	for _, v := range all {
		bySolution[v.Solution()] = append(bySolution[v.Solution()], v)
	}
	return bySolution, ok
}

func automatic(t types.TrainingType) *bool {
	switch t {
	case types.TrainingTypeAutomatic:
		return aws.Bool(true)
	case types.TrainingTypeManual:
		return aws.Bool(false)
	}
	return nil
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
	if hours, known := r.reader.known(v.ARN); known {
		return hours
	}
	out, err := r.client.DescribeSolutionVersion(ctx, &personalize.DescribeSolutionVersionInput{SolutionVersionArn: &v.ARN})
	if !r.ok("DescribeSolutionVersion", v.ARN, err) || out.SolutionVersion == nil {
		return nil
	}
	r.reader.remember(v.ARN, out.SolutionVersion.TrainingHours)
	return out.SolutionVersion.TrainingHours
}

func (r *Reader) known(version string) (hours *float64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	hours, ok = r.hours[version]
	return hours, ok
}

func (r *Reader) remember(version string, hours *float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hours[version] = hours
}

// jobs lists the batch jobs of all solution versions of the region.
func (r *reading) jobs(ctx context.Context) ([]training.BatchJob, bool) {
	inference, ok := pages(r, "ListBatchInferenceJobs", "", func(token *string) (jobs []training.BatchJob, next *string, err error) {
		out, err := r.client.ListBatchInferenceJobs(ctx, &personalize.ListBatchInferenceJobsInput{MaxResults: pageSize, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		for _, j := range out.BatchInferenceJobs {
			jobs = append(jobs, jobOf(j.JobName, j.SolutionVersionArn, j.CreationDateTime))
		}
		return jobs, out.NextToken, nil
	})
	segment, also := pages(r, "ListBatchSegmentJobs", "", func(token *string) (jobs []training.BatchJob, next *string, err error) {
		out, err := r.client.ListBatchSegmentJobs(ctx, &personalize.ListBatchSegmentJobsInput{MaxResults: pageSize, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		for _, j := range out.BatchSegmentJobs {
			jobs = append(jobs, jobOf(j.JobName, j.SolutionVersionArn, j.CreationDateTime))
		}
		return jobs, out.NextToken, nil
	})
	return append(inference, segment...), ok && also
}

func jobOf(name, version *string, created *time.Time) training.BatchJob {
	return training.BatchJob{Name: aws.ToString(name), Version: aws.ToString(version), Created: timeOf(created)}
}

// timeOf is a time in UTC; zero if there is none.
func timeOf(t *time.Time) time.Time { return aws.ToTime(t).UTC().Round(0) }
