package cycle_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// listedInventory lists one resource, and knows what a description of it says.
type listedInventory struct {
	listed  model.Resource
	fresh   []model.Resource
	problem []model.Problem
}

func (i listedInventory) Discover(context.Context, model.Scope, func(model.ARN) bool, func(done, total int)) model.Snapshot {
	return model.Snapshot{Resources: []model.Resource{i.listed}}
}

func (i listedInventory) Refresh(context.Context, []model.Resource) ([]model.Resource, []model.Problem) {
	return i.fresh, i.problem
}

// quietWriter writes nothing and keeps the commands it is given.
type quietWriter struct {
	sent []events.Event
}

func (*quietWriter) Publish(_ context.Context, data []model.Datum) (int, []model.Problem) {
	return len(data), nil
}

func (*quietWriter) Ensure(context.Context, notify.Input) (map[string]model.ARN, []model.Problem) {
	return nil, nil
}

func (*quietWriter) List(context.Context, string) ([]alarms.Alarm, error) { return nil, nil }

func (*quietWriter) ReconcileAll(context.Context, []alarms.ReconcileInput) (alarms.Counts, []model.Problem) {
	return alarms.Counts{}, nil
}

func (a *quietWriter) Emit(_ context.Context, list []events.Event) ([]events.Event, []model.Problem) {
	a.sent = append(a.sent, list...)
	return list, nil
}

func (*quietWriter) Left(context.Context, writer.BudgetQuestion) map[rules.Budgeted]rules.Left {
	return map[rules.Budgeted]rules.Left{rules.Removals: {N: 1}}
}

func (*quietWriter) CountRequested([]events.Event) {}

func (*quietWriter) Rebuild(context.Context, events.BuildDetail) ([]events.Event, []model.Problem) {
	return nil, nil
}

func (*quietWriter) CountRefused(context.Context, map[writer.RefusedKey]int) {}

func (*quietWriter) CountLostRecords(context.Context, int) {}

// A resource that was only listed is described before a command to end it is sent, and
// what the description says decides.
func TestAFreshDescriptionDecides(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC)
	arn, kind, err := model.ParseResourceARN("arn:aws:personalize:" + home + ":123456789012:campaign/home")
	if err != nil {
		t.Fatal(err)
	}
	listed := model.Resource{
		ARN: arn, Kind: kind, Name: "home", Recipe: "aws-sims", Status: model.StatusActive, MinTPS: 1,
		Created: now.Add(-30 * 24 * time.Hour), LastUpdated: now.Add(-30 * 24 * time.Hour),
	}
	described := func(change func(*model.Resource)) []model.Resource {
		r := listed
		r.Described = true
		change(&r)
		return []model.Resource{r}
	}
	tests := []struct {
		name      string
		inventory listedInventory
		want      rules.Verdict
		reason    string
	}{
		{"as it was listed", listedInventory{fresh: described(func(*model.Resource) {})}, rules.Delete, "watched hours without a call (needs 24;"},
		{"being deleted by now", listedInventory{fresh: described(func(r *model.Resource) { r.Status = "DELETE PENDING" })}, rules.Refused, "its status is now DELETE PENDING"},
		{
			"an update under way",
			listedInventory{fresh: described(func(r *model.Resource) { r.Update = &model.Update{Status: "CREATE PENDING"} })},
			rules.Refused, "an update is in progress (CREATE PENDING)",
		},
		{"gone by now", listedInventory{}, rules.Refused, "it no longer exists"},
		{
			"not to be described",
			listedInventory{problem: []model.Problem{{ARN: arn.String(), Operation: "DescribeCampaign", Err: errors.New("throttled")}}},
			rules.Refused, "it could not be described again",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.inventory.listed = listed
			quiet := &quietWriter{}
			meter := &emptyMeter{at: -1}
			c := cycle.New(cycle.Options{
				Inventory: tt.inventory, Meter: meter, Writer: quiet, Notifier: quiet, Alarms: quiet, Budgets: quiet, Rebuilder: quiet,
				Gaps:  cycle.NewRegionGaps(meter, func(context.Context, string) ([]model.Resource, []model.Problem) { return nil, nil }),
				Tags:  cycle.NewResourceTags(func(context.Context, string, string) (writer.Tags, error) { return writer.Tags{}, nil }, model.NewVirtualClock(now)),
				Clock: model.NewVirtualClock(now), Logger: slog.New(slog.DiscardHandler), Region: home, ClockOffset: rightClock,
			})
			changes := idleOn("24")
			changes["HourlyChecks"] = "always"
			result, err := c.Run(context.Background(), cycle.Input{Params: values(t, changes)})
			if err != nil {
				t.Fatal(err)
			}
			got := byName(t, result, "home")
			if got.Decision != tt.want || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%s (%s), want %s (%s)", got.Decision, got.Reason, tt.want, tt.reason)
			}
			if sent := len(quiet.sent); (sent == 1) != (tt.want == rules.Delete) {
				t.Errorf("%d commands sent", sent)
			}
		})
	}
}

// What is described ahead of the first cycle is not described again in it.
func TestTheFirstCycleKnowsWhatWasLearned(t *testing.T) {
	b := newBed(t, flat(5, home))
	if n := b.cycle.Learn(t.Context(), values(t, nil)); n != 5 {
		t.Fatalf("%d endpoints", n)
	}
	b.aws.ResetCalls()
	result := b.run(map[string]string{config.HourlyChecks: "never"})
	for call, n := range b.aws.Calls() {
		if strings.HasPrefix(call, "personalize.Describe") {
			t.Errorf("%d × %s", n, call)
		}
	}
	if len(result.Resources) != 5 || len(result.Problems) > 0 {
		t.Errorf("%+v", result)
	}
}
