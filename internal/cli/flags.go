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

// personDefaults differ from the parameters' own: a person who runs a cycle wants every
// resource checked now.
var personDefaults = map[string]string{config.HourlyChecks: string(model.Always)}

// addParams adds the flags of the named parameters, or of all. Defaults are resolved later,
// after the environment, and only shown here.
func addParams(cmd *cobra.Command, names []string, defaults map[string]string) {
	for _, spec := range config.All() {
		if names != nil && !slices.Contains(names, spec.Name) {
			continue
		}
		value, ok := defaults[spec.Name]
		if !ok {
			value = spec.Default
		}
		help := fmt.Sprintf("%s; %s (env %s", spec.Help, spec.Valid, spec.Name)
		if value != "" {
			help += ", default " + value
		}
		form := valueForms[spec.Name]
		if form == nil {
			form = []string{"yes|no", "yes", "no"}
		}
		cmd.Flags().Var(&textFlag{form: form[0]}, spec.Flag, help+")")
		complete(cmd, spec.Flag, form[1:])
	}
}

// textFlag is a flag whose text is checked later, with all the others.
type textFlag struct{ text, form string }

func (f *textFlag) String() string        { return f.text }
func (f *textFlag) Set(text string) error { f.text = text; return nil }
func (f *textFlag) Type() string          { return f.form }

// valueForms are what the values of parameters look like, followed by the values if there are
// few. All others are yes or no.
var valueForms = map[string][]string{
	config.CampaignARNs:                        {"ARNS", "all", "none"},
	config.RecommenderARNs:                     {"ARNS", "all", "none"},
	config.Regions:                             {"REGIONS"},
	config.UtilizationThresholdAlarmLowerBound: {"PERCENT"},
	config.AutoAdjustMinTPS:                    {"yes|no|DryRun", "yes", "no", "DryRun"},
	config.IdleThresholdHours:                  {"HOURS"},
	config.AutoDeleteOrStopIdleResources:       {"yes|no|DryRun", "yes", "no", "DryRun"},
	config.MaxStopsOrDeletesPerHour:            {"NUMBER"},
	config.NotificationEndpoint:                {"ADDRESSES"},
	config.HourlyChecks:                        {"WHEN", string(model.Auto), string(model.Always), string(model.Never)},
	config.MetricDelay:                         {"DURATION"},
	config.DashboardName:                       {"NAME"},
}

// resolve reads the named parameters, or all, from the flags and the environment. Other
// parameters in the environment do not matter, whatever their values.
func (g *global) resolve(flags *pflag.FlagSet, names []string, defaults map[string]string) (config.Values, error) {
	given := map[string]string{}
	for _, spec := range config.All() {
		if flags.Changed(spec.Flag) {
			given[spec.Flag] = flags.Lookup(spec.Flag).Value.String()
		}
	}
	return config.Resolve(config.Sources{Flags: given, Env: someOf(g.streams.Env, names), Defaults: defaults})
}

// someOf shows of the environment only the named parameters, or all for nil.
func someOf(env func(string) (string, bool), names []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if names != nil && !slices.Contains(names, name) {
			return "", false
		}
		return env(name)
	}
}
