// Command soak runs the whole monitor for weeks of virtual time in front of an embedded AWS that keeps changing. It checks the
// monitor after every cycle: nothing may be done wrong, and nothing may be left out. An oracle decides what is right. It knows
// every request and every action of the owner, and shares no rule with the program. The command prints the figures and exits
// with 1 if it found a violation.
//
//	go run ./test/soak --days 30 --resources 300 --seed 1
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	options := Options{Progress: os.Stderr}
	flags.IntVar(&options.Days, "days", 30, "virtual days")
	flags.IntVar(&options.Resources, "resources", 300, "approximate number of campaigns and recommenders")
	flags.Uint64Var(&options.Seed, "seed", 1, "seed of all random choices")
	flags.IntVar(&options.IdleHours, "idle-hours", 6, "IdleThresholdHours of the monitor")
	flags.IntVar(&options.UsedHours, "used-idle-hours", 192, "UsedIdleThresholdHours of the monitor")
	logFile := flags.String("log", "", "write the log of the functions to this file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *logFile != "" {
		file, err := os.Create(*logFile)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }() // a truncated log is not a violation
		options.Log = file
	}
	debug.SetGCPercent(400) // the heap is measured after a collection
	figures, err := Run(ctx, options)
	if figures != nil {
		fmt.Print(figures.Table())
	}
	if err != nil {
		return fmt.Errorf("the soak stopped early: %w", err)
	}
	if n := figures.violations; n > 0 {
		return fmt.Errorf("%d violations", n)
	}
	return nil
}
