package cycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// PriceSource finds what TPS-hours cost in the regions. What it cannot find out is a
// problem, and has no price.
type PriceSource func(ctx context.Context, regions []string) (report.Prices, []model.Problem)

// meteredAtOnce is how many resources of a region are measured together: their series of
// 14 days fill eight calls, and are forgotten before the next ones come.
const meteredAtOnce = 100

// ledgerRegions bounds the regions metered at the same time, for the sake of memory.
const ledgerRegions = 4

// LedgerOptions wires the making of a ledger.
type LedgerOptions struct {
	Inventory Inventory
	Meter     Meter
	Clock     model.Clock
	Prices    PriceSource // nil means that nothing is priced
	Progress  Progress    // may be nil
	// Calls counts the AWS calls made so far by "service.Operation"; may be nil.
	Calls func() map[string]int
	// Region is the deployment region, where the monitor leaves word of its running.
	Region string
	// Hourly keeps each resource's hours, for charts, and those of all together.
	Hourly bool
}

// Ledger is the third line beside the cycle: discover → measure → meter → report. It
// writes nothing, and keeps nothing between two runs.
type Ledger struct{ LedgerOptions }

// NewLedger makes a Ledger.
func NewLedger(o LedgerOptions) *Ledger {
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	return &Ledger{LedgerOptions: o}
}

// LedgerInput is what a ledger is made for.
type LedgerInput struct {
	Params config.Values // the selections, Regions, IdleThresholdHours and MetricDelay count
	Days   int           // 1 to 14

	// LastHours is how many of the last hours are kept of each resource, of those that are
	// kept at all; zero means all. 14 days of 10,000 resources take 160 MB.
	LastHours int
	// Whole tells of which resources, by ARN, all hours are kept nevertheless; may be nil.
	Whole map[string]bool
}

// errUnfinished is wrapped by the error of a report that was interrupted: a part of one
// would look like less than there is.
var errUnfinished = errors.New("the report was not finished")

// ledgerRun is a ledger being made.
type ledgerRun struct {
	*Ledger
	in      LedgerInput
	moment  billing.ReportTime
	idle    time.Duration
	prices  report.Prices
	running model.Series

	mu     sync.Mutex // guards what follows
	whole  *billing.Whole
	ledger report.Ledger
	sums   map[model.Kind]map[int64]billing.Hour // of all resources, by the second at which an hour begins
	done   int
	total  int
}

// Run makes the ledger of the last days. What could not be read of single regions or
// resources is a problem in it; it is an error if no region could be looked at, or if ctx
// ended before all was read.
func (l *Ledger) Run(ctx context.Context, in LedgerInput) (report.Ledger, error) {
	began, before := time.Now(), calls(l.Calls)
	r := &ledgerRun{
		Ledger: l, in: in, sums: map[model.Kind]map[int64]billing.Hour{}, moment: billing.ReportTimeOf(l.Clock.Now(), in.Days, in.Params.MetricDelay),
		idle: time.Duration(in.Params.IdleThresholdHours) * time.Hour,
	}
	r.whole = billing.NewWhole(r.moment.Span)
	r.ledger = report.Ledger{Window: report.Window{Start: r.moment.Span.Start, End: r.moment.Span.End}, Days: in.Days}
	snapshot := l.Inventory.Discover(ctx, Scope(in.Params, l.Region), nil, func(done, total int) { l.Progress("discover", done, total) })
	if err := ctx.Err(); err != nil {
		return report.Ledger{}, fmt.Errorf("%w: %w", errUnfinished, err)
	}
	if err := unlisted(snapshot); err != nil {
		return report.Ledger{}, err
	}
	r.problems(snapshot.Problems)
	r.prepare(ctx, snapshot.Resources)
	r.meterAll(ctx, snapshot.Resources)
	if err := ctx.Err(); err != nil {
		return report.Ledger{}, fmt.Errorf("%w: %w", errUnfinished, err)
	}
	r.ledger.Calls = callsSince(calls(l.Calls), before)
	r.ledger.DurationMs = time.Since(began).Milliseconds()
	r.ledger.Prices = r.prices.All()
	if all, ok := r.whole.Throughput(); ok {
		together := report.ThroughputOf(all)
		r.ledger.Together = &together
	}
	r.ledger.Hourly = r.totals()
	r.ledger.Settle()
	return r.ledger, nil
}

// unlisted is the error of an estate of which not a single region could be listed.
func unlisted(snapshot model.Snapshot) error {
	if len(snapshot.Resources) > 0 || len(snapshot.Problems) == 0 {
		return nil
	}
	for _, l := range snapshot.Listings {
		if l.Campaigns || l.Recommenders {
			return nil
		}
	}
	return fmt.Errorf("%w: %w", ErrNothingMeasured, joined(snapshot.Problems))
}

// prepare finds out what is asked once: the prices, and when the monitor ran. That the
// latter cannot be read only means that nothing is known to have been stopped.
func (r *ledgerRun) prepare(ctx context.Context, resources []model.Resource) {
	if len(resources) == 0 {
		return
	}
	var regions []string
	recommenders := false
	for _, resource := range resources {
		if n := len(regions); n == 0 || regions[n-1] != resource.Region() { // they are sorted
			regions = append(regions, resource.Region())
		}
		recommenders = recommenders || resource.Kind == model.Recommender
	}
	if r.Prices != nil {
		prices, problems := r.Prices(ctx, regions)
		r.prices = prices
		r.problems(problems)
	}
	if recommenders {
		query := billing.RunningQuery(r.Region, r.moment)
		r.running = r.read(ctx, []model.Query{query}).Get(query)
	}
}

// meterAll meters the resources of each region in turns, several regions side by side.
func (r *ledgerRun) meterAll(ctx context.Context, resources []model.Resource) {
	r.total = len(resources)
	byRegion := map[string][]model.Resource{}
	for _, resource := range resources {
		byRegion[resource.Region()] = append(byRegion[resource.Region()], resource)
	}
	var group errgroup.Group
	group.SetLimit(ledgerRegions)
	for _, list := range byRegion {
		group.Go(func() error {
			for len(list) > 0 && ctx.Err() == nil {
				n := min(len(list), meteredAtOnce)
				r.meter(ctx, list[:n])
				list = list[n:]
			}
			return nil
		})
	}
	_ = group.Wait() // failures are problems
}

// meter meters some resources of one region: in a first round their demand and minimum,
// in a second one whether who had no requests was called at all.
func (r *ledgerRun) meter(ctx context.Context, resources []model.Resource) {
	var queries []model.Query
	for _, resource := range resources {
		queries = append(queries, billing.Queries(resource, r.moment)...)
	}
	readings := r.read(ctx, queries)
	usages := make([]billing.Usage, len(resources))
	queries = nil
	for i, resource := range resources {
		usages[i] = billing.Measure(resource, readings, r.running, r.moment)
		queries = append(queries, usages[i].CallQueries(resource, r.idle, r.moment)...)
	}
	second := r.read(ctx, queries)
	entries := make([]report.Entry, len(resources))
	for i, resource := range resources {
		usages[i].AddCalls(resource, second, r.idle, r.moment)
		advice := billing.Advise(resource, usages[i], second, r.idle, r.moment)
		entries[i] = report.EntryOf(resource, usages[i], advice, r.prices)
	}
	r.mu.Lock()
	for _, usage := range usages {
		r.whole.Add(usage)
	}
	r.keepHours(entries)
	r.ledger.Resources = append(r.ledger.Resources, entries...)
	r.done += len(resources)
	done := r.done
	r.mu.Unlock()
	r.Progress("measure", done, r.total)
}

// keepHours adds up the hours of resources, and leaves them those that are wanted. The
// caller holds mu.
func (r *ledgerRun) keepHours(entries []report.Entry) {
	for i := range entries {
		e := &entries[i]
		if !r.Hourly {
			e.Hourly = nil
			continue
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
		if n := len(e.Hourly) - r.in.LastHours; r.in.LastHours > 0 && n > 0 && !r.in.Whole[e.ARN] {
			e.Hourly = slices.Clone(e.Hourly[n:]) // and not a part of what would be kept whole by it
		}
	}
}

// totals are the hours of all resources of each kind, by time.
func (r *ledgerRun) totals() map[model.Kind][]billing.Hour {
	totals := make(map[model.Kind][]billing.Hour, len(r.sums))
	for kind, sums := range r.sums {
		totals[kind] = slices.SortedFunc(maps.Values(sums), func(a, b billing.Hour) int { return a.Start.Compare(b.Start) })
	}
	return totals
}

// read asks questions and notes what could not be answered, once for each cause.
func (r *ledgerRun) read(ctx context.Context, queries []model.Query) model.Readings {
	if len(queries) == 0 {
		return nil
	}
	readings, problems := r.Meter.Measure(ctx, queries, nil)
	r.mu.Lock()
	r.ledger.MetricsGot += len(readings)
	r.mu.Unlock()
	r.problems(problems)
	return readings
}

// problems notes what failed.
func (r *ledgerRun) problems(list []model.Problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ledger.Problems = append(r.ledger.Problems, list...)
}

// calls asks a counter, if there is one.
func calls(count func() map[string]int) map[string]int {
	if count == nil {
		return nil
	}
	return count()
}

// callsSince is how often each operation was called after an earlier count.
func callsSince(now, before map[string]int) map[string]int {
	made := map[string]int{}
	for operation, n := range now {
		if n > before[operation] {
			made[operation] = n - before[operation]
		}
	}
	return made
}
