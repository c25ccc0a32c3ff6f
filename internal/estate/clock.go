package estate

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time and waits. The program never asks the time or waits in any
// other way, so that tests and the demo can run on a virtual one.
type Clock interface {
	// Now is the current time.
	Now() time.Time
	// Sleep waits for d, or until ctx ends, whose error it then returns.
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

// SkipClock runs with the real time, but whoever sleeps on it is woken at once and
// the clock moves on instead. It serves embedded estates and tests, where nobody is
// spared anything by waiting. The zero value starts at the real time.
type SkipClock struct {
	mu      sync.Mutex
	skipped time.Duration
}

// Now is the real time plus all the time slept so far, in UTC.
func (c *SkipClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().UTC().Round(0).Add(c.skipped)
}

// Sleep moves the clock on by d.
func (c *SkipClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d > 0 {
		c.mu.Lock()
		c.skipped += d
		c.mu.Unlock()
	}
	return nil
}
