package localaws

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// loader puts an estate into an empty server.
type loader struct {
	s    *Server
	now  time.Time
	seed int64
	h    *regionState // of the region being loaded
}

// loadEstate makes everything in the estate exist. It fails, before anything does, if a
// value is invalid.
func (s *Server) loadEstate(estate Estate) error {
	found := &faultList{file: estate.file}
	estate.check(found)
	if err := found.err(); err != nil {
		return err
	}
	if estate.Account != "" {
		s.account = estate.Account
	}
	s.personalize.cycle = EstateLifeCycle{
		Create: orElse(estate.LifeCycle.Create, 10*time.Minute),
		Update: orElse(estate.LifeCycle.Update, 10*time.Minute),
		Stop:   orElse(estate.LifeCycle.Stop, 5*time.Minute),
		Start:  orElse(estate.LifeCycle.Start, 10*time.Minute),
		Delete: orElse(estate.LifeCycle.Delete, 2*time.Minute),
	}
	s.personalize.quotas = EstateQuotas{
		CampaignsPerDatasetGroup:    orElse(estate.Quotas.CampaignsPerDatasetGroup, 5),
		RecommendersPerDatasetGroup: orElse(estate.Quotas.RecommendersPerDatasetGroup, 5),
		RecommendersPerRegion:       orElse(estate.Quotas.RecommendersPerRegion, 15),
	}
	l := &loader{s: s, now: s.clock.Now().UTC().Truncate(time.Millisecond), seed: estate.Seed}
	s.pricing = pricingState{}
	for i := range estate.Regions {
		s.pricing[estate.Regions[i].Name] = estate.Regions[i].TPSHourPrices
		if err := l.region(&estate.Regions[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) region(r *EstateRegion) error {
	l.h = l.s.regionOf(home{l.s.account, r.Name})
	for i := range r.DatasetGroups {
		if err := l.group(&r.DatasetGroups[i]); err != nil {
			return fmt.Errorf("region %s: %w", r.Name, err)
		}
	}
	slices.SortFunc(l.h.campaigns, func(a, b *endpoint) int { return strings.Compare(a.arn, b.arn) })
	slices.SortFunc(l.h.recommenders, func(a, b *endpoint) int { return strings.Compare(a.arn, b.arn) })
	return nil
}

func (l *loader) group(conf *EstateDatasetGroup) error {
	g := &datasetGroup{
		name: conf.Name, arn: l.h.arn("dataset-group/" + conf.Name), domain: conf.Domain,
		created: l.now.AddDate(-1, 0, 0), tags: maps.Clone(conf.Tags),
	}
	l.h.groups[g.arn] = g
	for i := range conf.Campaigns {
		c := &conf.Campaigns[i]
		calls := c.Traffic // a copy, which the caller cannot change any more
		for n := range max(c.Copies, 1) {
			if err := l.campaign(g, c, &calls, c.copyName(n+1)); err != nil {
				return err
			}
		}
	}
	for i := range conf.Recommenders {
		r := &conf.Recommenders[i]
		calls := r.Traffic
		for n := range max(r.Copies, 1) {
			if err := l.recommender(g, r, &calls, r.copyName(n+1)); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyName is the name of the nth copy, counted from one; the name itself if it is alone.
func (e *EstateEndpoint) copyName(n int) string {
	if e.Copies <= 1 {
		return e.Name
	}
	digits := len(strconv.Itoa(e.Copies))
	return fmt.Sprintf("%s-%0*d", e.Name, digits, n)
}

func (l *loader) campaign(g *datasetGroup, conf *EstateCampaign, calls *EstateTraffic, name string) error {
	e := l.endpoint(kindCampaign, g, &conf.EstateEndpoint, name)
	v := l.version(e, conf)
	e.echoLatest = conf.EchoLatest
	e.settings = settings{
		version: v.arn,
		minTPS:  int32(max(conf.MinTPS, 1)),
		campaign: newCampaignConfig(conf.ItemExploration, conf.Metadata, conf.AutoSync,
			conf.RankingInfluence),
	}
	if conf.AutoSync && conf.Updated == 0 && conf.Update == nil && v.trained.After(e.created) {
		l.settledUpdate(e, v.trained)
	}
	l.update(e, &conf.EstateEndpoint)
	return l.finish(e, &conf.EstateEndpoint, calls, metricOf(conf.Recipe, conf.Traffic.Visible))
}

func (l *loader) recommender(g *datasetGroup, conf *EstateRecommender, calls *EstateTraffic, name string) error {
	e := l.endpoint(kindRecommender, g, &conf.EstateEndpoint, name)
	e.recipe = l.h.recipeARN(conf.Recipe)
	e.settings = settings{recommender: newRecommenderConfig(conf)}
	l.update(e, &conf.EstateEndpoint)
	return l.finish(e, &conf.EstateEndpoint, calls, metricRecommendations)
}

func (l *loader) endpoint(kind string, g *datasetGroup, conf *EstateEndpoint, name string) *endpoint {
	created := l.created(conf)
	if g.created.After(created) {
		g.created = created.AddDate(0, -1, 0)
	}
	return &endpoint{
		kind: kind, name: name, arn: l.h.arn(kind + "/" + name), home: l.h, group: g,
		created: created, updated: created, fails: conf.Fails, tags: maps.Clone(conf.Tags),
	}
}

// created is the moment of creation by the file, by the first row of the CSV, or 30 days ago.
func (l *loader) created(conf *EstateEndpoint) time.Time {
	switch {
	case !conf.Created.IsZero():
		return conf.Created.UTC()
	case conf.Age > 0:
		return l.now.Add(-conf.Age)
	case conf.Traffic.Trace != nil:
		return l.now.Truncate(step).Add(-conf.Traffic.Trace.Span())
	}
	return l.now.Add(-30 * 24 * time.Hour)
}

// version finds or makes the solution of a campaign and the version it serves.
func (l *loader) version(e *endpoint, conf *EstateCampaign) *solutionVersion {
	name := orElse(conf.Solution, e.name)
	arn, recipe := l.h.arn("solution/"+name), l.h.recipeARN(conf.Recipe)
	trained := e.created.Add(-time.Hour)
	switch {
	case conf.SolutionVersionAge > 0:
		trained = l.now.Add(-conf.SolutionVersionAge)
	case conf.AutoSync && l.now.Add(-2*24*time.Hour).After(trained):
		trained = l.now.Add(-2 * 24 * time.Hour)
	}
	sol := l.h.solutions[arn]
	if sol == nil {
		sol = &solution{
			arn: arn, name: name, group: e.group, recipe: recipe, autoML: conf.AutoML,
			created: trained.Add(-time.Hour), home: l.h,
		}
		l.h.solutions[arn] = sol
	}
	if trained.Before(sol.created) {
		sol.created = trained.Add(-time.Hour)
	}
	if conf.AutoSync && sol.trainEvery == 0 {
		sol.trainEvery = orElse(conf.TrainEvery, 7*24*time.Hour)
		next := trained.Add(sol.trainEvery)
		if !next.After(l.now) {
			next = l.now.Add(sol.trainEvery)
		}
		l.s.planTraining(sol, next)
	}
	v := sol.version(trained, recipe)
	if known := l.h.versions[v.arn]; known != nil || conf.VersionGone {
		return orElse(known, v)
	}
	return sol.addVersion(trained, recipe)
}

// settledUpdate makes the campaign's present settings the outcome of an update that was
// accepted at a time, settled when its time was over, and not after now.
func (l *loader) settledUpdate(e *endpoint, accepted time.Time) {
	settled := accepted.Add(l.s.personalize.cycle.Update)
	if settled.After(l.now) {
		settled = l.now
	}
	e.latest = &endpointUpdate{settings: e.settings, status: statusActive, created: accepted, updated: settled}
	e.updated = settled
}

// update gives the resource the latest update that the file describes.
func (l *loader) update(e *endpoint, conf *EstateEndpoint) {
	cycle := l.s.personalize.cycle.Update
	if conf.Updated > 0 {
		settled := l.now.Add(-conf.Updated)
		accepted := settled.Add(-cycle)
		if accepted.Before(e.created) {
			accepted = e.created
		}
		l.settledUpdate(e, accepted)
		e.updated, e.latest.updated = settled, settled
		return
	}
	u := conf.Update
	if u == nil {
		return
	}
	accepted := l.now.Add(-u.Age)
	l.settledUpdate(e, accepted)
	e.latest.settings = e.withMinimum(u.MinTPS)
	e.latest.status, e.latest.failureReason = u.Status, u.FailureReason
	switch u.Status {
	case statusActive:
		e.settings = e.latest.settings
	case statusCreatePending, statusCreateInProgress:
		e.latest.updated, e.updated = accepted, accepted
		end := accepted.Add(cycle)
		if !end.After(l.now) {
			end = l.now.Add(cycle)
		}
		l.s.planUpdate(e, accepted, end)
	}
}

// withMinimum is the resource's settings with another minimum; zero keeps it.
func (e *endpoint) withMinimum(minimum int) settings {
	wanted := e.settings
	if minimum == 0 {
		return wanted
	}
	if e.kind == kindCampaign {
		wanted.minTPS = int32(minimum)
		return wanted
	}
	config := *wanted.recommender
	config.MinRPS = ptr(int32(minimum))
	wanted.recommender = &config
	return wanted
}

// finish puts the resource into the state it is in, makes it known and starts its traffic.
func (l *loader) finish(e *endpoint, conf *EstateEndpoint, calls *EstateTraffic, metric string) error {
	if l.h.endpoints[e.arn] != nil {
		return fmt.Errorf("%s %s exists twice", e.kind, e.name)
	}
	l.h.endpoints[e.arn] = e
	list := l.h.list(e.kind)
	*list = append(*list, e)
	l.h.follow(e)
	l.start(e, conf)
	if calls.none() || metric == "" {
		return nil
	}
	t := &traffic{conf: calls, seed: seedOf(l.seed, e.arn), served: &e.served, end: openEnd}
	if calls.Shape == shapeStopped {
		t.end = l.now.Add(-calls.Since).UnixMilli()
	}
	if calls.Trace != nil {
		t.base = l.now.Unix()/stepSeconds - 1
		// A row counts whole, also the one during which the resource was created.
		if len(e.served) > 0 {
			e.served[0].from -= e.served[0].from % stepMillis
		}
	}
	for name, src := range t.metrics(metric) {
		l.s.registerSource(l.h.region, personalizeNamespace, name, e.dimensions(), src)
	}
	return nil
}

// start puts the resource into its state, as of its creation if it is a settled one, and
// lets what is in progress go on from now. One that is not ACTIVE any more, but was, has
// served until now.
func (l *loader) start(e *endpoint, conf *EstateEndpoint) {
	updated := e.updated
	status := orElse(conf.Status, statusActive)
	if conf.UnknownStatus != "" {
		status = conf.UnknownStatus
	}
	if !strings.HasPrefix(status, "CREATE") && !strings.HasPrefix(status, "START") && status != statusInactive && conf.UnknownStatus == "" {
		e.move(statusActive, e.created)
	}
	pending := strings.HasSuffix(status, " PENDING")
	switch verb, _, _ := strings.Cut(status, " "); {
	case pending || strings.HasSuffix(status, " IN_PROGRESS"):
		map[string]func(*endpoint, time.Time){
			"CREATE": l.s.beginCreate, "STOP": l.s.beginStop, "START": l.s.beginStart, "DELETE": l.s.beginDelete,
		}[verb](e, l.now)
		if !pending {
			e.status = status
		}
	case status != statusActive:
		e.status, e.updated, e.failureReason = status, updated, conf.FailureReason
	default:
		e.updated = updated
	}
}

// dimensions are those of the resource's metrics.
func (e *endpoint) dimensions() map[string]string {
	if e.kind == kindCampaign {
		return map[string]string{"CampaignArn": e.arn}
	}
	return map[string]string{"RecommenderArn": e.arn}
}

func ptr[T any](v T) *T { return &v }
