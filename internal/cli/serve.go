package cli

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
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
}

func newServe(g *global) *cobra.Command {
	o := &serveOptions{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run as a daemon: everything in one process, without Lambda",
		Long: `Run as a daemon until it is stopped: a monitoring cycle at every fifth minute of the clock,
each resource's hourly checks in their own part of the hour, the dashboard at minute 3 of every hour and
when something changes. The first cycle begins at once.

It does what the deployed functions do together. It executes what a cycle decides, each action
after a check on fresh data: minimums are lowered and, if AutoDeleteOrStopIdleResources is Yes, idle
campaigns deleted and idle recommenders stopped, without asking; on a terminal it first lists what that
would be now, and asks once, unless --yes is given. Notifications go to EventBridge, from
where a rule sends them as mails. It does not execute commands that others put on the bus;
update-tps, delete-campaign and stop-recommender do what a person requests.

Several may run for the same deployment: one leads, the others stand by, measure, and write
nothing. If the one that leads is stopped or lost, another leads from the next cycle on.

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
	memory := serve.NewMemory()
	source := newPageSource(memory, values.DashboardName, s.logger)
	if records, since := s.recall(ctx); !since.IsZero() {
		memory.Remember(records, since)
	}
	daemon, err := serve.New(serve.Options{
		Memory: memory,
		Before: func(ctx context.Context, a *app.App) error {
			if err := s.announce(ctx, a.Owner, s.regionsOf(values)+s.eventsIn(), mayWrite(values, true), o.dryRun); err != nil {
				return err
			}
			return o.ask(ctx, s, a, values)
		},
		Config: s.config, Params: values, Deployment: o.deployment, DryRun: o.dryRun, Version: s.version,
		Clock: s.clock, Logger: s.logger, AuditLog: s.record(), Progress: s.progress.show,
		Guard: o.page.guard, Page: func(a *app.App) (serve.Page, error) { return s.newPage(a, source, o, values) },
	})
	if err != nil {
		return usage(err)
	}
	saved := savedSource{daemon.App().Savings(o.prices.source(s)), func(ctx context.Context) []events.Audit { return s.done(ctx, memory) }}
	defer s.startLedger(ctx, source, daemon.App().Ledger(o.prices.source(s), true), saved, values)()
	if err := daemon.Start(ctx); err != nil {
		return portHint(err, "--listen", o.page.listen)
	}
	fmt.Fprintf(s.streams.Err, "Listening on http://%s; stop it with Ctrl-C.\n", daemon.Addr())
	return daemon.Wait(ctx)
}

// ask lists what the daemon would delete or stop now, and asks, if there is someone to ask.
func (o *serveOptions) ask(ctx context.Context, s *session, a *app.App, values config.Values) error {
	if !values.AutoDeleteOrStopIdle.Is(model.On) || o.dryRun || o.yes || !s.streams.interactive() {
		return nil
	}
	if _, err := s.findEnding(ctx, a, values); err != nil {
		return err
	}
	return o.confirm(ctx, s.streams, "From now on, delete and stop what is idle without asking again?")
}

// newPage makes the daemon's page from its parts.
func (s *session) newPage(a *app.App, source *pageSource, o *serveOptions, values config.Values) (serve.Page, error) {
	return web.New(web.Options{
		Source: source, Series: a.Meter, WhatIf: a.WhatIf(o.prices.source(s)), Clock: s.clock, Logger: s.logger, Guard: o.page.guard,
		Version: s.version, AllowActions: o.page.allowActions, Actions: pageActions{a.Actions}, MetricDelay: values.MetricDelay,
	})
}

// startLedger updates the ledgers of the page until the returned function is called.
func (s *session) startLedger(
	ctx context.Context, source *pageSource, ledger *cycle.Ledger, saved savedSource, values config.Values,
) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() { source.keepLedger(ctx, s.clock, ledger, saved, cycle.LedgerInput{Params: values}) })
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
	return o.prices.check()
}
