package cli

import (
	"context"
	"log/slog"
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

// pageHours is how many hours of resources the page keeps for small drawings, in all accounts together: with
// 56 MB three days of 14,000 resources, and fewer of each if there are more.
const pageHours = 1_000_000

// pageAtOnce is how many resources of a region a ledger of the page meters together. It may take its time, and
// with four regions at once they take some 10 MB.
const pageAtOnce = 3

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

// ledgerKeeper makes the ledgers of an account that the page and the metrics show.
type ledgerKeeper struct {
	memory  *serve.Memory
	logger  *slog.Logger
	ledger  *cycle.Ledger
	savings *cycle.Savings
	records func(context.Context) []events.Audit // of actions that were done
	in      cycle.LedgerInput
}

// run makes ledgers, of savings too, until ctx ends, as long as the daemon leads. Slots has room for those
// that are made at the same time.
func (k ledgerKeeper) run(ctx context.Context, clock model.Clock, slots chan struct{}) {
	failures := 0
	for k.awaitLead(ctx) {
		slots <- struct{}{}
		series, err := k.make(ctx)
		<-slots
		if failures++; err == nil {
			failures = 0
		}
		if clock.Sleep(ctx, pauseAfter(series, failures)) != nil {
			return
		}
	}
}

// awaitFirstCycles waits until a cycle has decided all, or has failed, in each account. It returns false if ctx
// ends first.
func awaitFirstCycles(ctx context.Context, list []serve.Account) bool {
	for _, one := range list {
		m := one.Memory
		for changed := m.Changed(); m.Status().Measured.IsZero() && m.Status().LastCycle.IsZero(); changed = m.Changed() {
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
func (k ledgerKeeper) awaitLead(ctx context.Context) bool {
	for ctx.Err() == nil {
		changed := k.memory.Changed()
		switch k.memory.Status().Role {
		case serve.Leading:
			return true
		case serve.Standby:
			k.memory.SawLedger(nil, noLedgerHere)
		case serve.Waiting:
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return false
}

// show shows a ledger on the page.
func (k ledgerKeeper) show(ctx context.Context, made report.Ledger) {
	if k.in.MostHours > 0 && len(made.Resources)*chart.SparkHours > k.in.MostHours {
		err := k.memory.SawLargeLedger(made)
		if err == nil {
			return
		}
		k.logger.WarnContext(ctx, "the bill could not be packed, so that it takes more memory", "err", err)
	}
	k.memory.SawLedger(&made, "")
}

// make meters the longest span and the month so far, with as many hours as the page shows, and then what was saved. The page
// shows the result, or the error. It returns how many series were read.
func (k ledgerKeeper) make(ctx context.Context) (series int, err error) {
	in := k.in
	in.Days, in.Month, in.Records = billing.MaxDays, true, k.memory.Audits()
	in.LastHours, in.AtOnce = chart.SparkHours, pageAtOnce
	made, err := k.ledger.Run(ctx, in)
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err != nil:
		k.memory.SawLedger(nil, awsapi.Line(err))
		return 0, err
	}
	made.Keep()
	for _, problem := range made.Problems {
		k.logger.WarnContext(ctx, "the bill on the page is incomplete", "op", problem.Operation, "arn", problem.ARN, "region", problem.Region,
			"err", awsapi.Line(problem.Err))
	}
	k.show(ctx, made)
	saved, err := k.savings.Run(ctx, cycle.SavingsInput{Params: in.Params, Records: k.records(ctx)})
	if err != nil { // the daemon is being stopped
		return 0, err
	}
	k.memory.SawSavings(saved)
	return made.MetricsGot + saved.MetricsGot, nil
}
