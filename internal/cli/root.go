// Package cli is the command line: a file per command, each of which parses, calls and
// prints. Results go to stdout; logs, progress and what a person should know first go
// to stderr.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
)

// Exit codes of the program.
const (
	ExitDone    = 0
	ExitFailed  = 1
	ExitUsage   = 2  // bad usage or configuration: nothing was done
	ExitPartial = 3  // done, but some resources or regions failed
	ExitChanges = 10 // plan found changes
)

// Streams are where a command reads and writes.
type Streams struct {
	In  io.Reader // for events and, if it is a terminal, answers; may be nil
	Out io.Writer
	Err io.Writer
	Env func(string) (string, bool) // looks up an environment variable
}

// exit is an error that carries its exit code. Without a cause nothing is printed: the
// result already tells.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// usage marks an error as bad usage or configuration.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &exit{code: ExitUsage, err: err}
}

// Run runs one command line and gives the exit code. It never calls os.Exit, so it can
// be tested.
func Run(ctx context.Context, args []string, version string, streams Streams) int {
	root := newRoot(version, streams)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	code := exitCode(err)
	var withCode *exit
	if err == nil || (errors.As(err, &withCode) && withCode.err == nil) {
		return code
	}
	fmt.Fprintln(streams.Err, "personalize-monitor:", shown(ctx, err))
	if hint := hint(ctx, err); hint != "" {
		fmt.Fprintln(streams.Err, "  try:", hint)
	}
	return code
}

// shown is an error in one line, but for several invalid parameters, which have a line
// each below it.
func shown(ctx context.Context, err error) string {
	var invalid *config.Invalid
	if !errors.As(err, &invalid) || len(invalid.Faults) < 2 || err.Error() != invalid.Error() {
		return oneLine(message(ctx, err))
	}
	lines := []string{fmt.Sprintf("%d invalid parameters:", len(invalid.Faults))}
	for _, f := range invalid.Faults {
		lines = append(lines, oneLine(f.String()))
	}
	return strings.Join(lines, "\n  ")
}

// message is the error as people see it; AWS errors lose the SDK's wrapping.
func message(ctx context.Context, err error) string {
	if ctx.Err() != nil {
		return "interrupted: " + awsapi.Line(err)
	}
	if awsapi.KindOf(err) == awsapi.Other {
		return err.Error() // several lines, perhaps
	}
	return awsapi.Line(err)
}

func hint(ctx context.Context, err error) string {
	var flag *badFlag
	var own *hinted
	switch {
	case ctx.Err() != nil:
		return ""
	case errors.As(err, &own):
		return own.hint
	case errors.As(err, &flag):
		return flag.command + " --help"
	}
	return awsapi.Hint(err)
}

// exitCode tells apart what kind of error ended a command.
func exitCode(err error) int {
	var withCode *exit
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &withCode):
		return withCode.code
	case errors.As(err, new(*config.Invalid)), errors.As(err, new(*badFlag)):
		return ExitUsage
	}
	return ExitFailed
}

// badFlag is a mistake in the command line itself.
type badFlag struct {
	err     error
	command string
}

func (b *badFlag) Error() string { return b.err.Error() }
func (b *badFlag) Unwrap() error { return b.err }

// global are the settings that every command takes.
type global struct {
	streams   Streams
	region    string
	profile   string
	endpoint  string
	local     bool
	estate    string
	logLevel  string
	logFormat string
	auditFile string
	version   string
	realTime  bool // the embedded AWS runs on the real time
}

func newRoot(version string, streams Streams) *cobra.Command {
	g := &global{streams: streams, version: version}
	root := &cobra.Command{
		Use:     "personalize-monitor",
		Version: version,
		Short:   "Watches Amazon Personalize campaigns and recommenders",
		Long: `Personalize Monitor watches Amazon Personalize campaigns and recommenders, shows what
they really do against what is paid for, and asks for what is not used to be given back.

Without an account at hand, try:  personalize-monitor run --local`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error {
			_, err := g.logger()
			return usage(err)
		},
	}
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	flags := root.PersistentFlags()
	flags.StringVar(&g.region, "region", "", "AWS region; also where events and the notification rule are (default: AWS_REGION or the shared configuration)")
	flags.StringVar(&g.profile, "profile", "", "profile of the shared AWS configuration")
	flags.StringVar(&g.endpoint, "endpoint-url", "", "send all AWS requests to this URL")
	flags.BoolVar(&g.local, "local", false, "use an embedded AWS inside the process instead of an account")
	flags.StringVar(&g.estate, "estate", "", "estate `FILE` for the embedded AWS (default: the example estate)")
	flags.StringVar(&g.logLevel, "log-level", "warn", "debug, info, warn or error")
	flags.StringVar(&g.logFormat, "log-format", "text", "text or json")
	flags.StringVar(&g.auditFile, "audit-file", "", "append a record of every decision and action to this `FILE`, one JSON object a line")
	root.SuggestionsMinimumDistance = 2
	for flag, values := range map[string][]string{"log-level": {"debug", "info", "warn", "error"}, "log-format": {"text", "json"}} {
		complete(root, flag, values)
	}
	wrapHelp(root, streams.Out)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &badFlag{err, cmd.CommandPath()} })
	root.AddCommand(newRun(g), newPlan(g), newReport(g), newServe(g), newDemo(g),
		newUpdateTPS(g), newDeleteCampaign(g), newStopRecommender(g), newStartRecommender(g), newRestore(g),
		newDashboard(g), newCleanup(g), newHistory(g), newLocalAWS(g), newVersion(version, streams))
	root.InitDefaultCompletionCmd()
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	refuseArguments(root)
	return root
}

// knownCommand refuses a command that does not exist, and says which may be meant.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return errors.New(text)
}

// refuseArguments makes every command of ours refuse what it does not take, as bad usage.
func refuseArguments(cmd *cobra.Command) {
	if args := cmd.Args; args != nil {
		cmd.Args = func(c *cobra.Command, given []string) error {
			if err := args(c, given); err != nil {
				return &badFlag{err, c.CommandPath()}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		refuseArguments(sub)
	}
}

// logger makes the logger that the flags ask for.
func (g *global) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(g.logLevel)); err != nil || strings.ContainsAny(g.logLevel, "+-") {
		return nil, fmt.Errorf("--log-level %q is not one of debug, info, warn, error", g.logLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch g.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(g.streams.Err, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(g.streams.Err, options)), nil
	}
	return nil, fmt.Errorf("--log-format %q is not one of text, json", g.logFormat)
}

// oneLine joins the lines of an error, such as the faults of an estate file.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
