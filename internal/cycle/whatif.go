package cycle

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/whatif"
)

// WhatIf is the pipeline of what-if: discover → measure → compare → report. It writes nothing. It is
// safe for concurrent use.
type WhatIf struct {
	options LedgerOptions

	calls  singleflight.Group
	mu     sync.Mutex
	memory map[model.ARN]compared
}

// compared is an entry that Of remembers.
type compared struct {
	end      time.Time // of its span
	resource model.Resource
	entry    report.WhatIfEntry
	problems []model.Problem // one with any is not remembered
}

// NewWhatIf makes a WhatIf. Hourly does not count.
func NewWhatIf(o LedgerOptions) *WhatIf {
	return &WhatIf{options: o, memory: map[model.ARN]compared{}}
}

// Of compares minimums of one resource, as it is known, by the last 56 days, and has its Steps. What was read completely
// is remembered for as long as no further hour is over.
func (w *WhatIf) Of(ctx context.Context, r model.Resource, delay time.Duration) (report.WhatIfEntry, []model.Problem) {
	at := billing.ReportTimeOf(w.options.Clock.Now(), billing.MaxHistoryDays, delay)
	w.mu.Lock()
	maps.DeleteFunc(w.memory, func(_ model.ARN, old compared) bool { return old.end.Before(at.Span.End) })
	old, ok := w.memory[r.ARN]
	w.mu.Unlock()
	if ok && old.resource.MinTPS == r.MinTPS && old.resource.Created.Equal(r.Created) {
		return old.entry, nil
	}
	made, _, _ := w.calls.Do(fmt.Sprint(r.ARN, r.MinTPS, at.Span.End), func() (any, error) {
		// If the first caller goes away, the others still wait.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), compareTime)
		defer cancel()
		one := w.compareOne(ctx, r, at)
		if len(one.problems) == 0 {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.memory[r.ARN] = one
		}
		return one, nil
	})
	one, _ := made.(compared)
	return one.entry, one.problems
}

// compareTime is how long Of waits for the data of an endpoint.
const compareTime = 20 * time.Second

func (w *WhatIf) compareOne(ctx context.Context, r model.Resource, at billing.ReportTime) compared {
	one := compared{end: at.Span.End, resource: r}
	prices := pricing.Table{}
	if w.options.Prices != nil {
		prices, one.problems = w.options.Prices(ctx, []string{r.Region()})
	}
	_, problems := histories{w.options.Meter, w.options.Gaps}.read(ctx, []model.Resource{r}, at, func(r model.Resource, h billing.History) {
		one.entry = report.PricedWhatIf([]report.WhatIfEntry{compare(r, h, prices)})[0]
		var minimums []int
		for _, o := range one.entry.Options {
			minimums = append(minimums, o.Minimum)
		}
		one.entry.Steps = report.WhatIfSteps(r, one.entry, whatif.Steps(r, h, minimums), prices)
	})
	one.problems = append(one.problems, problems...)
	return one
}

// compare compares minimums of one resource.
func compare(r model.Resource, h billing.History, prices pricing.Table) report.WhatIfEntry {
	proposal, why := whatif.Propose(r, h)
	return report.WhatIfEntryOf(r, h, whatif.Options(r, h, proposal), proposal, why, prices)
}

// Run compares minimums for what the parameters select, by the last 14 to 56 days. What could not
// be read of single regions or resources is a problem in the result. It is an error if no region
// could be listed, or if ctx ended before everything was read.
func (w *WhatIf) Run(ctx context.Context, params config.Values, days int) (report.WhatIf, error) {
	o := w.options
	began, before := time.Now(), callCounter(o.Calls).snapshot()
	at := billing.ReportTimeOf(o.Clock.Now(), days, params.MetricDelay)
	snapshot := o.Inventory.Discover(ctx, Scope(params, o.Region), nil, o.Progress.of("discover"))
	if err := ctx.Err(); err != nil {
		return report.WhatIf{}, fmt.Errorf("%w: %w", errUnfinished, err)
	}
	if len(snapshot.Resources) == 0 && len(snapshot.Problems) > 0 && !anyListed(snapshot) {
		return report.WhatIf{}, fmt.Errorf("%w: %w", ErrNothingMeasured, joined(snapshot.Problems))
	}
	failed := problems{}
	failed.add(snapshot.Problems...)
	prices := pricing.Table{}
	byRegion := map[string][]model.Resource{}
	for _, r := range snapshot.Resources {
		byRegion[r.Region()] = append(byRegion[r.Region()], r)
	}
	if o.Prices != nil && len(byRegion) > 0 {
		var regions []string
		for region := range byRegion {
			regions = append(regions, region)
		}
		found, problems := o.Prices(ctx, sorted(regions))
		prices = found
		failed.add(problems...)
	}
	var mu sync.Mutex // guards what follows
	var entries []report.WhatIfEntry
	series := 0
	var group errgroup.Group
	group.SetLimit(ledgerRegions)
	for _, list := range byRegion {
		group.Go(func() error {
			read, problems := histories{o.Meter, o.Gaps}.read(ctx, list, at, func(r model.Resource, h billing.History) {
				entry := compare(r, h, prices)
				mu.Lock()
				defer mu.Unlock()
				entries = append(entries, entry)
				o.Progress.of("measure")(len(entries), len(snapshot.Resources))
			})
			failed.add(problems...)
			mu.Lock()
			defer mu.Unlock()
			series += read
			return nil
		})
	}
	_ = group.Wait() // failures are problems
	if err := ctx.Err(); err != nil {
		return report.WhatIf{}, fmt.Errorf("%w: %w", errUnfinished, err)
	}
	return report.WhatIf{
		Window: at.Span, Days: days, Resources: report.PricedWhatIf(entries),
		Reading: reading(&failed, series, callCounter(o.Calls).since(before), began),
	}, nil
}
