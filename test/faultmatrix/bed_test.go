package faultmatrix

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/traffic"
)

// The deployment region, the other one, the embedded AWS's account, and a deployment.
const (
	home       = "us-east-1"
	away       = "eu-west-1"
	account    = "000000000000"
	deployment = "us-east-1/proof"
)

// settings are the parameters of all jobs: everything is watched, checked now, and acted on.
func settings() map[string]string {
	return map[string]string{
		config.Regions: home + "," + away, config.HourlyChecks: string(model.Always), config.AutoDeleteOrStopIdleResources: "Yes",
		config.NotificationEndpoint: "ml@example.com", "Deployment": deployment,
	}
}

// age is that of all resources: old enough for all decisions.
const age = 27 * time.Hour

// world is the estate of all scenarios: in the region that is disturbed most one resource
// of each sort, in the deployment region enough to notice what it suffers.
func world() localaws.Estate {
	busy := localaws.EstateTraffic{Shape: "constant", TPS: 2.2}
	campaign := func(name string, minimum int, traffic localaws.EstateTraffic) localaws.EstateCampaign {
		return localaws.EstateCampaign{MinTPS: minimum, EstateEndpoint: localaws.EstateEndpoint{
			Name: name, Recipe: "aws-user-personalization-v2", Traffic: traffic, Age: age,
		}}
	}
	recommender := func(name string, minimum int, traffic localaws.EstateTraffic) localaws.EstateRecommender {
		return localaws.EstateRecommender{MinRPS: minimum, EstateEndpoint: localaws.EstateEndpoint{
			Name: name, Recipe: "aws-ecomm-recommended-for-you", Traffic: traffic, Age: age,
		}}
	}
	region := func(name string, campaigns []localaws.EstateCampaign, recommenders ...localaws.EstateRecommender) localaws.EstateRegion {
		return localaws.EstateRegion{Name: name, DatasetGroups: []localaws.EstateDatasetGroup{{
			Name: "shop", Domain: "ECOMMERCE", Campaigns: campaigns, Recommenders: recommenders,
		}}}
	}
	inUse := campaign("busy", 2, busy)
	inUse.VersionGone = true // its recipe is its solution's
	return localaws.Estate{Regions: []localaws.EstateRegion{
		region(home, []localaws.EstateCampaign{campaign("wide", 9, busy)}, recommender("flow", 2, busy)),
		region(away, []localaws.EstateCampaign{campaign("idle", 1, localaws.EstateTraffic{}), campaign("wide", 9, busy), inUse},
			recommender("still", 1, localaws.EstateTraffic{}), recommender("broad", 9, busy), recommender("flow", 2, busy)),
	}}
}

// made is one call that the embedded AWS was asked to serve.
type made struct{ region, operation string }

// bed is an embedded AWS and what stands before it, within one bubble of synthetic time.
type bed struct {
	t     testing.TB
	aws   *localaws.Server
	env   map[string]string
	clock model.Clock
	// reach is the settings with which the embedded AWS is reached.
	reach aws.Config
	log   io.Writer // beside what outcomes hold; may be nil
	event string    // that the scenario is about
	taken int       // events that were delivered

	mu    sync.Mutex
	calls []made
}

// aheadClock is the services' clock, which need not be ours.
type aheadClock time.Duration

func (c aheadClock) Now() time.Time { return time.Now().UTC().Add(time.Duration(c)) }

// newBed sets up a bed in the middle of a window, in a bubble of synthetic time, whose
// services' clock is ahead of ours by some time. It stands until the test ends.
func newBed(t testing.TB, world localaws.Estate, ahead time.Duration) *bed {
	t.Helper()
	b := &bed{t: t, env: settings(), clock: model.SystemClock{}}
	b.untilNextWindow()
	server, err := localaws.New(world, localaws.WithClock(aheadClock(ahead)), localaws.WithLogger(callsOf(b)))
	if err != nil {
		t.Fatal(err)
	}
	b.aws = server
	memory := localaws.InMemory(server)
	t.Cleanup(memory.Shut)
	b.reach = awsapi.LocalConfig(home, memory.URL(), "LOCAL", memory.Transport())
	b.watched()
	return b
}

// watched puts the utilization that a monitor would have published of the idle recommender
// in the last day: one that was not seen running is not stopped.
func (b *bed) watched() {
	end := b.clock.Now().Truncate(cycleEvery).Add(-cycleEvery)
	var data []cwtypes.MetricDatum
	for at := end.Add(-26 * time.Hour); at.Before(end); at = at.Add(cycleEvery) {
		data = append(data, cwtypes.MetricDatum{
			MetricName: aws.String(model.Recommender.UtilizationMetric()), Value: aws.Float64(0), Timestamp: aws.Time(at),
			Dimensions: []cwtypes.Dimension{{Name: aws.String(model.Recommender.DimensionName()), Value: aws.String(arn("recommender/still"))}},
		})
	}
	_, err := b.clients().CloudWatch(away).PutMetricData(context.Background(), &cloudwatch.PutMetricDataInput{
		Namespace: aws.String(model.NamespaceMonitor), MetricData: data,
	}, func(o *cloudwatch.Options) { o.DisableRequestCompression = true }) // it would cost more than all the rest
	b.noError(err)
}

const cycleEvery = 5 * time.Minute

// wait lets time pass.
func (b *bed) wait(d time.Duration) {
	if err := b.clock.Sleep(context.Background(), d); err != nil {
		b.t.Fatal(err)
	}
}

// untilNextWindow waits until two and a half minutes into the next five minutes.
func (b *bed) untilNextWindow() {
	now := b.clock.Now()
	b.wait(now.Truncate(cycleEvery).Add(cycleEvery + cycleEvery/2).Sub(now))
}

// next goes on to the time of the next cycle.
func (b *bed) next() {
	b.untilNextWindow()
	b.aws.Tick()
}

// callLog notes the calls that the embedded AWS logs.
type callLog struct{ b *bed }

func (l callLog) Enabled(context.Context, slog.Level) bool { return true }
func (l callLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l callLog) WithGroup(string) slog.Handler            { return l }

func (l callLog) Handle(_ context.Context, record slog.Record) error {
	var call made
	record.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "region":
			call.region = a.Value.String()
		case "op":
			call.operation = a.Value.String()
		}
		return true
	})
	if strings.HasPrefix(record.Message, "call ") {
		l.b.mu.Lock()
		defer l.b.mu.Unlock()
		l.b.calls = append(l.b.calls, call)
	}
	return nil
}

// callsOf notes the calls that a bed's embedded AWS serves.
func callsOf(b *bed) *slog.Logger { return slog.New(callLog{b}) }

// counted are the calls made so far, by region and operation; they are forgotten.
func (b *bed) counted() map[made]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := map[made]int{}
	for _, call := range b.calls {
		counts[call]++
	}
	b.calls = nil
	return counts
}

// trouble is a failure as a job tells it: in its result, or in its log.
type trouble struct{ operation, region, arn, text string }

// outcome is what a job gives whoever asked for it.
type outcome struct {
	text     string // its result, apart from how long it took
	err      error
	troubles []trouble
	log      string
}

// clients are those of a process.
func (b *bed) clients() *awsapi.Clients {
	return awsapi.New(awsapi.Options{Config: b.reach, Clock: b.clock})
}

// logs are where a process logs to, and what it said.
func (b *bed) logs() (said *bytes.Buffer, to io.Writer) {
	said = &bytes.Buffer{}
	if b.log == nil {
		return said, said
	}
	return said, io.MultiWriter(said, b.log)
}

// invoke has a function, in a new process, serve an event in the time it has.
func (b *bed) invoke(f lambda.Function, payload string) outcome {
	limit := map[lambda.Function]time.Duration{lambda.Monitor: 240 * time.Second, lambda.Cleanup: 900 * time.Second}[f]
	if limit == 0 {
		limit = time.Minute
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	log, sink := b.logs()
	handler := lambda.New(f, lambda.Options{
		Env: func(name string) (string, bool) { v, ok := b.env[name]; return v, ok },
		Log: sink, Clock: b.clock, Config: func(context.Context, *slog.Logger) (aws.Config, error) { return b.reach, nil },
	})
	text, err := handler.Invoke(ctx, []byte(payload))
	return outcome{text: string(text), err: err, troubles: troublesOf(b.t, log.String()), log: log.String()}
}

// troublesOf are the warnings and errors of a log.
func troublesOf(t testing.TB, log string) []trouble {
	t.Helper()
	var list []trouble
	decoder := json.NewDecoder(strings.NewReader(log))
	for {
		var line struct{ Level, Msg, Op, Region, ARN, Err string }
		switch err := decoder.Decode(&line); {
		case errors.Is(err, io.EOF):
			return list
		case err != nil:
			t.Fatalf("the log is not made of JSON objects: %v\n%s", err, log)
		}
		if line.Level != "INFO" && line.Level != "DEBUG" && line.Msg != "noticed" || line.Msg == "region skipped" {
			list = append(list, trouble{line.Op, line.Region, line.ARN, line.Msg + ": " + line.Err})
		}
	}
}

// act runs one cycle that carries its decisions out, as "run --act" does, in a new process.
func (b *bed) act() outcome {
	values := b.values()
	log, sink := b.logs()
	logger := slog.New(slog.NewJSONHandler(sink, nil))
	clients := b.clients()
	known := inventory.New(inventory.Options{Clients: clients, Clock: b.clock})
	meter := traffic.New(traffic.Options{Clients: clients, Clock: b.clock})
	rechecker := cycle.NewRechecker(cycle.RecheckOptions{
		Inventory: known, Meter: meter, Clock: b.clock, Logger: logger, Region: home,
		Params: func() (config.Values, error) { return values, nil },
	})
	c := cycle.New(cycle.Options{
		Inventory: known, Meter: meter, Actor: b.actor(clients, logger, rechecker),
		Clock: b.clock, Logger: logger, Region: home, Act: true,
	})
	result, err := c.Run(context.Background(), cycle.Input{Params: values})
	out := outcome{err: err, text: resultText(b.t, result), log: log.String()}
	for _, p := range result.Problems {
		out.troubles = append(out.troubles, trouble{p.Operation, p.Region, p.ARN, p.Message()})
	}
	return out
}

func (b *bed) actor(clients *awsapi.Clients, logger *slog.Logger, recheck act.Rechecker) *act.Actor {
	return act.New(act.Options{
		Clients: clients, Clock: b.clock, Logger: logger, DeploymentRegion: home, Deployment: deployment, Recheck: recheck,
	})
}

func (b *bed) values() config.Values {
	values, err := config.Resolve(config.Sources{Env: func(name string) (string, bool) { v, ok := b.env[name]; return v, ok }})
	if err != nil {
		b.t.Fatal(err)
	}
	return values
}

// resultText is a result without what differs between two runs that did the same.
func resultText(t testing.TB, result report.Result) string {
	t.Helper()
	result.Calls, result.DurationMs = nil, 0
	raw, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// do carries out a person's request, as a command does.
func (b *bed) do(action model.Action, req events.Request) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	clients := b.clients()
	answer, err := b.actor(clients, slog.New(slog.DiscardHandler), nil).Do(ctx, action, req)
	out := outcome{text: answer.Sentence, err: err}
	for _, p := range answer.Problems {
		out.troubles = append(out.troubles, trouble{p.Operation, p.Region, p.ARN, p.Err.Error()})
	}
	return out
}

// sent are the commands and notifications that came to the bus since the given number of
// events, apart from requests to rebuild the dashboard.
func (b *bed) sent(since int) []string {
	var list []string
	for _, event := range b.aws.Events()[since:] {
		if event.DetailType != string(events.BuildDashboard) {
			list = append(list, event.DetailType+" "+strings.Join(event.Resources, " "))
		}
	}
	return list
}
