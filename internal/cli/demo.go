package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/demo"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// demoOptions are the settings of demo.
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

// check rejects invalid settings.
func (o *demoOptions) check(g *global) error {
	switch {
	case g.profile != "" || g.endpoint != "" || g.region != "":
		return usage(errors.New("the demo has an AWS of its own; --profile, --endpoint-url and --region do not go with it"))
	case g.auditFile != "":
		return usage(errors.New("the demo keeps no records; --audit-file does not go with it"))
	case o.days < 1 || o.days > demo.MaxDays:
		return usage(fmt.Errorf("--days %d is not a number from 1 to %d", o.days, demo.MaxDays))
	case o.checkOutput() != nil:
		return o.checkOutput()
	case !(o.scale > 0) || math.IsInf(o.scale, 0):
		return usage(fmt.Errorf("--scale %g is not a number above 0", o.scale))
	case o.scaled && o.traffic == "":
		return usage(errors.New("--scale multiplies the counts of --traffic, which is not given"))
	}
	return o.checkPage(g)
}

func (o *demoOptions) checkPage(g *global) error {
	if o.exit {
		if len(o.paged) > 0 {
			return usage(fmt.Errorf("--exit ends when the days are over; %s does not go with it", strings.Join(o.paged, ", ")))
		}
		return nil
	}
	if o.aws != "" {
		if _, _, err := net.SplitHostPort(o.aws); err != nil {
			return usage(fmt.Errorf("--aws-listen %q is not an address such as 127.0.0.1:4566", o.aws))
		}
	}
	return usage(o.page.check(g.streams))
}

// loadEstate reads the estate of the demo, and the traffic to replay.
func (o *demoOptions) loadEstate(g *global) (localaws.Estate, error) {
	estate := demo.Estate()
	if g.estate != "" {
		var err error
		if estate, err = localaws.LoadEstate(g.estate); err != nil {
			return estate, err
		}
	}
	g.note(estate.Notes())
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
	estate, err := o.loadEstate(g)
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
		options.Shown, options.Cycled = serve.NewMemory(), page.cycled
	}
	d, err := demo.New(options)
	if err != nil {
		return usage(err)
	}
	defer d.Close()
	g.streams.note(fmt.Sprintf("an embedded AWS in this process, a cycle every 5 minutes of its own time, "+
		"until %s of it; nothing outside is touched", d.End().Format("Jan 02 15:04")))
	if !o.exit {
		if err := page.start(ctx, g, o, d, options.Shown); err != nil {
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

// bar is a progress bar with the demo's time.
func bar(done, total int, now time.Time) string {
	const width = 30
	full := done * width / total
	return fmt.Sprintf("[%s%s] %3d%%  %s",
		strings.Repeat("#", full), strings.Repeat(".", width-full), done*100/total, now.Format("Jan 02 15:04"))
}
