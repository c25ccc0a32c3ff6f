package cli

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// tickEvery is how often the embedded AWS evaluates alarms by itself.
const tickEvery = 10 * time.Second

func newLocalAWS(g *global) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "localaws",
		Short: "Serve an embedded AWS endpoint, to try things without an account",
		Long: `Serve an embedded AWS endpoint: the parts of Personalize, CloudWatch, CloudWatch Logs,
EventBridge, SNS and STS that this program uses, filled from an estate file. Any AWS client can be
pointed at it with AWS_ENDPOINT_URL, a region, and credentials of any kind. It is strict: what
AWS refuses, it refuses. What to export for the estate at hand is printed when it starts.
It keeps everything in memory and forgets it when it ends. Whoever can reach it can use it.`,
		Example: `  personalize-monitor localaws --estate my-estate.yaml
  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
  personalize-monitor run`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:4566", "`ADDRESS` to listen on; port 0 takes a free one")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return g.serveEstate(cmd.Context(), listen) }
	return cmd
}

// serveEstate serves the embedded AWS until ctx ends.
func (g *global) serveEstate(ctx context.Context, listen string) error {
	logger, err := g.logger()
	if err != nil {
		return usage(err)
	}
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return usage(fmt.Errorf("--listen %q is not an address such as 127.0.0.1:4566", listen))
	}
	estate, err := loadEstate(g.estate)
	if err != nil {
		return usage(err)
	}
	server, err := localaws.New(estate, localaws.WithLogger(logger))
	if err != nil {
		return usage(err)
	}
	local, err := serveLocal(ctx, listen, server)
	if err != nil {
		return err
	}
	regions := estateRegions(estate)
	fmt.Fprintf(g.streams.Err, "embedded AWS at %s, %d regions; stop it with Ctrl-C. In another terminal:\n\n", local.url, len(regions))
	fmt.Fprintf(g.streams.Err, "  export AWS_ENDPOINT_URL=%s AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local%s\n  personalize-monitor run\n\n",
		local.url, regionVariables(regions))

	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			local.stop()
			return nil
		case <-local.ended:
			return fmt.Errorf("the embedded AWS stopped: %w", local.err)
		case <-ticker.C:
			server.Tick()
		}
	}
}

// regionVariables are the settings with which a client sees all of the estate.
func regionVariables(regions []string) string {
	if len(regions) == 0 {
		return ""
	}
	text := " AWS_REGION=" + homeOf(regions) + " AWS_DEFAULT_REGION=" + homeOf(regions)
	if len(regions) > 1 {
		text += " Regions=" + strings.Join(regions, ",")
	}
	return text
}
