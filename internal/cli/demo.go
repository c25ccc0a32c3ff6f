package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/demo"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// demoOptions are the settings of demo.
type demoOptions struct {
	exit    bool
	days    int
	traffic string
	scale   float64
	scaled  bool // --scale was given
	listen  string
	seed    int64
	output  string

	// Web makes the page that stays up when the days are over; nil if there is none.
	Web func(demo.World) http.Handler
}

func newDemo(g *global) *cobra.Command {
	o := &demoOptions{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole system at work for some days, which pass in seconds",
		Long: `Show the whole system at work, before an embedded AWS and on a clock of its own: the six
functions behind their schedules and rules, a dozen campaigns and recommenders in two
regions, alarms, and mails. Some days pass in some seconds. What happens is told as it
happens, and at the end what became of each endpoint and what it costs. No account is
needed, and nothing outside the process is touched. The same options give the same run.

With --traffic your own request counts are replayed by one more campaign, once as its
past and then again as the days pass.`,
		Example: `  personalize-monitor demo
  personalize-monitor demo --days 7 --traffic counts.csv --scale 2
  personalize-monitor demo --exit --output json`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.exit, "exit", false, "end when the days are over, whatever could be looked at")
	flags.IntVar(&o.days, "days", 3, fmt.Sprintf("how many days pass, 1 to %d", demo.MaxDays))
	flags.StringVar(&o.traffic, "traffic", "", "CSV `FILE` of timestamp,value: request counts in steps of 5 minutes, to be replayed")
	flags.Float64Var(&o.scale, "scale", 1, "multiplies the counts of --traffic")
	flags.StringVar(&o.listen, "listen", "", "then serve the embedded AWS at this `ADDRESS` until Ctrl-C; port 0 takes a free one")
	flags.Int64Var(&o.seed, "seed", 1, "varies the traffic; the same seed gives the same run")
	flags.StringVar(&o.output, "output", "table", "`FORM` of the result: table, json or csv")
	complete(cmd, "output", []string{"table", "json", "csv"})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o.scaled = cmd.Flags().Changed("scale")
		return g.demo(cmd.Context(), o)
	}
	return cmd
}

// check refuses settings that cannot be meant.
func (o *demoOptions) check(g *global) error {
	switch {
	case g.profile != "" || g.endpoint != "" || g.region != "":
		return usage(errors.New("the demo has an AWS of its own; --profile, --endpoint-url and --region do not go with it"))
	case g.auditFile != "":
		return usage(errors.New("the demo does nothing that would have to be kept; --audit-file does not go with it"))
	case o.days < 1 || o.days > demo.MaxDays:
		return usage(fmt.Errorf("--days %d is not a number from 1 to %d", o.days, demo.MaxDays))
	case !strings.Contains(" table json csv ", " "+o.output+" "):
		return usage(fmt.Errorf("--output %q is not one of table, json, csv", o.output))
	case !(o.scale > 0) || math.IsInf(o.scale, 0):
		return usage(fmt.Errorf("--scale %g is not a number above 0", o.scale))
	case o.scaled && o.traffic == "":
		return usage(errors.New("--scale multiplies the counts of --traffic, which is not given"))
	}
	return o.checkListen()
}

func (o *demoOptions) checkListen() error {
	if o.listen == "" {
		return nil
	}
	if o.exit {
		return usage(errors.New("--exit ends at once; --listen, which stays, does not go with it"))
	}
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return usage(fmt.Errorf("--listen %q is not an address such as 127.0.0.1:4566", o.listen))
	}
	return nil
}

// described is the estate to be shown.
func (o *demoOptions) described(g *global) (localaws.Estate, error) {
	described := demo.Estate()
	if g.estate != "" {
		var err error
		if described, err = localaws.LoadEstate(g.estate); err != nil {
			return described, err
		}
	}
	if o.traffic == "" {
		return described, nil
	}
	data, err := os.ReadFile(o.traffic)
	if err != nil {
		return described, fmt.Errorf("--traffic: %w", err)
	}
	trace, err := localaws.ParseTrace(data, o.traffic)
	if err != nil {
		return described, err
	}
	return described, demo.Replay(&described, trace, o.scale)
}

// demo runs the demo and, if it is to be looked at, stays.
func (g *global) demo(ctx context.Context, o *demoOptions) error {
	if err := o.check(g); err != nil {
		return err
	}
	described, err := o.described(g)
	if err != nil {
		return usage(err)
	}
	progress := newProgress(g.streams.Err)
	told := g.streams.Out
	if o.output != "table" {
		told = g.streams.Err
	}
	d, err := demo.New(demo.Options{
		Days: o.days, Seed: o.seed, Estate: described,
		Happened: func(e demo.Event) {
			progress.clear()
			fmt.Fprintln(told, e.Line())
		},
		Progress: func(done, total int, now time.Time) { progress.show(bar(done, total, now), 0, 0) },
	})
	if err != nil {
		return usage(err)
	}
	defer d.Close()
	fmt.Fprintf(g.streams.Err, "an embedded AWS in this process, a cycle every 5 minutes of its own time, for %d days; nothing outside is touched\n", o.days)
	result, err := d.Run(ctx)
	progress.clear()
	if err != nil {
		return err
	}
	if err := o.print(g.streams.Out, result); err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return g.stay(ctx, o, d)
}

func (o *demoOptions) print(w io.Writer, result demo.Result) error {
	switch o.output {
	case "json":
		return result.WriteJSON(w)
	case "csv":
		return result.WriteCSV(w)
	}
	fmt.Fprintln(w)
	return result.WriteTable(w)
}

// bar is a progress bar with the demo's time.
func bar(done, total int, now time.Time) string {
	const width = 30
	full := done * width / total
	return fmt.Sprintf("[%s%s] %3d%%  %s", strings.Repeat("#", full), strings.Repeat(".", width-full), done*100/total, now.Format("Jan 02 15:04"))
}

// stay serves what there is to see until ctx ends.
func (g *global) stay(ctx context.Context, o *demoOptions, d *demo.Demo) error {
	if o.exit {
		return nil
	}
	handler, address := d.Handler(), o.listen
	if o.Web != nil {
		handler = o.Web(d.World)
		if address == "" {
			address = "127.0.0.1:8080"
		}
	}
	if address == "" {
		fmt.Fprintln(g.streams.Err, "to look at its alarms and dashboards with any AWS client, add --listen 127.0.0.1:4566")
		return nil
	}
	local, err := serveLocal(ctx, address, handler)
	if err != nil {
		return err
	}
	defer local.stop()
	if o.Web != nil {
		fmt.Fprintf(g.streams.Err, "look at %s; stop with Ctrl-C\n", local.url)
	} else {
		fmt.Fprintf(g.streams.Err, "the embedded AWS is at %s, where the demo left it; stop it with Ctrl-C. In another terminal:\n\n", local.url)
		fmt.Fprintf(g.streams.Err, "  export AWS_ENDPOINT_URL=%s AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=%s\n", local.url, d.Home)
		fmt.Fprint(g.streams.Err, "  aws cloudwatch describe-alarms --alarm-name-prefix PersonalizeMonitor-\n\n")
	}
	select {
	case <-ctx.Done():
		return nil
	case <-local.ended:
		return fmt.Errorf("the embedded AWS stopped: %w", local.err)
	}
}
