package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/demo"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
)

const (
	// demoPace is how long the demo takes for a cycle of 5 minutes once its days are over.
	demoPace = 3 * time.Second
	// demoLedger is how often, by the demo's clock, what was paid is reckoned while the
	// days pass; afterwards it is every hour.
	demoLedger = 6 * time.Hour
	// demoMails is how many of the last mails stand on the time line.
	demoMails = 200
	// pageStop is how long browsers may take for their last answers.
	pageStop = 2 * time.Second
)

// demoPage is the web page of a demo.
type demoPage struct {
	memory *serve.Memory
	source demoSource
	demo   *demo.Demo
	ledger *cycle.Ledger
	slow   bool      // the days are over
	next   time.Time // when the ledger is made anew, by the demo's clock

	page   *web.Handler
	server *http.Server
	url    string
	ended  chan struct{} // closed when the server has ended
	err    error         // what it ended with, once ended is closed
	aws    *endpoint     // nil if it is not served
}

func newDemoPage() *demoPage {
	return &demoPage{memory: serve.NewMemory(), ended: make(chan struct{})}
}

// start serves the page from now on, and the embedded AWS if that is asked for.
func (p *demoPage) start(ctx context.Context, g *global, o *demoOptions, d *demo.Demo) error {
	p.demo, p.ledger = d, d.Ledger()
	p.source = demoSource{pageSource: newPageSource(p.memory, d.Params.DashboardName), demo: d}
	logger := slog.New(slog.DiscardHandler)
	page, err := web.New(web.Options{
		Source: p.source, Series: d.App().Meter, Clock: d.Clock, Wall: model.SystemClock{}, Logger: logger, Hosts: o.page.allowedHosts, Token: o.page.token,
		Version: g.version, AllowActions: o.page.allowActions, Actions: pageActions{d.App().Actions}, MetricDelay: d.Params.MetricDelay,
		Demo: "This is a demo: an embedded AWS on a clock of its own. Nothing here is real.",
	})
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.page.listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", o.page.listen, err)
	}
	if o.aws != "" {
		if p.aws, err = serveLocal(ctx, o.aws, d.AWS); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	p.page = page
	p.server, p.url = serve.NewServer(page, logger), "http://"+listener.Addr().String()
	go func() {
		p.err = p.server.Serve(listener)
		close(p.ended)
	}()
	p.reckon(ctx)
	fmt.Fprintf(g.streams.Err, "watch it at %s\n", p.url)
	return nil
}

// cycled is told of each cycle of the demo.
func (p *demoPage) cycled(ctx context.Context) {
	if !p.demo.Clock.Now().Before(p.next) {
		p.reckon(ctx)
	}
}

// reckon makes the ledger anew. The cycle that follows shows it.
func (p *demoPage) reckon(ctx context.Context) {
	p.source.takeLedger(ctx, p.ledger, cycle.LedgerInput{Params: p.demo.Params})
	pause := demoLedger
	if p.slow {
		pause = ledgerPause
	}
	p.next = p.demo.Clock.Now().Truncate(pause).Add(pause + demoLag)
}

// demoLag is how long after the hour its counts have arrived.
const demoLag = 3 * time.Minute

// stay goes on slowly until ctx ends.
func (p *demoPage) stay(ctx context.Context, g *global) error {
	p.slow = true
	p.reckon(ctx)
	fmt.Fprintf(g.streams.Err, "\nlook at %s; the days go on there, 5 minutes every %v. Stop it with Ctrl-C.\n", p.url, demoPace)
	if p.aws != nil {
		fmt.Fprintf(g.streams.Err, "the embedded AWS is at %s. In another terminal:\n\n", p.aws.url)
		fmt.Fprintf(g.streams.Err, "  export AWS_ENDPOINT_URL=%s AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local%s\n", p.aws.url, regionVariables([]string{p.demo.Home}))
		fmt.Fprint(g.streams.Err, "  aws cloudwatch describe-alarms --alarm-name-prefix PersonalizeMonitor-\n\n")
	}
	staying, cancel := context.WithCancel(ctx)
	defer cancel()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		p.demo.GoOn(staying, demoPace)
	}()
	defer func() { cancel(); <-gone }()
	select {
	case <-ctx.Done():
		return nil
	case <-p.ended:
		return fmt.Errorf("the page stopped: %w", p.err)
	}
}

// stop ends the servers and waits for that.
func (p *demoPage) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), pageStop)
	defer cancel()
	p.page.Close() // its streams would never end
	if p.server.Shutdown(ctx) != nil {
		_ = p.server.Close() // whoever still waits for an answer gets none
	}
	<-p.ended
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
		subject := cmp.Or(m.Subject, firstLine(m.Message))
		snapshot.Entries = append(snapshot.Entries, web.Entry{Time: m.Time, Kind: web.EntryEvent, Region: m.Region, Title: "mail to " + m.Endpoint, Text: subject})
	}
	return snapshot
}

// firstLine is the first line of a text.
func firstLine(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.Trim(first, `"`)
}
