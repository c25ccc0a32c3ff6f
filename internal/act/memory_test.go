package act

import (
	"fmt"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// TestForgets has things come and go for a month: what is said of those that are gone is
// forgotten, and what still holds is not said again.
func TestForgets(t *testing.T) {
	clock := model.NewVirtualClock(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	a := New(Options{Clock: clock})
	for hour := range 30 * 24 {
		a.tell(t.Context(), "stays", "alarm kept")
		gone := fmt.Sprint("gone ", hour)
		a.tell(t.Context(), gone, "alarm kept")
		a.mu.Lock()
		a.kept[gone] = keptAlarm{read: clock.Now()}
		if _, said := a.said["stays"]; !said {
			t.Fatalf("forgotten after %d hours", hour)
		}
		a.mu.Unlock()
		if n := a.Remembered(); n > 60 {
			t.Fatalf("%d things are remembered after %d hours", n, hour)
		}
		clock.Advance(time.Hour)
	}
}
