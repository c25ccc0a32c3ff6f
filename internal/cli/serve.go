package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
)

// envToken is the environment variable that holds the token. There is no flag for it:
// everybody on a machine can read the command lines of its processes.
const envToken = "PERSONALIZE_MONITOR_TOKEN"

// serveOptions are the settings of serve.
type serveOptions struct {
	page       pageOptions
	deployment string
	dryRun     bool
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

It does what the deployed functions do together. What a cycle decides it carries out itself, each
action after a second look on fresh data: minimums are lowered and, if AutoDeleteOrStopIdleResources
is Yes, idle campaigns deleted and idle recommenders stopped, without asking anybody. Notifications
go to EventBridge, from where a rule sends them as mails. Commands that others put on the bus are not
carried out; update-tps, delete-campaign and stop-recommender do what a person asks for.

Several may run for the same deployment: one leads, the others stand by, measure, and write
nothing. If the one that leads is stopped or lost, another leads from the next cycle on.

At the address it listens on: / is the page, which only shows unless --allow-actions lets it
change things; /metrics for Prometheus, /healthz (the process is alive), /readyz (a first cycle
is done, the credentials are good). Beyond loopback it refuses to listen without a token of at
least 16 characters, which --token-file or ` + envToken + ` gives. Browsers
are asked for it on a login page, programs send the header "Authorization: Bearer TOKEN";
/healthz and /readyz need none. There is no TLS.

SIGTERM or Ctrl-C ends it in order: what was begun at a resource is finished and told, the rest
comes with the next start. A second Ctrl-C ends it at once.

Exit codes: 0 stopped, 1 failed, 2 bad usage or configuration.`,
		Example: `  personalize-monitor serve --local
  personalize-monitor serve --regions us-east-1,eu-west-1 --notification-endpoint ml@example.com
  personalize-monitor serve --listen 0.0.0.0:8090 --token-file token --allowed-hosts monitor.example.com`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	o.page.addFlags(cmd)
	flags.StringVar(&o.deployment, "deployment", deployment, "`NAME` in the tag Deployment of what is made; daemons of the same one take turns")
	o.prices.addFlags(cmd)
	flags.BoolVar(&o.dryRun, "dry-run", false, "write nothing; log what would be written")
	for _, spec := range config.All() {
		addParam(cmd, spec, spec.Default)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return g.runServe(cmd.Context(), cmd.Flags(), o) }
	return cmd
}

// runServe makes the daemon and runs it until ctx ends.
func (g *global) runServe(ctx context.Context, flags *pflag.FlagSet, o *serveOptions) error {
	if !flags.Changed("log-level") {
		g.logLevel = "info" // of a daemon one wants to know what it does
	}
	values, err := config.Resolve(config.Sources{Flags: given(flags), Env: g.streams.Env})
	if err != nil {
		return err
	}
	if err := errors.Join(o.check(), o.page.check(g.streams)); err != nil {
		return usage(err)
	}
	g.realTime = true
	s, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if len(values.Regions) == 0 {
		values.Regions = s.regions
	}
	shown := newProgress(g.streams.Err)
	memory := serve.NewMemory()
	if records, since := s.recall(ctx); !since.IsZero() {
		memory.Remember(records, since)
	}
	daemon, err := serve.New(serve.Options{
		Memory: memory,
		Config: s.config, Params: values, Deployment: o.deployment, DryRun: o.dryRun, Version: g.version,
		Clock: s.clock, Logger: s.logger, Trail: s.trail(), Progress: shown.cycle,
		Address: o.page.listen, Token: o.page.token, AllowedHosts: o.page.allowedHosts,
	})
	if err != nil {
		return usage(err)
	}
	endPage, err := g.mountPage(ctx, daemon, memory, s, o, values)
	if err != nil {
		return errors.Join(err, daemon.Stop(context.WithoutCancel(ctx)))
	}
	defer endPage()
	if err := g.announce(ctx, daemon.App().Owner, regionsOf(values, s)+eventsIn(s), mayWrite(values, &cycleOptions{act: true, dryRun: o.dryRun})); err != nil {
		return errors.Join(err, daemon.Stop(context.WithoutCancel(ctx)))
	}
	if err := daemon.Start(ctx); err != nil {
		return err
	}
	fmt.Fprintf(g.streams.Err, "Listening on http://%s; stop it with Ctrl-C.\n", daemon.Addr())
	return daemon.Wait(ctx)
}

// mountPage puts the page into the daemon, and keeps its ledger until the function given
// back is called.
func (g *global) mountPage(
	ctx context.Context, daemon *serve.Daemon, memory *serve.Memory, s *session, o *serveOptions, values config.Values,
) (end func(), err error) {
	source := newPageSource(memory, values.DashboardName)
	page, err := web.New(web.Options{
		Source: source, Series: daemon.App().Meter, Clock: s.clock, Logger: s.logger, Hosts: o.page.allowedHosts, Token: o.page.token, Version: g.version,
		AllowActions: o.page.allowActions, Actions: pageActions{daemon.App().Actions}, MetricDelay: values.MetricDelay,
	})
	if err != nil {
		return nil, err
	}
	daemon.Mount(page)
	ledger := daemon.App().Ledger(o.prices.source(s), true)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		source.keepLedger(ctx, s.clock, ledger, cycle.LedgerInput{Params: values})
	}()
	return func() {
		cancel()
		<-ended
	}, nil
}

// given are the parameters that flags name.
func given(flags *pflag.FlagSet) map[string]string {
	values := map[string]string{}
	for _, spec := range config.All() {
		if flags.Changed(spec.Flag) {
			values[spec.Flag] = flags.Lookup(spec.Flag).Value.String()
		}
	}
	return values
}

// maxDeployment is how long a deployment's name may be: it stands in the key of a tag,
// which takes 128 characters, behind a word of ours.
const maxDeployment = 100

// check refuses settings that cannot be meant.
func (o *serveOptions) check() error {
	wrong := strings.IndexFunc(o.deployment, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._/", r)
	})
	if o.deployment == "" || len(o.deployment) > maxDeployment || wrong >= 0 {
		return fmt.Errorf("--deployment %q is not a name of 1 to %d letters, digits and -._/", o.deployment, maxDeployment)
	}
	return nil
}

// ticking has an embedded AWS on the real time evaluate its alarms by itself, until the
// function that it gives is called.
func ticking(server *localaws.Server) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { tick(ctx, server) })
	return func() { cancel(); ended.Wait() }
}

// tick has the embedded AWS evaluate alarms until ctx ends.
func tick(ctx context.Context, server *localaws.Server) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			server.Tick()
		}
	}
}
