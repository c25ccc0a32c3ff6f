// Command personalize-monitor watches Amazon Personalize campaigns and recommenders. When
// AWS Lambda starts it, it is one of the functions instead of a command line.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/personalize-monitor/personalize-monitor/internal/cli"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
)

// version is set by the linker in releases.
var version string

func main() { os.Exit(run()) }

func run() int {
	if lambda.InLambda(os.LookupEnv) {
		err := lambda.Start(context.Background(), lambda.Options{Env: os.LookupEnv, Log: os.Stderr})
		if err != nil {
			fmt.Fprintln(os.Stderr, "personalize-monitor:", err)
			return 1
		}
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal the next one ends the program at once.
	context.AfterFunc(ctx, stop)
	return cli.Run(ctx, os.Args[1:], versionText(), cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.LookupEnv})
}

// versionText is the release's version or, in a build from source, the module's.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
