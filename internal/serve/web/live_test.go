package web

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
)

// changing is a source whose changes are counted.
type changing struct {
	mu      sync.Mutex
	version uint64
	changed chan struct{}
}

func (c *changing) Snapshot() Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Snapshot{Snapshot: serve.Snapshot{Version: c.version}}
}

func (c *changing) Version() uint64 { return c.Snapshot().Version }

func (c *changing) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

func (c *changing) change() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	close(c.changed)
	c.changed = make(chan struct{})
}

// The many changes that a cycle makes in a row are told as one, the last one included.
func TestChangesInARowAreToldAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &changing{changed: make(chan struct{})}
		h, err := New(Options{Source: source, Guard: &guard.Guard{}, Clock: model.SystemClock{}})
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		ctx, end := context.WithCancel(t.Context())
		go h.site.follow(ctx, func(message string) bool {
			told = append(told, message)
			return true
		})
		synctest.Wait()
		for range 20 {
			source.change()
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
		}
		time.Sleep(2 * minPause)
		synctest.Wait()
		end()
		if len(told) != 2 || told[1] != "event: change\ndata: 20\n\n" {
			t.Errorf("told %q", told)
		}
	})
}
