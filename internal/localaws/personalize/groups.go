package personalize

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

// batchJob is a batch inference job or a batch segment job.
type batchJob struct {
	arn, name string
	segment   bool
	version   string // ARN
	created   time.Time
}

type eventTracker struct {
	arn, name string
	group     *datasetGroup
	created   time.Time
}

type datasetGroupSummary struct {
	ARN    string `json:"datasetGroupArn"`
	Name   string `json:"name"`
	Domain string `json:"domain,omitempty"`
	status
}

func activeSince(created time.Time) status {
	return status{Status: estatefile.Active, Created: created, Updated: created}
}

func (s *Service) listDatasetGroups(c *api.Call, in *pageInput) (any, error) {
	groups := slices.SortedFunc(maps.Values(s.region(c.Home).groups), func(a, b *datasetGroup) int { return strings.Compare(a.arn, b.arn) })
	return listing(c, in, "datasetGroups", groups, func(g *datasetGroup) string { return g.arn }, func(g *datasetGroup) any {
		return datasetGroupSummary{g.arn, g.name, g.domain, activeSince(g.created)}
	})
}

type listTrackersInput struct {
	pageInput
	GroupARN *string `json:"datasetGroupArn" check:"..256 dataset-group"`
}

// eventTrackerSummary does not name the dataset group.
type eventTrackerSummary struct {
	ARN  string `json:"eventTrackerArn"`
	Name string `json:"name"`
	status
}

func (s *Service) listEventTrackers(c *api.Call, in *listTrackersInput) (any, error) {
	trackers := s.region(c.Home).trackers
	if in.GroupARN != nil {
		trackers = api.Filter(trackers, func(t *eventTracker) bool { return t.group.arn == *in.GroupARN })
	}
	return listing(c, &in.pageInput, "eventTrackers", trackers, func(t *eventTracker) string { return t.arn }, func(t *eventTracker) any {
		return eventTrackerSummary{t.arn, t.name, activeSince(t.created)}
	})
}

type listJobsInput struct {
	pageInput
	VersionARN *string `json:"solutionVersionArn" check:"..256 solution"`
}

type inferenceJobSummary struct {
	ARN     string `json:"batchInferenceJobArn"`
	Name    string `json:"jobName"`
	Version string `json:"solutionVersionArn"`
	status
}

type segmentJobSummary struct {
	ARN     string `json:"batchSegmentJobArn"`
	Name    string `json:"jobName"`
	Version string `json:"solutionVersionArn"`
	status
}

func (s *Service) listBatchInferenceJobs(c *api.Call, in *listJobsInput) (any, error) {
	return s.listJobs(c, in, "batchInferenceJobs", false, func(j *batchJob) any {
		return inferenceJobSummary{j.arn, j.name, j.version, activeSince(j.created)}
	})
}

func (s *Service) listBatchSegmentJobs(c *api.Call, in *listJobsInput) (any, error) {
	return s.listJobs(c, in, "batchSegmentJobs", true, func(j *batchJob) any {
		return segmentJobSummary{j.arn, j.name, j.version, activeSince(j.created)}
	})
}

func (s *Service) listJobs(c *api.Call, in *listJobsInput, member string, segment bool, shape func(*batchJob) any) (any, error) {
	jobs := api.Filter(s.region(c.Home).jobs, func(j *batchJob) bool {
		return j.segment == segment && (in.VersionARN == nil || j.version == *in.VersionARN)
	})
	return listing(c, &in.pageInput, member, jobs, func(j *batchJob) string { return j.arn }, shape)
}

// addSolution adds a solution with the versions of its schedules, and plans the next ones.
func (l *loader) addSolution(g *datasetGroup, conf *estatefile.Solution) error {
	sol := &solution{
		arn: l.region.arn("solution/" + conf.Name), name: conf.Name, group: g, recipe: l.region.recipeARN(conf.Recipe),
		created: l.now.Add(-cmp.Or(conf.Age, 30*day)), tags: maps.Clone(conf.Tags), region: l.region,
		training: training{declared: true, hours: conf.TrainingHours, failureReason: conf.FailureReason},
	}
	if l.region.solutions[sol.arn] != nil {
		return fmt.Errorf("solution %s exists twice", conf.Name)
	}
	if conf.FailingFor > 0 {
		sol.failsFrom = l.now.Add(-conf.FailingFor)
	}
	switch cmp.Or(conf.AutoTraining, estatefile.AutoTrainingOn) {
	case estatefile.AutoTrainingOn:
		sol.auto, sol.every = new(true), cmp.Or(conf.TrainEvery, 7*day)
	case estatefile.AutoTrainingOff:
		sol.auto = new(false)
	}
	if g.created.After(sol.created) {
		g.created = sol.created.AddDate(0, -1, 0)
	}
	l.region.solutions[sol.arn] = sol
	latest := l.now.Add(-cmp.Or(conf.TrainedAgo, day))
	if sol.every > 0 {
		l.addTrainings(automatic(sol), latest, conf.StoppedFor)
	}
	if conf.ManualEvery > 0 {
		l.addTrainings(schedule{sol, conf.ManualEvery, -1}, latest.Add(-day/2), conf.StoppedFor)
	}
	if len(sol.versions) == 0 {
		l.addTraining(schedule{sol, 0, -1}, latest, conf.StoppedFor)
	}
	return nil
}

// addTrainings adds the past trainings of a schedule, back to the solution's creation, and
// plans the next one.
func (l *loader) addTrainings(s schedule, latest time.Time, stoppedFor time.Duration) {
	for end := latest; !end.Add(-s.sol.takes()).Before(s.sol.created); end = end.Add(-s.every) {
		l.addTraining(s, end, stoppedFor)
	}
	next := latest
	for !next.After(l.now) {
		next = next.Add(s.every)
	}
	l.life.planTraining(s, next)
}

func (l *loader) addTraining(s schedule, end time.Time, stoppedFor time.Duration) {
	v := s.sol.version(end)
	v.automatic = s.generation >= 0
	v.status, v.failureReason = s.sol.outcome(end)
	if stoppedFor > 0 && !end.Before(l.now.Add(-stoppedFor)) {
		v.status, v.failureReason = estatefile.CreateStopped, ""
	}
	s.sol.addVersion(v)
}

var errNoVersion = errors.New("its solution has no version that was trained before")

// addUse adds the batch jobs and event trackers of a dataset group.
func (l *loader) addUse(g *datasetGroup, conf *estatefile.DatasetGroup) error {
	for _, j := range conf.BatchJobs {
		kind := "batch-inference-job/"
		if j.Segment {
			kind = "batch-segment-job/"
		}
		job := &batchJob{arn: l.region.arn(kind + j.Name), name: j.Name, segment: j.Segment, created: l.now.Add(-cmp.Or(j.Age, day))}
		v := l.region.solutions[l.region.arn("solution/"+j.Solution)].newestBefore(job.created)
		if v == nil {
			return fmt.Errorf("batch job %s: %w", j.Name, errNoVersion)
		}
		job.version = v.arn
		l.region.jobs = append(l.region.jobs, job)
	}
	for _, e := range conf.EventTrackers {
		l.region.trackers = append(l.region.trackers, &eventTracker{
			arn: l.region.arn("event-tracker/" + e.Name), name: e.Name, group: g, created: l.now.Add(-cmp.Or(e.Age, 30*day)),
		})
	}
	slices.SortFunc(l.region.jobs, func(a, b *batchJob) int { return strings.Compare(a.arn, b.arn) })
	slices.SortFunc(l.region.trackers, func(a, b *eventTracker) int { return strings.Compare(a.arn, b.arn) })
	return nil
}
