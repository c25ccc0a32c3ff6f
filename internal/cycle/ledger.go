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
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// ledgerRegions bounds the regions that are metered at the same time, to limit memory.
const ledgerRegions = 4

// LedgerOptions wires the making of a ledger.
type LedgerOptions struct {
	Inventory Inventory
	Meter     Meter
	Gaps      *RegionGaps
	Clock     model.Clock
	Prices    PriceSource // nil means that nothing is priced
	Progress  Progress    // may be nil
	// Calls counts the AWS calls made so far by "service.Operation"; may be nil.
	Calls func() map[string]int
	// Region is the deployment region, where the monitor publishes that it runs.
	Region string
	// Hourly keeps each resource's hours, for charts, and their totals.
	Hourly bool
}

// Ledger is the pipeline of a report: discover → measure → meter → report. It writes nothing,
// and keeps no state between two runs.
type Ledger struct{ LedgerOptions }

// NewLedger makes a Ledger.
func NewLedger(o LedgerOptions) *Ledger { return &Ledger{o} }

// LedgerInput is what a ledger is made for.
type LedgerInput struct {
	Params config.Values // the selections, Regions, the idle times and MetricDelay count
	Days   int           // 1 to 14

	// LastHours is how many of the last hours are kept of each resource, of those that are
	// kept at all; zero means all. 14 days of 10,000 resources take 190 MB.
	LastHours int
	// Whole are the ARNs of resources of which all hours are kept nevertheless; may be nil.
	Whole map[string]bool
}

// errUnfinished is wrapped by the error of a report that was interrupted: a part of a report
// would look as if there were less.
var errUnfinished = errors.New("the report was not finished")

// ledgerRun is the state of one report.
type ledgerRun struct {
	*Ledger
	in        LedgerInput
	at        billing.ReportTime
	idle      time.Duration
	used      time.Duration // idle time of what was called
	prices    pricing.Table
	running   model.Series     // when the monitor ran
	resources []model.Resource // to meter
	problems  problems

	mu    sync.Mutex // guards what follows
	whole *billing.Whole
	// sums are the hours of all resources of a kind, by the second at which an hour begins.
	sums    map[model.Kind]map[int64]billing.Hour
	entries []report.Entry
	read    int // series
}

// Run makes the ledger of the last days. What could not be read of single regions or
// resources is a problem in it. It is an error if no region could be listed, or if ctx ended
// before everything was read.
func (l *Ledger) Run(ctx context.Context, in LedgerInput) (report.Ledger, error) {
	began, before := time.Now(), callCounter(l.Calls).snapshot()
	at := billing.ReportTimeOf(l.Clock.Now(), in.Days, in.Params.MetricDelay)
	snapshot := l.Inventory.Discover(ctx, Scope(in.Params, l.Region), nil, l.Progress.of("discover"))
	if err := ctx.Err(); err != nil {
		return report.Ledger{}, fmt.Errorf("%w: %w", errUnfinished, err)
	}
	if len(snapshot.Resources) == 0 && len(snapshot.Problems) > 0 && !anyListed(snapshot) {
		return report.Ledger{}, fmt.Errorf("%w: %w", ErrNothingMeasured, joined(snapshot.Problems))
	}
	r := &ledgerRun{
		Ledger: l, in: in, at: at, idle: time.Duration(in.Params.IdleThresholdHours) * time.Hour,
		used: time.Duration(in.Params.UsedIdleThresholdHours) * time.Hour, resources: snapshot.Resources,
		whole: billing.NewWhole(at.Span), sums: map[model.Kind]map[int64]billing.Hour{},
	}
	r.problems.add(snapshot.Problems...)
	r.prepare(ctx, snapshot.Resources)
	r.meterAll(ctx, snapshot.Resources)
	if err := ctx.Err(); err != nil {
		return report.Ledger{}, fmt.Errorf("%w: %w", errUnfinished, err)
	}
	ledger := report.Ledger{
		Window: at.Span, Days: in.Days, Resources: report.Priced(r.entries), Hourly: r.totals(),
		Problems: r.problems.all(), MetricsGot: r.read,
		Calls: callCounter(l.Calls).since(before), DurationMs: time.Since(began).Milliseconds(),
	}
	ledger.Totals.Throughput = r.whole.Throughput()
	ledger.Normalize()
	return ledger, nil
}

// prepare reads what all resources need: the prices, and when the monitor ran. If the latter
// cannot be read, nothing is known to have been stopped.
func (r *ledgerRun) prepare(ctx context.Context, resources []model.Resource) {
	if len(resources) == 0 {
		return
	}
	if r.Prices != nil {
		var regions []string
		for _, resource := range resources {
			regions = append(regions, resource.Region())
		}
		prices, problems := r.Prices(ctx, sorted(regions))
		r.prices = prices
		r.problems.add(problems...)
	}
	if slices.ContainsFunc(resources, func(resource model.Resource) bool { return resource.Kind == model.Recommender }) {
		query := rules.RunningQuery(r.Region, r.at.Span)
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
			for chunk := range slices.Chunk(list, meteredAtOnce) {
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
	list := usages(resources, func(queries []model.Query) model.Readings { return r.measure(ctx, queries) }, r.running, r.at)
	var queries, gaps []model.Query
	for i, resource := range resources {
		queries = append(queries, list[i].CallQueries(resource, r.idle, r.at)...)
		queries = append(queries, list[i].ContestQueries(resource, r.at)...)
		gaps = append(gaps, list[i].SilenceQueries(resource, r.at)...)
	}
	calls := r.measure(ctx, queries)
	if calls == nil {
		calls = model.Readings{}
	}
	regional, problems := r.Gaps.Read(ctx, gaps)
	r.problems.add(problems...)
	maps.Copy(calls, regional)
	entries := make([]report.Entry, len(resources))
	for i, resource := range resources {
		list[i].AddCalls(resource, calls, r.idle, r.at)
		saving := billing.Advise(resource, list[i], calls, r.idle, r.used, r.at)
		entries[i] = report.EntryOf(resource, list[i], saving, pricing.ProposalOf(r.prices, resource, list[i], saving))
	}
	r.Progress.of("measure")(r.add(list, entries), len(r.resources))
}

// add adds metered resources to the ledger and returns how many it has.
func (r *ledgerRun) add(list []billing.Metered, entries []report.Entry) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, usage := range list {
		r.whole.Add(usage)
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
		if n := len(e.Hourly) - r.in.LastHours; r.in.LastHours > 0 && n > 0 && !r.in.Whole[e.ARN] {
			e.Hourly = slices.Clone(e.Hourly[n:]) // a part would keep the whole in memory
		}
		r.entries = append(r.entries, e)
	}
	return len(r.entries)
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

func (r *ledgerRun) measure(ctx context.Context, queries []model.Query) model.Readings {
	if len(queries) == 0 {
		return nil
	}
	readings, problems := r.Meter.Measure(ctx, queries, nil)
	r.problems.add(problems...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read += len(readings)
	return readings
}
