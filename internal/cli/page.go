package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
)

// pageSource shows a daemon's state on the page, and what was paid for beside it. Another
// ledger is shown with the next change of the daemon's, or when a page looks by itself.
type pageSource struct {
	serve.State
	dashboard string

	mu        sync.Mutex
	ledger    *report.Ledger
	ledgerErr string
	ledgers   uint64 // made so far
	built     bool
	snapshot  web.Snapshot // the last one, once it is built
}

func newPageSource(state serve.State, dashboard string) *pageSource {
	return &pageSource{State: state, dashboard: dashboard}
}

// Snapshot implements web.Source. It is built once for each version.
func (p *pageSource) Snapshot() web.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Before all else: what changes meanwhile is then shown too early, and never too late.
	version := p.Version() + p.ledgers
	if !p.built || p.snapshot.Version != version {
		p.snapshot, p.built = p.build(version), true
	}
	return p.snapshot
}

// build puts together what is known. The caller holds mu.
func (p *pageSource) build(version uint64) web.Snapshot {
	status := p.Status()
	s := web.Snapshot{
		Version: version, Region: status.Region, DashboardName: p.dashboard, Started: status.Started, Recorded: status.Recorded,
		DryRun: status.DryRun, Standby: status.Role == serve.Standby,
		Cycle: status.LastCycle, CycleErr: status.LastError, Next: status.NextCycle, Measured: status.LastSuccess,
		Audits: p.Audit(), Ledger: p.ledger, LedgerErr: p.ledgerErr, Checks: map[string]web.Check{},
	}
	if results := p.Results(); len(results) > 0 {
		s.Result = results[0].Result
	}
	s.Resources, s.Others = p.Estate()
	for arn, check := range p.Checks() {
		s.Checks[arn] = web.Check(check)
	}
	settleChecks(s.Checks, s.Audits)
	alarms := p.Alarms()
	s.AlarmsKnown, s.AlarmsOld, s.AlarmsCreated, s.AlarmsDeleted = alarms.Known, alarms.Old, alarms.Created, alarms.Deleted
	for _, a := range alarms.List {
		s.Alarms = append(s.Alarms, pageAlarm(a))
	}
	s.Entries = slices.Clip(p.entries()) // so that who adds some adds them to his own
	return s
}

// settleChecks notes what came of decisions that were sent as events, which a check does not
// learn: the newest record since then of the same action tells. Records have the newest
// first.
func settleChecks(checks map[string]web.Check, records []events.Audit) {
	settled := map[string]bool{}
	for _, a := range records {
		check, ok := checks[a.ARN]
		if !ok || settled[a.ARN] || !a.Automatic || a.Outcome == events.OutcomeAsked || a.Time.Before(check.Time) {
			continue
		}
		if action := check.Decision.Action(); action == "" || a.Action != action {
			continue
		}
		check.Outcome = a.Outcome
		if a.Outcome == events.OutcomeRefused || a.Outcome == events.OutcomeFailed {
			check.Outcome += ": " + a.Reason
		}
		checks[a.ARN], settled[a.ARN] = check, true
	}
}

// pageAlarm is an alarm as the page shows it.
func pageAlarm(a alarms.Alarm) web.Alarm {
	kind := alarms.LowUtilization
	if a.Settings.Metric.Namespace == model.NamespacePersonalize {
		kind = alarms.Idle
	}
	arn, err := model.ParseARN(a.ARN)
	if err != nil {
		arn = model.ARN{} // without a region, the alarm is shown all the same
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
	for _, c := range p.AlarmChanges() {
		list = append(list, web.Entry{
			Time: c.Time, Kind: web.EntryAlarm, ARN: c.Resource, Region: c.Region, Title: fmt.Sprintf("alarm is %s", c.To), Text: fmt.Sprintf("%s, before: %s", c.Name, c.From),
		})
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

// pageOptions say where a page is served, to whom, and what it may do.
type pageOptions struct {
	listen       string
	tokenFile    string
	allowedHosts []string
	allowActions bool
	token        string // once check has read it
}

func (o *pageOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8090", "`ADDRESS` to listen on; port 0 takes a free one")
	flags.StringVar(&o.tokenFile, "token-file", "", "`FILE` that holds the token which requests need (or env "+envToken+")")
	flags.StringSliceVar(&o.allowedHosts, "allowed-hosts", nil, "`NAMES` under which it may be asked, beside localhost and IP addresses")
	flags.BoolVar(&o.allowActions, "allow-actions", false, "show buttons on the page that change, stop, start, delete and restore; without it the page only shows")
}

// check reads the token, and refuses settings that cannot be meant.
func (o *pageOptions) check(streams Streams) error {
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return fmt.Errorf("--listen %q is not an address such as 127.0.0.1:8090", o.listen)
	}
	var err error
	if o.token, err = o.readToken(streams); err != nil {
		return err
	}
	return serve.CheckListen(o.listen, o.token, o.allowedHosts)
}

// readToken reads the token; empty if there is none.
func (o *pageOptions) readToken(streams Streams) (string, error) {
	fromEnv, _ := streams.Env(envToken)
	if o.tokenFile == "" {
		return strings.TrimSpace(fromEnv), nil
	}
	raw, err := os.ReadFile(o.tokenFile)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	if token == "" {
		return "", fmt.Errorf("--token-file: %s is empty", o.tokenFile)
	}
	return token, nil
}

// pageActions carries out what a person asks for on the page.
type pageActions struct{ actions *actions.Actions }

// Do implements web.Actions.
func (a pageActions) Do(ctx context.Context, action model.Action, req events.Request) (string, error) {
	return told(a.actions.Do(ctx, action, req))
}

// Restore implements web.Actions.
func (a pageActions) Restore(ctx context.Context, record events.Audit) (string, error) {
	return told(a.actions.Restore(ctx, record, actions.RestoreOptions{NoWait: true}))
}

// told adds to an answer what failed after it was accepted.
func told(answer actions.Answer, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if len(answer.Problems) > 0 {
		return fmt.Sprintf("%s But: %v", answer.Sentence, answer.Err()), nil
	}
	return answer.Sentence, nil
}
