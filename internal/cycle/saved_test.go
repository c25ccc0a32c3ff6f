package cycle_test

import (
	"context"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/savings"
)

// What cannot be read makes savings unknown, never zero and never more.
func TestSavingsThatCannotBeRead(t *testing.T) {
	estate := localaws.Estate{Account: "123456789012", Regions: []localaws.EstateRegion{{Name: home, DatasetGroups: []localaws.EstateDatasetGroup{{
		Name: "shop", Campaigns: []localaws.EstateCampaign{{
			MinTPS: 6, EstateEndpoint: localaws.EstateEndpoint{
				Name: "one", Recipe: "aws-sims", Age: 60 * 24 * time.Hour, Traffic: localaws.EstateTraffic{Shape: "constant", TPS: 1},
			},
		}},
	}}}}}
	for _, c := range []struct {
		name           string
		faults         []localaws.Fault
		step, deletion bool // known
		state          savings.State
		problems       int
	}{
		{"all is read", nil, true, true, savings.InEffect, 0},
		{"what exists is not", []localaws.Fault{{Operation: "ListCampaigns", Code: "AccessDeniedException"}}, true, false, savings.Unverified, 1},
		{"no metric is", []localaws.Fault{{Operation: "GetMetricData", Code: "AccessDenied"}}, false, true, savings.InEffect, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, estate)
			for _, fault := range c.faults {
				b.aws.AddFault(fault)
			}
			record := func(name string, action model.Action, from, to int) events.Audit {
				return events.Audit{
					Time: b.clock.Now().Add(-48 * time.Hour), ARN: "arn:aws:personalize:us-east-1:123456789012:campaign/" + name, Action: action,
					Outcome: events.OutcomeDone, NewMinTPS: to, Before: &events.Before{Name: name, MinTPS: from}, Inputs: &events.Inputs{Recipe: "aws-sims"},
				}
			}
			a := app.New(app.Options{Config: awsapi.LocalConfig(home, b.url, "LOCAL", nil), Clock: b.clock})
			t.Cleanup(a.Clients.Close)
			in := cycle.SavingsInput{Params: values(t, nil), Records: []events.Audit{
				record("one", model.ActionUpdate, 8, 6), record("gone", model.ActionDelete, 3, 0),
			}}
			got, err := a.Savings(nil).Run(t.Context(), in)
			if err != nil || len(got.Actions) != 2 || len(got.Problems) != c.problems || got.Failed() != (c.problems > 0) {
				t.Fatalf("%v, %+v", err, got)
			}
			deletion, step := got.Actions[0], got.Actions[1]
			if (step.TPSHours != nil) != c.step || (step.UnknownHours > 1) == c.step {
				t.Errorf("step: %+v", step)
			}
			if (deletion.TPSHours != nil) != c.deletion || deletion.State != c.state || (deletion.UnknownHours > 0) == c.deletion {
				t.Errorf("deletion: %+v", deletion)
			}
			if n := got.Calls["personalize.DescribeCampaign"] + got.Calls["personalize.ListCampaigns"]; c.problems == 0 && (n > 2 || got.MetricsGot != 5) {
				t.Errorf("%v, %d series", got.Calls, got.MetricsGot)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := a.Savings(nil).Run(ctx, in); err == nil {
				t.Error("it ended in time although it was interrupted")
			}
		})
	}
}
