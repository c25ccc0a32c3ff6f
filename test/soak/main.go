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
	"maps"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

// Figures is the outcome of a soak: counts by name, violations among them.
type Figures struct {
	mu            sync.Mutex
	counts        map[string]int
	violations    int
	texts         []string // the first violations
	heapByDay     []uint64 // bytes in use after a collection
	real, virtual time.Duration
}

const maxTexts = 40

func (f *Figures) add(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[name]++
}

func (f *Figures) count(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[name]
}

func (f *Figures) violate(name string, at time.Time, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts["violations: "+name]++
	f.violations++
	if len(f.texts) < maxTexts {
		f.texts = append(f.texts, at.Format("2006-01-02 15:04:05 ")+fmt.Sprintf(format, args...))
	}
}

// Table prints the figures, then the first violations, a line each.
func (f *Figures) Table() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	row := func(name string, value any) { fmt.Fprintf(&b, "%-36s %v\n", name, value) }
	row("virtual time", f.virtual.Round(time.Minute))
	row("real time", f.real.Round(time.Second))
	for _, name := range slices.Sorted(maps.Keys(f.counts)) {
		row(name, f.counts[name])
	}
	row("violations", f.violations)
	var days []uint64
	for _, heap := range f.heapByDay {
		days = append(days, heap>>20)
	}
	row("heap after collection by day (MB)", days)
	for _, text := range f.texts {
		row("violation", text)
	}
	return b.String()
}

// Bounds on the heap after everything that is kept for a time has been kept for that long.
const (
	settledDays = 16
	heapSlack   = 8 << 20
)

// checkHeap compares the last days with the first days after the retention is reached.
func (f *Figures) checkHeap(now time.Time) {
	days := f.heapByDay
	if len(days) < settledDays+4 {
		return
	}
	before := slices.Max(days[settledDays-1 : settledDays+2])
	after := min(days[len(days)-1], days[len(days)-2])
	if after > before+before/10+heapSlack {
		f.violate("leaks", now, "the heap grew from %d to %d bytes after day %d", before, after, settledDays)
	}
}

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
