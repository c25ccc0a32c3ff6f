package cycle_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// knownInventory knows one resource without asking anybody.
type knownInventory struct {
	cycle.Inventory
	resource model.Resource
}

func (i knownInventory) Refresh(context.Context, []model.Resource) ([]model.Resource, []model.Problem) {
	return []model.Resource{i.resource}, nil
}

// emptyMeter answers everything completely: there was nothing but a monitor. At its last call the
// time is up.
type emptyMeter struct {
	calls int
	stop  func()
	at    int
}

func (m *emptyMeter) Measure(_ context.Context, queries []model.Query, _ func(done, total int)) (model.Readings, []model.Problem) {
	readings := model.Readings{}
	for _, q := range queries {
		series := model.Series{Complete: true}
		if q.Metric.Namespace == model.NamespaceMonitor && q.Metric.Name != model.MetricActionsTaken {
			for at := q.Window.Start; at.Before(q.Window.End); at = at.Add(q.Period) {
				point := model.Datapoint{Time: at, Value: 1}
				if q.Stat == model.Sum { // calls
					point.Value = 0
				}
				series.Points = append(series.Points, point)
			}
		}
		readings[q] = series
	}
	if m.calls++; m.calls == m.at {
		m.stop()
	}
	return readings, nil
}

func rightClock() (time.Duration, bool) { return 0, true }

// A second look whose time was up before it ended decides nothing, whatever it has read
// by then; the caller has it made again.
func TestASecondLookWithoutTimeDecidesNothing(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC)
	arn, kind, err := model.ParseResourceARN("arn:aws:personalize:" + home + ":123456789012:campaign/home")
	if err != nil {
		t.Fatal(err)
	}
	resource := model.Resource{
		ARN: arn, Kind: kind, Name: "home", Recipe: "aws-sims", Status: model.StatusActive, MinTPS: 1, Described: true,
		Created: now.Add(-30 * 24 * time.Hour), LastUpdated: now.Add(-30 * 24 * time.Hour),
	}
	for at := range 6 { // 0: there is time enough
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		meter := &emptyMeter{stop: cancel, at: at}
		c := cycle.NewRechecker(cycle.RecheckOptions{
			Inventory: knownInventory{resource: resource}, Meter: meter,
			Gaps: cycle.NewRegionGaps(meter, func(context.Context, string) ([]model.Resource, []model.Problem) {
				return []model.Resource{resource}, nil
			}),
			Clock: model.NewVirtualClock(now), Logger: slog.New(slog.DiscardHandler), Region: home, ClockOffset: rightClock,
			Params: func() (config.Values, error) { return values(t, idleOn("24")), nil },
		})
		d, err := c.Recheck(ctx, events.Request{ARN: arn, Kind: kind, IdleThresholdHours: 24})
		if at == 0 {
			if err != nil || d.Verdict != rules.Delete {
				t.Fatalf("with time: %s (%s), %v", d.Verdict, d.Reason, err)
			}
			continue
		}
		if !errors.Is(err, context.Canceled) || d.Verdict != "" {
			t.Errorf("time up in step %d: %s (%s), %v", at, d.Verdict, d.Reason, err)
		}
	}
}
