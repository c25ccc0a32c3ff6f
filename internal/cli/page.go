package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/decide"
	"github.com/personalize-monitor/personalize-monitor/internal/estate"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/metering"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
)

// ledgerPause is how long a ledger is shown before it is made anew: its span ends with a
// whole hour, so there is nothing new before.
const ledgerPause = time.Hour

// pageSource shows a daemon's state on the page, and what was paid for beside it. Another
// ledger is shown with the next change of the daemon's, or when a page looks by itself.
type pageSource struct {
	serve.State
	dashboard string

	mu        sync.Mutex
	ledger    *report.Ledger
	ledgerErr string
	ledgers   uint64 // made so far
}

func newPageSource(state serve.State, dashboard string) *pageSource {
	return &pageSource{State: state, dashboard: dashboard}
}

// Snapshot implements web.Source.
func (p *pageSource) Snapshot() web.Snapshot {
	status := p.Status()
	p.mu.Lock()
	s := web.Snapshot{
		Version: p.Version() + p.ledgers, Region: status.Region, DashboardName: p.dashboard, Started: status.Started,
		Cycle: status.LastCycle, CycleErr: status.LastError, Next: status.NextCycle, Measured: status.LastSuccess,
		Audits: p.Audit(), Ledger: p.ledger, LedgerErr: p.ledgerErr, Checks: map[string]web.Check{},
	}
	p.mu.Unlock()
	if results := p.Results(); len(results) > 0 {
		s.Result = results[0].Result
	}
	s.Resources, s.Others = p.Estate()
	for arn, check := range p.Checks() {
		s.Checks[arn] = web.Check(check)
	}
	alarms, known := p.Alarms()
	s.AlarmsKnown = known
	for _, a := range alarms {
		s.Alarms = append(s.Alarms, pageAlarm(a))
	}
	s.Entries = p.entries()
	return s
}

// pageAlarm is an alarm as the page shows it.
func pageAlarm(a decide.Alarm) web.Alarm {
	kind := decide.LowUtilization
	if a.Settings.Metric.Namespace == estate.NamespacePersonalize {
		kind = decide.IdleAlarm
	}
	arn, err := estate.ParseARN(a.ARN)
	if err != nil {
		arn = estate.ARN{} // without a region, the alarm is shown all the same
	}
	return web.Alarm{
		Name: a.Name, Resource: a.Settings.Metric.DimensionValue, Region: arn.Region, Type: kind, State: a.State,
		Since: a.StateChanged, Actions: a.Settings.ActionsOn,
	}
}

// entries are the events that were sent and the cycles that ended.
func (p *pageSource) entries() []web.Entry {
	var list []web.Entry
	for _, e := range p.Events() {
		list = append(list, web.Entry{Time: e.Time, Kind: web.EntryEvent, ARN: e.Resource, Title: e.DetailType})
	}
	for _, c := range p.Cycles() {
		e := web.Entry{Time: c.Began.Add(c.Took), Kind: web.EntryCycle, Title: fmt.Sprintf("cycle over %d resources", c.Resources)}
		e.Text = fmt.Sprintf("%s; %d events sent, %d problems, %d AWS calls, in %s", c.Role, c.Events, c.Problems, c.Calls, c.Took.Round(100*time.Millisecond))
		if c.Error != "" {
			e.Kind, e.Title, e.Text = web.EntryProblem, "a cycle measured nothing", c.Error
		}
		list = append(list, e)
	}
	return list
}

// keepLedger makes a ledger now and every hour, until ctx ends.
func (p *pageSource) keepLedger(ctx context.Context, clock estate.Clock, ledger *cycle.Ledger, in cycle.LedgerInput) {
	in.Days = metering.MaxDays
	for {
		made, err := ledger.Run(ctx, in)
		if ctx.Err() != nil {
			return
		}
		p.mu.Lock()
		if p.ledgerErr = ""; err != nil {
			p.ledgerErr = err.Error()
		} else {
			p.ledger = &made
		}
		p.ledgers++
		p.mu.Unlock()
		if clock.Sleep(ctx, ledgerPause) != nil {
			return
		}
	}
}

// pageActions carries out what a person asks for on the page.
type pageActions struct{ actor *act.Actor }

// Do implements web.Actions.
func (a pageActions) Do(ctx context.Context, action events.Action, req events.Request) (string, error) {
	return told(a.actor.Do(ctx, action, req))
}

// Restore implements web.Actions.
func (a pageActions) Restore(ctx context.Context, record events.Audit) (string, error) {
	return told(a.actor.Restore(ctx, record, act.RestoreOptions{NoWait: true}))
}

// told adds to an answer what failed after it was accepted.
func told(answer act.Answer, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if len(answer.Problems) > 0 {
		return fmt.Sprintf("%s But: %v", answer.Sentence, answer.Err()), nil
	}
	return answer.Sentence, nil
}
