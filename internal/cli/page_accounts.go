package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
)

// routes leads what the page requests to the parts of the account that it is about. It implements
// web.Series and web.Actions.
type routes struct {
	accounts []model.Account
	parts    map[string]accountParts // by ID; of the only account by ""
}

// accountParts are what the page uses of one account.
type accountParts struct {
	*app.App
	whatIf *cycle.WhatIf
}

func newRoutes(list []member, apps []*app.App, o *serveOptions) routes {
	r := routes{parts: map[string]accountParts{}}
	for i, m := range list {
		r.accounts = append(r.accounts, m.of)
		r.parts[m.of.ID] = accountParts{apps[i], apps[i].WhatIf(o.prices.source(m.session))}
	}
	return r
}

// of are the parts of the account of a resource.
func (r routes) of(arn model.ARN) (accountParts, error) {
	if only, ok := r.parts[""]; ok {
		return only, nil
	}
	if parts, ok := r.parts[arn.Account]; ok {
		return parts, nil
	}
	return accountParts{}, fmt.Errorf("%s: the account %s is not watched", arn, arn.Account)
}

// Measure implements web.Series: each query is answered in the account of the resource that its metric is
// about. A metric of no resource is one of each account, so that it is not answered if there are several.
func (r routes) Measure(ctx context.Context, queries []model.Query, progress func(done, total int)) (model.Readings, []model.Problem) {
	if only, ok := r.parts[""]; ok {
		return only.Meter.Measure(ctx, queries, progress)
	}
	var problems []model.Problem
	lists := map[string][]model.Query{}
	for _, q := range queries {
		arn, err := model.ParseARN(q.Metric.DimensionValue)
		if err == nil {
			_, err = r.of(arn)
		}
		if err != nil {
			problems = append(problems, model.Problem{Region: q.Region, Operation: "GetMetricData", Err: errNotOneAccount})
			continue
		}
		lists[arn.Account] = append(lists[arn.Account], q)
	}
	readings := model.Readings{}
	for account, list := range lists {
		got, failed := r.parts[account].Meter.Measure(ctx, list, nil)
		maps.Copy(readings, got)
		problems = append(problems, failed...)
	}
	return readings, problems
}

var errNotOneAccount = errors.New("each account has a metric of this name of its own")

// Do implements web.Actions.
func (r routes) Do(ctx context.Context, action model.Action, req events.Request) (string, error) {
	parts, err := r.of(req.ARN)
	if err != nil {
		return "", err
	}
	return pageActions{parts.Actions}.Do(ctx, action, req)
}

// Restore implements web.Actions.
func (r routes) Restore(ctx context.Context, record events.Audit) (string, error) {
	arn, err := model.ParseARN(record.ARN)
	if err != nil {
		return "", err
	}
	parts, err := r.of(arn)
	if err != nil {
		return "", err
	}
	return pageActions{parts.Actions}.Restore(ctx, record)
}

// whatIfRoutes implements web.WhatIf.
type whatIfRoutes struct{ routes }

// Of implements web.WhatIf.
func (w whatIfRoutes) Of(ctx context.Context, r model.Resource, delay time.Duration) (report.WhatIfEntry, []model.Problem) {
	parts, err := w.of(r.ARN)
	if err != nil {
		return report.WhatIfEntry{}, []model.Problem{{ARN: r.ARN.String(), Region: r.Region(), Operation: "compare minimums", Err: err}}
	}
	return parts.whatIf.Of(ctx, r, delay)
}

// pageSources shows the memories and ledgers of several accounts as one.
type pageSources struct {
	accounts []model.Account
	list     []*pageSource

	mu      sync.Mutex
	built   bool
	shown   web.Snapshot
	ledgers uint64         // the versions of the ledgers that ledger is of, added up
	ledger  *report.Ledger // nil until one account has a ledger
	changed chan struct{}  // closed at the next change of any; nil before it is first requested
}

func newPageSources(accounts []model.Account, list []*pageSource) *pageSources {
	return &pageSources{accounts: accounts, list: list}
}

// Snapshot implements web.Source. It is built once for each version.
func (p *pageSources) Snapshot() web.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	version, ledgers := uint64(0), uint64(0)
	for _, one := range p.list {
		version += one.Version() + one.ledgerVersion()
		ledgers += one.ledgerVersion()
	}
	if p.built && p.shown.Version == version {
		return p.shown
	}
	of := make([]serve.SnapshotOf, len(p.list))
	parts := make([]report.Of[report.Ledger], len(p.list))
	fault, measured := "", false
	for i, one := range p.list {
		s := one.Snapshot()
		of[i] = serve.SnapshotOf{Account: p.accounts[i], Snapshot: s.Snapshot}
		parts[i] = report.Of[report.Ledger]{Account: p.accounts[i], Report: s.Ledger}
		measured = measured || s.Ledger != nil
		if s.LedgerErr != "" && fault == "" {
			fault = p.accounts[i].String() + ": " + s.LedgerErr
		}
	}
	if measured && (p.ledger == nil || ledgers != p.ledgers) {
		merged := report.MergedLedgers(parts)
		p.ledger, p.ledgers = &merged, ledgers
	}
	p.shown = web.Snapshot{Snapshot: serve.Merged(of), DashboardName: p.list[0].dashboard, Ledger: p.ledger, LedgerErr: fault}
	p.shown.Version, p.built = version, true
	return p.shown
}

// Changed implements web.Source.
func (p *pageSources) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed != nil {
		select {
		case <-p.changed:
		default:
			return p.changed
		}
	}
	changed := make(chan struct{})
	var once sync.Once
	for _, one := range p.list {
		next := one.Changed()
		go func() {
			select {
			case <-next:
				once.Do(func() { close(changed) })
			case <-changed:
			}
		}()
	}
	p.changed = changed
	return changed
}

// ledgerVersion grows with every ledger.
func (p *pageSource) ledgerVersion() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ledgers
}
