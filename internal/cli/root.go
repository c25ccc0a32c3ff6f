// Package cli is the command line: a file per command, each of which parses, calls and
// prints. Results go to stdout; logs, progress and what a person should know first go
// to stderr.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
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

// exit is an error that carries its exit code, with a hint what to try, which may be empty.
// Without a cause nothing is printed, as the result is already.
type exit struct {
	code int
	err  error
	hint string
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

// partial is the error of a result that some resources or regions are missing from.
func partial(failed bool) error { return incomplete(false, failed) }

// incomplete is the error of a printed result: none means that no account could be worked in, failed that
// something is missing from it.
func incomplete(none, failed bool) error {
	switch {
	case none:
		return &exit{code: ExitFailed}
	case failed:
		return &exit{code: ExitPartial}
	}
	return nil
}

// Run runs one command line and returns the exit code. It never calls os.Exit, so it can
// be tested.
func Run(ctx context.Context, args []string, version string, streams Streams) int {
	root := newRoot(version, streams)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitDone
	}
	code, hint := ExitFailed, awsapi.Hint(err)
	var own *exit
	switch {
	case errors.As(err, &own):
		code = own.code
		if hint = cmp.Or(own.hint, hint); own.err == nil {
			return code
		}
	case errors.As(err, new(*config.Invalid)):
		code = ExitUsage
	}
	fmt.Fprintln(streams.Err, "personalize-monitor:", shown(ctx, err))
	if hint != "" && ctx.Err() == nil {
		fmt.Fprintln(streams.Err, "  try:", hint)
	}
	return code
}

// shown is an error in one line, but for several invalid parameters or faults of files, which
// have a line each below it.
func shown(ctx context.Context, err error) string {
	var invalid *config.Invalid
	if errors.As(err, &invalid) && len(invalid.Faults) > 1 && err.Error() == invalid.Error() {
		lines := []string{fmt.Sprintf("%d invalid parameters:", len(invalid.Faults))}
		for _, f := range invalid.Faults {
			lines = append(lines, oneLine(f.String()))
		}
		return strings.Join(lines, "\n  ")
	}
	if own, ok := errors.AsType[*exit](err); ok && own.code == ExitUsage {
		var several interface{ Unwrap() []error } // of files
		if errors.As(own.err, &several) && len(several.Unwrap()) > 1 && several.(error).Error() == own.err.Error() {
			lines := []string{"several errors:"}
			for _, fault := range several.Unwrap() {
				lines = append(lines, oneLine(fault.Error()))
			}
			return strings.Join(lines, "\n  ")
		}
	}
	switch {
	case ctx.Err() != nil:
		return oneLine("interrupted: " + awsapi.Line(err))
	case awsapi.KindOf(err) == awsapi.Other:
		return oneLine(err.Error())
	}
	return oneLine(awsapi.Line(err)) // without the SDK's wrapping
}

// oneLine joins the lines of an error. What could upset a terminal becomes a space.
func oneLine(s string) string {
	return model.OneLine(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), "; "))
}

// global are the settings that every command accepts.
type global struct {
	streams   Streams
	version   string
	region    string
	profile   string
	endpoint  string
	local     bool
	estate    string
	logLevel  string
	logFormat string
	auditFile string
}

func newRoot(version string, streams Streams) *cobra.Command {
	g := &global{streams: streams, version: version}
	root := &cobra.Command{
		Use:     "personalize-monitor",
		Version: version,
		Short:   "Watches Amazon Personalize campaigns and recommenders",
		Long: `Personalize Monitor watches Amazon Personalize campaigns and recommenders, shows what
they use of the throughput that is paid for, and gives back what they do not use.

To see it at work, without an AWS account:  personalize-monitor demo
To try a command in the same way, add --local:  personalize-monitor run --local`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		PersistentPreRunE: checkChoices,
	}
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	flags := root.PersistentFlags()
	flags.StringVar(&g.region, "region", "",
		"AWS region; also where events and the notification rule are (default: AWS_REGION or the shared configuration)")
	flags.StringVar(&g.profile, "profile", "", "profile of the shared AWS configuration")
	flags.StringVar(&g.endpoint, "endpoint-url", "", "send all AWS requests to this URL")
	flags.BoolVar(&g.local, "local", false, "use an embedded AWS inside the process instead of an account")
	flags.StringVar(&g.estate, "estate", "", "estate `FILE` for the embedded AWS (default: the example estate)")
	addChoice(root, flags, &g.logLevel, "log-level", "warn", []string{"debug", "info", "warn", "error"}, "debug, info, warn or error")
	addChoice(root, flags, &g.logFormat, "log-format", "text", []string{"text", "json"}, "text or json")
	flags.StringVar(&g.auditFile, "audit-file", "", "append a record of every decision and action to this `FILE`, one JSON object a line")
	root.SuggestionsMinimumDistance = 2
	root.SetUsageTemplate(usageTemplate(root.UsageTemplate(), streams.Out))
	root.SetFlagErrorFunc(badFlag)
	root.AddCommand(newRun(g), newPlan(g), newReport(g), newWhatIf(g), newServe(g), newDemo(g),
		newUpdateTPS(g), newDeleteCampaign(g), newStopRecommender(g), newStartRecommender(g),
		newPauseTraining(g), newResumeTraining(g), newRestore(g), newSchedule(g),
		newDashboard(g), newCleanup(g), newVerify(g), newHistory(g), newLocalAWS(g), newPermissions(g), newVersion(version, streams))
	root.InitDefaultCompletionCmd()
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	demoFirst(root)
	rejectArguments(root)
	return root
}

// demoFirst makes the help list the demo before all other commands.
func demoFirst(root *cobra.Command) {
	const first, others = "first", "others"
	root.AddGroup(&cobra.Group{ID: first, Title: "Start here:"}, &cobra.Group{ID: others, Title: "Commands:"})
	root.SetHelpCommandGroupID(others)
	for _, cmd := range root.Commands() {
		cmd.GroupID = others
		if cmd.Name() == "demo" {
			cmd.GroupID = first
		}
	}
}

// knownCommand rejects a command that does not exist, and suggests those that may be meant.
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

// rejectArguments makes each command report arguments that it does not accept as bad usage. It accepts none
// unless it says which.
func rejectArguments(cmd *cobra.Command) {
	args := cmd.Args
	if args == nil {
		args = cobra.NoArgs
	}
	cmd.Args = func(c *cobra.Command, given []string) error {
		if err := args(c, given); err != nil {
			return badFlag(c, err)
		}
		return nil
	}
	for _, sub := range cmd.Commands() {
		rejectArguments(sub)
	}
}

// logger is the logger that the flags, which are valid, describe.
func (g *global) logger() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(g.logLevel)) // all of logLevels are names of levels
	options := &slog.HandlerOptions{Level: level}
	if g.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(g.streams.Err, options))
	}
	return slog.New(slog.NewTextHandler(g.streams.Err, options))
}

// helpWidth is how wide help is where there is no terminal to fit.
const helpWidth = 100

// usageTemplate is the usual one, with the help of flags as wide as the terminal.
func usageTemplate(usual string, out io.Writer) string {
	width := terminalWidth(out)
	if width == 0 || width > helpWidth {
		width = helpWidth
	}
	return strings.ReplaceAll(usual, ".FlagUsages", fmt.Sprintf(".FlagUsagesWrapped %d", width))
}

// badFlag is a mistake in the command line itself. An unknown flag comes with those that may be meant.
func badFlag(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if near := flagsNear(cmd, unknown.GetSpecifiedName()); len(near) > 0 {
			err = fmt.Errorf("%w; did you mean %s?", err, strings.Join(near, " or "))
		}
	}
	return &exit{code: ExitUsage, err: err, hint: cmd.CommandPath() + " --help"}
}

// flagsNear are the flags of a command whose names are like a text, by cobra's rule for commands.
func flagsNear(cmd *cobra.Command, text string) []string {
	names := &cobra.Command{SuggestionsMinimumDistance: 2}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
		}
	})
	near := names.SuggestionsFor(text)
	for i, name := range near {
		near[i] = "--" + name
	}
	return near
}
