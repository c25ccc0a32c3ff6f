package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
)

// envToken is the environment variable with the token. There is no flag for it: everyone on a
// machine can read the command lines of its processes.
const envToken = "PERSONALIZE_MONITOR_TOKEN"

// serveOptions are the settings of serve.
type serveOptions struct {
	common
	page       pageOptions
	deployment string
	prices     priceOptions
	accounts   accountOptions
}

func newServe(g *global) *cobra.Command {
	o := &serveOptions{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run as a daemon: everything in one process, without Lambda",
		Long: `Run as a daemon until it is stopped: a monitoring cycle at every fifth minute of the
clock, each resource's hourly checks in their own part of the hour, the dashboard at
minute 3 of every hour and when something changes. The first cycle begins at once.

It does what the deployed functions do together. It executes what a cycle decides, each
action after a check on fresh data: minimums are lowered and, if
AutoDeleteOrStopIdleResources is Yes, idle campaigns deleted and idle recommenders
stopped, without asking; on a terminal it first lists what that would be now, and asks
once, unless --yes is given. Notifications go to EventBridge, from where a rule sends
them as mails. It does not execute commands that others put on the bus; update-tps,
delete-campaign and stop-recommender do what a person requests.

Several may run for the same deployment: one leads, the others stand by, measure, and write
nothing. If the one that leads is stopped or lost, another leads from the next cycle on.

With --accounts or --organization it works in several accounts: a cycle, a lease and
budgets for each. One that cannot be worked in is reported, and costs the others
nothing. The accounts are read at the start.

At the address it listens on: / is the page, which only shows unless --allow-actions lets it
change things; /metrics for Prometheus, /healthz (the process is alive), /readyz (a first cycle
is done, the credentials are valid). Beyond loopback it refuses to listen without a token of at
least 16 characters, which --token-file or ` + envToken + ` sets. Browsers
ask for it on a login page, programs send the header "Authorization: Bearer TOKEN";
/healthz and /readyz need none. There is no TLS.

SIGTERM or Ctrl-C ends it in order: what was begun at a resource is finished and reported, and
the next start continues with the rest. A second Ctrl-C ends it at once.

Exit codes: 0 stopped, 1 failed, 2 bad usage or configuration.`,
		Example: `  personalize-monitor serve --local
  personalize-monitor serve --regions us-east-1,eu-west-1 --notification-endpoint ml@example.com
  personalize-monitor serve --listen 0.0.0.0:8090 --token-file token --allowed-hosts monitor.example.com`,
		Args: cobra.NoArgs,
	}
	o.page.addFlags(cmd)
	cmd.Flags().StringVar(&o.deployment, "deployment", deployment, "`NAME` in the tag Deployment of what is created; one daemon of each leads")
	o.prices.addFlags(cmd)
	o.accounts.addFlags(cmd)
	o.addDryRun(cmd, "write nothing; log what would be written")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask on a terminal before idle resources are deleted and stopped")
	from := setup{realTime: true}
	from.addParams(cmd)
	cmd.PreRun = func(cmd *cobra.Command, _ []string) {
		if !cmd.Flags().Changed("log-level") {
			g.logLevel = "info" // the log of a daemon shows what it does
		}
	}
	return g.start(cmd, from, o)
}

// run runs the daemon until ctx ends.
func (o *serveOptions) run(ctx context.Context, s *session, values config.Values) error {
	list := []member{{session: s, values: values}}
	if o.accounts.several() {
		var err error
		if list, err = o.accounts.open(ctx, s, values); err != nil {
			return err
		}
	}
	records, since := s.recall(ctx)
	watched := make([]serve.Account, len(list))
	sources := make([]*pageSource, len(list))
	for i, m := range list {
		memory := serve.NewMemory()
		if !since.IsZero() {
			memory.Remember(recordsOf(records, m.of), since)
		}
		sources[i] = newPageSource(memory, values.DashboardName, m.logger)
		watched[i] = serve.Account{Account: m.of, Config: m.config, Params: m.values, Logger: m.logger, Memory: memory}
		if o.accounts.several() {
			watched[i].Check = func(ctx context.Context, a *app.App) error { return m.reach(ctx, a.Owner) }
		}
	}
	daemon, err := serve.New(serve.Options{
		Before: func(ctx context.Context, apps []*app.App) error { return o.before(ctx, s, list, apps) },
		Config: s.config, Accounts: watched, Deployment: o.deployment, DryRun: o.dryRun, Version: s.version,
		Clock: s.clock, Logger: s.logger, AuditLog: s.record(), Progress: s.progress.show,
		Guard: o.page.guard, Page: func(apps []*app.App) (serve.Page, error) {
			return s.newPage(newRoutes(list, apps, o), sources, o, values)
		},
	})
	if err != nil {
		return usage(err)
	}
	defer o.startLedgers(ctx, list, daemon.Apps(), sources)()
	defer inBackground(ctx, func(ctx context.Context) { keepSoftLimit(ctx, s.clock) })()
	if err := daemon.Start(ctx); err != nil {
		return portHint(err, "--listen", o.page.listen)
	}
	fmt.Fprintf(s.streams.Err, "Listening on http://%s; stop it with Ctrl-C.\n", daemon.Addr())
	return daemon.Wait(ctx)
}

// before announces what the daemon may do, and asks if there is someone to ask.
func (o *serveOptions) before(ctx context.Context, s *session, list []member, apps []*app.App) error {
	if o.accounts.several() {
		return o.beforeAll(ctx, s, list, apps)
	}
	values := list[0].values
	if err := s.announce(ctx, apps[0].Owner, s.regionsOf(values)+s.eventsIn(), mayWrite(values, true), o.dryRun); err != nil {
		return err
	}
	if !o.asks(s, values) {
		return nil
	}
	if _, err := s.findEnding(ctx, apps[0], values); err != nil {
		return err
	}
	return o.confirm(ctx, s.streams, "From now on, delete and stop what is idle without asking again?")
}

// asks reports whether the daemon may delete or stop something, and there is someone to ask.
func (o *serveOptions) asks(s *session, values config.Values) bool {
	return values.AutoDeleteOrStopIdle.Is(model.On) && !o.dryRun && !o.yes && s.streams.interactive()
}

// beforeAll is before for several accounts. One that cannot be worked in now is reported, and tried again
// in each cycle.
func (o *serveOptions) beforeAll(ctx context.Context, s *session, list []member, apps []*app.App) error {
	values := list[0].values
	unreached := reachAll(ctx, list, apps)
	for i, err := range unreached {
		if err != nil {
			list[i].logger.ErrorContext(ctx, "no credentials in the account; the next cycle tries again", "err", awsapi.Line(err), "try", awsapi.Hint(err))
		}
	}
	announceAll(list, unreached, func(m member) string { return m.regionsOf(m.values) + m.eventsIn() }, mayWrite(values, true), o.dryRun)
	if !o.asks(s, values) {
		return nil
	}
	names := make([]string, len(list))
	for i, m := range list {
		names[i] = m.of.String()
		if unreached[i] != nil {
			continue
		}
		if _, err := m.findIdle(ctx, apps[i]); err != nil {
			return err
		}
	}
	return o.confirm(ctx, s.streams, "From now on, delete and stop what is idle in "+strings.Join(names, ", ")+" without asking again?")
}

// newPage makes the daemon's page from its parts.
func (s *session) newPage(to routes, sources []*pageSource, o *serveOptions, values config.Values) (serve.Page, error) {
	var source web.Source = sources[0]
	if o.accounts.several() {
		source = newPageSources(to.accounts, sources)
	}
	return web.New(web.Options{
		Source: source, Series: to, WhatIf: whatIfRoutes{to}, Clock: s.clock, Logger: s.logger, Guard: o.page.guard,
		Version: s.version, AllowActions: o.page.allowActions, Actions: to, MetricDelay: values.MetricDelay,
	})
}

// inBackground runs a job until the returned function is called.
func inBackground(ctx context.Context, job func(context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() { job(ctx) })
	return func() { cancel(); ended.Wait() }
}

// ledgersAtOnce bounds the ledgers that are made at the same time, to limit memory.
const ledgersAtOnce = 1

// startLedgers updates the ledgers of the page until the returned function is called. Those of many accounts
// come after the first cycle of each account, which takes most memory.
func (o *serveOptions) startLedgers(ctx context.Context, list []member, apps []*app.App, sources []*pageSource) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	slots := make(chan struct{}, ledgersAtOnce)
	var ended sync.WaitGroup
	for i, m := range list {
		prices := o.prices.source(m.session)
		saved := savedSource{apps[i].Savings(prices), func(ctx context.Context) []events.Audit {
			return recordsOf(m.done(ctx, sources[i].Memory), m.of)
		}}
		ledger := apps[i].Ledger(prices, true)
		in := cycle.LedgerInput{Params: m.values, MostHours: pageHours / len(list)}
		ended.Go(func() {
			if len(list) == 1 || awaitFirstCycles(ctx, sources) {
				sources[i].keepLedger(ctx, m.clock, slots, ledger, saved, in)
			}
		})
	}
	return func() { cancel(); ended.Wait() }
}

// maxDeployment is how long a deployment's name may be: the key of a tag, which has 128
// characters at most, holds it behind a prefix.
const maxDeployment = 100

func (o *serveOptions) check(streams Streams, _ config.Values) error {
	wrong := strings.IndexFunc(o.deployment, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._/", r)
	})
	if o.deployment == "" || len(o.deployment) > maxDeployment || wrong >= 0 {
		return usage(fmt.Errorf("--deployment %q is not a name of 1 to %d letters, digits and -._/", o.deployment, maxDeployment))
	}
	if err := o.page.check(streams); err != nil {
		return usage(err)
	}
	return cmp.Or(o.prices.check(), o.accounts.check())
}
