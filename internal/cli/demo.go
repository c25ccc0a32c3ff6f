package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/demo"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
)

type demoOptions struct {
	common
	exit    bool
	days    int
	traffic string
	scale   float64
	scaled  bool // --scale was given
	aws     string
	seed    int64
	page    pageOptions
	paged   []string // flags of the page that were given
}

func newDemo(g *global) *cobra.Command {
	o := &demoOptions{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole system at work for some days, which pass in seconds",
		Long: `Show the whole system at work, before an embedded AWS and on a clock of its own: the six
functions behind their schedules and rules, a dozen campaigns and recommenders in two
regions, alarms, and mails. Some days pass in some seconds. It prints events as they
happen and shows them on a web page, and at the end the outcome for each endpoint and
what it costs. No account is needed, and nothing outside the process is touched. The
same options give the same run.

Then the page stays up until Ctrl-C, and the days go on slowly: five minutes pass in three
seconds. With --allow-actions its buttons change what the demo consists of.

With --traffic your own request counts are replayed by one more campaign, once as its
past and then again as the days pass.`,
		Example: `  personalize-monitor demo
  personalize-monitor demo --days 7 --traffic counts.csv --scale 2
  personalize-monitor demo --exit --output json`,
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.exit, "exit", false, "end when the days are over; there is no page")
	flags.IntVar(&o.days, "days", 3, fmt.Sprintf("how many days pass, 1 to %d", demo.MaxDays))
	flags.StringVar(&o.traffic, "traffic", "", "CSV `FILE` of timestamp,value: request counts in steps of 5 minutes, to be replayed")
	flags.Float64Var(&o.scale, "scale", 1, "multiplies the counts of --traffic")
	flags.StringVar(&o.aws, "aws-listen", "", "serve the embedded AWS too, at this `ADDRESS`, to look at it with any AWS client")
	flags.Int64Var(&o.seed, "seed", 1, "varies the traffic; the same seed gives the same run")
	o.addOutput(cmd)
	o.page.addFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o.scaled = flags.Changed("scale")
		for _, name := range []string{"listen", "token-file", "allowed-hosts", "allow-actions", "aws-listen"} {
			if flags.Changed(name) {
				o.paged = append(o.paged, "--"+name)
			}
		}
		return o.run(cmd.Context(), g)
	}
	return cmd
}

func (o *demoOptions) check(g *global) error {
	var address, page error
	if !o.exit {
		page = o.page.check(g.streams)
		if o.aws != "" {
			address = checkAddress("--aws-listen", o.aws, "127.0.0.1:4566")
		}
	}
	return cmp.Or(
		reject(g.profile != "" || g.endpoint != "" || g.region != "",
			"the demo has an AWS of its own; --profile, --endpoint-url and --region do not go with it"),
		reject(g.auditFile != "", "the demo keeps no records; --audit-file does not go with it"),
		reject(o.days < 1 || o.days > demo.MaxDays, "--days %d is not a number from 1 to %d", o.days, demo.MaxDays),
		reject(!(o.scale > 0) || math.IsInf(o.scale, 0), "--scale %g is not a number above 0", o.scale),
		reject(o.scaled && o.traffic == "", "--scale multiplies the counts of --traffic, which is not given"),
		reject(o.exit && len(o.paged) > 0, "--exit ends when the days are over; %s does not go with it", strings.Join(o.paged, ", ")),
		address, page,
	)
}

// withTraffic adds the traffic to replay to an estate.
func (o *demoOptions) withTraffic(g *global, estate localaws.Estate) (localaws.Estate, error) {
	if o.traffic == "" {
		return estate, nil
	}
	data, err := os.ReadFile(o.traffic)
	if err != nil {
		return estate, fmt.Errorf("--traffic: %w", err)
	}
	trace, err := localaws.ParseTrace(data, o.traffic)
	if err != nil {
		return estate, err
	}
	g.note(trace.Notes())
	return estate, demo.Replay(&estate, trace, o.scale)
}

// run runs the demo and, with a page, stays.
func (o *demoOptions) run(ctx context.Context, g *global) error {
	if err := o.check(g); err != nil {
		return err
	}
	estate, err := g.loadEstate(demo.Estate)
	if err == nil {
		estate, err = o.withTraffic(g, estate)
	}
	if err != nil {
		return usage(err)
	}
	progress := newProgress(g.streams.Err)
	lines := g.streams.Out
	if o.output != string(report.Table) {
		lines = g.streams.Err
	}
	options := demo.Options{
		Days: o.days, Seed: o.seed, Estate: estate, Version: g.version,
		Happened: func(e demo.Event) {
			progress.clear()
			fmt.Fprintln(lines, e.Fit(g.streams.style(lines)))
		},
		Progress: func(done, total int, now time.Time) { progress.show(bar(done, total, now), 0, 0) },
	}
	page := &demoPage{}
	if !o.exit {
		options.Cycled = page.cycled
	}
	d, err := demo.New(options)
	if err != nil {
		return usage(err)
	}
	defer d.Close()
	g.streams.note(fmt.Sprintf("an embedded AWS in this process, a cycle every 5 minutes of its own time, "+
		"until %s of it; nothing outside is touched", d.End().Format("Jan 02 15:04")))
	if !o.exit {
		if err := page.start(ctx, g, o, d); err != nil {
			return err
		}
		defer page.stop()
	}
	result, err := d.Run(ctx)
	progress.clear()
	if err != nil {
		return err
	}
	if report.Form(o.output) == report.Table {
		fmt.Fprintln(lines) // below the events
	}
	if err := g.streams.print(result, o.output); err != nil {
		return err
	}
	if o.exit {
		return nil
	}
	return page.stay(ctx, g)
}

func bar(done, total int, now time.Time) string {
	const width = 30
	full := done * width / total
	return fmt.Sprintf("[%s%s] %3d%%  %s",
		strings.Repeat("#", full), strings.Repeat(".", width-full), done*100/total, now.Format("Jan 02 15:04"))
}

const (
	// demoPace is how long the demo takes for a cycle of 5 minutes once its days are over.
	demoPace = 3 * time.Second
	// demoLedger is how often, by the demo's clock, the ledger is updated while the days pass;
	// afterwards it is every hour.
	demoLedger = 6 * time.Hour
	// demoLag is how long after the hour its counts have arrived.
	demoLag = 3 * time.Minute
	// demoMails is how many of the last mails are on the timeline.
	demoMails = 200
)

// demoPage is the web page of a demo, which is empty until start.
type demoPage struct {
	demo   *demo.Demo
	ledger ledgerKeeper
	next   time.Time // when the ledger is updated, by the demo's clock

	page   *web.Handler
	server *endpoint
	aws    *endpoint // nil if it is not served
}

// start serves the page from now on, and the embedded AWS if that is requested.
func (p *demoPage) start(ctx context.Context, g *global, o *demoOptions, d *demo.Demo) error {
	logger := slog.New(slog.DiscardHandler)
	prices := (&priceOptions{}).source(nil)
	to := routes{{meter: d.App.Meter, actions: d.App.Actions, whatIf: d.App.WhatIf(prices)}}
	page, err := web.New(web.Options{
		Source: demoSource{newPageSource([]serve.Account{{Memory: d.Shown}}, d.Params.DashboardName, ""), d}, Series: to, WhatIf: to, Actions: to,
		Clock: d.Clock, Wall: model.SystemClock{}, Logger: logger, Guard: o.page.guard,
		Version: g.version, AllowActions: o.page.allowActions, MetricDelay: d.Params.MetricDelay,
		Demo: "This is a demo: an embedded AWS on a clock of its own. Nothing here is real.",
	})
	if err != nil {
		return err
	}
	server, err := listen(ctx, "--listen", o.page.listen, serve.NewServer(page, logger))
	if err != nil {
		return err
	}
	var aws *endpoint
	if o.aws != "" {
		if aws, err = listen(ctx, "--aws-listen", o.aws, newLocalServer(d.AWS)); err != nil {
			server.stop()
			return err
		}
	}
	*p = demoPage{demo: d, page: page, server: server, aws: aws, ledger: ledgerKeeper{
		memory: d.Shown, logger: logger, ledger: d.App.Ledger(prices, true), savings: d.App.Savings(prices),
		in:      cycle.LedgerInput{Params: d.Params},
		records: func(context.Context) []events.Audit { return d.Shown.Audits() },
	}}
	p.updateLedger(ctx)
	fmt.Fprintf(g.streams.Err, "watch it at %s\n", server.url)
	return nil
}

func (p *demoPage) cycled(ctx context.Context) {
	if !p.demo.Clock.Now().Before(p.next) {
		p.updateLedger(ctx)
	}
}

// updateLedger makes the next ledger. The cycle that follows shows it.
func (p *demoPage) updateLedger(ctx context.Context) {
	_, _ = p.ledger.make(ctx) // the page shows the error
	pause := demoLedger
	if !p.demo.Clock.Now().Before(p.demo.End()) {
		pause = ledgerPause
	}
	p.next = p.demo.Clock.Now().Truncate(pause).Add(pause + demoLag)
}

// stay goes on slowly until ctx ends.
func (p *demoPage) stay(ctx context.Context, g *global) error {
	p.updateLedger(ctx)
	fmt.Fprintln(g.streams.Err)
	g.streams.note(fmt.Sprintf("look at %s; the days go on there, 5 minutes every %v. Stop it with Ctrl-C.", p.server.url, demoPace))
	if p.aws != nil {
		fmt.Fprintf(g.streams.Err, "the embedded AWS is at %s. In another terminal:\n\n%s\n"+
			"  aws cloudwatch describe-alarms --alarm-name-prefix PersonalizeMonitor-\n\n",
			p.aws.url, exportText(p.aws.url, []string{p.demo.Home}))
	}
	defer inBackground(ctx, func(ctx context.Context) { p.demo.GoOn(ctx, demoPace) })()
	select {
	case <-ctx.Done():
		return nil
	case <-p.server.ended:
		return fmt.Errorf("the page stopped: %w", p.server.err)
	}
}

func (p *demoPage) stop() {
	p.page.Close() // its streams would never end
	p.server.stop()
	if p.aws != nil {
		p.aws.stop()
	}
}

// demoSource is what a demo shows: what a daemon does, and the mails that were sent.
type demoSource struct {
	*pageSource
	demo *demo.Demo
}

// Snapshot implements web.Source.
func (s demoSource) Snapshot() web.Snapshot {
	snapshot := s.pageSource.Snapshot()
	outbox := s.demo.AWS.Outbox()
	for _, m := range slices.Backward(outbox[max(0, len(outbox)-demoMails):]) {
		snapshot.Entries = append(snapshot.Entries, web.Entry{
			Time: m.Time, Kind: web.EntryEvent, Region: m.Region, Title: "mail to " + m.Endpoint, Text: demo.Subject(m.Subject, m.Message),
		})
	}
	return snapshot
}
