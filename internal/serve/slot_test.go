package serve

import (
	"sync"
	"testing"
	"time"

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
