package localaws

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// personalizeState is everything that Amazon Personalize knows.
type personalizeState struct {
	homes  map[home]*regionState
	cycle  EstateLifeCycle
	quotas EstateQuotas
	due    transitions
}

// regionState holds one account's resources in a region, by ARN, and those that are listed page
// by page sorted by ARN as well.
type regionState struct {
	home
	groups       map[string]*datasetGroup
	solutions    map[string]*solution
	versions     map[string]*solutionVersion
	endpoints    map[string]*endpoint
	campaigns    []*endpoint
	recommenders []*endpoint
}

type datasetGroup struct {
	arn, name, domain string
	created           time.Time
	tags              map[string]string
}

type solution struct {
	arn, name  string
	group      *datasetGroup
	recipe     string // ARN; of the best version's if autoML
	autoML     bool
	created    time.Time
	versions   []*solutionVersion // by time of training
	trainEvery time.Duration
	synced     []*endpoint // campaigns that follow the latest version
	tags       map[string]string
	home       *regionState
}

type solutionVersion struct {
	arn      string
	solution *solution
	recipe   string
	trained  time.Time
}

const (
	kindCampaign    = "campaign"
	kindRecommender = "recommender"
)

// endpoint is a campaign or a recommender: something that serves and is paid for.
type endpoint struct {
	kind          string
	arn, name     string
	home          *regionState
	group         *datasetGroup
	recipe        string // ARN; of recommenders
	status        string
	failureReason string
	created       time.Time
	updated       time.Time
	tags          map[string]string
	settings                      // those served with
	latest        *endpointUpdate // nil if there was none
	fails         string
	echoLatest    bool
	served        []interval
}

// Values of fails.
const (
	failsCreate = "create"
	failsUpdate = "update"
)

// settings are what an update changes.
type settings struct {
	version     string // campaigns: ARN of the solution version
	minTPS      int32  // campaigns
	campaign    *campaignConfig
	recommender *recommenderConfig
}

type endpointUpdate struct {
	settings
	status           string
	failureReason    string
	created, updated time.Time
}

// regionOf returns the caller's part of a region, which is empty if there was nothing yet.
func (s *Server) regionOf(key home) *regionState {
	h := s.personalize.homes[key]
	if h == nil {
		h = &regionState{
			home: key, groups: map[string]*datasetGroup{}, solutions: map[string]*solution{},
			versions: map[string]*solutionVersion{}, endpoints: map[string]*endpoint{},
		}
		if s.personalize.homes == nil {
			s.personalize.homes = map[home]*regionState{}
		}
		s.personalize.homes[key] = h
	}
	return h
}

// arn builds the ARN of a resource, such as campaign/shop.
func (h *regionState) arn(resource string) string {
	return "arn:" + partitionOf(h.region) + ":personalize:" + h.region + ":" + h.account + ":" + resource
}

// recipeARN builds the ARN of a recipe, which belongs to no region and account.
func (h *regionState) recipeARN(name string) string {
	return "arn:" + partitionOf(h.region) + ":personalize:::recipe/" + name
}

func byARN(e *endpoint, arn string) int { return cmp.Compare(e.arn, arn) }

func (h *regionState) list(kind string) *[]*endpoint {
	if kind == kindCampaign {
		return &h.campaigns
	}
	return &h.recommenders
}

// add makes the endpoint known; the caller has seen to it that its ARN is new.
func (h *regionState) add(e *endpoint) {
	h.endpoints[e.arn] = e
	list := h.list(e.kind)
	i, _ := slices.BinarySearchFunc(*list, e.arn, byARN)
	*list = slices.Insert(*list, i, e)
}

func (h *regionState) remove(e *endpoint) {
	if h.endpoints[e.arn] != e {
		return
	}
	delete(h.endpoints, e.arn)
	list := h.list(e.kind)
	if i, ok := slices.BinarySearchFunc(*list, e.arn, byARN); ok {
		*list = slices.Delete(*list, i, i+1)
	}
	h.unfollow(e)
}

// follow lets a campaign that syncs with its solution's latest version take part in the
// solution's trainings; unfollow is the opposite. Both pass over everything else.
func (h *regionState) follow(e *endpoint) {
	v := h.versions[e.version]
	if v != nil && e.campaign.syncs() && !slices.Contains(v.solution.synced, e) {
		v.solution.synced = append(v.solution.synced, e)
	}
}

func (h *regionState) unfollow(e *endpoint) {
	if v := h.versions[e.version]; v != nil && e.campaign.syncs() {
		v.solution.synced = slices.DeleteFunc(v.solution.synced, func(other *endpoint) bool { return other == e })
	}
}

func (sol *solution) newest() *solutionVersion {
	if len(sol.versions) == 0 {
		return nil
	}
	return sol.versions[len(sol.versions)-1]
}

// addVersion adds a version that was trained at a time and makes it known.
func (sol *solution) addVersion(trained time.Time, recipe string) *solutionVersion {
	v := sol.version(trained, recipe)
	i, _ := slices.BinarySearchFunc(sol.versions, trained, func(v *solutionVersion, t time.Time) int { return v.trained.Compare(t) })
	sol.versions = slices.Insert(sol.versions, i, v)
	sol.home.versions[v.arn] = v
	return v
}

// version makes a version without making it known. Its id follows from solution and time.
func (sol *solution) version(trained time.Time, recipe string) *solutionVersion {
	hash := fnv.New32a()
	fmt.Fprintf(hash, "%s %d", sol.arn, trained.UnixMilli())
	return &solutionVersion{arn: fmt.Sprintf("%s/%08x", sol.arn, hash.Sum32()), solution: sol, recipe: recipe, trained: trained}
}

// latestSuffix ends the ARN that stands for a solution's latest version.
const latestSuffix = "/$LATEST"

// solutionOf is the part of a version's ARN that names the solution.
func solutionOf(versionARN string) string {
	i := strings.LastIndexByte(versionARN, '/')
	return versionARN[:max(i, 0)]
}
