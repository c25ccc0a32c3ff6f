// Command personalize-monitor watches Amazon Personalize campaigns and recommenders: the
// command line and the daemon.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/personalize-monitor/personalize-monitor/internal/cli"
)

// version is set by the linker in releases.
var version string

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal the next one ends the program at once.
	context.AfterFunc(ctx, stop)
	info, _ := debug.ReadBuildInfo() // nil in a binary without it
	streams := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.LookupEnv}
	return cli.Run(ctx, os.Args[1:], cli.VersionOf(version, info), streams)
}
