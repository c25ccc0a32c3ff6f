package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// session is what a command works with: an account, real or embedded, and the time.
type session struct {
	config  aws.Config
	clock   model.Clock
	logger  *slog.Logger
	clients *awsapi.Clients
	// regions are those to look at where the parameters name none.
	regions []string
	audit   *auditFile // nil if there is none
	close   func()
}

// errLocalAndAccount refuses flags that contradict each other.
var errLocalAndAccount = errors.New("--local uses an embedded AWS; --profile and --endpoint-url do not go with it")

// open finds the account to work in: the embedded AWS if --local says so, else what the
// AWS settings give. Whatever is missing is bad configuration.
func (g *global) open(ctx context.Context) (*session, error) {
	logger, err := g.logger()
	if err != nil {
		return nil, usage(err)
	}
	s := &session{clock: model.SystemClock{}, logger: logger, close: func() {}}
	switch {
	case g.local:
		err = g.openLocal(ctx, s)
	case g.estate != "":
		err = usage(errors.New("--estate is for the embedded AWS; add --local"))
	default:
		s.config, err = awsapi.LoadConfig(ctx, awsapi.LoadOptions{
			Region: g.region, Profile: g.profile, EndpointURL: g.endpoint, Logger: logger,
		})
		err = usage(err)
		s.regions = []string{s.config.Region}
	}
	if err != nil {
		return nil, err
	}
	if err := g.openAudit(s); err != nil {
		s.close()
		return nil, err
	}
	s.clients = app.NewClients(s.config, s.clock, logger)
	stop := s.close
	s.close = func() { s.clients.Close(); stop() }
	return s, nil
}

// app builds the parts of the program that work in the session's account.
func (s *session) app(o app.Options) *app.App {
	o.Config, o.Clients, o.Clock, o.Logger, o.AuditLog = s.config, s.clients, s.clock, s.logger, s.trail()
	return app.New(o)
}

// acting are the options of a command that changes resources. The dashboard of the command
// line follows at once.
func (s *session) acting(values config.Values, dryRun bool) app.Options {
	return app.Options{
		Deployment: deployment, DryRun: dryRun, Params: values, ReportMissing: true, OwnDashboard: true, DashboardRegions: s.regions,
	}
}

// openLocal starts the embedded AWS. Its clock skips all waiting, as there is no service
// to be spared; a daemon, which lives by the clock, has the real one.
func (g *global) openLocal(ctx context.Context, s *session) error {
	if g.profile != "" || g.endpoint != "" {
		return usage(errLocalAndAccount)
	}
	if g.region != "" && !model.ValidRegion(g.region) {
		return usage(fmt.Errorf("%q is not the name of an AWS region (such as eu-west-1)", g.region))
	}
	estateFile, err := loadEstate(g.estate)
	if err != nil {
		return usage(err)
	}
	if !g.realTime {
		s.clock = model.NewVirtualClock(model.SystemClock{}.Now())
	}
	server, err := localaws.New(estateFile, localaws.WithClock(s.clock), localaws.WithLogger(s.logger))
	if err != nil {
		return usage(err)
	}
	local, err := serveLocal(ctx, "127.0.0.1:0", server)
	if err != nil {
		return err
	}
	s.close = local.stop
	if g.realTime {
		stop := ticking(server)
		s.close = func() { stop(); local.stop() }
	}
	s.regions = estateRegions(estateFile)
	home := homeOf(s.regions)
	if g.region != "" {
		home = g.region
	}
	s.config = awsapi.LocalConfig(home, local.url, localAccessKey, nil)
	return nil
}

// homeOf is the deployment region in an embedded AWS with the given regions, if nobody
// says otherwise.
func homeOf(regions []string) string {
	const usual = "us-east-1"
	if len(regions) == 0 || slices.Contains(regions, usual) {
		return usual
	}
	return regions[0]
}

// localAccessKey is no secret: the embedded AWS takes any.
const localAccessKey = "LOCAL"
