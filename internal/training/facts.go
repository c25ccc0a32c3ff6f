// Package training finds out what training of Amazon Personalize costs in hours, and which of
// it no one uses. Solutions are trained, on a schedule of the service or of their owner, and
// billed by the training hour, whether or not a campaign serves them.
package training

import (
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Facts are what was read of one region. The zero value knows nothing.
type Facts struct {
	Region       string
	Groups       []DatasetGroup
	Solutions    []Solution
	Jobs         []BatchJob
	Trackers     []EventTracker
	Campaigns    []model.Resource // of the whole region, without those being deleted
	Recommenders []model.Resource // the same
	Deletions    []Deletion       // of campaigns, as far as the audit log is known
	Known        Known
}

// Known is what was read completely. No finding rests on a list that was not.
type Known struct {
	Groups       bool
	Solutions    bool // of all dataset groups
	Versions     bool // of all solutions
	Jobs         bool
	Trackers     bool // of all dataset groups
	Campaigns    bool // with the version that each serves
	Recommenders bool
}

// use reports whether it is known what uses solution versions.
func (k Known) use() bool { return k.Versions && k.Campaigns && k.Jobs }

// DatasetGroup is a dataset group.
type DatasetGroup struct {
	ARN     string
	Name    string
	Status  model.Status
	Created time.Time
}

// Solution is a solution with all its versions, as far as Known.Versions.
type Solution struct {
	ARN      string
	Name     string
	Group    string // ARN of its dataset group
	Recipe   string // name after "recipe/"; empty if unknown
	Created  time.Time
	Versions []Version

	// Automatic is performAutoTraining, or what an update in progress makes of it; nil if AWS does
	// not return it or it was not read, which is unknown. Schedule is its rate, such as "rate(7 days)"; empty if unknown.
	Automatic *bool
	Schedule  string
}

// Version is a solution version: one training.
type Version struct {
	ARN           string
	Status        model.Status
	FailureReason string
	Automatic     *bool // nil if AWS does not return trainingType
	Created       time.Time
	Updated       time.Time
	// Hours are the trainingHours, which AWS bills; nil if unknown. AWS returns them only for
	// versions that were trained successfully (SolutionVersion in the API reference), and they
	// are read for the Span only.
	Hours *float64
}

// States of a training (SolutionVersion in the Personalize API reference).
const (
	failed  model.Status = "CREATE FAILED"
	stopped model.Status = "CREATE STOPPED"
)

// Solution is the ARN of the solution that the version belongs to.
func (v Version) Solution() string { return SolutionOf(v.ARN) }

// SolutionOf is the ARN of the solution of a version, also of <solution ARN>/$LATEST.
func SolutionOf(version string) string { return version[:max(strings.LastIndexByte(version, '/'), 0)] }

// BatchJob is a batch inference or batch segment job. It counts as a use of its version.
type BatchJob struct {
	Name    string
	Version string // ARN
	Created time.Time
}

// EventTracker is an event tracker.
type EventTracker struct {
	ARN     string
	Name    string
	Group   string // ARN of its dataset group
	Status  model.Status
	Created time.Time
}

// Deletion is the deletion of a campaign.
type Deletion struct {
	Campaign string // its name
	Solution string // ARN
	Time     time.Time
}

// With adds what the inventory found to what was read of a region, its campaigns and
// recommenders, and which campaigns are known to have been deleted. Unless all of them were
// listed and described, what uses solutions is unknown.
func (f Facts) With(s model.Snapshot, deletions []Deletion) Facts {
	i := slices.IndexFunc(s.Listings, func(l model.Listing) bool { return l.Region == f.Region })
	listing := model.Listing{}
	if i >= 0 {
		listing = s.Listings[i]
	}
	f.Known.Campaigns, f.Known.Recommenders = listing.Campaigns, listing.Recommenders
	f.Campaigns, f.Recommenders, f.Deletions = nil, nil, deletions
	examined := map[model.ARN]bool{}
	for _, list := range [][]model.Resource{s.Resources, s.Others} {
		for _, r := range list {
			if r.Region() == f.Region {
				examined[r.ARN] = true
				f.add(r)
			}
		}
	}
	for arn := range listing.Seen {
		kind, _ := arn.Kind()
		switch {
		case examined[arn]:
		case kind == model.Campaign:
			f.Known.Campaigns = false
		default:
			f.Known.Recommenders = false
		}
	}
	return f
}

// add adds a resource, unless it is being deleted.
func (f *Facts) add(r model.Resource) {
	switch {
	case r.Status.Deleting():
	case r.Kind == model.Recommender:
		f.Known.Recommenders = f.Known.Recommenders && r.DatasetGroup != (model.ARN{})
		f.Recommenders = append(f.Recommenders, r)
	default:
		f.Known.Campaigns = f.Known.Campaigns && r.Described && !r.Stale && r.Version != ""
		f.Campaigns = append(f.Campaigns, r)
	}
}

// updating reports whether a campaign may be moving to another version.
func updating(c model.Resource) bool { return c.Update != nil && !c.Update.Status.Settled() }
