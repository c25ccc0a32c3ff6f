package personalize

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

// region holds one account's resources in a region, by ARN, and those that are listed page by
// page sorted by ARN as well.
type region struct {
	api.Home
	groups          map[string]*datasetGroup
	solutions       map[string]*solution
	versions        map[string]*solutionVersion
	endpoints       map[string]*endpoint
	sortedSolutions []*solution        // by ARN; see byARNOf
	sortedVersions  []*solutionVersion // the same
	jobs            []*batchJob        // sorted by ARN, as are the trackers
	trackers        []*eventTracker
	campaigns       []*endpoint
	recommenders    []*endpoint
}

type named struct{ arn, name string }

func (n named) id() string { return n.arn }

type datasetGroup struct {
	named
	domain  string
	created time.Time
	tags    map[string]string
}

type solution struct {
	named
	group   *datasetGroup
	recipe  string // ARN; of the best version's if autoML
	autoML  bool
	created time.Time
	training
	versions []*solutionVersion // by time at which the training ended, or will
	synced   []*endpoint        // campaigns that follow the latest version
	tags     map[string]string
	region   *region
}

// solutionVersion is a version, from the start of its training.
type solutionVersion struct {
	named            // without a name
	solution         *solution
	recipe           string
	started, trained time.Time // trained is when the training ended, or will
	status           string
	failureReason    string
	automatic        bool
	hours            float64 // billed; shown once it is ACTIVE
}

const (
	kindCampaign    = "campaign"
	kindRecommender = "recommender"
)

type endpoint struct {
	named
	kind   string
	region *region
	group  *datasetGroup
	recipe string // ARN; of recommenders
	status
	tags       map[string]string
	settings           // the active ones
	latest     *update // nil without one
	fails      string  // create or update; see estatefile.EstateEndpoint
	echoLatest bool
	served     []interval
}

// status is what all resources and updates show of their state.
type status struct {
	Status        string    `json:"status"`
	FailureReason string    `json:"failureReason,omitempty"`
	Created       time.Time `json:"creationDateTime"`
	Updated       time.Time `json:"lastUpdatedDateTime"`
}

// settings are what an update changes.
type settings struct {
	campaignSettings
	recommender *recommenderConfig
}

type campaignSettings struct {
	Version string          `json:"solutionVersionArn"`
	MinTPS  int32           `json:"minProvisionedTPS"`
	Config  *campaignConfig `json:"campaignConfig,omitempty"`
}

type campaignConfig struct {
	ItemExploration  map[string]string  `json:"itemExplorationConfig,omitempty"`
	Metadata         *bool              `json:"enableMetadataWithRecommendations,omitempty"`
	Sync             *bool              `json:"syncWithLatestSolutionVersion,omitempty"`
	RankingInfluence map[string]float64 `json:"rankingInfluence,omitempty"`
}

// syncs reports whether the campaign follows its solution's latest version. c may be nil.
func (c *campaignConfig) syncs() bool { return c != nil && c.Sync != nil && *c.Sync }

type recommenderConfig struct {
	ItemExploration map[string]string   `json:"itemExplorationConfig,omitempty"`
	MinRPS          *int32              `json:"minRecommendationRequestsPerSecond,omitempty" check:"1.."`
	TrainingData    *trainingDataConfig `json:"trainingDataConfig,omitempty"`
	Metadata        *bool               `json:"enableMetadataWithRecommendations,omitempty"`
}

type trainingDataConfig struct {
	Excluded map[string][]string `json:"excludedDatasetColumns,omitempty"`
	Included map[string][]string `json:"includedDatasetColumns,omitempty"`
}

type update struct {
	settings
	status
}

func (s *Service) region(h api.Home) *region {
	r := s.regions[h]
	if r == nil {
		r = &region{
			Home: h, groups: map[string]*datasetGroup{}, solutions: map[string]*solution{},
			versions: map[string]*solutionVersion{}, endpoints: map[string]*endpoint{},
		}
		s.regions[h] = r
	}
	return r
}

// arn builds the ARN of a resource, such as campaign/shop.
func (r *region) arn(resource string) string { return r.ARN("personalize", resource) }

// recipeARN builds the ARN of a recipe, which belongs to no region and account.
func (r *region) recipeARN(name string) string {
	return "arn:" + api.Partition(r.Region) + ":personalize:::recipe/" + name
}

// byARNOf returns the items of a map sorted by ARN. Items are only added, so the list of the last
// time is the present one if it has as many.
func byARNOf[T any](list *[]T, items map[string]T) []T {
	if len(*list) != len(items) {
		sorted := make([]T, 0, len(items))
		for _, arn := range slices.Sorted(maps.Keys(items)) {
			sorted = append(sorted, items[arn])
		}
		*list = sorted
	}
	return *list
}

func (r *region) list(kind string) *[]*endpoint {
	if kind == kindCampaign {
		return &r.campaigns
	}
	return &r.recommenders
}

// add adds an endpoint, whose ARN must be new.
func (r *region) add(e *endpoint) {
	r.endpoints[e.arn] = e
	list := r.list(e.kind)
	i, _ := slices.BinarySearchFunc(*list, e.arn, byARN)
	*list = slices.Insert(*list, i, e)
	r.follow(e)
}

func byARN(e *endpoint, arn string) int { return cmp.Compare(e.arn, arn) }

func (r *region) remove(e *endpoint) {
	delete(r.endpoints, e.arn)
	list := r.list(e.kind)
	if i, ok := slices.BinarySearchFunc(*list, e.arn, byARN); ok {
		*list = slices.Delete(*list, i, i+1)
	}
	r.unfollow(e)
}

// follow adds a campaign that syncs with its solution's latest version to the solution's
// trainings; unfollow is the opposite. Both ignore everything else.
func (r *region) follow(e *endpoint) {
	v := r.versions[e.Version]
	if v != nil && e.Config.syncs() && !slices.Contains(v.solution.synced, e) {
		v.solution.synced = append(v.solution.synced, e)
	}
}

func (r *region) unfollow(e *endpoint) {
	if v := r.versions[e.Version]; v != nil && e.Config.syncs() {
		v.solution.synced = slices.DeleteFunc(v.solution.synced, func(other *endpoint) bool { return other == e })
	}
}

// newest returns the latest version that can be served, nil without one.
func (sol *solution) newest() *solutionVersion { return sol.newestBefore(endOfTime) }

var endOfTime = time.UnixMilli(openEnd)

// newestBefore is the latest version that can be served of those trained until a time, nil
// without one.
func (sol *solution) newestBefore(at time.Time) *solutionVersion {
	for _, v := range slices.Backward(sol.versions) {
		if v.status == estatefile.Active && !v.trained.After(at) {
			return v
		}
	}
	return nil
}

// addVersion adds a version that was trained at a time, or will be.
func (sol *solution) addVersion(v *solutionVersion) *solutionVersion {
	i, _ := slices.BinarySearchFunc(sol.versions, v.trained, func(v *solutionVersion, t time.Time) int { return v.trained.Compare(t) })
	sol.versions = slices.Insert(sol.versions, i, v)
	sol.region.versions[v.arn] = v
	return v
}

// version makes a version without adding it. Its id follows from solution and time.
func (sol *solution) version(trained time.Time) *solutionVersion {
	hash := fnv.New32a()
	fmt.Fprintf(hash, "%s %d", sol.arn, trained.UnixMilli())
	return &solutionVersion{
		named: named{arn: fmt.Sprintf("%s/%08x", sol.arn, hash.Sum32())}, solution: sol, recipe: sol.recipe, hours: sol.trainingHours(),
		started: trained.Add(-sol.takes()), trained: trained, status: estatefile.Active, automatic: sol.every > 0,
	}
}

// latestSuffix ends the ARN that stands for a solution's latest version.
const latestSuffix = "/$LATEST"

// solutionOf is the part of a version's ARN that names the solution.
func solutionOf(versionARN string) string {
	return versionARN[:max(strings.LastIndexByte(versionARN, '/'), 0)]
}

// updating reports whether an update is in progress.
func (e *endpoint) updating() bool {
	return e.latest != nil && e.latest.Status != estatefile.Active && e.latest.Status != estatefile.CreateFailed
}

// move sets the status. A resource serves while it is ACTIVE.
func (e *endpoint) move(to string, at time.Time) {
	wasActive, isActive := e.Status == estatefile.Active, to == estatefile.Active
	if wasActive && !isActive && len(e.served) > 0 {
		e.served[len(e.served)-1].to = at.UnixMilli()
	}
	if isActive && !wasActive {
		e.served = append(e.served, interval{at.UnixMilli(), openEnd})
	}
	e.Status, e.Updated = to, at
}

// lifecycle executes the changes of resources that take time.
type lifecycle struct {
	cycle estatefile.LifeCycle
	due   []transition // by time
}

// transition is a change that happens automatically at a time.
type transition struct {
	at time.Time
	do func(at time.Time)
}

// plan schedules a transition, after those that are planned for the same time.
func (l *lifecycle) plan(at time.Time, do func(at time.Time)) {
	i, _ := slices.BinarySearchFunc(l.due, at, func(t transition, at time.Time) int {
		if t.at.After(at) {
			return 1
		}
		return -1
	})
	l.due = slices.Insert(l.due, i, transition{at, do})
}

// begin starts a change: its status is "verb PENDING" from now on, "verb IN_PROGRESS" after a
// fifth of its time; in the end done is called.
func (l *lifecycle) begin(e *endpoint, verb string, takes time.Duration, now time.Time, done func(at time.Time)) {
	e.move(verb+" PENDING", now)
	l.plan(now.Add(takes/5), func(at time.Time) { e.move(verb+" IN_PROGRESS", at) })
	l.plan(now.Add(takes), done)
}

func (l *lifecycle) beginCreate(e *endpoint, now time.Time) {
	l.begin(e, "CREATE", l.cycle.Create, now, func(at time.Time) {
		if e.fails == "create" {
			e.move(estatefile.CreateFailed, at)
			e.FailureReason = "The creation failed."
			return
		}
		e.move(estatefile.Active, at)
	})
}

func (l *lifecycle) beginStop(e *endpoint, now time.Time) {
	l.begin(e, "STOP", l.cycle.Stop, now, func(at time.Time) { e.move(estatefile.Inactive, at) })
}

func (l *lifecycle) beginStart(e *endpoint, now time.Time) {
	l.begin(e, "START", l.cycle.Start, now, func(at time.Time) { e.move(estatefile.Active, at) })
}

func (l *lifecycle) beginDelete(e *endpoint, now time.Time) {
	l.begin(e, "DELETE", l.cycle.Delete, now, func(time.Time) { e.region.remove(e) })
}

// beginUpdate starts an update to other settings. The resource serves with the old ones until
// the update is ACTIVE, and keeps them if it fails.
func (l *lifecycle) beginUpdate(e *endpoint, wanted settings, now time.Time) {
	e.Updated = now
	e.latest = &update{settings: wanted, status: status{Status: estatefile.CreatePending, Created: now, Updated: now}}
	l.planUpdate(e, now, now.Add(l.cycle.Update))
}

// planUpdate schedules the rest of the latest update.
func (l *lifecycle) planUpdate(e *endpoint, accepted, end time.Time) {
	u := e.latest
	if u.Status == estatefile.CreatePending {
		l.plan(accepted.Add(end.Sub(accepted)/5), func(at time.Time) {
			u.Status, u.Updated = estatefile.CreateInProgress, at
		})
	}
	l.plan(end, func(at time.Time) {
		u.Updated, e.Updated = at, at
		if e.fails == "update" {
			u.Status, u.FailureReason = estatefile.CreateFailed, "The update failed."
			return
		}
		u.Status = estatefile.Active
		e.region.unfollow(e)
		e.settings = u.settings
		e.region.follow(e)
	})
}

// advance executes, in order, every transition that is due. Each happens at its own time,
// however late advance is called: a clock that leaps gives the same history as one that creeps.
func (l *lifecycle) advance(now time.Time) {
	for len(l.due) > 0 && !l.due[0].at.After(now) {
		t := l.due[0]
		l.due = l.due[1:]
		t.do(t.at)
	}
}
