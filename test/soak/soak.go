package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Options of a soak.
type Options struct {
	Days      int       // virtual days, at least 1
	Resources int       // approximate number of campaigns and recommenders at any time
	Seed      uint64    // of all random choices
	IdleHours int       // IdleThresholdHours of the monitor
	UsedHours int       // UsedIdleThresholdHours of the monitor
	dayHours  int       // length of a day; 0 means 24
	Progress  io.Writer // receives a line for each virtual day; nil discards them
	Log       io.Writer // receives the log of the functions; nil discards it
}

// begin is the start of every soak.
var begin = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// cycleEvery is the schedule of the monitor.
const cycleEvery = 5 * time.Minute

// retention is how long the embedded AWS keeps data: the monitor never asks for older data.
const retention = 15 * 24 * time.Hour

// history is how long requests are known: longer than the monitor looks back on calls.
const history = 91 * 24 * time.Hour

// world is everything in a soak.
type world struct {
	Options
	ctx      context.Context
	clock    *model.VirtualClock
	aws      *localaws.Server
	memory   *localaws.Memory
	random   *rand.Rand
	owner    *owner
	monitor  *monitor
	oracle   *oracle
	faults   *faults
	figures  *Figures
	foreign  map[string]string // what belongs to others, by its name in a snapshot
	cleaning bool              // the program removes what it made
	// quietSince is when the last fault and the last action of the owner ended; zero while there are any.
	quietSince time.Time
}

// Run runs a soak. What the monitor did wrong is in the figures; the error means that the soak itself failed.
func Run(ctx context.Context, o Options) (*Figures, error) {
	if o.dayHours == 0 {
		o.dayHours = 24
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Days < 1 || o.Resources < len(regions)*4 {
		return nil, fmt.Errorf("%d days with %d resources: at least 1 day and %d resources are needed", o.Days, o.Resources, len(regions)*4)
	}
	w := &world{
		Options: o, ctx: ctx, clock: model.NewVirtualClock(begin), random: rand.New(rand.NewPCG(o.Seed, 0x736f616b)),
		figures: &Figures{counts: map[string]int{}},
	}
	began := time.Now()
	if err := w.build(); err != nil {
		return nil, err
	}
	defer w.memory.Shut()
	f := w.figures
	for day := range o.Days {
		if err := w.day(); err != nil {
			return f, err
		}
		heap := heapInUse()
		f.heapByDay = append(f.heapByDay, heap)
		fmt.Fprintf(o.Progress, "day %d of %d: %d resources, %d stops, %d deletes, %d step-downs, %d faults hit, %d violations, heap %d MB, %s\n",
			day+1, o.Days, w.oracle.count(), f.count("stops"), f.count("deletes"), f.count("step-downs"), f.count("faults injected (calls hit)"), f.violations,
			heap>>20, time.Since(began).Round(time.Second))
	}
	f.checkHeap(w.clock.Now())
	w.checkAbandoned()
	w.checkCleanup()
	f.real, f.virtual = time.Since(began), w.clock.Now().Sub(begin)
	return f, nil
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // the first one runs finalizers and empties pools
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// quietFrom is the share of the day after which there are no faults and no actions of the owner.
const quietFrom = 13.0 / 24

func (w *world) day() error {
	steps := w.dayHours * int(time.Hour/cycleEvery)
	for step := range steps {
		at := begin.Add(time.Duration(w.figures.count("cycles")) * cycleEvery)
		w.clock.Advance(at.Add(10 * time.Second).Sub(w.clock.Now()))
		w.aws.Tick()
		w.oracle.advance(w.clock.Now())
		quiet := float64(step) >= quietFrom*float64(steps)
		if err := w.step(at, quiet, step); err != nil {
			return fmt.Errorf("at %s: %w", at.Format(time.DateTime), err)
		}
	}
	return w.ctx.Err()
}

// step runs five minutes. Faults hit the program only, not the owner.
func (w *world) step(at time.Time, quiet bool, number int) error {
	w.aws.ClearFaults()
	switch {
	case !quiet:
		w.quietSince = time.Time{}
		if err := w.owner.act(); err != nil {
			return err
		}
		w.monitor.restart()
		w.faults.draw(w.clock.Now())
		w.monitor.trouble(w.clock.Now())
	case w.quietSince.IsZero():
		w.quietSince = w.clock.Now()
		w.monitor.recover()
	}
	w.faults.addData(!quiet)
	if w.monitor.down.After(w.clock.Now()) {
		w.figures.add("cycles")
		return nil
	}
	w.monitor.invoke(lambda.Monitor, scheduled(at))
	w.checkMetrics(at)
	if err := w.monitor.deliver(); err != nil {
		return err
	}
	if number%12 == 0 {
		w.clock.Advance(at.Add(190 * time.Second).Sub(w.clock.Now()))
		w.monitor.invoke(lambda.Dashboard, scheduled(at.Add(3*time.Minute)))
	}
	w.aws.ClearFaults()
	w.figures.add("cycles")
	if quiet {
		return w.checkQuiet(number)
	}
	return nil
}
