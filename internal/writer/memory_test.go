package writer

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// TestForgets has things come and go for a month: those that are gone are forgotten, and what
// still holds is not logged again.
func TestForgets(t *testing.T) {
	clock := model.NewVirtualClock(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	var log bytes.Buffer
	w := New(Options{Clock: clock, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for hour := range 30 * 24 {
		w.LogOnce(t.Context(), slog.LevelInfo, "stays", "alarm kept")
		w.LogOnce(t.Context(), slog.LevelInfo, fmt.Sprint("gone ", hour), "alarm kept")
		if n := len(w.logged.entries); n > 30 {
			t.Fatalf("%d things are remembered after %d hours", n, hour)
		}
		clock.Advance(time.Hour)
	}
	if n := strings.Count(log.String(), "arn=stays"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

func TestMemoryExpires(t *testing.T) {
	clock := model.NewVirtualClock(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	m := NewMemory[int](clock, time.Hour)
	m.Put("a", 1)
	clock.Advance(time.Hour - 1)
	if v, ok := m.Get("a"); !ok || v != 1 {
		t.Errorf("got %d, %v", v, ok)
	}
	if former, ok := m.Put("b", 2); ok {
		t.Errorf("former %d", former)
	}
	clock.Advance(1)
	if v, ok := m.Get("a"); ok {
		t.Errorf("got %d", v)
	}
	m.Delete("b")
	if v, ok := m.Get("b"); ok {
		t.Errorf("got %d", v)
	}
}

func TestTagListOfNoTags(t *testing.T) {
	if list := TagList(Tags{}, CloudWatchTag); list != nil {
		t.Errorf("got %#v, which a request would mention", list)
	}
}
