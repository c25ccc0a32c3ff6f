package cycle_test

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/personalize"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// home is the deployment region of the tests.
const home = "us-east-1"

// bed is a whole monitor in front of an embedded AWS, on a clock of its own.
type bed struct {
	tb      testing.TB
	aws     *localaws.Server
	url     string
	net     http.RoundTripper // nil is the network
	clock   *model.VirtualClock
	cycle   *cycle.Cycle
	actions *actions.Actions
	writer  *writer.Writer
	// rechecker looks again at the resources of automatic events.
	rechecker *cycle.Rechecker
	dryRun    bool
	act       bool              // decisions are carried out by the cycle
	given     map[string]string // parameters by which automatic events are checked again
	log       io.Writer         // nil discards
	observer  cycle.Observer    // may be nil
	auditLog  audit.Log         // nil logs
}

func newBed(tb testing.TB, description localaws.Estate) *bed {
	tb.Helper()
	b := standingBed(tb, description)
	http := httptest.NewServer(b.aws)
	tb.Cleanup(http.Close)
	b.url = http.URL
	b.restart(b.clock)
	return b
}

// newBedInMemory is a bed for a test on synthetic time, which no network may hold up.
func newBedInMemory(tb testing.TB, description localaws.Estate) *bed {
	tb.Helper()
	b := standingBed(tb, description)
	memory := localaws.InMemory(b.aws)
	tb.Cleanup(memory.Shut)
	b.url, b.net = memory.URL(), memory.Transport()
	b.restart(b.clock)
	return b
}

// neverMonitored is for an estate that no monitor has seen before; others have been monitored for
// 30 days.
const neverMonitored = time.Nanosecond

func standingBed(tb testing.TB, description localaws.Estate) *bed {
	tb.Helper()
	b := &bed{tb: tb, clock: model.NewVirtualClock(time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC))}
	if description.Monitored == 0 {
		description.Monitored = 30 * 24 * time.Hour
	}
	server, err := localaws.New(description, localaws.WithClock(b.clock))
	if err != nil {
		tb.Fatal(err)
	}
	b.aws = server
	return b
}

// restart wires a new monitor that remembers nothing, as a new process would.
func (b *bed) restart(clock model.Clock) {
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, b.url, "LOCAL", b.net), Clock: clock})
	b.tb.Cleanup(clients.Close)
	if b.log == nil {
		b.log = io.Discard
	}
	logger := slog.New(slog.NewTextHandler(b.log, nil))
	parts := app.New(app.Options{
		Config: awsapi.LocalConfig(home, b.url, "LOCAL", b.net), Clients: clients, Clock: clock, Logger: logger, AuditLog: b.auditLog,
		Deployment: "cli", DryRun: b.dryRun, Act: b.act, Observer: b.observer,
		RecheckParams: func() (config.Values, error) { return values(b.tb, b.given), nil },
	})
	b.cycle, b.actions, b.writer = parts.Cycle, parts.Actions, parts.Writer
	again := inventory.New(inventory.Options{Clients: clients, Clock: clock})
	b.rechecker = cycle.NewRechecker(cycle.RecheckOptions{
		Inventory: again, Meter: parts.Meter, Gaps: cycle.NewRegionGaps(parts.Meter, again.List), Clock: clock, Logger: logger, Region: home,
		ClockOffset: clients.ClockOffset, Params: func() (config.Values, error) { return values(b.tb, b.given), nil },
	})
}

// values are the default parameters, with changes by parameter name.
func values(tb testing.TB, changes map[string]string) config.Values {
	tb.Helper()
	v, err := config.Resolve(config.Sources{Env: func(name string) (string, bool) {
		value, ok := changes[name]
		return value, ok
	}})
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// run runs one cycle, which must succeed, and gives its result.
func (b *bed) run(changes map[string]string) report.Result {
	b.tb.Helper()
	result, err := b.cycle.Run(context.Background(), cycle.Input{Params: values(b.tb, changes)})
	if err != nil {
		b.tb.Fatal(err)
	}
	return result
}

// next moves on to the same place in the next window.
func (b *bed) next() {
	at := b.clock.Now().Truncate(5 * time.Minute).Add(5*time.Minute + 150*time.Second)
	b.clock.Advance(at.Sub(b.clock.Now()))
	b.aws.Tick()
}

// pass lets time pass, until the monitor has run twice without checks.
func (b *bed) pass(d time.Duration, changes map[string]string) {
	b.tb.Helper()
	b.clock.Advance(d - 10*time.Minute)
	for range 2 {
		b.next()
		b.run(with(maps.Clone(changes), config.HourlyChecks, "never"))
	}
}

// settleAlarms runs cycles, without hourly checks, until no alarm wants a change.
func (b *bed) settleAlarms(changes map[string]string) {
	b.tb.Helper()
	quiet := map[string]string{config.HourlyChecks: "never"}
	for name, value := range changes {
		quiet[name] = value
	}
	for range 40 {
		result := b.run(quiet)
		b.next()
		if a := result.Alarms; a.Created+a.Updated+a.Deleted+a.Left == 0 {
			return
		}
	}
	b.tb.Fatal("the alarms do not come to rest")
}

// watched publishes what a monitor that ran for the last while would have of resources of
// which nobody asked anything: the campaign c and the recommender r if none is named.
func (b *bed) watched(d time.Duration, names ...string) {
	b.tb.Helper()
	end := rules.MeasuredWindow(b.clock.Now(), 2*time.Minute).End
	var data []model.Datum
	for at := end.Add(-d); at.Before(end); at = at.Add(rules.WindowLength) {
		data = append(data, rules.CountMetric(home, 2, model.NewWindow(at, at.Add(rules.WindowLength))))
		if len(names) == 0 {
			names = []string{"campaign/c", "recommender/r"}
		}
		for _, name := range names {
			kind := model.Campaign
			if strings.HasPrefix(name, "recommender/") {
				kind = model.Recommender
			}
			arn := model.NewARN("aws", "personalize", home, account, name)
			data = append(data, model.Datum{
				Region: home, Metric: model.ResourceMetric(model.Resource{ARN: arn, Kind: kind}, model.NamespaceMonitor, kind.UtilizationMetric()),
				Unit: "Percent", Time: at,
			})
		}
	}
	if _, problems := b.writer.Publish(context.Background(), data); len(problems) > 0 {
		b.tb.Fatal(problems)
	}
}

func total(calls map[string]int) int {
	sum := 0
	for _, n := range calls {
		sum += n
	}
	return sum
}

// flat is an estate of n resources in each region, half of them campaigns, with steady
// traffic of a little over their minimum.
func flat(n int, regions ...string) localaws.Estate {
	var out localaws.Estate
	busy := localaws.EstateTraffic{Shape: "constant", TPS: 2.2}
	for _, region := range regions {
		out.Regions = append(out.Regions, localaws.EstateRegion{Name: region, DatasetGroups: []localaws.EstateDatasetGroup{{
			Name: "shop", Domain: "ECOMMERCE",
			Campaigns: []localaws.EstateCampaign{{
				EstateEndpoint: localaws.EstateEndpoint{Name: "c", Copies: n / 2, Recipe: "aws-user-personalization-v2", Traffic: busy}, MinTPS: 2,
			}},
			Recommenders: []localaws.EstateRecommender{{
				EstateEndpoint: localaws.EstateEndpoint{Name: "r", Copies: n - n/2, Recipe: "aws-ecomm-recommended-for-you", Traffic: busy}, MinRPS: 2,
			}},
		}}})
	}
	return out
}

// byName finds a resource of the result.
func byName(tb testing.TB, result report.Result, name string) report.Resource {
	tb.Helper()
	for _, r := range result.Resources {
		if r.Name == name {
			return r
		}
	}
	tb.Fatalf("no resource %s in the result", name)
	return report.Resource{}
}

// deleteCampaign deletes a campaign as its owner would.
func (b *bed) deleteCampaign(name string) {
	b.tb.Helper()
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, b.url, "LOCAL", b.net), Clock: b.clock})
	defer clients.Close()
	arn := "arn:aws:personalize:" + home + ":" + account + ":campaign/" + name
	if _, err := clients.Personalize(home).DeleteCampaign(context.Background(), &personalize.DeleteCampaignInput{CampaignArn: &arn}); err != nil {
		b.tb.Fatal(err)
	}
}

// account is the embedded AWS's default account.
const account = "000000000000"
