package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// common are the settings that many commands share; each command adds the flags it has.
type common struct {
	output string
	dryRun bool
	yes    bool
}

var outputs = []string{string(report.Table), string(report.JSON), string(report.CSV)}

func (c *common) addOutput(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.output, "output", outputs[0], "`FORM` of the result: table, json or csv")
	complete(cmd, "output", outputs)
}

func (c *common) addDryRun(cmd *cobra.Command, help string) {
	cmd.Flags().BoolVar(&c.dryRun, "dry-run", false, help)
}

func (c *common) addYes(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.yes, "yes", false, "do not ask; required where there is no terminal")
}

func (c *common) checkOutput() error { return usage(oneOf("--output", c.output, outputs)) }

// checkAsk rejects a command that has to ask where there is no terminal. What it asks before is
// the beginning of the message.
func (c *common) checkAsk(streams Streams, asks string) error {
	if c.dryRun || c.yes || streams.interactive() {
		return nil
	}
	return usage(errors.New(asks + "; without a terminal, add --yes, or --dry-run to change nothing"))
}

// confirm asks a question, unless a flag has answered it.
func (c *common) confirm(ctx context.Context, streams Streams, question string) error {
	if c.dryRun || c.yes {
		return nil
	}
	return streams.confirm(ctx, question)
}

// addAllowLarge adds the flag for minimums that may be a mistake.
func addAllowLarge(cmd *cobra.Command, allow *bool) {
	cmd.Flags().BoolVar(allow, "allow-large", false, fmt.Sprintf("allow a minimum of more than %d times the present one, or more than %s",
		rules.LargeTimes, model.Number(rules.LargeMinTPS, 0)))
}

// oneOf is an error if a text is not one of the values of a flag.
func oneOf(flag, text string, values []string) error {
	if slices.Contains(values, text) {
		return nil
	}
	return fmt.Errorf("%s %q is not one of %s", flag, text, strings.Join(values, ", "))
}

// complete offers a flag's few possible values to the shell.
func complete(cmd *cobra.Command, flag string, values []string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag was not defined: a mistake in this package
	}
}

// setup is what a command needs before it can run.
type setup struct {
	params   []string          // the parameters that it has; nil means all
	defaults map[string]string // where they differ from the parameters' own
	realTime bool              // whether an embedded AWS runs on the real time
	readOnly bool              // --audit-file is read, not written, and the first of --regions is as good as a current region
	regions  []string          // that are named for this run
}

// start makes a command work in an account, with the flags of its parameters. It calls AWS only when the
// whole command line is known to be valid, of which check rejects the settings of the command; it may be nil.
func (g *global) start(
	cmd *cobra.Command, from setup, check func(Streams, config.Values) error, run func(context.Context, *session, config.Values) error,
) *cobra.Command {
	from.addParams(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		values, err := g.resolve(cmd.Flags(), from)
		if err == nil && check != nil {
			err = check(g.streams, values)
		}
		if err != nil {
			return err
		}
		from.regions = values.Regions
		s, err := g.open(cmd.Context(), from)
		if err != nil {
			return err
		}
		defer s.close()
		if err := values.Within(s.config.Region); err != nil {
			return err
		}
		if len(values.Regions) == 0 {
			values.Regions = s.regions
		}
		return run(cmd.Context(), s, values)
	}
	return cmd
}

// addParams adds the flags of parameters that the command does not have yet. Defaults are resolved later,
// after the environment, and only shown here.
func (from setup) addParams(cmd *cobra.Command) {
	for _, spec := range config.All() {
		if from.params != nil && !slices.Contains(from.params, spec.Name) || cmd.Flags().Lookup(spec.Flag) != nil {
			continue
		}
		value, ok := from.defaults[spec.Name]
		if !ok {
			value = spec.Default
		}
		help := fmt.Sprintf("%s; %s (env %s", spec.Help, spec.Valid, spec.Name)
		if value != "" {
			help += ", default " + value
		}
		cmd.Flags().Var(&textFlag{form: spec.Form}, spec.Flag, help+")")
		complete(cmd, spec.Flag, spec.Choices)
	}
}

// textFlag is a flag whose text is checked later, with all the others.
type textFlag struct{ text, form string }

func (f *textFlag) String() string        { return f.text }
func (f *textFlag) Set(text string) error { f.text = text; return nil }
func (f *textFlag) Type() string          { return f.form }

// resolve reads parameters from the flags and the environment. Other parameters in the environment
// do not matter, whatever their values.
func (g *global) resolve(flags *pflag.FlagSet, from setup) (config.Values, error) {
	given := map[string]string{}
	for _, spec := range config.All() {
		if flags.Changed(spec.Flag) {
			given[spec.Flag] = flags.Lookup(spec.Flag).Value.String()
		}
	}
	return config.Resolve(config.Sources{Flags: given, Env: g.streams.Env, Only: from.params, Defaults: from.defaults})
}

// exactArgs requires n arguments. The error names them as the usage line of the command does.
func exactArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		_, path, _ := strings.Cut(cmd.CommandPath(), " ")
		_, operands, _ := strings.Cut(cmd.Use, " ")
		return fmt.Errorf("%s needs %s; it has %d of these arguments", path, operands, len(args))
	}
}
