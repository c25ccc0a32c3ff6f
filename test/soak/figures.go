package main

import (
	"fmt"
	"maps"
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

// maxTexts is how many violations are described.
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

// violate records a violation.
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
