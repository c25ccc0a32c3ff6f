package cli

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

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
