package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

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
