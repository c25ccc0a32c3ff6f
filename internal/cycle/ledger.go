package cycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
	"github.com/personalize-monitor/personalize-monitor/internal/whatif"
)

// ledgerRegions bounds the regions that are metered at the same time, to limit memory.
const ledgerRegions = 4

// LedgerOptions wires the making of a ledger.
type LedgerOptions struct {
	Inventory Inventory
	Meter     Meter
	Gaps      *RegionGaps
	Clock     model.Clock
	Training  TrainingReader // nil means that training is not read
	Prices    PriceSource    // nil means that nothing is priced
	Progress  Progress       // may be nil
	// Calls counts the AWS calls made so far by "service.Operation"; may be nil.
	Calls func() map[string]int
	// Region is the deployment region, where the monitor publishes that it runs.
	Region string
	// Hourly keeps each resource's hours, for charts, and their totals.
	Hourly bool
	// Tags reads the tags of resources where they are wanted.
	Tags TagReader
}

// TagReader reads tags. What it could not read is missing from the result, with a problem.
type TagReader func(ctx context.Context, resources []model.Resource) (map[model.ARN]map[string]string, []model.Problem)

// Ledger is the pipeline of a report: discover → measure → meter → report. It writes nothing,
// and keeps no state between two runs but the schedules that it has proposed, for a week.
type Ledger struct {
	LedgerOptions
	proposals *proposals
}

// NewLedger makes a Ledger.
func NewLedger(o LedgerOptions) *Ledger {
	return &Ledger{o, newProposals(histories{o.Meter, o.Gaps})}
}

// LedgerInput is what a ledger is made for.
type LedgerInput struct {
	Params config.Values // the selections, Regions, the idle times and MetricDelay count
	Days   int           // 1 to 14, up to now; 0 for Spans
	Spans  billing.Spans // what is metered if Days is 0
	Month  bool          // with Days, the present month is metered as well

	GroupBy report.Grouping // divides the ledger; empty does not
	Tags    bool            // the tags of resources are read even if GroupBy needs none

	// LastHours is how many of the last hours are kept of each resource, of those that are
	// kept at all; zero means all. 14 days of 10,000 resources take 190 MB.
	LastHours int
	// MostHours bounds the hours that are kept of all resources together: of many, fewer than LastHours
	// are kept of each, but two for a chart. Zero does not.
	MostHours int
	// AtOnce is how many resources of a region are metered together: fewer take less memory, and longer.
	// Zero means meteredAtOnce.
	AtOnce int
	// Wait returns when so many may be metered beside other work, or ctx ends; nil does not wait.
	Wait func(ctx context.Context)
	// Records are those of the audit log, as far as they are known: they name deleted campaigns,
	// whose solutions may be trained still.
	Records []events.Audit
}

// errUnfinished is wrapped by the error of a report that was interrupted: a part of a report
// would look as if there were less.
var errUnfinished = errors.New("the report was not finished")

// ledgerRun is the state of one report.
type ledgerRun struct {
	*Ledger
	in        LedgerInput
	spans     billing.Spans
	idle      time.Duration
	used      time.Duration // idle time of what was called
	prices    pricing.Table
	running   model.Series // when the monitor ran
	tags      map[model.ARN]map[string]string
	shared    map[string]int   // campaigns by the solution that they serve
	resources []model.Resource // to meter
	problems  problems

	mu    sync.Mutex // guards what follows
	whole *billing.Whole
	// sums are the hours of all resources of a kind, by the second at which an hour begins.
	sums    map[model.Kind]map[int64]billing.Hour
	entries []report.Entry
	parts   []report.Parts
	advised []advice.Endpoint
	read    int // series
}

// Run makes the ledger of the last days. What could not be read of single regions or
// resources is a problem in it. It is an error if no region could be listed, or if ctx ended
// before everything was read.
func (l *Ledger) Run(ctx context.Context, in LedgerInput) (report.Ledger, error) {
	began, before := time.Now(), callCounter(l.Calls).snapshot()
	spans := in.spans(l.Clock.Now())
	snapshot := l.Inventory.Discover(ctx, Scope(in.Params, l.Region), nil, l.Progress.of("discover"))
	if err := ctx.Err(); err != nil {
		return report.Ledger{}, fmt.Errorf("%w: %w", errUnfinished, err)
	}
	if len(snapshot.Resources) == 0 && len(snapshot.Problems) > 0 && !anyListed(snapshot) {
		return report.Ledger{}, fmt.Errorf("%w: %w", ErrNothingMeasured, joined(snapshot.Problems))
	}
	r := &ledgerRun{
		Ledger: l, in: in, spans: spans, idle: time.Duration(in.Params.IdleThresholdHours) * time.Hour,
		used: time.Duration(in.Params.UsedIdleThresholdHours) * time.Hour, resources: existing(snapshot.Resources, spans),
		whole: billing.NewWhole(spans.Shown), sums: map[model.Kind]map[int64]billing.Hour{},
	}
	r.problems.add(snapshot.Problems...)
	trained := r.readTraining(ctx, snapshot)
	r.shared = campaignsOf(r.resources)
	r.prepare(ctx, r.resources, trained)
	r.meterAll(ctx, r.resources)
	if err := ctx.Err(); err != nil {
		return report.Ledger{}, fmt.Errorf("%w: %w", errUnfinished, err)
	}
	ledger := report.Ledger{
		Window: spans.Shown, Days: spans.Days(), Resources: report.Priced(r.entries), Hourly: r.totals(),
		GroupBy: in.GroupBy, IdleAfter: r.idle, Reading: reading(&r.problems, r.read, callCounter(l.Calls).since(before), began),
	}
	ledger.Whole, ledger.Totals.Throughput = r.whole, r.whole.Throughput()
	ledger.Training = r.analyze(trained)
	ledger.Trained, ledger.TrainedSince = trainedDays(trained, r.prices, spans.Now, spans.Shown)
	ledger.TrainingCost = trainingCost(trained, r.prices, spans)
	if spans.Coarse() {
		ledger.CoarseUntil = new(spans.Fine())
	}
	ledger.Month = report.MonthOf(r.parts, spans)
	if spans.Open {
		ledger.Recommendations = advice.Of(r.advised, ledger.Training, report.BillOf(ledger.Resources), r.prices)
	}
	ledger.Normalize()
	return ledger, nil
}

// prepare reads what all resources need: the prices, those of training too, and when the monitor
// ran. If the latter cannot be read, nothing is known to have been stopped.
func (r *ledgerRun) prepare(ctx context.Context, resources []model.Resource, trained []training.Facts) {
	var regions []string
	for _, resource := range resources {
		regions = append(regions, resource.Region())
	}
	for _, f := range trained {
		if len(f.Solutions) > 0 {
			regions = append(regions, f.Region)
		}
	}
	if r.Prices != nil && len(regions) > 0 {
		prices, problems := r.Prices(ctx, sorted(regions))
		r.prices = prices
		r.problems.add(problems...)
	}
	if r.in.Tags || r.in.GroupBy.Tag() != "" {
		tags, problems := r.Tags(ctx, resources)
		r.tags = tags
		r.problems.add(problems...)
	}
	if slices.ContainsFunc(resources, func(resource model.Resource) bool { return resource.Kind == model.Recommender }) {
		query := rules.RunningQuery(r.Region, r.spans.Wide().Span)
		r.running = r.measure(ctx, []model.Query{query}).Get(query)
	}
}

// meterAll meters the resources of each region chunk by chunk, several regions concurrently.
func (r *ledgerRun) meterAll(ctx context.Context, resources []model.Resource) {
	byRegion := map[string][]model.Resource{}
	for _, resource := range resources {
		byRegion[resource.Region()] = append(byRegion[resource.Region()], resource)
	}
	var group errgroup.Group
	group.SetLimit(ledgerRegions)
	for _, list := range byRegion {
		group.Go(func() error {
			for chunk := range slices.Chunk(list, chunkOf(r.spans, r.in.AtOnce)) {
				if r.in.Wait != nil {
					r.in.Wait(ctx)
				}
				if ctx.Err() == nil {
					r.meter(ctx, chunk)
				}
			}
			return nil
		})
	}
	_ = group.Wait() // failures are problems
}

// meter meters some resources of one region. The first round reads their demand and minimum,
// the second one whether resources without requests were called at all.
func (r *ledgerRun) meter(ctx context.Context, resources []model.Resource) {
	list := r.usages(ctx, resources)
	var queries, gaps []model.Query
	for i, resource := range resources {
		more, regional := list[i].questions(resource, r.idle, r.spans)
		queries, gaps = append(queries, more...), append(gaps, regional...)
	}
	readings := r.measure(ctx, queries)
	if readings == nil {
		readings = model.Readings{}
	}
	regional, problems := r.Gaps.Read(ctx, gaps)
	r.problems.add(problems...)
	maps.Copy(readings, regional)
	schedules := r.propose(ctx, resources, list, readings)
	entries, parts := make([]report.Entry, len(resources)), make([]report.Parts, len(resources))
	var advised []advice.Endpoint
	for i, resource := range resources {
		saving := list[i].advise(resource, readings, r)
		entries[i], parts[i] = list[i].entry(resource, saving, schedules[resource.ARN], r)
		if list[i].advised != nil {
			advised = append(advised, list[i].endpoint(resource, saving, cmp.Or(entries[i].Proposal, &pricing.Proposal{}), r.shared))
		}
	}
	r.Progress.of("measure")(r.add(list, entries, parts, advised), len(r.resources))
}

// propose finds schedules for resources that may have enough cold steps for one, in a report whose
// advice goes by as many days as a schedule is tested on.
func (r *ledgerRun) propose(
	ctx context.Context, resources []model.Resource, list []metering, readings model.Readings,
) map[model.ARN]proposed {
	at, ok := r.spans.Advised()
	if !ok || at.Span.Duration() < whatif.TestDays*24*time.Hour {
		return nil
	}
	var candidates []model.Resource
	for i, resource := range resources {
		// No base is lower than 1, so none has more cold steps.
		if list[i].advised.Demand(resource, readings, at).Cold(1).Cold >= whatif.MinColdSteps {
			candidates = append(candidates, resource)
		}
	}
	found, series, problems := r.proposals.of(ctx, candidates, at.Now, r.in.Params.MetricDelay)
	r.problems.add(problems...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read += series
	return found
}

// add adds metered resources to the ledger and returns how many it has.
func (r *ledgerRun) add(list []metering, entries []report.Entry, parts []report.Parts, advised []advice.Endpoint) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parts, r.advised = append(r.parts, parts...), append(r.advised, advised...)
	for _, one := range list {
		r.whole.Add(*one.shown)
	}
	for _, e := range entries {
		if !r.Hourly {
			e.Hourly = nil
		}
		if r.sums[e.Kind] == nil {
			r.sums[e.Kind] = map[int64]billing.Hour{}
		}
		for _, h := range e.Hourly {
			sum := r.sums[e.Kind][h.Start.Unix()]
			sum.Start = h.Start
			sum.Provisioned += h.Provisioned
			sum.Actual += h.Actual
			sum.Paid += h.Paid
			r.sums[e.Kind][h.Start.Unix()] = sum
		}
		if last := r.lastHours(); last > 0 && len(e.Hourly) > last {
			n := len(e.Hourly) - last
			e.Hourly = slices.Clone(e.Hourly[n:]) // a part would keep the whole in memory
		}
		r.entries = append(r.entries, e)
	}
	return len(r.entries)
}

// lastHours is how many hours are kept of each resource; zero means all.
func (r *ledgerRun) lastHours() int {
	if most := r.in.MostHours; most > 0 && most < r.in.LastHours*len(r.resources) {
		return max(2, most/len(r.resources))
	}
	return r.in.LastHours
}

// totals are the hours of all resources of each kind, by time.
func (r *ledgerRun) totals() map[model.Kind][]billing.Hour {
	totals := map[model.Kind][]billing.Hour{}
	for kind, sums := range r.sums {
		if len(sums) > 0 {
			totals[kind] = slices.SortedFunc(maps.Values(sums), func(a, b billing.Hour) int { return a.Start.Compare(b.Start) })
		}
	}
	return totals
}

// measure reads what CloudWatch keeps of the queries: old data by the hour.
func (r *ledgerRun) measure(ctx context.Context, queries []model.Query) model.Readings {
	if len(queries) == 0 {
		return nil
	}
	kept := billing.Kept(queries, r.spans.Fine())
	readings, problems := r.Meter.Measure(ctx, kept, nil)
	r.problems.add(problems...)
	r.mu.Lock()
	r.read += len(readings)
	r.mu.Unlock()
	return billing.Spread(queries, readings, r.spans.Fine())
}
