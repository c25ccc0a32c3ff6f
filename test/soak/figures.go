package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// counter is a figure of the soak, by its name in the table.
type counter string

const (
	cycles            counter = "cycles"
	dashboards        counter = "dashboards built"
	restarts          counter = "restarts of functions"
	faultSpans        counter = "fault spans"
	faultHits         counter = "faults injected (calls hit)"
	ownerActions      counter = "actions of the owner"
	invocations       counter = "invocations"
	failedInvocations counter = "invocations that failed"
	eventsTwice       counter = "events delivered twice"
	eventsLate        counter = "events delivered late"
	stops             counter = "stops"
	deletes           counter = "deletes"
	stepDowns         counter = "step-downs"
	unseenRaises      counter = "raises that no datapoint showed" // faults hid all lower minimums of the day before a step-down
	datapoints        counter = "datapoints checked"
	excused           counter = "datapoints excused by faults"
	alarmChecks       counter = "resources whose alarms were checked"

	// Violations.
	wrongActions   counter = "wrong actions"
	missingMetrics counter = "missing metrics"
	wrongMetrics   counter = "wrong metrics"
	wrongAlarms    counter = "wrong alarms and wiring"
	overdue        counter = "overdue actions"
	leaks          counter = "leaks"
)

// counters is the order of the table.
var counters = []counter{
	cycles, dashboards, restarts, faultSpans, faultHits, ownerActions, invocations, failedInvocations, eventsTwice, eventsLate,
	stops, deletes, stepDowns, unseenRaises, datapoints, excused, alarmChecks,
	wrongActions, missingMetrics, wrongMetrics, wrongAlarms, overdue, leaks,
}

// Figures is the outcome of a soak.
type Figures struct {
	HeapByDay     []uint64 // bytes in use after a collection
	Real, Virtual time.Duration

	mu         sync.Mutex
	counts     map[counter]int
	violations int
	texts      []string // the first violations
}

// maxTexts is how many violations are described.
const maxTexts = 40

func (f *Figures) add(c counter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[c]++
}

func (f *Figures) count(c counter) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[c]
}

// violate records a violation.
func (f *Figures) violate(c counter, at time.Time, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[c]++
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
	row := func(name, value any) { fmt.Fprintf(&b, "%-36v %v\n", name, value) }
	row("virtual time", f.Virtual.Round(time.Minute))
	row("real time", f.Real.Round(time.Second))
	for _, c := range counters {
		row(c, f.counts[c])
	}
	if len(f.HeapByDay) > 0 {
		row("peak heap after collection (MB)", slices.Max(f.HeapByDay)>>20)
	}
	var days []uint64
	for _, heap := range f.HeapByDay {
		days = append(days, heap>>20)
	}
	row("heap by day (MB)", days)
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
	days := f.HeapByDay
	if len(days) < settledDays+4 {
		return
	}
	before := slices.Max(days[settledDays-1 : settledDays+2])
	after := min(days[len(days)-1], days[len(days)-2])
	if after > before+before/10+heapSlack {
		f.violate(leaks, now, "the heap grew from %d to %d bytes after day %d", before, after, settledDays)
	}
}
