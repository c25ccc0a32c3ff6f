package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/demo"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
)

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
	// pageStop is how long browsers may take for their last answers.
	pageStop = 2 * time.Second
)

// demoPage is the web page of a demo, which is empty until start.
type demoPage struct {
	demo   *demo.Demo
	ledger ledgerKeeper
	slow   bool      // the days are over
	next   time.Time // when the ledger is updated, by the demo's clock

	page   *web.Handler
	server *endpoint
	aws    *endpoint // nil if it is not served
}

// start serves the page from now on, and the embedded AWS if that is requested.
func (p *demoPage) start(ctx context.Context, g *global, o *demoOptions, d *demo.Demo, memory *serve.Memory) error {
	logger := slog.New(slog.DiscardHandler)
	to := routes{{meter: d.App().Meter, actions: d.App().Actions, whatIf: d.WhatIf()}}
	page, err := web.New(web.Options{
		Source: demoSource{newPageSource([]serve.Account{{Memory: memory}}, d.Params.DashboardName), d}, Series: to, WhatIf: to, Actions: to,
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
		memory: memory, logger: logger, ledger: d.Ledger(), savings: d.Savings(), in: cycle.LedgerInput{Params: d.Params},
		records: func(context.Context) []events.Audit { return memory.Snapshot().Audits },
	}}
	p.updateLedger(ctx)
	fmt.Fprintf(g.streams.Err, "watch it at %s\n", server.url)
	return nil
}

// cycled is called after each cycle of the demo.
func (p *demoPage) cycled(ctx context.Context) {
	if !p.demo.Clock.Now().Before(p.next) {
		p.updateLedger(ctx)
	}
}

// updateLedger makes the next ledger. The cycle that follows shows it.
func (p *demoPage) updateLedger(ctx context.Context) {
	_, _ = p.ledger.make(ctx) // the page shows why there is none
	pause := demoLedger
	if p.slow {
		pause = ledgerPause
	}
	p.next = p.demo.Clock.Now().Truncate(pause).Add(pause + demoLag)
}

// stay goes on slowly until ctx ends.
func (p *demoPage) stay(ctx context.Context, g *global) error {
	p.slow = true
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

// stop ends the servers and waits for that.
func (p *demoPage) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), pageStop)
	defer cancel()
	p.page.Close() // its streams would never end
	if p.server.server.Shutdown(ctx) != nil {
		_ = p.server.server.Close() // requests that still wait get no answer
	}
	<-p.server.ended
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
		first, _, _ := strings.Cut(strings.TrimSpace(m.Message), "\n")
		subject := cmp.Or(m.Subject, strings.Trim(first, `"`))
		snapshot.Entries = append(snapshot.Entries, web.Entry{
			Time: m.Time, Kind: web.EntryEvent, Region: m.Region, Title: "mail to " + m.Endpoint, Text: subject,
		})
	}
	return snapshot
}
