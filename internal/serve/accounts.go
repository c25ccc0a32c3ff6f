package serve

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// Account is one of several accounts that a daemon works in. Each has a cycle, a lease, budgets and a
// memory of its own: a fault in one of them does not reach the others.
type Account struct {
	model.Account
	Config aws.Config // with credentials in the account
	Params config.Values
	Logger *slog.Logger
	Memory *Memory
}

// accounts are those of the options: several, or the one of Config.
func (o Options) accounts() []Account {
	if len(o.Accounts) > 0 {
		return o.Accounts
	}
	return []Account{{Config: o.Config, Params: o.Params, Logger: o.Logger, Memory: o.Memory}}
}

// watch is what runs in one account.
type watch struct {
	Account
	app     *app.App
	cycles  *cycleLoop
	boards  *boardLoop
	metrics *metrics
}

// newWatch builds the parts that work in an account. Its cycles share the room with those of others.
func newWatch(o Options, one Account, all *room) *watch {
	queue, lost, place, results := newRebuildQueue(), newLostRecords(), &slot{room: all}, newResultCollector(one.Account)
	progress := func(step string, done, total int) {
		one.Memory.SawProgress(step, done, total)
		o.Progress(step, done, total)
	}
	a := app.New(app.Options{
		Config: one.Config, Clock: o.Clock, Logger: one.Logger, Progress: progress, Observer: untilDecided{one.Memory, place, results},
		AuditLog:   remembering(one.Memory, o.AuditLog, lost.Inc),
		Deployment: o.Deployment, Version: o.Version, DryRun: o.DryRun, Act: true, Params: one.Params, Rebuild: queue.afterCycle,
	})
	one.Memory.Follow(func() []model.Resource { return a.Monitored(cycle.Scope(one.Params, one.Config.Region)) })
	metrics := newMetrics(one.Account, one.Memory, results, a.Clients.Calls, lost)
	check := func(ctx context.Context) error { return a.Reach(ctx, one.ID) }
	if one.ID == "" { // the only account
		check = func(context.Context) error { return nil }
	}
	return &watch{
		Account: one, app: a, metrics: metrics,
		boards: &boardLoop{
			room: all, queue: queue, dashboard: a.Dashboard, params: one.Params, clock: o.Clock, log: one.Logger, memory: one.Memory,
			metrics: metrics,
		},
		cycles: &cycleLoop{
			lease:   newLease(a.Notifier, o.Clock, one.Logger, o.DryRun),
			leading: a.Cycle, standby: a.ReadOnlyCycle(), writer: a.Writer, queue: queue, memory: one.Memory, metrics: metrics,
			params: one.Params, region: one.Config.Region, progress: progress, clock: o.Clock, log: one.Logger, check: check, slot: place,
			learn: len(o.Accounts) > 1,
		},
	}
}

// remembering is an audit log that a memory follows. Records that could not be written are counted.
func remembering(memory *Memory, log audit.Log, lost func()) audit.Log {
	return func(ctx context.Context, record events.Audit) error {
		memory.AddAudit(record)
		err := log(ctx, record)
		if err != nil {
			lost()
		}
		return err
	}
}

// begin notes what the daemon is, in the memory of the account.
func (w *watch) begin(o Options) {
	w.Memory.Update(func(s *Status) {
		s.Version, s.Region, s.Deployment, s.DryRun, s.Started = o.Version, w.Config.Region, o.Deployment, o.DryRun, o.Clock.Now()
		s.AutoAdjust, s.AutoStop = w.Params.AutoAdjustMinTPS, w.Params.AutoDeleteOrStopIdle
		s.Regions = cycle.Regions(cycle.Scope(w.Params, w.Config.Region))
	})
}

// AccountStatus is the status of one of several accounts.
type AccountStatus struct {
	model.Account
	Status
}

// SnapshotOf is what a daemon knows of one of several accounts.
type SnapshotOf struct {
	Account  model.Account
	Snapshot Snapshot
}

// Merged puts what is known of several accounts together. The status is that of the daemon: it failed
// if every account did, and its times are those of the account that is furthest. Accounts has each.
func Merged(list []SnapshotOf) Snapshot {
	out := Snapshot{
		Checks: map[string]Check{}, Tags: map[string]map[string]string{},
		Alarms: AlarmsSeen{Known: true, Old: map[string]time.Time{}},
	}
	var results []report.Of[report.Result]
	var saved []report.Of[report.Saved]
	anySaved := false
	for i, one := range list {
		s := one.Snapshot
		out.Version += s.Version
		if i == 0 {
			out.Status = s.Status
			out.Status.Regions = nil
		}
		out.Status = out.Status.with(s.Status)
		out.Accounts = append(out.Accounts, AccountStatus{one.Account, s.Status})
		results = append(results, s.resultOf(one.Account))
		name := func(region string) string { return region + " of " + one.Account.String() }
		for _, c := range s.Cycles {
			c.Account = one.Account
			out.Cycles = append(out.Cycles, c)
		}
		for _, e := range s.Events {
			e.Account = one.Account
			out.Events = append(out.Events, e)
		}
		out.Audits = append(out.Audits, s.Audits...)
		out.AlarmChanges = append(out.AlarmChanges, s.AlarmChanges...)
		out.Alarms.List = append(out.Alarms.List, s.Alarms.List...)
		out.Alarms.Known = out.Alarms.Known && s.Alarms.Known
		out.Alarms.Created, out.Alarms.Deleted = out.Alarms.Created+s.Alarms.Created, out.Alarms.Deleted+s.Alarms.Deleted
		for region, at := range s.Alarms.Old {
			out.Alarms.Old[name(region)] = at
		}
		out.Resources, out.Others = append(out.Resources, s.Resources...), append(out.Others, s.Others...)
		maps.Copy(out.Checks, s.Checks)
		maps.Copy(out.Tags, s.Tags)
		out.Progress = addProgress(out.Progress, s.Progress)
		saved, anySaved = append(saved, report.Of[report.Saved]{Account: one.Account, Report: s.Saved}), anySaved || s.Saved != nil
	}
	out.Result = report.Merged(results)
	if anySaved {
		merged := report.MergedSaved(saved)
		out.Saved = &merged
	}
	newest := func(a, b time.Time) int { return b.Compare(a) }
	slices.SortStableFunc(out.Cycles, func(a, b CycleRecord) int { return newest(a.Began, b.Began) })
	slices.SortStableFunc(out.Events, func(a, b EventRecord) int { return newest(a.Time, b.Time) })
	slices.SortStableFunc(out.Audits, func(a, b events.Audit) int { return newest(a.Time, b.Time) })
	slices.SortStableFunc(out.AlarmChanges, func(a, b AlarmChange) int { return newest(a.Since, b.Since) })
	slices.SortStableFunc(out.Resources, model.CompareResources)
	slices.SortStableFunc(out.Others, model.CompareResources)
	return out
}

// resultOf is the last result of an account, with a problem if its last cycle failed.
func (s Snapshot) resultOf(a model.Account) report.Of[report.Result] {
	of := report.Of[report.Result]{Account: a}
	if s.Status.LastError != "" {
		of.Problems = []model.Problem{{Operation: "run the cycle", Err: errorText(s.Status.LastError)}}
	}
	if !s.Status.Measured.IsZero() {
		of.Report = &s.Result
	}
	return of
}

// errorText is an error that is known by its text alone.
type errorText string

func (e errorText) Error() string { return string(e) }

// with is the status of a daemon with one more account.
func (s Status) with(o Status) Status {
	later := func(a, b time.Time) time.Time {
		if b.After(a) {
			return b
		}
		return a
	}
	for _, region := range o.Regions {
		if !slices.Contains(s.Regions, region) {
			s.Regions = append(s.Regions, region)
		}
	}
	slices.Sort(s.Regions)
	if o.Role == Leading || s.Role == Waiting {
		s.Role = o.Role
	}
	s.Recorded = later(s.Recorded, o.Recorded) // complete in all accounts
	s.LastCycle, s.LastSuccess = later(s.LastCycle, o.LastCycle), later(s.LastSuccess, o.LastSuccess)
	s.Measured = later(s.Measured, o.Measured)
	s.NextCycle, s.LastDashboard = later(s.NextCycle, o.NextCycle), later(s.LastDashboard, o.LastDashboard)
	if o.LastError == "" {
		s.LastError = ""
	}
	if o.Credentials == "" {
		s.Credentials = ""
	}
	s.Stopping = s.Stopping || o.Stopping
	return s
}

// addProgress adds the steps of an account to those of others.
func addProgress(sum, more []Progress) []Progress {
	for _, p := range more {
		i := slices.IndexFunc(sum, func(s Progress) bool { return s.Step == p.Step })
		if i < 0 {
			sum = append(sum, p)
			continue
		}
		sum[i].Done, sum[i].Total = sum[i].Done+p.Done, sum[i].Total+p.Total
	}
	slices.SortStableFunc(sum, func(a, b Progress) int {
		return cmp.Compare(slices.Index(progressSteps, a.Step), slices.Index(progressSteps, b.Step))
	})
	return sum
}
