package cli

import (
	"context"
	"math"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

func TestSoftLimit(t *testing.T) {
	for _, tt := range []struct {
		name string
		live uint64
		want int64
	}{
		{"nothing in use", 0, 440 << 20},
		{"100,000 endpoints between two cycles", 300 << 20, 440 << 20},
		{"as much as fits", 396 << 20, 440 << 20},
		{"a little more", 406 << 20, 460 << 20},
		{"much more than that", 900 << 20, 1200 << 20},
	} {
		if got := softLimitFor(tt.live); got != tt.want {
			t.Errorf("%s: %d MiB, want %d", tt.name, got>>20, tt.want>>20)
		}
	}
}

// The limit is set while a daemon runs, and that of the environment stays.
func TestADaemonKeepsASoftLimit(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	for _, tt := range []struct{ before, during int64 }{{math.MaxInt64, softLimit}, {2 << 30, 2 << 30}} {
		debug.SetMemoryLimit(tt.before)
		synctest.Test(t, func(t *testing.T) {
			end := inBackground(t.Context(), func(ctx context.Context) { keepSoftLimit(ctx, model.SystemClock{}) })
			time.Sleep(time.Minute)
			if got := debug.SetMemoryLimit(-1); got != tt.during {
				t.Errorf("the limit is %d while a daemon runs, want %d", got, tt.during)
			}
			end()
		})
		if got := debug.SetMemoryLimit(-1); got != tt.before {
			t.Errorf("afterwards the limit is %d, want %d", got, tt.before)
		}
	}
}

// Ledgers wait for the first cycle of every account: until all is decided, or it has failed.
func TestLedgersComeAfterTheFirstCycles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var watched []serve.Account
		for range 3 {
			watched = append(watched, serve.Account{Memory: serve.NewMemory()})
		}
		begun := false
		go func() { begun = awaitFirstCycles(t.Context(), watched) }()
		for i, change := range []func(*serve.Status){
			func(s *serve.Status) { s.Role = serve.Leading },
			func(s *serve.Status) { s.LastCycle = time.Now() },
			func(s *serve.Status) { s.Measured = time.Now() },
		} {
			watched[2-i].Memory.Update(change)
			synctest.Wait()
			if begun {
				t.Fatalf("ledgers begin after the change %d", i)
			}
		}
		watched[2].Memory.Update(func(s *serve.Status) { s.Measured = time.Now() })
		synctest.Wait()
		if !begun {
			t.Error("ledgers do not begin")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if watched[0].Memory = serve.NewMemory(); awaitFirstCycles(ctx, watched) {
			t.Error("ledgers begin although the daemon ends")
		}
	})
}
