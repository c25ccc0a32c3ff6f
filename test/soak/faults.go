package main

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// fault is a failure of AWS that lasts for a time.
type fault struct {
	localaws.Fault
	until time.Time
}

// faults draws failures of AWS and counts the calls that they hit.
type faults struct {
	*world
	active []fault
	data   []dataFault

	mu   sync.Mutex
	hits map[hit]int // in the current invocation
	// lately is when calls failed in a region.
	lately map[string][]time.Time
}

// hit identifies the calls of an operation in a region that failed in the same way.
type hit struct {
	region, operation string
	kind              localaws.FaultKind
	denied            bool
}

// targets lists every call of the program; without an operation, every operation of the service.
var targets = strings.Fields(`
	personalize.ListCampaigns personalize.ListRecommenders personalize.DescribeCampaign personalize.DescribeRecommender
	personalize.DescribeSolutionVersion personalize.ListTagsForResource personalize.UpdateCampaign personalize.UpdateRecommender
	personalize.DeleteCampaign personalize.StopRecommender cloudwatch.GetMetricData cloudwatch.GetMetricData cloudwatch.PutMetricData
	cloudwatch.DescribeAlarms cloudwatch.PutMetricAlarm cloudwatch.DeleteAlarms cloudwatch.ListTagsForResource cloudwatch.SetAlarmState
	cloudwatch.PutDashboard cloudwatch. personalize. events.PutEvents events. sns. sts.`)

// draw starts new faults at random, and adds the active faults to the embedded AWS.
func (f *faults) draw(now time.Time) {
	kept := f.active[:0]
	for _, a := range f.active {
		if now.Before(a.until) {
			kept = append(kept, a)
		}
	}
	f.active = kept
	if len(f.active) < 3 && f.random.IntN(5) == 0 {
		f.active = append(f.active, f.newFault(now))
		f.figures.add("fault spans")
	}
	f.drawData(now)
	for _, a := range f.active {
		f.aws.AddFault(a.Fault)
	}
}

// newFault returns a random fault: short or long, of some calls or of all.
func (f *faults) newFault(now time.Time) fault {
	service, operation, _ := strings.Cut(targets[f.random.IntN(len(targets))], ".")
	out := fault{until: now.Add(time.Duration(f.random.IntN(60)) * time.Minute)}
	out.Service, out.Operation, out.Region = service, operation, regions[f.random.IntN(len(regions))]
	out.Skip, out.Times = f.random.IntN(4), f.random.IntN(6) // 0 times is always
	switch f.random.IntN(10) {
	case 0, 1: // throttled
	case 2:
		out.Code = "InternalServerError"
	case 3:
		out.Code = accessDenied
	case 4:
		out.Kind = localaws.Reset
	case 5:
		out.Kind = localaws.Truncate
	case 6:
		out.Kind = localaws.Garbage
	case 7:
		out.Kind, out.Service, out.Operation = localaws.Partial, "cloudwatch", "GetMetricData"
	case 8:
		out.Kind, out.Service = localaws.EmptyPage, "personalize"
		out.Times = 1 // two in a row would have the same token, which AWS never returns
		out.Operation = []string{"ListCampaigns", "ListRecommenders"}[f.random.IntN(2)]
	case 9:
		out.Kind, out.Service, out.Operation = localaws.Hide, "cloudwatch", "GetMetricData"
		out.Hidden = localaws.DataFault{LostPercent: 100}
	}
	return out
}

const accessDenied = "AccessDeniedException"

// observe counts a call that a fault hit.
func (f *faults) observe(o localaws.Observed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.figures.add("faults injected (calls hit)")
	f.hits[hit{o.Region, o.Operation, o.Fault.Kind, o.Fault.Code == accessDenied}]++
	f.lately[o.Region] = append(f.lately[o.Region], f.clock.Now())
}

func (f *faults) resetHits() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.hits)
}

// manyHits in an hour may use up the retries that a client of the SDK allows itself in a region.
const manyHits = 60

// worn reports whether there may be no retries left in a region.
func (f *faults) worn(region string) bool {
	hour := f.clock.Now().Add(-time.Hour)
	f.lately[region] = slices.DeleteFunc(f.lately[region], func(at time.Time) bool { return at.Before(hour) })
	return len(f.lately[region]) >= manyHits
}

// minAttempts is how often the program tries a call at least if a retry can help. Fewer hits excuse nothing.
const minAttempts = 3

// excuse reports whether the faults of this invocation made one of the operations fail in a region: more hits than retries, or a
// fault that no retry overcomes.
func (f *faults) excuse(region string, operations ...string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for h, n := range f.hits {
		for _, op := range operations {
			if h.region != region || h.operation != op || h.kind == localaws.EmptyPage {
				continue
			}
			if n >= minAttempts || f.worn(region) || h.denied || h.kind == localaws.Partial || h.kind == localaws.Garbage || h.kind == localaws.Hide || h.kind == localaws.Truncate {
				return true
			}
		}
	}
	return false
}
