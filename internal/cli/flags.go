package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/prices"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// common are the settings that many commands share; each command adds the flags it has.
type common struct {
	form   *choice // of output
	output string
	dryRun bool
	yes    bool
}

var outputs = []string{string(report.Table), string(report.JSON), string(report.CSV)}

func (c *common) addOutput(cmd *cobra.Command) {
	c.form = addChoice(cmd, cmd.Flags(), &c.output, "output", outputs[0], outputs, "`FORM` of the result: table, json or csv")
}

func (c *common) addDryRun(cmd *cobra.Command, help string) {
	cmd.Flags().BoolVar(&c.dryRun, "dry-run", false, help)
}

func (c *common) addYes(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.yes, "yes", false, "do not ask; required where there is no terminal")
}

// checkAsk rejects a command that has to ask where there is no terminal. What it asks before is
// the beginning of the message.
func (c *common) checkAsk(streams Streams, asks string) error {
	if c.dryRun || c.yes || streams.interactive() {
		return nil
	}
	return usage(errors.New(asks + "; without a terminal, add --yes, or --dry-run to change nothing"))
}

func (c *common) confirm(ctx context.Context, streams Streams, question string) error {
	if c.dryRun || c.yes {
		return nil
	}
	return streams.confirm(ctx, question)
}

func addAllowLarge(cmd *cobra.Command, allow *bool) {
	cmd.Flags().BoolVar(allow, "allow-large", false, fmt.Sprintf("allow a minimum of more than %d times the present one, or more than %s",
		rules.LargeTimes, model.Number(rules.LargeMinTPS, 0)))
}

func reject(wrong bool, format string, args ...any) error {
	if !wrong {
		return nil
	}
	return usage(fmt.Errorf(format, args...))
}

// checkAddress rejects an address to listen on that has no port.
func checkAddress(flag, address, example string) error {
	_, _, err := net.SplitHostPort(address)
	return reject(err != nil, "%s %q is not an address such as %s", flag, address, example)
}

// choice is a flag with a few possible values.
type choice struct {
	flag   string
	value  *string
	values []string
	joined bool // the command reports an invalid value together with its other faults
}

func (c *choice) String() string { return *c.value }
func (c *choice) Type() string   { return "string" }

// Set implements pflag.Value. It does not distinguish upper and lower case. An invalid value is reported when
// all flags are known, as others may be invalid too.
func (c *choice) Set(text string) error {
	if i := slices.IndexFunc(c.values, func(v string) bool { return strings.EqualFold(v, text) }); i >= 0 {
		text = c.values[i]
	}
	*c.value = text
	return nil
}

func (c *choice) check() error { return oneOf(c.flag, *c.value, c.values) }

// addChoice adds a flag with a few possible values, and offers them to the shell.
func addChoice(cmd *cobra.Command, flags *pflag.FlagSet, value *string, name, initial string, values []string, help string) *choice {
	*value = initial
	c := &choice{flag: "--" + name, value: value, values: values}
	flags.Var(c, name, help)
	complete(cmd, name, values)
	return c
}

// checkChoices rejects invalid values of flags with a few possible ones.
func checkChoices(cmd *cobra.Command, _ []string) error {
	var faults []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if c, ok := f.Value.(*choice); ok && !c.joined {
			faults = append(faults, c.check())
		}
	})
	return usage(errors.Join(faults...))
}

// oneOf is an error if a text is not one of the values of a flag.
func oneOf(flag, text string, values []string) error {
	if slices.Contains(values, text) {
		return nil
	}
	return fmt.Errorf("%s %q is not one of %s", flag, text, strings.Join(values, ", "))
}

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

// priceOptions are where the prices of estimates come from: a file, the AWS Price List
// API, or the table in the program.
type priceOptions struct {
	file string
	live bool
	read pricing.Table // from the file, once checked
}

func (o *priceOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.file, "prices", "", "estimate with the prices in `FILE` (YAML or JSON)")
	cmd.Flags().BoolVar(&o.live, "live-prices", false, "estimate with prices of the AWS Price List API (needs pricing:GetProducts)")
}

// maxPrices bounds what is read of a price file, in bytes.
const maxPrices = 1 << 20

// check reads the price file, before any AWS call.
func (o *priceOptions) check() error {
	if err := reject(o.file != "" && o.live, "--prices and --live-prices exclude each other"); err != nil || o.file == "" {
		return err
	}
	data, err := readLimited(o.file, maxPrices)
	if err != nil {
		return usage(fmt.Errorf("--prices: %w", err))
	}
	o.read, err = prices.ParseFile(o.file, data, model.SystemClock{}.Now())
	return usage(err)
}

// readLimited reads the beginning of a file.
func readLimited(name string, limit int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(file, limit))
}

// source finds prices. The table in the program has those that a file or the Price List API lacks.
func (o *priceOptions) source(s *session) cycle.PriceSource {
	return func(ctx context.Context, regions []string) (pricing.Table, []model.Problem) {
		switch {
		case o.file != "":
			return o.read.Over(pricing.Builtin()), nil
		case o.live:
			found, problems := prices.Lookup(ctx, s.clients, regions)
			return found.Over(pricing.Builtin()), problems
		}
		return pricing.Builtin(), nil
	}
}
