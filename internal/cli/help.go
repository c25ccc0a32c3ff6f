package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is how wide help is where there is no terminal to fit.
const helpWidth = 100

// wrapHelp makes the help of flags fit the terminal.
func wrapHelp(root *cobra.Command, out io.Writer) {
	width := terminalWidth(out)
	if width == 0 || width > helpWidth {
		width = helpWidth
	}
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		var text strings.Builder
		text.WriteString("Usage:\n  " + cmd.UseLine() + "\n")
		if cmd.HasAvailableSubCommands() {
			text.WriteString("\nCommands:\n")
			for _, sub := range cmd.Commands() {
				if sub.IsAvailableCommand() {
					text.WriteString("  " + sub.Name() + strings.Repeat(" ", max(1, 12-len(sub.Name()))) + sub.Short + "\n")
				}
			}
		}
		if cmd.HasExample() {
			text.WriteString("\nExamples:\n" + cmd.Example + "\n")
		}
		for _, group := range []struct {
			title string
			flags *pflag.FlagSet
		}{{"Flags", cmd.LocalFlags()}, {"Global flags", cmd.InheritedFlags()}} {
			if group.flags.HasAvailableFlags() {
				text.WriteString("\n" + group.title + ":\n" + group.flags.FlagUsagesWrapped(width))
			}
		}
		_, err := io.WriteString(cmd.OutOrStdout(), text.String())
		return err
	})
}

// complete offers a flag's few possible values to the shell.
func complete(cmd *cobra.Command, flag string, values []string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag was not defined: a mistake in this package
	}
}
