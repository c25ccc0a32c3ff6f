package model

import (
	"context"
	"sync"
	"time"
)

// Clock is the only source of time and waiting in the program, so that tests and the demo
// can run on a virtual one.
type Clock interface {
	// Now is the current time, in UTC.
	Now() time.Time
	// Sleep waits for d, or until ctx ends, and then returns its error.
	Sleep(ctx context.Context, d time.Duration) error
}

// SystemClock is the real time.
type SystemClock struct{}

// Now is time.Now in UTC.
func (SystemClock) Now() time.Time { return time.Now().UTC() }

// Sleep waits in real time.
func (SystemClock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// VirtualClock moves only when someone sleeps on it: Sleep advances it and returns at once.
// It is for the embedded AWS and for tests.
type VirtualClock struct {
	mu  sync.Mutex
	now time.Time
}

// NewVirtualClock makes a clock that shows the given time.
func NewVirtualClock(now time.Time) *VirtualClock {
	return &VirtualClock{now: now.UTC().Round(0)}
}

// Now is the time that it shows.
func (c *VirtualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Sleep advances the clock by d, unless ctx has ended.
func (c *VirtualClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.Advance(d)
	return nil
}

// Advance moves the clock on; a negative d does nothing.
func (c *VirtualClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(max(0, d))
}
