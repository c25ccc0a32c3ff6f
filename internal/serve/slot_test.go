package serve

import (
	"log/slog"
	"net/http/httptest"
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
	all := make(chan struct{}, 1)
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
	if len(all) != 1 {
		t.Error("the end of the first cycle makes room again, although the second one runs")
	}
	second.release()
	if len(all) != 0 {
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
			full := make(chan struct{}, 1)
			full <- struct{}{}
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
			<-full
			if got := <-role; got != want || loop.memory.Status().Role != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}
