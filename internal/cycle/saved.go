package cycle

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/savings"
)

// savingsAtOnce is how many endpoints are metered together: their series of 63 days have up to
// 60,000 datapoints each.
const savingsAtOnce = 20

// SavingsOptions wires the ledger of savings.
type SavingsOptions struct {
	Inventory Inventory // one that reports nothing for what was deleted
	Meter     Meter
	Clock     model.Clock
	Prices    PriceSource // nil means that nothing is priced
	Progress  Progress    // may be nil
	// Calls counts the AWS calls made so far by "service.Operation"; may be nil.
	Calls func() map[string]int
	// Region is the deployment region, where the monitor publishes that it runs.
	Region string
}

// Savings makes the ledger of what the actions on record have saved: find → discover → measure →
// meter → report. It writes nothing, and keeps no state between two runs.
type Savings struct{ o SavingsOptions }

// NewSavings makes a Savings.
func NewSavings(o SavingsOptions) *Savings { return &Savings{o} }

// SavingsInput is what a ledger of savings is made for.
type SavingsInput struct {
	Params  config.Values  // MetricDelay counts
	Records []events.Audit // in any order
}

// Run makes the ledger. What could not be read of single regions or resources is a problem in it,
// and its time is unknown. It is an error if ctx ended before everything was read.
func (s *Savings) Run(ctx context.Context, in SavingsInput) (report.Saved, error) {
	began, before := time.Now(), callCounter(s.o.Calls).snapshot()
	times := savings.TimesOf(s.o.Clock.Now(), in.Params.MetricDelay, s.o.Region)
	endpoints := savings.Find(in.Records)
	snapshot := model.Snapshot{}
	if len(endpoints) > 0 {
		snapshot = s.o.Inventory.Discover(ctx, scopeOf(endpoints), nil, s.o.Progress.of("discover"))
	}
	today := knownOf(snapshot)
	var metered []savings.Metered
	var problems problems
	problems.add(snapshot.Problems...)
	var prices pricing.Table
	if s.o.Prices != nil && len(endpoints) > 0 {
		var regions []string
		for _, e := range endpoints {
			regions = append(regions, e.ARN.Region())
		}
		table, failed := s.o.Prices(ctx, sorted(regions))
		prices = table
		problems.add(failed...)
	}
	read, done := 0, 0
	for chunk := range slices.Chunk(endpoints, savingsAtOnce) {
		var queries []model.Query
		for _, e := range chunk {
			queries = append(queries, e.Queries(today(e.ARN), times)...)
		}
		readings, failed := s.o.Meter.Measure(ctx, queries, nil)
		problems.add(failed...)
		if err := ctx.Err(); err != nil {
			return report.Saved{}, fmt.Errorf("%w: %w", errUnfinished, err)
		}
		metered = append(metered, savings.Compute(chunk, today, readings, prices, times)...)
		read, done = read+len(readings), done+len(chunk)
		s.o.Progress.of("measure")(done, len(endpoints))
	}
	if err := ctx.Err(); err != nil {
		return report.Saved{}, fmt.Errorf("%w: %w", errUnfinished, err)
	}
	return report.Saved{
		Ledger: savings.LedgerOf(metered, times), Records: len(in.Records),
		Reading: reading(&problems, read, callCounter(s.o.Calls).since(before), began),
	}, nil
}

// scopeOf names the endpoints, so that no other is described.
func scopeOf(endpoints []savings.Endpoint) model.Scope {
	var scope model.Scope
	for _, e := range endpoints {
		if e.Kind == model.Recommender {
			scope.Recommenders.ARNs = append(scope.Recommenders.ARNs, e.ARN)
		} else {
			scope.Campaigns.ARNs = append(scope.Campaigns.ARNs, e.ARN)
		}
	}
	return scope
}

// knownOf is what a snapshot shows of each endpoint. One that is being created or started is neither
// in service nor out of it.
func knownOf(s model.Snapshot) func(model.ARN) savings.Known {
	known := map[model.ARN]savings.Known{}
	complete := map[string]model.Listing{}
	for _, l := range s.Listings {
		complete[l.Region] = l
	}
	for _, r := range s.Resources {
		known[r.ARN] = savings.Known{Listed: true, Resource: &r}
	}
	for _, r := range s.Others {
		out := r.Status == model.StatusInactive || r.Status.Deleting() || r.Status.Doing("STOP")
		known[r.ARN] = savings.Known{Listed: out}
	}
	return func(arn model.ARN) savings.Known {
		if k, ok := known[arn]; ok {
			return k
		}
		l, kind := complete[arn.Region()], model.Campaign
		if _, k, err := model.ParseResourceARN(arn.String()); err == nil {
			kind = k
		}
		return savings.Known{Listed: l.Complete(kind) && !l.Seen[arn]}
	}
}
