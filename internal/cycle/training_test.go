package cycle_test

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/solutions"
	"github.com/personalize-monitor/personalize-monitor/internal/traffic"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// A steady cycle over 1,000 endpoints, each with a solution that is trained, reads nothing about
// training: it lists, measures and publishes.
func TestASteadyCycleReadsNoTraining(t *testing.T) {
	estate := flat(1000, home)
	group := &estate.Regions[0].DatasetGroups[0]
	group.Campaigns[0].Solution = "shared"
	group.Solutions = []localaws.EstateSolution{{Name: "shared", Recipe: "aws-user-personalization-v2"}}
	b := newBed(t, estate)
	quiet := map[string]string{config.HourlyChecks: "never", config.AutoCreateIdleAlarms: "No", config.AutoCreateUtilizationAlarms: "No"}
	for range 3 {
		b.run(quiet)
		b.next()
	}
	b.aws.ResetCalls()
	b.run(quiet)
	want := map[string]int{
		"personalize.ListCampaigns": 5, "personalize.ListRecommenders": 5, "cloudwatch.GetMetricData": 2, "cloudwatch.PutMetricData": 4,
		"cloudwatch.DescribeAlarms": 1,
	}
	if got := b.aws.Calls(); !maps.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
}

// countedReader counts how often training is read, and fails as often as it shall.
type countedReader struct {
	cycle.TrainingReader
	reads, failures int
}

func (c *countedReader) Read(ctx context.Context, regions []string) ([]training.Facts, []model.Problem) {
	c.reads++
	facts, problems := c.TrainingReader.Read(ctx, regions)
	if c.failures > 0 {
		c.failures--
		problems = append(problems, model.Problem{Region: home, Operation: "ListSolutions", Err: errors.New("denied")})
	}
	return facts, problems
}

// knownTraining has read every field, of values and of zeros.
type knownTraining struct{ facts []training.Facts }

func (k knownTraining) Read(context.Context, []string) ([]training.Facts, []model.Problem) {
	return k.facts, nil
}

// What was read once a day is the same later: what is zero does not become unknown, nor the other way round.
func TestKeptTrainingLosesNothing(t *testing.T) {
	at := time.Date(2026, 7, 1, 12, 0, 0, 5, time.UTC)
	want := []training.Facts{{
		Region: home, Known: training.Known{Groups: true, Versions: true},
		Groups: []training.DatasetGroup{{ARN: "group", Name: "shop", Status: model.StatusActive, Created: at}, {}},
		Solutions: []training.Solution{
			{
				ARN: "solution", Name: "gifts", Group: "group", Recipe: "aws-sims", Created: at, Automatic: new(false), Schedule: "rate(7 days)",
				Versions: []training.Version{
					{ARN: "version", Status: "CREATE FAILED", FailureReason: "why", Automatic: new(true), Created: at, Updated: at.Add(time.Hour), Hours: new(2.5)},
					{Automatic: new(false), Hours: new(0.0)},
					{},
				},
			},
			{},
		},
		Jobs:     []training.BatchJob{{Name: "job", Version: "version", Created: at}},
		Trackers: []training.EventTracker{{ARN: "tracker", Name: "events", Group: "group", Status: model.StatusActive, Created: at}},
	}, {}}
	daily := cycle.NewDailyTraining(knownTraining{want}, model.SystemClock{})
	for _, time := range []string{"first", "second"} {
		got, problems := daily.Read(t.Context(), []string{home})
		if diff := cmp.Diff(want, got); diff != "" || len(problems) > 0 {
			t.Errorf("the %s time: %v\n%s", time, problems, diff)
		}
	}
}

// Ledgers read training once a day, or again if something could not be read; what campaigns serve
// is that of each ledger. A deletion in the audit log shows what was left behind.
func TestLedgersReadTrainingOnceADay(t *testing.T) {
	b := newBed(t, localaws.Estate{Regions: []localaws.EstateRegion{{Name: home, DatasetGroups: []localaws.EstateDatasetGroup{{
		Name:      "shop",
		Solutions: []localaws.EstateSolution{{Name: "gifts", Recipe: "aws-sims", Age: 40 * 24 * time.Hour, TrainingHours: 2.5}},
	}}}}})
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, b.url, "LOCAL", b.net), Clock: b.clock})
	t.Cleanup(clients.Close)
	meter, found := traffic.New(traffic.Options{Clients: clients, Clock: b.clock}), inventory.New(inventory.Options{Clients: clients, Clock: b.clock})
	reader := &countedReader{TrainingReader: solutions.New(solutions.Options{Clients: clients, Clock: b.clock}), failures: 1}
	prices := func(context.Context, []string) (pricing.Table, []model.Problem) { return pricing.Builtin(), nil }
	ledger := cycle.NewLedger(cycle.LedgerOptions{
		Inventory: found, Meter: meter, Gaps: cycle.NewRegionGaps(meter, found.List), Clock: b.clock, Prices: prices, Region: home,
		Training: cycle.NewDailyTraining(reader, b.clock),
	})
	const account = "000000000000"
	deleted := events.Audit{
		Time: b.clock.Now().Add(-50 * time.Hour), ARN: "arn:aws:personalize:" + home + ":" + account + ":campaign/gone", Action: model.ActionDelete,
		Outcome: events.OutcomeDone, Before: &events.Before{SolutionVersion: "arn:aws:personalize:" + home + ":" + account + ":solution/gifts/0a1b"},
	}
	run := func(records ...events.Audit) (*training.Report, int) {
		t.Helper()
		made, err := ledger.Run(context.Background(), cycle.LedgerInput{Params: values(t, nil), Days: 14, Records: records})
		if err != nil {
			t.Fatal(err)
		}
		// The cost of training in the summary is that of the rows of FOCUS.
		hours := 0.0
		for _, d := range made.Trained {
			hours += d.Hours
		}
		if cost := made.Summary.TrainingCost; hours == 0 || cost == nil || len(cost.Spent) != 1 || cost.Unknown != 0 {
			t.Errorf("%v hours of training cost %+v", hours, cost)
		} else {
			close6(t, "the cost of training", cost.Spent[0].Amount, hours*0.24)
		}
		return made.Training, len(made.Problems)
	}
	for _, step := range []struct {
		name            string
		later           time.Duration
		reads, problems int
	}{
		{"the first", 0, 1, 1},
		{"after a failure", time.Hour, 2, 0},
		{"an hour later", time.Hour, 2, 0},
		{"almost a day later", 22*time.Hour + 59*time.Minute, 2, 0},
		{"a day later", time.Minute, 3, 0},
	} {
		b.clock.Advance(step.later)
		got, problems := run()
		if reader.reads != step.reads || problems != step.problems {
			t.Errorf("%s: read %d times with %d problems, want %d and %d", step.name, reader.reads, problems, step.reads, step.problems)
		}
		if len(got.Findings) != 1 || got.Findings[0].Kind != training.Unserved || got.Findings[0].Estimate.Amount == nil {
			t.Errorf("%s: findings %+v", step.name, got.Findings)
		}
	}
	if got, _ := run(deleted); got.Findings[0].Kind != training.LeftBehind {
		t.Errorf("with a deletion in the audit log: %+v", got.Findings)
	}
	deleted.Outcome = events.OutcomeRefused
	if got, _ := run(deleted); got.Findings[0].Kind != training.Unserved {
		t.Errorf("with a deletion that was refused: %+v", got.Findings)
	}
}
