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
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
)

const (
	// headerTime is how long a client of the embedded endpoint may take to send its headers.
	headerTime = 10 * time.Second
	// tickEvery is how often the embedded AWS evaluates alarms automatically.
	tickEvery = 10 * time.Second
)

func newLocalAWS(g *global) *cobra.Command {
	var address string
	cmd := &cobra.Command{
		Use:   "localaws",
		Short: "Serve an embedded AWS endpoint, to try things without an account",
		Long: `Serve an embedded AWS endpoint: the parts of Personalize, CloudWatch, CloudWatch Logs,
EventBridge, SNS, STS and Organizations that this program uses, filled from an estate file. Any
AWS client can use it with AWS_ENDPOINT_URL, a region, and credentials of any kind. It is
strict: it rejects what AWS rejects. When it starts it prints the variables to export for the
estate, and the roles of further accounts.
It keeps everything in memory and forgets it when it ends. Anyone who can reach it can use it.`,
		Example: `  personalize-monitor localaws --estate my-estate.yaml
  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
  personalize-monitor run`,
	}
	cmd.Flags().StringVar(&address, "listen", "127.0.0.1:4566", "`ADDRESS` to listen on; port 0 uses a free one")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return g.serveEstate(cmd.Context(), address) }
	return cmd
}

// serveEstate serves the embedded AWS until ctx ends.
func (g *global) serveEstate(ctx context.Context, address string) error {
	if err := checkAddress("--listen", address, "127.0.0.1:4566"); err != nil {
		return err
	}
	if host, _, _ := net.SplitHostPort(address); !guard.Loopback(host) {
		fmt.Fprintf(g.streams.Err, "warning: other machines can reach %s, and the embedded AWS checks no credentials; "+
			"--listen 127.0.0.1:4566 keeps it private\n", address)
	}
	local, err := g.startLocal(ctx, address, model.SystemClock{}, g.logger())
	if err != nil {
		return err
	}
	defer local.stop()
	regions := namesOf(local.estate.Regions)
	fmt.Fprintf(g.streams.Err, "embedded AWS at %s, %s; stop it with Ctrl-C. "+
		"In another terminal:\n\n%s\n  personalize-monitor run\n\n",
		local.url, model.Plural(len(regions), "region"), exportText(local.url, regions))
	for _, a := range local.estate.Accounts {
		what, regions := "account "+strings.TrimSpace(a.ID+" "+a.Name), namesOf(a.Regions)
		if len(regions) > 0 {
			what += " in " + strings.Join(regions, ",")
		}
		role := a.RoleARN(homeOf(regions))
		if role != "" && a.ExternalID != "" {
			role += ", external id " + a.ExternalID
		}
		fmt.Fprintln(g.streams.Err, what+": "+cmp.Or(role, "no role that can be assumed"))
	}
	select {
	case <-ctx.Done():
		return nil
	case <-local.ended:
		return fmt.Errorf("the embedded AWS stopped: %w", local.err)
	}
}

// localAWS is an embedded AWS that is served.
type localAWS struct {
	*endpoint
	estate    localaws.Estate
	stopTicks func()
}

// loadEstate reads the file of --estate; without one it is the usual estate.
func (g *global) loadEstate(usual func() localaws.Estate) (estate localaws.Estate, err error) {
	if g.estate == "" {
		estate = usual()
	} else if estate, err = localaws.LoadEstate(g.estate); err != nil {
		return estate, usage(err)
	}
	g.note(estate.Notes())
	return estate, nil
}

// startLocal serves an embedded AWS with the estate of --estate, or the example estate. On the
// system clock it evaluates its alarms automatically.
func (g *global) startLocal(ctx context.Context, address string, clock model.Clock, logger *slog.Logger) (*localAWS, error) {
	estate, err := g.loadEstate(localaws.ExampleEstate)
	if err != nil {
		return nil, err
	}
	server, err := localaws.New(estate, localaws.WithClock(clock), localaws.WithLogger(logger))
	if err != nil {
		return nil, usage(err)
	}
	endpoint, err := listen(ctx, "--listen", address, newLocalServer(server))
	if err != nil {
		return nil, err
	}
	local := &localAWS{endpoint, estate, func() {}}
	if _, ok := clock.(model.SystemClock); ok {
		local.stopTicks = inBackground(context.WithoutCancel(ctx), func(ctx context.Context) { tick(ctx, server) })
	}
	return local, nil
}

func namesOf(regions []localaws.EstateRegion) (names []string) {
	for _, region := range regions {
		names = append(names, region.Name)
	}
	slices.Sort(names)
	return names
}

func (g *global) note(notes []string) {
	for _, text := range notes {
		fmt.Fprintln(g.streams.Err, "note: "+model.OneLine(text))
	}
}

// stop ends the ticks and the server.
func (l *localAWS) stop() {
	l.stopTicks()
	l.endpoint.stop()
}

// exportText is the line for a shell with which an AWS client sees all of an embedded AWS.
func exportText(url string, regions []string) string {
	text := "  export AWS_ENDPOINT_URL=" + url + " AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local"
	if len(regions) > 0 {
		text += " AWS_REGION=" + homeOf(regions) + " AWS_DEFAULT_REGION=" + homeOf(regions)
	}
	if len(regions) > 1 {
		text += " Regions=" + strings.Join(regions, ",")
	}
	return text
}

// endpoint is a server that listens.
type endpoint struct {
	url    string
	server *http.Server
	ended  chan struct{} // closed when the server has ended
	err    error         // the reason, once ended is closed
}

func newLocalServer(handler http.Handler) *http.Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: headerTime}
}

// listen starts a server at the address that a flag has.
func listen(ctx context.Context, flag, address string, server *http.Server) (*endpoint, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, portHint(fmt.Errorf("listen on %s: %w", address, err), flag, address)
	}
	e := &endpoint{url: "http://" + listener.Addr().String(), server: server, ended: make(chan struct{})}
	go func() {
		e.err = server.Serve(listener)
		close(e.ended)
	}()
	return e, nil
}

// stop ends the server and waits for that. Requests are not awaited: all it knows is in memory
// and about to be forgotten.
func (e *endpoint) stop() {
	_ = e.server.Close() // no one needs the listener's error
	<-e.ended
}

// tick makes an embedded AWS evaluate its alarms until ctx ends.
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

// wsaeAddrInUse is what Windows reports for a port in use (Winsock error codes, WSAEADDRINUSE).
const wsaeAddrInUse = syscall.Errno(10048)

// portHint adds to the error of a port in use the flag that chooses another.
func portHint(err error, flag, address string) error {
	if !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, wsaeAddrInUse) {
		return err
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return err
	}
	return &exit{ExitFailed, err, fmt.Sprintf("%s %s uses a free port; or end what listens there", flag, net.JoinHostPort(host, "0"))}
}
