package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"weak"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
)

// pageSource shows what a daemon remembers of its accounts, as one. It implements web.Source.
type pageSource struct {
	list      []serve.Account
	dashboard string
	flags     string // what commands need to work in the accounts, after a space

	// What was shown is kept until the garbage collector wants the memory: no one may look at the page for days.
	mu      sync.Mutex
	shown   weak.Pointer[web.Snapshot]
	ledgers []weak.Pointer[report.Ledger] // that ledger puts together
	ledger  weak.Pointer[report.Ledger]   // of several accounts; nil until one has a ledger
	changed <-chan struct{}               // closed at the next change of any; nil before it is first requested
}

func newPageSource(list []serve.Account, dashboard, flags string) *pageSource {
	return &pageSource{list: list, dashboard: dashboard, flags: flags}
}

// Snapshot implements web.Source. It is built once for each version, as long as it is kept.
func (p *pageSource) Snapshot() web.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	if shown := p.shown.Value(); shown != nil && shown.Version == p.Version() {
		return *shown
	}
	of := make([]serve.SnapshotOf, len(p.list))
	for i, one := range p.list {
		of[i] = serve.SnapshotOf{Account: one.Account, Snapshot: one.Memory.Snapshot()}
	}
	shown := &web.Snapshot{Snapshot: p.merged(of), DashboardName: p.dashboard, Flags: p.flags}
	addOutcomes(shown.Checks, shown.Audits)
	p.shown = weak.Make(shown)
	return *shown
}

// Version implements web.Source.
func (p *pageSource) Version() (version uint64) {
	for _, one := range p.list {
		version += one.Memory.Version()
	}
	return version
}

// merged puts the snapshots of several accounts together; that of the only one stays as it is. Ledgers are
// large, and are put together only if one of them is new.
func (p *pageSource) merged(of []serve.SnapshotOf) serve.Snapshot {
	if len(of) == 1 && of[0].Account.ID == "" {
		return of[0].Snapshot
	}
	s := serve.Merged(of)
	ledgers, parts, measured := make([]weak.Pointer[report.Ledger], len(of)), make([]report.Of[report.Ledger], len(of)), false
	for i, one := range of {
		ledgers[i], parts[i] = weak.Make(one.Snapshot.Ledger), report.Of[report.Ledger]{Account: one.Account, Report: one.Snapshot.Ledger}
		measured = measured || one.Snapshot.Ledger != nil
		if fault := one.Snapshot.LedgerErr; fault != "" && s.LedgerErr == "" {
			s.LedgerErr = one.Account.String() + ": " + fault
		}
	}
	if !measured {
		return s
	}
	if s.Ledger = p.ledger.Value(); s.Ledger == nil || !slices.Equal(ledgers, p.ledgers) {
		all := report.MergedLedgers(parts, p.flags)
		s.Ledger, p.ledgers, p.ledger = &all, ledgers, weak.Make(&all)
	}
	return s
}

// Changed implements web.Source.
func (p *pageSource) Changed() <-chan struct{} {
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
	ring := sync.OnceFunc(func() { close(changed) })
	for _, one := range p.list {
		next := one.Memory.Changed()
		go func() {
			select {
			case <-next:
				ring()
			case <-changed:
			}
		}()
	}
	p.changed = changed
	return changed
}

// addOutcomes adds the outcomes of decisions that were sent as events, which a check does not
// have: that of the newest record since then of the same action. Records have the newest first.
func addOutcomes(checks map[string]serve.Check, records []events.Audit) {
	done := map[string]bool{}
	for _, a := range records {
		check, ok := checks[a.ARN]
		if !ok || done[a.ARN] || !a.Automatic ||
			a.Outcome == events.OutcomeAsked || a.Outcome == events.OutcomeBegun || a.Time.Before(check.Time) {
			continue
		}
		if action := check.Decision.Action(); action == "" || a.Action != action {
			continue
		}
		check.Outcome = a.Outcome
		if a.Outcome == events.OutcomeRefused || a.Outcome == events.OutcomeFailed {
			check.Outcome += ": " + a.Reason
		}
		checks[a.ARN], done[a.ARN] = check, true
	}
}

// pageOptions are where a page is served, to whom, and what it may do.
type pageOptions struct {
	listen       string
	tokenFile    string
	allowedHosts []string
	allowActions bool
	guard        *guard.Guard // once check has made it
}

func (o *pageOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8090", "`ADDRESS` to listen on; port 0 uses a free one")
	flags.StringVar(&o.tokenFile, "token-file", "", "`FILE` with the token that requests need (or env "+envToken+")")
	flags.StringSliceVar(&o.allowedHosts, "allowed-hosts", nil, "host `NAMES` that requests may have, beside localhost and IP addresses")
	flags.BoolVar(&o.allowActions, "allow-actions", false,
		"show buttons on the page that change, stop, start, delete and restore; without it the page only shows")
}

func (o *pageOptions) check(streams Streams) error {
	token, err := o.readToken(streams)
	if err = cmp.Or(checkAddress("--listen", o.listen, "127.0.0.1:8090"), err); err != nil {
		return usage(err)
	}
	o.guard, err = guard.New(o.listen, token, o.allowedHosts)
	return usage(err)
}

func (o *pageOptions) readToken(streams Streams) (string, error) {
	fromEnv, _ := streams.Env(envToken)
	if o.tokenFile == "" {
		return strings.TrimSpace(fromEnv), nil
	}
	raw, err := os.ReadFile(o.tokenFile)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	// Kubernetes mounts secrets readable for all, so that this is no error.
	if info, err := os.Stat(o.tokenFile); err == nil && info.Mode().Perm()&0o004 != 0 && runtime.GOOS != "windows" {
		fmt.Fprintf(streams.Err, "warning: every user of this machine can read the token in %s; chmod 600 keeps it private\n", o.tokenFile)
	}
	token := strings.TrimSpace(string(raw))
	if token == "" {
		return "", fmt.Errorf("--token-file: %s is empty", o.tokenFile)
	}
	return token, nil
}

// routes leads what the page requests to the account that it is about. It implements web.Series,
// web.Actions and web.WhatIf.
type routes []route

// route is an account, and what the page uses in it.
type route struct {
	account model.Account // zero: the only one
	meter   web.Series
	actions *actions.Actions
	whatIf  web.WhatIf
}

// to is the account of a resource.
func (r routes) to(arn model.ARN) (route, error) {
	at := slices.IndexFunc(r, func(one route) bool { return one.account.ID == "" || one.account.ID == arn.Account() })
	if at < 0 {
		return route{}, fmt.Errorf("%s: the account %s is not watched", arn, arn.Account())
	}
	return r[at], nil
}

// Measure implements web.Series: each query is answered in the account of the resource that its metric is
// about. A metric of no resource is one of each account, so that it is not answered if there are several.
func (r routes) Measure(ctx context.Context, queries []model.Query, progress func(done, total int)) (model.Readings, []model.Problem) {
	if len(r) == 1 && r[0].account.ID == "" {
		return r[0].meter.Measure(ctx, queries, progress)
	}
	var problems []model.Problem
	lists := map[string][]model.Query{}
	for _, q := range queries {
		arn, err := model.ParseARN(q.Metric.DimensionValue)
		if err == nil {
			_, err = r.to(arn)
		}
		if err != nil {
			problems = append(problems, model.Problem{Region: q.Region, Operation: "GetMetricData", Err: errNotOneAccount})
			continue
		}
		lists[arn.Account()] = append(lists[arn.Account()], q)
	}
	readings := model.Readings{}
	for _, one := range r {
		if list := lists[one.account.ID]; len(list) > 0 {
			got, failed := one.meter.Measure(ctx, list, nil)
			maps.Copy(readings, got)
			problems = append(problems, failed...)
		}
	}
	return readings, problems
}

var errNotOneAccount = errors.New("each account has a metric of this name of its own")

// Do implements web.Actions.
func (r routes) Do(ctx context.Context, action model.Action, req events.Request) (string, error) {
	one, err := r.to(req.ARN)
	if err != nil {
		return "", err
	}
	return answerText(one.actions.Do(ctx, action, req))
}

// Restore implements web.Actions.
func (r routes) Restore(ctx context.Context, record events.Audit) (string, error) {
	arn, err := model.ParseARN(record.ARN)
	if err != nil {
		return "", err
	}
	one, err := r.to(arn)
	if err != nil {
		return "", err
	}
	return answerText(one.actions.Restore(ctx, record, actions.RestoreOptions{NoWait: true}))
}

// Of implements web.WhatIf.
func (r routes) Of(ctx context.Context, of model.Resource, delay time.Duration) (report.WhatIfEntry, []model.Problem) {
	one, err := r.to(of.ARN)
	if err != nil {
		return report.WhatIfEntry{}, []model.Problem{{ARN: of.ARN.String(), Region: of.Region(), Operation: "compare minimums", Err: err}}
	}
	return one.whatIf.Of(ctx, of, delay)
}

// answerText is an answer with what failed after it was accepted.
func answerText(answer actions.Answer, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if len(answer.Problems) > 0 {
		return fmt.Sprintf("%s But: %v", answer.Sentence, answer.Err()), nil
	}
	return answer.Sentence, nil
}
