package soak

import (
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// fault is a misbehaviour of AWS for a span of time.
type fault struct {
	localaws.Fault
	until time.Time
}

// faults are the misbehaviours of AWS: those under way, and what they hit.
type faults struct {
	*world
	armed []fault

	mu   sync.Mutex
	hits map[hit]int // in the invocation under way
}

// hit is an operation in a region that a fault of a kind hit.
type hit struct {
	region, operation string
	kind              localaws.FaultKind
	denied            bool
}

func newFaults(w *world) *faults { return &faults{world: w, hits: map[hit]int{}} }

// targets are what a fault may hit: everything that the program calls.
var targets = []struct{ service, operation string }{
	{"personalize", "ListCampaigns"},
	{"personalize", "ListRecommenders"},
	{"personalize", "DescribeCampaign"},
	{"personalize", "DescribeRecommender"},
	{"personalize", "DescribeSolutionVersion"},
	{"personalize", "ListTagsForResource"},
	{"personalize", "UpdateCampaign"},
	{"personalize", "UpdateRecommender"},
	{"personalize", "DeleteCampaign"},
	{"personalize", "StopRecommender"},
	{"cloudwatch", "GetMetricData"},
	{"cloudwatch", "GetMetricData"},
	{"cloudwatch", "PutMetricData"},
	{"cloudwatch", "DescribeAlarms"},
	{"cloudwatch", "PutMetricAlarm"},
	{"cloudwatch", "DeleteAlarms"},
	{"cloudwatch", "ListTagsForResource"},
	{"cloudwatch", "SetAlarmState"},
	{"cloudwatch", "PutDashboard"},
	{"cloudwatch", ""},
	{"personalize", ""},
	{"events", "PutEvents"},
	{"events", ""},
	{"sns", ""},
	{"sts", ""},
}

// draw begins new faults now and then, and arms those under way.
func (f *faults) draw(now time.Time) {
	kept := f.armed[:0]
	for _, a := range f.armed {
		if now.Before(a.until) {
			kept = append(kept, a)
		}
	}
	f.armed = kept
	if len(f.armed) < 3 && f.chance.IntN(5) == 0 {
		f.armed = append(f.armed, f.invent(now))
		f.figures.FaultSpans++
	}
	for _, a := range f.armed {
		f.aws.AddFault(a.Fault)
	}
}

// invent draws a fault: short or long, of some calls or all.
func (f *faults) invent(now time.Time) fault {
	target := targets[f.chance.IntN(len(targets))]
	out := fault{until: now.Add(time.Duration(f.chance.IntN(60)) * time.Minute)}
	out.Service, out.Operation, out.Region = target.service, target.operation, regions[f.chance.IntN(len(regions))]
	out.Skip, out.Times = f.chance.IntN(4), f.chance.IntN(6) // 0 times is always
	switch f.chance.IntN(9) {
	case 0, 1: // throttled
	case 2:
		out.Code = "InternalServerError"
	case 3:
		out.Code = "AccessDeniedException"
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
		out.Times = 1 // of two in a row the token would be the same, as it never is
		out.Operation = []string{"ListCampaigns", "ListRecommenders"}[f.chance.IntN(2)]
	}
	return out
}

// clear disarms everything until the next draw, so that the owner is spared.
func (f *faults) clear() { f.aws.ClearFaults() }

// meet notes a call that a fault hit.
func (f *faults) meet(o localaws.Observed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.figures.FaultHits++
	f.hits[hit{o.Region, o.Operation, o.Fault.Kind, o.Fault.Code == "AccessDeniedException"}]++
}

// forget begins to count hits anew.
func (f *faults) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.hits)
}

// patience is how many times in a row the program tries a call at least that may yet
// succeed: fewer hits than that excuse nothing.
const patience = 3

// excuses tells whether faults stood in the way of one of the operations in a region: more
// than retries get over, or of a sort that none does.
func (f *faults) excuses(region string, operations ...string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for h, n := range f.hits {
		for _, op := range operations {
			if h.region != region || h.operation != op || h.kind == localaws.EmptyPage {
				continue
			}
			if n >= patience || h.denied || h.kind == localaws.Partial || h.kind == localaws.Garbage || h.kind == localaws.Truncate {
				return true
			}
		}
	}
	return false
}
