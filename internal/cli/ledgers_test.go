package cli

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

func TestPauseBetweenLedgers(t *testing.T) {
	for _, tt := range []struct {
		name             string
		series, failures int
		want             time.Duration
	}{
		{"a small estate", 250, 0, time.Hour},
		{"as many as fit into every hour", ledgerSeries / 24, 0, time.Hour},
		{"one more", ledgerSeries/24 + 1, 0, 2 * time.Hour},
		{"10,000 resources", 25_001, 0, 7 * time.Hour},
		{"more than a day's worth", 2 * ledgerSeries, 0, 48 * time.Hour},
		{"a failure", 0, 1, time.Minute},
		{"a second one", 0, 2, 2 * time.Minute},
		{"a fourth one", 250, 4, 8 * time.Minute},
		{"a seventh one", 0, 7, time.Hour},
		{"very many", 0, 1000, time.Hour},
	} {
		if got := pauseAfter(tt.series, tt.failures); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	// Never more series a day than stated, however large the estate.
	for series := 1; series < 3*ledgerSeries; series += 997 {
		if perDay := float64(series) * 24 / pauseAfter(series, 0).Hours(); perDay > ledgerSeries {
			t.Errorf("%d series: %.0f a day", series, perDay)
		}
	}
}

// countedInventory is an inventory that records when it is called, and fails a number of times.
type countedInventory struct {
	mu    sync.Mutex
	fails int
	asked []time.Duration
	began time.Time
}

func (c *countedInventory) Discover(context.Context, model.Scope, func(model.ARN) bool, func(done, total int)) model.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, time.Since(c.began))
	if len(c.asked) <= c.fails {
		return model.Snapshot{Problems: []model.Problem{{Region: "us-east-1", Operation: "ListCampaigns", Err: errors.New("out\nof reach")}}}
	}
	return model.Snapshot{}
}

func (*countedInventory) Refresh(context.Context, []model.Resource) ([]model.Resource, []model.Problem) {
	return nil, nil
}

// idle is a meter that is not used.
type idle struct{ cycle.Meter }

// Ledgers are made by the one that leads alone, and what failed is tried again soon.
func TestLedgersAreMadeByWhoLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := serve.NewMemory()
		source := newPageSource([]serve.Account{{Memory: memory}}, "Board", "")
		inventory := &countedInventory{fails: 3, began: time.Now()}
		ledger := cycle.NewLedger(cycle.LedgerOptions{Inventory: inventory, Clock: model.SystemClock{}, Hourly: true})
		keeper := ledgerKeeper{
			memory: memory, logger: slog.New(slog.DiscardHandler), ledger: ledger,
			savings: cycle.NewSavings(cycle.SavingsOptions{Clock: model.SystemClock{}, Meter: idle{}}),
			records: func(context.Context) []events.Audit { return nil },
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			keeper.run(ctx, model.SystemClock{}, make(chan struct{}, 1))
		}()
		role := func(r serve.Role) { memory.Update(func(s *serve.Status) { s.Role = r }) }
		time.Sleep(time.Minute)
		role(serve.Standby)
		time.Sleep(59 * time.Minute)
		synctest.Wait()
		if s := source.Snapshot(); len(inventory.asked) > 0 || s.Ledger != nil || s.LedgerErr != noLedgerHere {
			t.Errorf("the daemon on standby called at %v; %q", inventory.asked, s.LedgerErr)
		}
		role(serve.Leading)
		time.Sleep(30 * time.Second)
		if s := source.Snapshot(); s.LedgerErr != "nothing could be measured: ListCampaigns us-east-1: out of reach" {
			t.Errorf("after a failure the page shows %q", s.LedgerErr)
		}
		time.Sleep(90 * time.Minute)
		role(serve.Standby)
		time.Sleep(5 * time.Hour)
		if s := source.Snapshot(); s.Ledger == nil || s.Saved == nil || s.LedgerErr != noLedgerHere {
			t.Errorf("who led before shows %v, %q", s.Ledger, s.LedgerErr)
		}
		cancel()
		<-ended
		want := []time.Duration{60 * time.Minute, 61 * time.Minute, 63 * time.Minute, 67 * time.Minute, 127 * time.Minute}
		if !slices.Equal(inventory.asked, want) {
			t.Errorf("asked after %v, want %v", inventory.asked, want)
		}
	})
}
