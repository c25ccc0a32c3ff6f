package serve

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// An account whose cycle changes alarms for minutes makes room for the next one, once.
func TestACycleMakesRoomOnceAllIsDecided(t *testing.T) {
	all := newRoom(endpointsAtLeast)
	first, second := &slot{room: all}, &slot{room: all}
	first.acquire(t.Context())
	begun := make(chan struct{})
	go func() {
		second.acquire(t.Context())
		close(begun)
	}()
	select {
	case <-begun:
		t.Fatal("two cycles run where there is room for one")
	case <-time.After(10 * time.Millisecond):
	}
	untilDecided{NewMemory(), first, newResultCollector(model.Account{})}.Decided(report.Result{}, time.Now())
	<-begun
	first.release() // at the end of its cycle
	if all.cycles.TryAcquire(1) {
		t.Error("the end of the first cycle makes room again, although the second one runs")
	}
	second.release()
	if !all.cycles.TryAcquire(endpointsAtLeast) {
		t.Error("no room is left")
	}
}

// An account that waits for a place over the next tick leads afterwards only if no other daemon took over.
func TestALongWaitForAPlaceMayCostTheLead(t *testing.T) {
	for name, other := range map[string]bool{"another daemon took over": true, "no one did": false} {
		t.Run(name, func(t *testing.T) {
			estate, err := localaws.ParseEstate([]byte("regions: {us-east-1: {}}"), "estate.yaml", nil)
			if err != nil {
				t.Fatal(err)
			}
			tick := time.Date(2026, 3, 4, 12, 5, 0, 0, time.UTC)
			clock := model.NewVirtualClock(tick)
			aws, err := localaws.New(estate, localaws.WithClock(clock))
			if err != nil {
				t.Fatal(err)
			}
			endpoint := httptest.NewServer(aws)
			t.Cleanup(endpoint.Close)
			parts := app.New(app.Options{
				Config: awsapi.LocalConfig("us-east-1", endpoint.URL, "LOCAL", nil), Clock: clock, Logger: slog.New(slog.DiscardHandler), Deployment: "cli",
			})
			t.Cleanup(parts.Clients.Close)
			full := newRoom(endpointsAtLeast)
			if !full.cycles.TryAcquire(endpointsAtLeast) {
				t.Fatal("no room")
			}
			loop := cycleLoop{
				lease: newLease(parts.Notifier, clock, slog.New(slog.DiscardHandler), false), clock: clock, memory: NewMemory(), slot: &slot{room: full},
			}
			role := make(chan Role)
			go func() { role <- loop.turn(t.Context(), tick) }()
			for loop.memory.Status().Role != Leading {
				time.Sleep(time.Millisecond)
			}
			clock.Advance(cycleEvery + takeoverAfter)
			want := Leading
			if other {
				second := newLease(parts.Notifier, clock, slog.New(slog.DiscardHandler), false)
				if got := second.acquire(t.Context(), tick.Add(cycleEvery), Standby); got != Leading {
					t.Fatalf("the other daemon is %s", got)
				}
				want = Standby
			}
			full.cycles.Release(endpointsAtLeast)
			if got := <-role; got != want || loop.memory.Status().Role != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// Two accounts of 5,000 endpoints, or four small ones, have cycles at the same time, and in the first hour half as many
// large ones.
func TestACycleTakesRoomForItsEndpoints(t *testing.T) {
	all := newRoom(endpointsAtOnce)
	one := &slot{room: all}
	for _, tt := range []struct {
		endpoints int64
		cycles    int
		others    int64
	}{
		{0, 0, 7500},
		{1250, coldCycles - 1, 7500},
		{3000, coldCycles - 1, 4000},
		{5000, 0, 2500},
		{0, coldCycles, 7500},
		{2500, coldCycles, 7500},
		{2501, coldCycles, 7499},
		{5000, coldCycles, 5000},
		{7500, coldCycles, 2500},
		{30_000, coldCycles, 2500},
	} {
		one.cycles = tt.cycles
		untilDecided{NewMemory(), one, newResultCollector(model.Account{})}.Decided(report.Result{Resources: make([]report.Resource, tt.endpoints)}, time.Now())
		one.acquire(t.Context())
		if !all.cycles.TryAcquire(tt.others) {
			t.Errorf("beside %d endpoints after %d cycles there is no room for %d", tt.endpoints, tt.cycles, tt.others)
		}
		if all.cycles.TryAcquire(1) {
			t.Errorf("beside %d endpoints after %d cycles there is room for more than %d", tt.endpoints, tt.cycles, tt.others)
		}
		all.cycles.Release(tt.others)
		one.release()
	}
	var ended sync.WaitGroup
	for range 20 { // more than there is room for
		ended.Go(func() {
			s := &slot{room: all, endpoints: 5000}
			s.acquire(t.Context())
			s.release()
		})
	}
	ended.Wait()
	if !all.cycles.TryAcquire(endpointsAtOnce) {
		t.Error("some room is left taken")
	}
}

// A ledger goes on beside small cycles and between large ones, and beside a large one only after a while. It takes no
// room, and no cycle waits for it.
func TestALedgerWaitsForLargeCycles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, clock := newRoom(endpointsAtOnce), model.SystemClock{}
		small, large := &slot{room: all, endpoints: 300}, &slot{room: all, endpoints: 6000}
		small.acquire(t.Context())
		all.awaitRoom(t.Context(), clock)
		small.release()
		large.acquire(t.Context())
		var went atomic.Int64
		wait := func(ctx context.Context) {
			for range 4 {
				go func() { all.awaitRoom(ctx, clock); went.Add(1) }()
			}
			synctest.Wait()
		}
		wait(t.Context())
		small.acquire(t.Context())
		if n := went.Load(); n != 0 {
			t.Errorf("%d parts of a ledger beside a large cycle", n)
		}
		small.release()
		large.release()
		time.Sleep(time.Second)
		synctest.Wait()
		if n := went.Load(); n != 4 || !all.cycles.TryAcquire(endpointsAtOnce) {
			t.Errorf("%d parts of a ledger after it, or some room is taken", n)
		}
		wait(t.Context())
		time.Sleep(ledgerWait)
		synctest.Wait()
		if n := went.Load(); n != 8 {
			t.Errorf("%d parts of a ledger although cycles never pause", n)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		wait(ended)
		if n := went.Load(); n != 12 {
			t.Errorf("%d parts of a ledger after the daemon has ended", n)
		}
	})
}

// A daemon that stops does not wait for room.
func TestNoRoomIsTakenAfterTheEnd(t *testing.T) {
	all := newRoom(endpointsAtOnce)
	if !all.cycles.TryAcquire(endpointsAtOnce) {
		t.Fatal("no room")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	one := &slot{room: all}
	one.acquire(ctx)
	one.release() // of nothing
	if all.cycles.TryAcquire(1) {
		t.Error("what was not acquired was released")
	}
}

// Dashboards of all accounts are wanted at the same minute, and built two at a time: another waits, or ends with the daemon.
func TestADashboardWaitsForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, memory := newRoom(endpointsAtOnce), NewMemory()
		memory.Update(func(s *Status) { s.Role = Leading })
		if !all.boards.TryAcquire(boardsAtOnce) {
			t.Fatal("no room")
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			(&boardLoop{room: all, queue: newRebuildQueue(), memory: memory}).build(ctx) // which has no dashboard to build
			close(ended)
		}()
		synctest.Wait()
		select {
		case <-ended:
			t.Error("it did not wait")
		default:
		}
		cancel()
		<-ended
		if all.boards.TryAcquire(1) {
			t.Error("it made room that others have")
		}
	})
}
