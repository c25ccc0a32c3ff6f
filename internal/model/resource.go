package model

import (
	"strings"
	"time"
)

// Status is the state of a resource or of its latest update, as Personalize reports it. The
// service declares it a free string, so unknown values occur.
type Status string

// The states that the program names. DescribeCampaign and DescribeRecommender in the
// Personalize API reference list all of them.
const (
	StatusActive   Status = "ACTIVE"
	StatusInactive Status = "INACTIVE"
)

// normal spells "STOP IN PROGRESS", as on one page of the developer guide, as in the API
// reference.
func (s Status) normal() string {
	return strings.ReplaceAll(strings.ToUpper(string(s)), "IN PROGRESS", "IN_PROGRESS")
}

// InProgress reports whether a creation, update, start, stop or deletion is pending or
// running.
func (s Status) InProgress() bool {
	n := s.normal()
	return strings.HasSuffix(n, "PENDING") || strings.HasSuffix(n, "IN_PROGRESS")
}

// Deleting reports whether a deletion is pending or running.
func (s Status) Deleting() bool { return s.Doing("DELETE") }

// Doing reports whether the named change, such as STOP, is pending or running.
func (s Status) Doing(change string) bool {
	return strings.HasPrefix(s.normal(), change+" ") && s.InProgress()
}

// Settled reports whether an update with this status has ended, successfully or not. An
// unknown status has not: in doubt, the resource is not changed.
func (s Status) Settled() bool {
	n := s.normal()
	return n == string(StatusActive) || n == "CREATE FAILED" // guard: an update in an unknown state
}

// Update is the latest change that a person, this program or the service requested.
type Update struct {
	Status  Status
	MinTPS  int       // the requested minimum; 0 if the service does not show it
	Created time.Time // when it was requested
	Changed time.Time // when its status last changed
}

// Resource is one campaign or recommender as the service last described it.
type Resource struct {
	ARN          ARN
	Kind         Kind
	Name         string
	DatasetGroup ARN    // zero if it could not be read
	Recipe       string // name after "recipe/"; empty if it could not be read
	Status       Status
	MinTPS       int // minimum in TPS (campaign) or RPS (recommender); at least 1
	Created      time.Time
	LastUpdated  time.Time
	Update       *Update   // nil if there was none, or if Described is false
	AutoSync     bool      // the service moves the campaign to each new solution version
	Version      string    // ARN of the solution version that a campaign serves, or <solution ARN>/$LATEST; empty if unknown
	VersionReady time.Time // when the solution version served was trained; zero if unknown
	Described    bool      // from a Describe call; a recommender's list summary lacks its latest update
	Observed     time.Time // when this copy was last confirmed
	Stale        bool      // an older copy, kept because the service refused a new description
}

// Region is the region of the resource.
func (r Resource) Region() string { return r.ARN.Region() }

// CompareResources orders by region, kind and name.
func CompareResources(a, b Resource) int { return a.ARN.Compare(b.ARN) }

// Monitored reports whether the resource is measured: ACTIVE, and not being deleted.
func (r Resource) Monitored() bool {
	// guard: only what is ACTIVE and not being deleted is monitored; each:1-2
	return r.Status == StatusActive && (r.Update == nil || !r.Update.Status.Deleting())
}

// LastTouched is the latest time at which an update of the resource was requested or
// changed its status, by anyone; zero if there never was one.
func (r Resource) LastTouched() time.Time {
	last := r.LastUpdated
	if r.Update != nil {
		for _, t := range []time.Time{r.Update.Created, r.Update.Changed} { // guard: when an update was requested or moved on
			if t.After(last) {
				last = t
			}
		}
	}
	return last
}

// Selection says which resources of one kind to monitor. The zero value selects none.
type Selection struct {
	All  bool
	ARNs []ARN // where All is false
}

// None reports whether the selection is empty.
func (s Selection) None() bool { return !s.All && len(s.ARNs) == 0 }

// Scope is what to discover.
type Scope struct {
	Campaigns    Selection
	Recommenders Selection
	Regions      []string // scanned for kinds that select all
}

// Listing is what was listed of a region. A resource that is missing from a complete
// listing no longer exists.
type Listing struct {
	Region       string
	Campaigns    bool         // every page of the campaigns was read
	Recommenders bool         // every page of the recommenders was read
	Seen         map[ARN]bool // all resources in the listings, monitored or not
}

// Complete reports whether all resources of the kind were listed.
func (l Listing) Complete(kind Kind) bool {
	if kind == Recommender {
		return l.Recommenders
	}
	return l.Campaigns
}

// Snapshot is the result of Discover.
type Snapshot struct {
	Resources []Resource // monitored ones, ordered by region, kind and name
	Others    []Resource // not ACTIVE, or being deleted; in the same order
	Listings  []Listing  // one for each region, ordered by region
	Problems  []Problem
}
