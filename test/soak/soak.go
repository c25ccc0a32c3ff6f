// Package soak runs the whole monitor for weeks of virtual time in front of an embedded AWS
// whose estate is never at rest, and checks after every cycle that it did nothing wrong and
// left nothing out. What is right is told by an oracle that knows every request and every
// doing of the owner, and shares no rule with the program.
package soak

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Options say how long is soaked, and in what.
type Options struct {
	Days      int    // virtual days, at least 1
	Resources int    // about how many campaigns and recommenders there are at any time
	Seed      uint64 // of all chance
	IdleHours int    // IdleThresholdHours of the monitor; 0 means 6
	hours     int    // of a day; 0 means 24
	// Progress takes a line for each virtual day; nil discards them.
	Progress io.Writer
	// AtEnd is called before anything is cleaned up; may be nil.
	AtEnd func() error
	// Log takes the log of the functions; nil discards it.
	Log io.Writer
}

// Figures are what came of a soak.
type Figures struct {
	Cycles, Dashboards, Restarts   int
	FaultSpans, FaultHits          int
	OwnerDoings, Invocations       int
	Twice, Late, FailedInvocations int
	Stops, Deletes, StepDowns      int // accepted from the program
	Datapoints                     int // of metrics that were checked
	Excused                        int // datapoints not asked for because a fault stood in the way
	AlarmChecks                    int // resources whose alarms were compared
	WrongActions, MissingMetrics   int
	WrongMetrics, WrongAlarms      int
	UnseenRaises                   int // steps down within a day of a raise before which no minimum could be published
	Stuck                          int // resources that should have been acted on and were not
	Leaks                          int
	HeapByDay                      []uint64 // bytes in use after a collection
	Remembered                     int      // entries in the caches of the functions, in the end
	PeakHeap                       uint64
	Real                           time.Duration
	Virtual                        time.Duration
	Violations                     []string // the first of them
	violations                     int
}

// Sound tells whether nothing was wrong.
func (f *Figures) Sound() bool { return f.violations == 0 }

// maxViolations is how many violations are told in words.
const maxViolations = 40

// violate notes a violation.
func (f *Figures) violate(count *int, at time.Time, format string, args ...any) {
	*count++
	f.violations++
	if len(f.Violations) < maxViolations {
		f.Violations = append(f.Violations, at.Format("2006-01-02 15:04:05 ")+fmt.Sprintf(format, args...))
	}
}

// begin is the moment at which every soak begins.
var begin = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// cycleEvery is the schedule of the monitor.
const cycleEvery = 5 * time.Minute

// retention is how long the embedded AWS keeps data: all that the monitor ever asks for.
const retention = 15 * 24 * time.Hour

// world is all there is in a soak.
type world struct {
	Options
	ctx     context.Context
	clock   *model.VirtualClock
	aws     *localaws.Server
	memory  *localaws.Memory
	chance  *rand.Rand
	owner   *owner
	monitor *monitor
	model   *demand
	faults  *faults
	figures Figures
	// quietSince is when the last fault and doing of the owner ended; zero while there are any.
	quietSince time.Time
}

// Run soaks. The error means that the soak itself could not go on; what the monitor did
// wrong stands in the figures.
func Run(ctx context.Context, o Options) (Figures, error) {
	if o.IdleHours == 0 {
		o.IdleHours = 6
	}
	if o.hours == 0 {
		o.hours = 24
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Days < 1 || o.Resources < len(regions)*4 {
		return Figures{}, fmt.Errorf("%d days with %d resources: at least 1 day and %d resources are needed", o.Days, o.Resources, len(regions)*4)
	}
	w := &world{Options: o, ctx: ctx, clock: model.NewVirtualClock(begin), chance: rand.New(rand.NewPCG(o.Seed, 0x736f616b))}
	began := time.Now()
	if err := w.build(); err != nil {
		return Figures{}, err
	}
	defer w.memory.Shut()
	for day := range o.Days {
		if err := w.day(); err != nil {
			return w.figures, err
		}
		w.measureHeap()
		fmt.Fprintf(o.Progress, "day %d of %d: %s\n", day+1, o.Days, w.line(time.Since(began)))
	}
	w.checkHeap()
	w.checkRemembered()
	if o.AtEnd != nil {
		if err := o.AtEnd(); err != nil {
			return w.figures, err
		}
	}
	if err := w.end(); err != nil {
		return w.figures, err
	}
	w.figures.Real, w.figures.Virtual = time.Since(began), w.clock.Now().Sub(begin)
	return w.figures, nil
}

// quietFrom is the part of the day after which there are neither faults nor doings of the
// owner, to its end.
const quietFrom = 13.0 / 24

// day is a virtual day.
func (w *world) day() error {
	steps := w.hours * int(time.Hour/cycleEvery)
	for step := range steps {
		at := begin.Add(time.Duration(w.figures.Cycles) * cycleEvery)
		w.clock.Advance(at.Add(10 * time.Second).Sub(w.clock.Now()))
		w.aws.Tick()
		w.model.record(w.clock.Now())
		quiet := float64(step) >= quietFrom*float64(steps)
		if err := w.step(at, quiet, step); err != nil {
			return fmt.Errorf("at %s: %w", at.Format(time.DateTime), err)
		}
	}
	return w.ctx.Err()
}

// step is all that happens within five minutes.
func (w *world) step(at time.Time, quiet bool, number int) error {
	w.faults.clear()
	switch {
	case !quiet:
		w.quietSince = time.Time{}
		if err := w.owner.act(); err != nil {
			return err
		}
		w.monitor.restart()
		w.faults.draw(w.clock.Now())
	case w.quietSince.IsZero():
		w.quietSince = w.clock.Now()
	}
	w.monitor.cycle(at)
	w.checkMetrics()
	if err := w.monitor.deliver(); err != nil {
		return err
	}
	if number%12 == 0 {
		w.clock.Advance(at.Add(190 * time.Second).Sub(w.clock.Now()))
		w.monitor.dashboard(at.Add(3 * time.Minute))
	}
	w.faults.clear()
	w.figures.Cycles++
	if quiet {
		return w.checkQuiet(number)
	}
	return nil
}

// measureHeap notes what is in use after a collection.
func (w *world) measureHeap() {
	runtime.GC()
	runtime.GC() // what finalizers and pools let go of
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	w.figures.HeapByDay = append(w.figures.HeapByDay, stats.HeapAlloc)
	w.figures.PeakHeap = max(w.figures.PeakHeap, stats.HeapAlloc)
}

// Bounds on the heap once everything that is kept for a time has been kept for that long.
const (
	settledDays = 16
	heapSlack   = 8 << 20
)

// checkHeap compares the last days with the first ones after the retention is reached.
func (w *world) checkHeap() {
	days := w.figures.HeapByDay
	if len(days) < settledDays+4 {
		return
	}
	var before, after uint64
	for i := range 3 {
		before = max(before, days[settledDays-1+i])
	}
	after = min(days[len(days)-1], days[len(days)-2])
	if after > before+before/10+heapSlack {
		w.figures.violate(&w.figures.Leaks, w.clock.Now(), "the heap grew from %d to %d bytes after day %d", before, after, settledDays)
	}
}

// checkRemembered looks into the functions: what they remember must not outgrow the estate.
func (w *world) checkRemembered() {
	for f, h := range w.monitor.handlers {
		n := h.Remembered()
		w.figures.Remembered += n
		if most := 5*w.Resources + 50; n > most {
			w.figures.violate(&w.figures.Leaks, w.clock.Now(), "%s remembers %d things, more than %d", f, n, most)
		}
	}
}

func (w *world) line(took time.Duration) string {
	f := &w.figures
	return fmt.Sprintf("%d cycles, %d resources, %d stops, %d deletes, %d step-downs, %d faults hit, %d violations, heap %d MB, %s",
		f.Cycles, w.model.count(), f.Stops, f.Deletes, f.StepDowns, f.FaultHits, f.violations, f.HeapByDay[len(f.HeapByDay)-1]>>20, took.Round(time.Second))
}

// Table prints the figures, a line each.
func (f *Figures) Table() string {
	var b strings.Builder
	row := func(name string, value any) { fmt.Fprintf(&b, "%-34s %v\n", name, value) }
	row("virtual time", f.Virtual.Round(time.Minute))
	row("real time", f.Real.Round(time.Second))
	row("cycles", f.Cycles)
	row("dashboards built", f.Dashboards)
	row("restarts of functions", f.Restarts)
	row("fault spans", f.FaultSpans)
	row("faults injected (calls hit)", f.FaultHits)
	row("doings of the owner", f.OwnerDoings)
	row("invocations", f.Invocations)
	row("  failed", f.FailedInvocations)
	row("events delivered twice", f.Twice)
	row("events delivered late", f.Late)
	row("actions", f.Stops+f.Deletes+f.StepDowns)
	row("  stops", f.Stops)
	row("  deletes", f.Deletes)
	row("  step-downs", f.StepDowns)
	row("raises that no datapoint showed", f.UnseenRaises)
	row("wrong actions", f.WrongActions)
	row("metrics checked", f.Datapoints)
	row("metrics excused by faults", f.Excused)
	row("missing metrics", f.MissingMetrics)
	row("wrong metrics", f.WrongMetrics)
	row("resources' alarms compared", f.AlarmChecks)
	row("wrong alarms and wiring", f.WrongAlarms)
	row("left undone", f.Stuck)
	row("entries remembered in the end", f.Remembered)
	row("peak memory (heap after GC, MB)", f.PeakHeap>>20)
	row("heap by day (MB)", megabytes(f.HeapByDay))
	row("leaks", f.Leaks)
	return b.String()
}

func megabytes(heaps []uint64) string {
	words := make([]string, len(heaps))
	for i, h := range heaps {
		words[i] = strconv.FormatUint(h>>20, 10)
	}
	return strings.Join(words, " ")
}
