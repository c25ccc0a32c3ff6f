package serve

import (
	"testing"
	"time"

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
