package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

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

// dataFault is a failure of metric data. What is lost is lost from the start and for good; what is late is late until a time.
type dataFault struct {
	localaws.DataFault
	drawn, until time.Time
}

const (
	requestCounts = "AWS/Personalize"
	// lowCountsIn is in which time at most two faults of a region lower counts: a third low hour would be a confirmed one.
	lowCountsIn = 15 * 24 * time.Hour
	// manyResources are enough for the program to notice that the counts of a region are lost.
	manyResources = 100
)

// drawData starts a failure of metric data at random, about four a day.
func (f *faults) drawData(now time.Time) {
	if f.random.IntN(40) > 0 {
		return
	}
	d := dataFault{drawn: now}
	d.Region = regions[f.random.IntN(len(regions))]
	hours := func(most int) time.Duration { return time.Duration(1+f.random.IntN(12*most)) * stepLength }
	lose := func() { // what was shown once is not lost
		d.From = now.Add(hours(3)).Truncate(stepLength)
		d.Until = d.From.Add(hours(3))
	}
	name := ""
	switch f.random.IntN(6) {
	case 0, 1, 2:
		name = "late data"
		d.Namespace = []string{"", requestCounts, "PersonalizeMonitor"}[f.random.IntN(3)]
		d.Late, d.until = hours(12), now.Add(hours(10))
	case 3:
		name = "lost counts of a region"
		d.Namespace, d.LostPercent = requestCounts, 100
		lose()
	case 4:
		name = "too low counts of a region"
		d.Namespace, d.LostPercent = requestCounts, float64(20+f.random.IntN(70))
		lose()
	case 5:
		name = "lost counts of a resource"
		r := f.owner.pick(func(r *resource) bool { return r.region == d.Region && r.status == active })
		if r == nil {
			return
		}
		d.Namespace, d.Resource, d.LostPercent = requestCounts, r.arn, 100
		lose()
	}
	if f.unnoticed(d) && len(f.lowered(d.Region)) >= 2 {
		return
	}
	f.figures.add("data faults: " + name)
	f.data = append(f.data, d)
}

// unnoticed reports whether a fault lowers counts so that the program cannot notice: of a resource alone, of few of a region, partly,
// or in no whole hour, as it reads counts by the hour.
func (f *faults) unnoticed(d dataFault) bool {
	firstWhole := d.From.Add(time.Hour - 1).Truncate(time.Hour)
	return d.LostPercent > 0 && (d.LostPercent < 100 || f.Resources < manyResources || d.Resource != "" || firstWhole.Add(time.Hour).After(d.Until))
}

// lowered lists the faults that lower counts of a region unnoticed, in the time that the program looks back on.
func (f *faults) lowered(region string) (list []dataFault) {
	for _, d := range f.data {
		if f.unnoticed(d) && d.Region == region && f.clock.Now().Sub(d.drawn) < lowCountsIn {
			list = append(list, d)
		}
	}
	return list
}

// shown is what the program may take for the requests of an hour: the demand of the callers, less what is lost unnoticed.
func (f *faults) shown(r *resource, hour time.Time) (sum float64) {
	for step := stepOf(hour); step < stepOf(hour)+12; step++ {
		n := float64(r.demand(step).ok)
		for _, d := range f.data {
			at := stepStart(step)
			if f.unnoticed(d) && d.hits(r) && !at.Before(d.From) && at.Before(d.Until) {
				n *= 1 - d.LostPercent/100
			}
		}
		sum += n
	}
	return sum
}

// hits reports whether a fault hits the requests to a resource.
func (d dataFault) hits(r *resource) bool {
	return d.Namespace != "PersonalizeMonitor" && d.Region == r.region && (d.Resource == "" || d.Resource == r.arn)
}

// of lists the faults that hit a resource, for violations.
func (f *faults) of(r *resource) string {
	var texts []string
	for _, d := range f.data {
		switch at := "01-02 15:04"; {
		case !d.hits(r):
		case d.Late > 0:
			texts = append(texts, fmt.Sprintf("%s %s late", cmp.Or(d.Namespace, "all"), d.Late))
		default:
			texts = append(texts, fmt.Sprintf("%v %% lost %s to %s, unnoticed %t", d.LostPercent, d.From.Format(at), d.Until.Format(at), f.unnoticed(d)))
		}
	}
	return strings.Join(texts, "; ")
}

// addData adds the failures in effect to the embedded AWS, those that pass only if passing.
func (f *faults) addData(passing bool) {
	now := f.clock.Now()
	kept := f.data[:0]
	for _, d := range f.data {
		if now.Sub(d.drawn) < history && (d.until.IsZero() || now.Before(d.until) && passing) {
			kept = append(kept, d)
			f.aws.AddDataFault(d.DataFault)
		}
	}
	f.data = kept
}

// hides reports whether failures in effect hide the requests to a resource at a time of the data.
func (f *faults) hides(r *resource, at time.Time) bool {
	for _, d := range f.data {
		if !d.hits(r) {
			continue
		}
		if d.Late > 0 && f.clock.Now().Before(at.Add(stepLength+d.Late)) || d.LostPercent > 0 && !at.Before(d.From) && at.Before(d.Until) {
			return true
		}
	}
	return false
}
