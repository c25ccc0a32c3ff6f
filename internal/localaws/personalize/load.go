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

// New makes a service with the resources of a valid estate, as of now. It fails if copies of
// resources have the name of others.
func New(estate estatefile.Estate, now time.Time, register Register) (*Service, error) {
	s := &Service{
		life: &lifecycle{cycle: estatefile.LifeCycle{
			Create: cmp.Or(estate.LifeCycle.Create, 10*time.Minute),
			Update: cmp.Or(estate.LifeCycle.Update, 10*time.Minute),
			Stop:   cmp.Or(estate.LifeCycle.Stop, 5*time.Minute),
			Start:  cmp.Or(estate.LifeCycle.Start, 10*time.Minute),
			Delete: cmp.Or(estate.LifeCycle.Delete, 2*time.Minute),
		}},
		quotas: estatefile.Quotas{
			CampaignsPerDatasetGroup:    cmp.Or(estate.Quotas.CampaignsPerDatasetGroup, 5),
			RecommendersPerDatasetGroup: cmp.Or(estate.Quotas.RecommendersPerDatasetGroup, 5),
			RecommendersPerRegion:       cmp.Or(estate.Quotas.RecommendersPerRegion, 15),
		},
		regions: map[api.Home]*region{},
	}
	now = now.UTC().Truncate(time.Millisecond)
	watched := map[string]*monitored{} // by account: each had a monitor of its own
	counted := map[string]string{}     // the regions of the monitors
	for h, conf := range estate.All() {
		if watched[h.Account] == nil {
			watched[h.Account] = newMonitored(estate.Monitored, now, register)
			counted[h.Account] = cmp.Or(estate.MonitorRegion, h.Region)
		}
		l := &loader{s.life, register, s.region(h), now, estate.Seed, watched[h.Account]}
		for i := range conf.DatasetGroups {
			if err := l.addGroup(&conf.DatasetGroups[i]); err != nil {
				return nil, fmt.Errorf("account %s, region %s: %w", h.Account, h.Region, err)
			}
		}
		byARN := func(a, b *endpoint) int { return strings.Compare(a.arn, b.arn) }
		slices.SortFunc(l.region.campaigns, byARN)
		slices.SortFunc(l.region.recommenders, byARN)
	}
	for account, m := range watched {
		m.count(api.Home{Account: account, Region: counted[account]})
	}
	return s, nil
}

type loader struct {
	life     *lifecycle
	register Register
	region   *region
	now      time.Time
	seed     int64
	watched  *monitored
}

func (l *loader) addGroup(conf *estatefile.DatasetGroup) error {
	g := &datasetGroup{
		named: named{l.region.arn("dataset-group/" + conf.Name), conf.Name}, domain: conf.Domain, created: l.now.AddDate(-1, 0, 0),
		tags: maps.Clone(conf.Tags),
	}
	l.region.groups[g.arn] = g
	for _, s := range conf.Solutions {
		if err := l.addSolution(g, &s); err != nil {
			return err
		}
	}
	if err := l.addUse(g, conf); err != nil {
		return err
	}
	for _, c := range conf.Campaigns {
		traffic := &c.Traffic // of the copy c: the caller cannot change it
		for n := range max(c.Copies, 1) {
			if err := l.addCampaign(g, &c, traffic, c.CopyName(n+1)); err != nil {
				return err
			}
		}
	}
	for _, r := range conf.Recommenders {
		traffic := &r.Traffic
		for n := range max(r.Copies, 1) {
			if err := l.addRecommender(g, &r, traffic, r.CopyName(n+1)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loader) addCampaign(g *datasetGroup, conf *estatefile.Campaign, traffic *estatefile.Traffic, name string) error {
	e := l.newEndpoint(kindCampaign, g, &conf.EstateEndpoint, name)
	v := l.version(e, conf)
	e.echoLatest = conf.EchoLatest
	e.campaignSettings = campaignSettings{v.arn, int32(max(conf.MinTPS, 1)), newCampaignConfig(conf)}
	if conf.AutoSync && conf.Updated == 0 && conf.Update == nil && v.trained.After(e.Created) {
		l.completeUpdate(e, v.trained)
	}
	l.setUpdate(e, &conf.EstateEndpoint)
	return l.add(e, &conf.EstateEndpoint, traffic, estatefile.MetricOf(conf.Recipe, traffic.Visible))
}

// newCampaignConfig is nil if nothing is configured.
func newCampaignConfig(conf *estatefile.Campaign) *campaignConfig {
	if len(conf.ItemExploration) == 0 && !conf.Metadata && !conf.AutoSync && len(conf.RankingInfluence) == 0 {
		return nil
	}
	return &campaignConfig{
		ItemExploration: maps.Clone(conf.ItemExploration), RankingInfluence: maps.Clone(conf.RankingInfluence),
		Metadata: trueOrNil(conf.Metadata), Sync: trueOrNil(conf.AutoSync),
	}
}

func trueOrNil(b bool) *bool {
	if !b {
		return nil
	}
	return &b
}

func (l *loader) addRecommender(g *datasetGroup, conf *estatefile.Recommender, traffic *estatefile.Traffic, name string) error {
	e := l.newEndpoint(kindRecommender, g, &conf.EstateEndpoint, name)
	e.recipe = l.region.recipeARN(conf.Recipe)
	e.recommender = &recommenderConfig{
		ItemExploration: maps.Clone(conf.ItemExploration), MinRPS: new(int32(max(conf.MinRPS, 1))), Metadata: trueOrNil(conf.Metadata),
	}
	if len(conf.ExcludedColumns)+len(conf.IncludedColumns) > 0 {
		e.recommender.TrainingData = &trainingDataConfig{Excluded: maps.Clone(conf.ExcludedColumns), Included: maps.Clone(conf.IncludedColumns)}
	}
	l.setUpdate(e, &conf.EstateEndpoint)
	return l.add(e, &conf.EstateEndpoint, traffic, estatefile.MetricRecommendations)
}

func (l *loader) newEndpoint(kind string, g *datasetGroup, conf *estatefile.EstateEndpoint, name string) *endpoint {
	created := l.now.Add(-30 * 24 * time.Hour)
	switch {
	case !conf.Created.IsZero():
		created = conf.Created.UTC()
	case conf.Age > 0:
		created = l.now.Add(-conf.Age)
	case conf.Traffic.Trace != nil:
		created = l.now.Truncate(estatefile.Step).Add(-conf.Traffic.Trace.Span())
	}
	if g.created.After(created) {
		g.created = created.AddDate(0, -1, 0)
	}
	return &endpoint{
		kind: kind, named: named{l.region.arn(kind + "/" + name), name}, region: l.region, group: g,
		status: status{Created: created, Updated: created}, fails: conf.Fails, tags: maps.Clone(conf.Tags),
	}
}

// version finds or makes the solution of a campaign and the version it serves.
func (l *loader) version(e *endpoint, conf *estatefile.Campaign) *solutionVersion {
	name := cmp.Or(conf.Solution, e.name)
	arn, recipe := l.region.arn("solution/"+name), l.region.recipeARN(conf.Recipe)
	trained := e.Created.Add(-time.Hour)
	switch {
	case conf.SolutionVersionAge > 0:
		trained = l.now.Add(-conf.SolutionVersionAge)
	case conf.AutoSync && l.now.Add(-2*24*time.Hour).After(trained):
		trained = l.now.Add(-2 * 24 * time.Hour)
	}
	sol := l.region.solutions[arn]
	if sol != nil && sol.declared {
		newestAsOf := endOfTime
		if conf.SolutionVersionAge > 0 {
			newestAsOf = trained
		}
		if v := sol.newestBefore(newestAsOf); v != nil {
			return v
		}
	}
	if sol == nil {
		sol = &solution{
			named: named{arn, name}, group: e.group, recipe: recipe, autoML: conf.AutoML, created: trained.Add(-time.Hour), region: l.region,
			training: training{auto: new(false)},
		}
		l.region.solutions[arn] = sol
	}
	if trained.Before(sol.created) {
		sol.created = trained.Add(-time.Hour)
	}
	if conf.AutoSync && !sol.declared && sol.every == 0 {
		l.trainAutomatically(sol, cmp.Or(conf.TrainEvery, 7*24*time.Hour), trained)
	}
	v := sol.version(trained)
	if known := l.region.versions[v.arn]; known != nil || conf.VersionGone {
		return cmp.Or(known, v)
	}
	return sol.addVersion(v)
}

// trainAutomatically plans the next training of a solution that was trained at a time.
func (l *loader) trainAutomatically(sol *solution, every time.Duration, trained time.Time) {
	sol.auto, sol.every = new(true), every
	next := trained.Add(every)
	if !next.After(l.now) {
		next = l.now.Add(every)
	}
	l.life.planTraining(automatic(sol), next)
}

// completeUpdate makes the campaign's settings the outcome of an update that was accepted at
// a time and completed when its time was over, but not after now.
func (l *loader) completeUpdate(e *endpoint, accepted time.Time) {
	completed := accepted.Add(l.life.cycle.Update)
	if completed.After(l.now) {
		completed = l.now
	}
	e.latest = &update{e.settings, status{Status: estatefile.Active, Created: accepted, Updated: completed}}
	e.Updated = completed
}

func (l *loader) setUpdate(e *endpoint, conf *estatefile.EstateEndpoint) {
	if conf.Updated > 0 {
		completed := l.now.Add(-conf.Updated)
		accepted := completed.Add(-l.life.cycle.Update)
		if accepted.Before(e.Created) {
			accepted = e.Created
		}
		l.completeUpdate(e, accepted)
		e.Updated, e.latest.Updated = completed, completed
		return
	}
	u := conf.Update
	if u == nil {
		return
	}
	accepted := l.now.Add(-u.Age)
	l.completeUpdate(e, accepted)
	e.latest.settings = e.withMinimum(int32(u.MinTPS + u.MinRPS))
	e.latest.Status, e.latest.FailureReason = u.Status, u.FailureReason
	switch u.Status {
	case estatefile.Active:
		e.settings = e.latest.settings
	case estatefile.CreatePending, estatefile.CreateInProgress:
		e.latest.Updated, e.Updated = accepted, accepted
		end := accepted.Add(l.life.cycle.Update)
		if !end.After(l.now) {
			end = l.now.Add(l.life.cycle.Update)
		}
		l.life.planUpdate(e, accepted, end)
	}
}

// withMinimum is the resource's settings with another minimum; zero keeps it.
func (e *endpoint) withMinimum(minimum int32) settings {
	wanted := e.settings
	switch {
	case minimum == 0:
	case e.kind == kindCampaign:
		wanted.MinTPS = minimum
	default:
		config := *wanted.recommender
		config.MinRPS = &minimum
		wanted.recommender = &config
	}
	return wanted
}

// add puts the resource into its state, adds it to the region and starts its traffic.
func (l *loader) add(e *endpoint, conf *estatefile.EstateEndpoint, calls *estatefile.Traffic, metric string) error {
	if l.region.endpoints[e.arn] != nil {
		return fmt.Errorf("%s %s exists twice", e.kind, e.name)
	}
	l.region.endpoints[e.arn] = e
	list := l.region.list(e.kind)
	*list = append(*list, e) // New sorts it
	l.region.follow(e)
	l.start(e, conf)
	dims := map[string]string{"RecommenderArn": e.arn}
	if e.kind == kindCampaign {
		dims = map[string]string{"CampaignArn": e.arn}
	}
	var t *traffic
	if !calls.None() && metric != "" {
		t = l.newTraffic(e, calls)
		for name, src := range t.metrics(metric) {
			l.register(l.region.Home, namespace, name, dims, src)
		}
	}
	l.watched.add(e, dims, t, t != nil || e.kind == kindRecommender || (metric != "" && !conf.Unlisted))
	return nil
}

// namespace is that of the service's own metrics.
const namespace = "AWS/Personalize"

func (l *loader) newTraffic(e *endpoint, calls *estatefile.Traffic) *traffic {
	t := &traffic{conf: calls, seed: seedOf(l.seed, e.arn), served: &e.served, end: openEnd}
	if calls.Shape == estatefile.ShapeStopped {
		t.end = l.now.Add(-calls.Since).UnixMilli()
	}
	if calls.Trace != nil {
		t.base = l.now.Unix()/stepSeconds - 1
		// A row counts completely, also the one during which the resource was created.
		if len(e.served) > 0 {
			e.served[0].from -= e.served[0].from % stepMillis
		}
	}
	return t
}

// start puts the resource into its state, since its creation if the state is final, and
// continues a change in progress from now. A resource that was ACTIVE has served until now.
func (l *loader) start(e *endpoint, conf *estatefile.EstateEndpoint) {
	updated := e.Updated
	state := cmp.Or(conf.UnknownStatus, conf.Status, estatefile.Active)
	verb, phase, _ := strings.Cut(state, " ")
	if !api.Is(verb, "CREATE", "START", estatefile.Inactive) && conf.UnknownStatus == "" {
		e.move(estatefile.Active, e.Created)
	}
	switch {
	case conf.UnknownStatus == "" && api.Is(phase, "PENDING", "IN_PROGRESS"):
		map[string]func(*endpoint, time.Time){
			"CREATE": l.life.beginCreate, "STOP": l.life.beginStop, "START": l.life.beginStart, "DELETE": l.life.beginDelete,
		}[verb](e, l.now)
		e.Status = state
	case state != estatefile.Active:
		e.Status, e.Updated, e.FailureReason = state, updated, conf.FailureReason
	default:
		e.Updated = updated
	}
}

// addSolution adds a solution with the versions of its schedules, and plans the next ones.
func (l *loader) addSolution(g *datasetGroup, conf *estatefile.Solution) error {
	sol := &solution{
		named: named{l.region.arn("solution/" + conf.Name), conf.Name}, group: g, recipe: l.region.recipeARN(conf.Recipe),
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

func (l *loader) addUse(g *datasetGroup, conf *estatefile.DatasetGroup) error {
	for _, j := range conf.BatchJobs {
		kind := "batch-inference-job/"
		if j.Segment {
			kind = "batch-segment-job/"
		}
		job := &batchJob{named: named{l.region.arn(kind + j.Name), j.Name}, segment: j.Segment, created: l.now.Add(-cmp.Or(j.Age, day))}
		v := l.region.solutions[l.region.arn("solution/"+j.Solution)].newestBefore(job.created)
		if v == nil {
			return fmt.Errorf("batch job %s: %w", j.Name, errNoVersion)
		}
		job.version = v.arn
		l.region.jobs = append(l.region.jobs, job)
	}
	for _, e := range conf.EventTrackers {
		l.region.trackers = append(l.region.trackers, &eventTracker{
			named: named{l.region.arn("event-tracker/" + e.Name), e.Name}, group: g, created: l.now.Add(-cmp.Or(e.Age, 30*day)),
		})
	}
	slices.SortFunc(l.region.jobs, func(a, b *batchJob) int { return strings.Compare(a.arn, b.arn) })
	slices.SortFunc(l.region.trackers, func(a, b *eventTracker) int { return strings.Compare(a.arn, b.arn) })
	return nil
}
