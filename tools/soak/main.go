// Command soak runs the whole monitor for weeks of virtual time in front of an embedded AWS
// that is never at rest, checks it after every cycle, and prints the figures. It exits with
// 1 if anything was wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/pprof"

	"github.com/personalize-monitor/personalize-monitor/test/soak"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(stderr)
	options := soak.Options{Progress: stderr}
	flags.IntVar(&options.Days, "days", 30, "virtual days")
	flags.IntVar(&options.Resources, "resources", 300, "about how many campaigns and recommenders there are")
	flags.Uint64Var(&options.Seed, "seed", 1, "of all chance")
	flags.IntVar(&options.IdleHours, "idle-hours", 6, "IdleThresholdHours of the monitor")
	logFile := flags.String("log", "", "file for the log of the functions")
	profile := flags.String("cpuprofile", "", "file for a profile of the processor's time")
	heap := flags.String("memprofile", "", "file for a profile of the memory in use in the end")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return 2
	}
	if *logFile != "" {
		file, err := os.Create(*logFile)
		if err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		defer func() { _ = file.Close() }() // a log that is cut short is no fault of the soak
		options.Log = file
	}
	if *profile != "" {
		file, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(file)
		}
		if err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		defer pprof.StopCPUProfile()
	}
	debug.SetGCPercent(400) // memory is measured after a collection
	if *heap != "" {
		options.AtEnd = func() error { return writeHeap(*heap) }
	}
	figures, err := soak.Run(ctx, options)
	fmt.Fprint(stdout, figures.Table())
	for _, violation := range figures.Violations {
		fmt.Fprintln(stdout, "wrong:", violation)
	}
	if err != nil {
		fmt.Fprintln(stderr, "the soak could not go on:", err)
	}
	if err != nil || !figures.Sound() {
		return 1
	}
	return 0
}

// writeHeap writes a profile of the memory in use.
func writeHeap(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	runtime.GC()
	return errors.Join(pprof.WriteHeapProfile(file), file.Close())
}
