package faultmatrix

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboards"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/prices"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/solutions"
	"github.com/personalize-monitor/personalize-monitor/internal/traffic"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// restoring returns the scenario of a person who restores a campaign that was deleted automatically, with the command of the
// notification.
func restoring(after func(*bed, outcome)) scenario {
	const resource = "campaign/idle"
	again := func(b *bed, last outcome) {
		if last.err != nil {
			b.wait(time.Minute)
			must(b, b.restore())
		}
		b.wait(time.Hour)
	}
	return scenario{
		name: "restore", world: func() localaws.Estate { return alone(resource) },
		prepare: func(b *bed) {
			b.mustOut(b.invoke(lambda.Monitor, "{}"))
			b.wait(2 * time.Second)
			b.mustOut(b.invoke(lambda.DeleteCampaign, b.delivered(events.DeleteCampaign, arn(resource))))
			b.event = b.token(arn(resource))
			b.taken = len(b.aws.Events())
			b.wait(time.Hour)
		},
		run: (*bed).restore, repair: []func(*bed, outcome){again, after},
	}
}

// token returns the record in the last notification about a resource.
func (b *bed) token(resource string) string {
	b.t.Helper()
	for _, event := range slices.Backward(b.aws.Events()) {
		record, err := events.DecodeAudit(event.Detail)
		if err == nil && record.ARN == resource && record.Restore != "" {
			token, err := record.Token()
			b.noError(err)
			return token
		}
	}
	b.t.Fatalf("no notification has a record to restore %s", resource)
	return ""
}

// restore runs the command "restore --record".
func (b *bed) restore() outcome {
	record, err := events.FromToken(b.event)
	if err != nil {
		return outcome{err: err}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	clients := b.clients()
	defer clients.Close()
	_, sink := b.logs()
	answer, err := b.app(clients, slog.New(slog.NewJSONHandler(sink, nil)), app.Options{}).Actions.Restore(ctx, record, actions.RestoreOptions{})
	return outcome{text: answer.Sentence, err: err}
}

// rebuilding returns the scenario of the command line, which rebuilds the dashboard after an action: with the regions that the
// present dashboard has.
func rebuilding() scenario {
	return scenario{
		name: "rebuild the dashboard",
		prepare: func(b *bed) {
			oldBoards(b)
			b.removeCampaign(away, "busy")
		},
		about: []string{
			"cloudwatch.GetDashboard", "cloudwatch.ListDashboards", "cloudwatch.ListTagsForResource", "cloudwatch.PutDashboard",
			"cloudwatch.DeleteDashboards",
		},
		run:    (*bed).rebuild,
		repair: []func(*bed, outcome){func(b *bed, _ outcome) { must(b, b.rebuild()) }},
	}
}

// rebuild rebuilds the dashboard if it exists.
func (b *bed) rebuild() outcome {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	clients := b.clients()
	defer clients.Close()
	log, sink := b.logs()
	values := b.values()
	written := dashboards.New(writer.New(writer.Options{
		Clients: clients, Clock: b.clock, Logger: slog.New(slog.NewJSONHandler(sink, nil)), DeploymentRegion: home, Deployment: deployment,
	}))
	state, err := written.State(ctx, values.DashboardName)
	if err != nil || !state.Exists || state.Deployment != deployment {
		return outcome{err: errors.Join(err, errNotRebuilt), troubles: troublesOf(b.t, log.String())}
	}
	values.Regions = state.Regions
	boards := cycle.NewDashboard(cycle.DashboardOptions{
		Inventory: inventory.New(inventory.Options{Clients: clients, Clock: b.clock}), Writer: written, Region: home,
	})
	built, err := boards.Build(ctx, cycle.DashboardInput{Params: values})
	return b.outcomeOf(built, err, built.Problems, log.String())
}

var errNotRebuilt = errors.New("the dashboard was not rebuilt")

// reporting returns the scenario of the report with live prices.
func reporting() scenario {
	return scenario{
		name: "report --live-prices",
		world: func() localaws.Estate {
			estate := world()
			for i := range estate.Regions {
				estate.Regions[i].TPSHourPrices = map[string]float64{"campaign": 0.3, "campaignV2": 0.4, "recommender": 0.5}
			}
			return estate
		},
		prepare: func(b *bed) {
			b.mustOut(b.invoke(lambda.Monitor, "{}"))
			b.next()
		},
		about:  []string{"pricing.GetProducts", "cloudwatch.GetMetricData", "personalize.ListCampaigns", "personalize.ListRecommenders"},
		run:    (*bed).report,
		repair: []func(*bed, outcome){func(b *bed, _ outcome) { must(b, b.report()) }},
	}
}

// report runs the report of the last day.
func (b *bed) report() outcome {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	clients := b.clients()
	defer clients.Close()
	meter, found := traffic.New(traffic.Options{Clients: clients, Clock: b.clock}), inventory.New(inventory.Options{Clients: clients, Clock: b.clock})
	ledger := cycle.NewLedger(cycle.LedgerOptions{
		Inventory: found, Meter: meter, Gaps: cycle.NewRegionGaps(meter, found.List), Clock: b.clock, Region: home,
		Prices: func(ctx context.Context, regions []string) (pricing.Table, []model.Problem) {
			found, problems := prices.Lookup(ctx, clients, regions)
			return found.Over(pricing.Builtin()), problems
		},
	})
	result, err := ledger.Run(ctx, cycle.LedgerInput{Params: b.values(), Days: 1})
	result.DurationMs = 0
	return b.outcomeOf(result, err, result.Problems, "")
}

// trained is an estate with a solution that is trained automatically, and that nothing serves.
func trained() localaws.Estate {
	return localaws.Estate{Account: account, Regions: []localaws.EstateRegion{{Name: away, DatasetGroups: []localaws.EstateDatasetGroup{{
		Name:          "shop",
		Solutions:     []localaws.EstateSolution{{Name: "gifts", Recipe: "aws-sims"}},
		BatchJobs:     []localaws.EstateBatchJob{{Name: "mail", Solution: "gifts"}},
		EventTrackers: []localaws.EstateEventTracker{{Name: "web"}},
	}}}}}
}

// readingTraining returns the scenario of the part of the report that reads solutions and what uses them.
func readingTraining() scenario {
	return scenario{
		name: "report, training", world: trained,
		about: []string{
			"personalize.ListDatasetGroups", "personalize.ListSolutions", "personalize.ListSolutionVersions", "personalize.ListBatchInferenceJobs",
			"personalize.ListBatchSegmentJobs", "personalize.ListEventTrackers",
		},
		run:    (*bed).training,
		repair: []func(*bed, outcome){func(b *bed, _ outcome) { must(b, b.training()) }},
	}
}

// training reads the training of a region.
func (b *bed) training() outcome {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	clients := b.clients()
	defer clients.Close()
	facts, problems := solutions.New(solutions.Options{Clients: clients, Clock: b.clock}).Read(ctx, []string{away})
	return b.outcomeOf(facts, nil, problems, "")
}

// pausing returns the scenario of a person who pauses the automatic training of a solution.
func pausing() scenario {
	req, err := events.NewTrainingRequest(arn("solution/gifts"), "")
	run := func(b *bed) outcome { b.noError(err); return b.do(model.ActionPause, req) }
	return scenario{
		name: "pause-training", world: trained, about: []string{"personalize.UpdateSolution", "personalize.DescribeSolution"}, run: run,
		repair: []func(*bed, outcome){func(b *bed, last outcome) {
			if last.err != nil {
				b.wait(time.Minute)
				must(b, run(b))
			}
			b.wait(time.Hour)
		}},
	}
}

// outcomeOf returns the outcome of a command: its result, its problems, and its log.
func (b *bed) outcomeOf(result any, err error, problems []model.Problem, log string) outcome {
	raw, failed := json.Marshal(result)
	b.noError(failed)
	out := outcome{text: string(raw), err: err, troubles: troublesOf(b.t, log), log: log}
	for _, p := range problems {
		out.troubles = append(out.troubles, trouble{p.Operation, p.Region, p.ARN, p.Message()})
	}
	return out
}

// The report uses the live prices: otherwise the faults would hit nothing.
func TestTheReportHasLivePrices(t *testing.T) {
	b := virtualBed(t, reporting())
	reporting().prepare(b)
	out := b.report()
	b.mustOut(out)
	var result report.Ledger
	b.noError(json.Unmarshal([]byte(out.text), &result))
	live := slices.ContainsFunc(result.Prices, func(p pricing.Price) bool {
		return p.Region == home && len(p.Tiers) == 1 && p.Tiers[0].PerTPSHour == 0.4
	})
	if !live || len(result.Resources) == 0 {
		t.Errorf("prices %+v of %d resources", result.Prices, len(result.Resources))
	}
}
