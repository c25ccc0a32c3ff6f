package serve

import (
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// An account whose cycle changes alarms for minutes makes room for the next one, once.
func TestACycleMakesRoomOnceAllIsDecided(t *testing.T) {
	all := newPlaces(1)
	first, second := &slot{all: all}, &slot{all: all}
	first.acquire()
	begun := make(chan struct{})
	go func() {
		second.acquire()
		close(begun)
	}()
	select {
	case <-begun:
		t.Fatal("two cycles run where there is room for one")
	case <-time.After(10 * time.Millisecond):
	}
	untilDecided{NewMemory(), first}.Decided(report.Result{}, time.Now())
	<-begun
	first.release() // at the end of its cycle
	if len(all.taken) != 1 {
		t.Error("the end of the first cycle makes room again, although the second one runs")
	}
	second.release()
	if len(all.taken) != 0 {
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
			full := newPlaces(1)
			full.taken <- struct{}{}
			loop := cycleLoop{
				lease: newLease(parts.Notifier, clock, slog.New(slog.DiscardHandler), false), clock: clock, memory: NewMemory(), slot: &slot{all: full},
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
			<-full.taken
			if got := <-role; got != want || loop.memory.Status().Role != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// Two large accounts, or four small ones, have cycles at the same time. How large one is, its first cycle tells.
func TestALargeAccountTakesTwoPlaces(t *testing.T) {
	all := newPlaces(cyclesAtOnce)
	one := &slot{all: all}
	for _, tt := range []struct{ endpoints, want int }{{0, 2}, {smallAccount, 1}, {smallAccount + 1, 2}, {5, 1}} {
		if tt.endpoints > 0 {
			untilDecided{NewMemory(), one}.Decided(report.Result{Resources: make([]report.Resource, tt.endpoints)}, time.Now())
		}
		one.acquire()
		if got := len(all.taken); got != tt.want {
			t.Errorf("%d endpoints take %d places, want %d", tt.endpoints, got, tt.want)
		}
		one.release()
	}
	var ended sync.WaitGroup
	for range 20 { // more than there is room for, of two places each
		ended.Go(func() {
			s := &slot{all: all}
			s.acquire()
			s.release()
		})
	}
	ended.Wait()
	if len(all.taken) != 0 {
		t.Errorf("%d places are left taken", len(all.taken))
	}
}
