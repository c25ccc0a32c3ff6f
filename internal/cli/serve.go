package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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
	}
	o.page.addFlags(cmd)
	cmd.Flags().StringVar(&o.deployment, "deployment", deployment, "`NAME` in the tag Deployment of what is created; one daemon of each leads")
	o.prices.addFlags(cmd)
	o.accounts.addFlags(cmd)
	o.addDryRun(cmd, "write nothing; log what would be written")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask on a terminal before idle resources are deleted and stopped")
	cmd.PreRun = func(cmd *cobra.Command, _ []string) {
		if !cmd.Flags().Changed("log-level") {
			g.logLevel = "info" // the log of a daemon shows what it does
		}
	}
	return g.start(cmd, setup{realTime: true}, o.check, o.run)
}

// run runs the daemon until ctx ends.
func (o *serveOptions) run(ctx context.Context, s *session, values config.Values) error {
	list, err := o.accounts.members(ctx, s, values)
	if err != nil {
		return err
	}
	records, since := s.recall(ctx)
	watched := make([]serve.Account, len(list))
	for i, m := range list {
		watched[i] = serve.Account{Account: m.of, Config: m.config, Params: m.values, Logger: m.logger, Memory: serve.NewMemory()}
		if !since.IsZero() {
			watched[i].Memory.Remember(recordsOf(records, m.of), since)
		}
	}
	daemon, err := serve.New(serve.Options{
		Before: func(ctx context.Context, apps []*app.App) error { return o.before(ctx, s, list, apps) },
		Config: s.config, Accounts: watched, Deployment: o.deployment, DryRun: o.dryRun, Version: s.version,
		Clock: s.clock, Logger: s.logger, AuditLog: s.record(), Progress: s.progress.show,
		Guard: o.page.guard, Page: func(apps []*app.App) (serve.Page, error) {
			to := make(routes, len(list))
			for i, m := range list {
				to[i] = route{m.of, apps[i].Meter, apps[i].Actions, apps[i].WhatIf(o.prices.source(m.session))}
			}
			return web.New(web.Options{
				Source: newPageSource(watched, values.DashboardName, o.accounts.text()), Series: to, WhatIf: to, Actions: to,
				Clock: s.clock, Logger: s.logger,
				Guard: o.page.guard, Version: s.version, AllowActions: o.page.allowActions, MetricDelay: values.MetricDelay,
			})
		},
	})
	if err != nil {
		return usage(err)
	}
	defer inBackground(ctx, func(ctx context.Context) { o.keepLedgers(ctx, list, daemon, watched) })()
	defer inBackground(ctx, func(ctx context.Context) { keepSoftLimit(ctx, s.clock) })()
	if err := daemon.Start(ctx); err != nil {
		return portHint(err, "--listen", o.page.listen)
	}
	fmt.Fprintf(s.streams.Err, "Listening on http://%s; stop it with Ctrl-C.\n", daemon.Addr())
	return daemon.Wait(ctx)
}

// before announces what the daemon may do, and asks if there is someone to ask. One of several accounts
// that cannot be worked in now is reported, and tried again in each cycle.
func (o *serveOptions) before(ctx context.Context, s *session, list []member, apps []*app.App) error {
	list = slices.Clone(list) // others read it meanwhile
	for i := range list {
		list[i].parts = apps[i]
	}
	values := list[0].values
	if err := announceAll(ctx, list, s.eventsIn(), mayWrite(values, true), o.dryRun); err != nil {
		return err
	}
	for _, m := range list {
		if err := m.unreached; err != nil {
			m.logger.ErrorContext(ctx, "no credentials in the account; the next cycle tries again", "err", awsapi.Line(err), "try", awsapi.Hint(err))
		}
	}
	if !values.AutoDeleteOrStopIdle.Is(model.On) || o.dryRun || o.yes || !s.streams.interactive() {
		return nil
	}
	var places []string
	for _, m := range list {
		places = append(places, m.of.String())
		if m.unreached != nil {
			continue
		}
		if _, err := m.findEnding(ctx); err != nil {
			return err
		}
	}
	where := ""
	if o.accounts.several() {
		where = " in " + strings.Join(places, ", ")
	}
	return o.confirm(ctx, s.streams, "From now on, delete and stop what is idle"+where+" without asking again?")
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

// keepLedgers updates the ledgers of the page until ctx ends. Those of many accounts come after the first
// cycle of each account, which takes most memory.
func (o *serveOptions) keepLedgers(ctx context.Context, list []member, daemon *serve.Daemon, watched []serve.Account) {
	if len(list) > 1 && !awaitFirstCycles(ctx, watched) {
		return
	}
	slots, apps := make(chan struct{}, ledgersAtOnce), daemon.Apps()
	var ended sync.WaitGroup
	for i, m := range list {
		prices := o.prices.source(m.session)
		keeper := ledgerKeeper{
			memory: watched[i].Memory, logger: m.logger, ledger: apps[i].Ledger(prices, true), savings: apps[i].Savings(prices),
			records: func(ctx context.Context) []events.Audit { return recordsOf(m.done(ctx, watched[i].Memory), m.of) },
			in:      cycle.LedgerInput{Params: m.values, MostHours: pageHours / len(list), Wait: daemon.AwaitCycles},
		}
		ended.Go(func() { keeper.run(ctx, m.clock, slots) })
	}
	ended.Wait()
}

// maxDeployment is how long a deployment's name may be: the key of a tag, which has 128
// characters at most, holds it behind a prefix.
const maxDeployment = 100

func (o *serveOptions) check(streams Streams, _ config.Values) error {
	wrong := strings.IndexFunc(o.deployment, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._/", r)
	})
	return cmp.Or(
		reject(o.deployment == "" || len(o.deployment) > maxDeployment || wrong >= 0,
			"--deployment %q is not a name of 1 to %d letters, digits and -._/", o.deployment, maxDeployment),
		o.page.check(streams), o.prices.check(), o.accounts.check(),
	)
}
