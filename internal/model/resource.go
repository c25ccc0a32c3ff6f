package model

import (
	"strings"
	"time"
)

// Status is the state of a resource or of its latest update, as Personalize reports
// it. The service declares it a free string, so values unknown to this build occur.
type Status string

// The states that the program treats by name. The comments of DescribeCampaign and
// DescribeRecommender in the Personalize API reference list them all.
const (
	StatusActive   Status = "ACTIVE"
	StatusInactive Status = "INACTIVE"
)

// normal spells "STOP IN PROGRESS", which one page of the developer guide prints, as
// the API reference does.
func (s Status) normal() string {
	return strings.ReplaceAll(strings.ToUpper(string(s)), "IN PROGRESS", "IN_PROGRESS")
}

// InProgress tells whether something is under way: a creation, update, start, stop or
// deletion that is pending or running.
func (s Status) InProgress() bool {
	n := s.normal()
	return strings.HasSuffix(n, "PENDING") || strings.HasSuffix(n, "IN_PROGRESS")
}

// Deleting tells whether a deletion is pending or running.
func (s Status) Deleting() bool { return s.Doing("DELETE") }

// Doing tells whether the named change, such as STOP, is pending or running.
func (s Status) Doing(change string) bool {
	return strings.HasPrefix(s.normal(), change+" ") && s.InProgress()
}

// Settled tells whether an update with this status is over, well or badly. An unknown
// status is not settled: when in doubt, nothing is done to the resource.
func (s Status) Settled() bool {
	n := s.normal()
	return n == string(StatusActive) || n == "CREATE FAILED"
}

// Update is the latest change that somebody, or the service itself, asked for.
type Update struct {
	Status  Status
	MinTPS  int       // the minimum asked for; 0 if the service did not tell
	Created time.Time // when it was asked for
	Changed time.Time // when its status last moved
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
	AutoSync     bool      // the service itself moves the campaign to each new solution version
	VersionReady time.Time // when the solution version served was last changed, that is trained; zero if unknown
	Described    bool      // from a Describe call; a recommender's list summary lacks its latest update
	Observed     time.Time // when this copy was last known to be true
	Stale        bool      // an older copy, kept because the service refused a fresh look
}

// Region is the region the resource lives in.
func (r Resource) Region() string { return r.ARN.Region }

// CompareResources orders by region, kind and name.
func CompareResources(a, b Resource) int { return a.ARN.Compare(b.ARN) }

// Monitored tells whether the resource is measured: ACTIVE, and not being deleted.
func (r Resource) Monitored() bool {
	return r.Status == StatusActive && (r.Update == nil || !r.Update.Status.Deleting())
}

// LastTouched is the latest moment at which an update of the resource was asked for or
// moved on, whichever way it was started; zero if there never was one.
func (r Resource) LastTouched() time.Time {
	last := r.LastUpdated
	if r.Update != nil {
		for _, t := range []time.Time{r.Update.Created, r.Update.Changed} {
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

// None tells whether the selection is empty.
func (s Selection) None() bool { return !s.All && len(s.ARNs) == 0 }

// Scope is what to discover.
type Scope struct {
	Campaigns    Selection
	Recommenders Selection
	Regions      []string // scanned for kinds that select all
}

// Listing tells what of a region was listed completely, so that a resource missing
// from it is known to be gone.
type Listing struct {
	Region       string
	Campaigns    bool         // every page of the campaigns was read
	Recommenders bool         // every page of the recommenders was read
	Seen         map[ARN]bool // all that the listings showed, monitored or not
}

// Complete tells whether all resources of the kind were listed.
func (l Listing) Complete(kind Kind) bool {
	if kind == Recommender {
		return l.Recommenders
	}
	return l.Campaigns
}

// Snapshot is what Discover saw.
type Snapshot struct {
	Resources []Resource // monitored ones, by region, kind and name
	Others    []Resource // exist, but are not ACTIVE or are being deleted; by region, kind and name
	Listings  []Listing  // one per region looked at, by region
	Problems  []Problem
}
