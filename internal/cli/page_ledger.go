package cli

import (
	"context"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
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

// pageHours is how many hours of resources the page keeps for small drawings, in all accounts together: with
// 56 MB three days of 14,000 resources, and fewer of each if there are more.
const pageHours = 1_000_000

// pageAtOnce is how many resources of a region a ledger of the page meters together. It may take its time, and
// with four regions at once they take some 40 MB.
const pageAtOnce = 25

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

// keepLedger makes ledgers, of savings too, until ctx ends, as long as the daemon leads. Slots has room for
// those that are made at the same time.
func (p *pageSource) keepLedger(
	ctx context.Context, clock model.Clock, slots chan struct{}, ledger *cycle.Ledger, saved savedSource, in cycle.LedgerInput,
) {
	failures := 0
	for p.awaitLead(ctx) {
		slots <- struct{}{}
		made, err := p.makeLedger(ctx, ledger, in)
		read := made.MetricsGot
		if failures++; err == nil {
			failures = 0
			read += p.makeSaved(ctx, saved, in.Params)
		}
		<-slots
		if clock.Sleep(ctx, pauseAfter(read, failures)) != nil {
			return
		}
	}
}

// awaitFirstCycles waits until a cycle has decided all, or has failed, in each account. It returns false if ctx
// ends first.
func awaitFirstCycles(ctx context.Context, sources []*pageSource) bool {
	for _, p := range sources {
		for changed := p.Changed(); p.Status().Measured.IsZero() && p.Status().LastCycle.IsZero(); changed = p.Changed() {
			select {
			case <-changed:
			case <-ctx.Done():
				return false
			}
		}
	}
	return true
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

// makeLedger makes a ledger over the longest span, and of the month so far, with as many hours as the
// page shows, and shows it, or why there is none.
func (p *pageSource) makeLedger(ctx context.Context, ledger *cycle.Ledger, in cycle.LedgerInput) (report.Ledger, error) {
	in.Days, in.Month, in.Records = billing.MaxDays, true, p.Memory.Snapshot().Audits
	in.LastHours, in.AtOnce = chart.SparkHours, pageAtOnce
	made, err := ledger.Run(ctx, in)
	switch {
	case ctx.Err() != nil:
		return made, ctx.Err()
	case err != nil:
		p.noteLedger(nil, awsapi.Line(err))
		return made, err
	}
	made.Keep()
	for _, problem := range made.Problems {
		p.logger.WarnContext(ctx, "the bill on the page is incomplete", "op", problem.Operation, "arn", problem.ARN, "region", problem.Region,
			"err", awsapi.Line(problem.Err))
	}
	p.noteLedger(&made, "")
	return made, nil
}

// savedSource makes the ledgers of savings that the page and the metrics show.
type savedSource struct {
	savings *cycle.Savings
	records func(ctx context.Context) []events.Audit
}

// makeSaved makes a ledger of savings, and returns how many series it read.
func (p *pageSource) makeSaved(ctx context.Context, from savedSource, params config.Values) int {
	saved, err := from.savings.Run(ctx, cycle.SavingsInput{Params: params, Records: from.records(ctx)})
	if err != nil { // the daemon is being stopped
		return 0
	}
	p.SawSavings(saved)
	return saved.MetricsGot
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
