package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// account is an account to work in, real or embedded.
type account struct {
	config  aws.Config
	clock   model.Clock
	regions []string // where nothing else names regions
	stop    func()   // ends the embedded AWS
}

// session is what a command works with.
type session struct {
	*global
	account
	logger   *slog.Logger
	clients  *awsapi.Clients
	audit    *auditLog // nil without --audit-file
	progress *progress
	began    time.Time // by the real clock
}

// close ends what open has started.
func (s *session) close() {
	s.clients.Close()
	s.stop()
	if err := s.audit.close(); err != nil {
		s.logger.Error("audit file not closed", "err", err)
	}
}

// open finds the account to work in: the embedded AWS with --local, else that of the AWS
// settings. Whatever is missing is bad configuration. An embedded AWS runs on the real time, or
// on a clock that skips all waiting.
func (g *global) open(ctx context.Context, from setup) (*session, error) {
	logger, name := g.logger(), g.auditFile
	if from.readOnly {
		name = ""
	}
	audit, err := openAuditLog(name)
	if err != nil {
		return nil, usage(err)
	}
	a, err := g.findAccount(ctx, logger, from)
	if err != nil {
		return nil, errors.Join(err, audit.close())
	}
	clients := app.NewClients(a.config, a.clock, logger)
	return &session{g, a, logger, clients, audit, newProgress(g.streams.Err), time.Now()}, nil
}

func (g *global) findAccount(ctx context.Context, logger *slog.Logger, from setup) (account, error) {
	switch {
	case g.local:
		return g.openLocal(ctx, logger, from.realTime)
	case g.estate != "":
		return account{}, usage(errors.New("--estate is for the embedded AWS; add --local"))
	}
	options := awsapi.LoadOptions{Region: g.region, Profile: g.profile, EndpointURL: g.endpoint, Logger: logger}
	settings, err := awsapi.LoadConfig(ctx, options)
	if errors.Is(err, awsapi.ErrNoRegion) && from.readOnly && len(from.regions) > 0 {
		options.Region = from.regions[0]
		settings, err = awsapi.LoadConfig(ctx, options)
	}
	return account{settings, model.SystemClock{}, []string{settings.Region}, func() {}}, usage(err)
}

func (g *global) openLocal(ctx context.Context, logger *slog.Logger, realTime bool) (account, error) {
	if err := cmp.Or(
		reject(g.profile != "" || g.endpoint != "", "--local uses an embedded AWS; --profile and --endpoint-url do not go with it"),
		reject(g.region != "" && !model.ValidRegion(g.region), "%q is not the name of an AWS region (such as eu-west-1)", g.region),
	); err != nil {
		return account{}, err
	}
	var clock model.Clock = model.SystemClock{}
	if !realTime {
		clock = model.NewVirtualClock(clock.Now())
	}
	local, err := g.startLocal(ctx, "127.0.0.1:0", clock, logger)
	if err != nil {
		return account{}, err
	}
	regions := namesOf(local.estate.Regions)
	settings := awsapi.LocalConfig(cmp.Or(g.region, homeOf(regions)), local.url, localAccessKey, nil)
	return account{settings, clock, regions, local.stop}, nil
}

// homeOf is the usual deployment region in an embedded AWS with the given regions.
func homeOf(regions []string) string {
	const usual = "us-east-1"
	if len(regions) == 0 || slices.Contains(regions, usual) {
		return usual
	}
	return regions[0]
}

// localAccessKey is no secret: the embedded AWS accepts any.
const localAccessKey = "LOCAL"

func (s *session) app(o app.Options) *app.App {
	o.Config, o.Clients, o.Clock, o.Logger, o.AuditLog = s.config, s.clients, s.clock, s.logger, s.record()
	if o.Progress == nil {
		o.Progress = s.progress.show
	}
	return app.New(o)
}

// took adds the session's own calls to a sum, and returns how long it has been open, in milliseconds.
func (s *session) took(calls map[string]int) int64 {
	report.AddCalls(calls, s.clients.Calls())
	return time.Since(s.began).Milliseconds()
}

// deployment marks what the command line creates, as opposed to a deployed stack.
const deployment = "cli"

// acting are the options of a command that changes resources. The dashboard of the command
// line follows at once.
func (s *session) acting(values config.Values, dryRun bool) app.Options {
	return app.Options{
		Deployment: deployment, DryRun: dryRun, Params: values, ReportMissing: true, OwnDashboard: true, DashboardRegions: s.regions,
	}
}

const stsTimeout = 10 * time.Second

// announce writes to stderr in which account and regions the command works and, unless it is a
// dry run, what it may write, before it writes anything. If STS fails, or does not respond within
// stsTimeout, the account is unknown and the command goes on.
func (s *session) announce(ctx context.Context, owner *writer.Owner, where, may string, dryRun bool) error {
	identity, err := s.identity(ctx, owner)
	text := "account " + identity.Account
	switch {
	case awsapi.KindOf(err) == awsapi.NoCredentials, ctx.Err() != nil:
		return err
	case err != nil:
		text = "account unknown (" + awsapi.Line(err) + ")"
	}
	if s.local {
		text = "embedded AWS, " + text
	}
	if dryRun {
		may = "reads only"
	}
	s.streams.note(fmt.Sprintf("%s, %s: %s.", text, where, may))
	return nil
}

func (s *session) eventsIn() string { return " (events in " + s.config.Region + ")" }

// regionsOf names the regions that a cycle works in.
func (s *session) regionsOf(values config.Values) string {
	return regionsText(cycle.Regions(cycle.Scope(values, s.config.Region)))
}

func regionsText(regions []string) string {
	if len(regions) == 0 {
		return "regions none"
	}
	return "regions " + strings.Join(regions, ", ")
}
