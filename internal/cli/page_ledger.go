package cli

import (
	"context"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

const (
	// ledgerPause is how long a ledger is shown at least before the next is made: its span ends
	// with a whole hour, so there is nothing new before.
	ledgerPause = time.Hour
	// ledgerRetry is how long after a failure a ledger is tried again; each further one
	// doubles it, up to ledgerPause.
	ledgerRetry = time.Minute
	// ledgerSeries is how many series a day ledgers may read: CloudWatch bills each, at
	// about a dollar for as many. A ledger reads two or three of each resource, so beyond
	// some 1,600 resources it is made less often than every hour, of 10,000 every six
	// hours or seven.
	ledgerSeries = 100_000
)

// noLedgerHere is why a daemon on standby makes no ledger.
const noLedgerHere = "this daemon is on standby; the daemon that leads has it"

// pauseAfter is how long to wait after a ledger was made, or has failed a number of times in
// a row, each time having read some series.
func pauseAfter(series, failures int) time.Duration {
	if failures > 0 {
		pause := ledgerRetry
		for range failures - 1 {
			pause = min(2*pause, ledgerPause)
		}
		return pause
	}
	const each = 24 * time.Hour / ledgerSeries // 864 ms
	return max(ledgerPause, (time.Duration(series)*each + time.Hour - 1).Truncate(time.Hour))
}

// keepLedger makes ledgers until ctx ends, as long as the daemon leads.
func (p *pageSource) keepLedger(ctx context.Context, clock model.Clock, ledger *cycle.Ledger, in cycle.LedgerInput) {
	failures := 0
	for p.awaitLead(ctx) {
		made, err := p.makeLedger(ctx, ledger, in)
		if failures++; err == nil {
			failures = 0
		}
		if clock.Sleep(ctx, pauseAfter(made.MetricsGot, failures)) != nil {
			return
		}
	}
}

// awaitLead waits until the daemon leads. On standby the page shows why there is no ledger. It
// returns false if ctx ends first.
func (p *pageSource) awaitLead(ctx context.Context) bool {
	for ctx.Err() == nil {
		changed := p.Changed()
		switch p.Status().Role {
		case serve.Leading:
			return true
		case serve.Standby:
			p.noteLedger(nil, noLedgerHere)
		case serve.Waiting:
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return false
}

// makeLedger makes a ledger over the longest span, with as many hours as the page shows, and
// shows it, or why there is none.
func (p *pageSource) makeLedger(ctx context.Context, ledger *cycle.Ledger, in cycle.LedgerInput) (report.Ledger, error) {
	in.Days, in.LastHours, in.Whole = billing.MaxDays, chart.SparkHours, lowered(p.Memory.Snapshot().Audits)
	made, err := ledger.Run(ctx, in)
	switch {
	case ctx.Err() != nil:
		return made, ctx.Err()
	case err != nil:
		p.noteLedger(nil, awsapi.Line(err))
		return made, err
	}
	p.noteLedger(&made, "")
	return made, nil
}

// lowered are the resources whose minimum the monitor has lowered: all their hours are needed to
// add up what that has saved.
func lowered(records []events.Audit) map[string]bool {
	arns := map[string]bool{}
	for _, a := range records {
		if a.Automatic && a.Outcome == events.OutcomeDone && a.Action == model.ActionUpdate && a.Scheduled == "" {
			arns[a.ARN] = true
		}
	}
	return arns
}

// noteLedger shows a ledger, or why there is none beside the one before it.
func (p *pageSource) noteLedger(made *report.Ledger, fault string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if made == nil && p.ledgerErr == fault {
		return
	}
	if made != nil {
		p.ledger = made
	}
	p.ledgerErr = fault
	p.ledgers++
}
