package faultmatrix

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// The deployment region, the other region, the account of the embedded AWS, and the deployment.
const (
	home       = "us-east-1"
	away       = "eu-west-1"
	account    = "000000000000"
	deployment = "us-east-1/faultmatrix"
)

// settings returns the parameters of all jobs: every check is due, and every action is on.
func settings() map[string]string {
	return map[string]string{
		config.Regions: home + "," + away, config.HourlyChecks: string(model.Always), config.AutoDeleteOrStopIdleResources: "Yes",
		config.NotificationEndpoint: "ml@example.com", "Deployment": deployment,
	}
}

// age is the age of all resources, and how long they have been monitored: long enough for all decisions.
const age = 80 * time.Hour

// world returns the common estate: one resource of each kind in the region that most faults hit, and a few in the deployment region
// that the faults must not affect.
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
	inUse.VersionGone = true // its recipe is that of its solution
	return localaws.Estate{Monitored: age, MonitorRegion: home, Regions: []localaws.EstateRegion{
		region(home, []localaws.EstateCampaign{campaign("wide", 9, busy)}, recommender("flow", 2, busy)),
		region(away, []localaws.EstateCampaign{campaign("idle", 1, localaws.EstateTraffic{}), campaign("wide", 9, busy), inUse},
			recommender("still", 1, localaws.EstateTraffic{}), recommender("broad", 9, busy), recommender("flow", 2, busy)),
	}}
}

// made is a call that the embedded AWS served.
type made struct{ region, operation string }

// bed is an embedded AWS and the program's view of it.
type bed struct {
	t     testing.TB
	aws   *localaws.Server
	env   map[string]string
	clock model.Clock
	// reach is the configuration of clients of the embedded AWS.
	reach aws.Config
	log   io.Writer // receives the logs, too; may be nil
	event string    // of the scenario
	taken int       // number of delivered events
	began time.Time // the scenario

	mu    sync.Mutex
	calls []made
}

// newBed returns a bed in the middle of a window, in a synctest bubble.
func newBed(t testing.TB, world localaws.Estate) *bed {
	t.Helper()
	b := &bed{t: t, env: settings(), clock: model.SystemClock{}}
	b.untilNextWindow()
	server, err := localaws.New(world, localaws.WithLogger(callsOf(b)))
	if err != nil {
		t.Fatal(err)
	}
	b.aws = server
	memory := localaws.InMemory(server)
	t.Cleanup(memory.Shut)
	b.reach = reach(memory.URL(), memory.Transport())
	return b
}

// reach returns the configuration of clients of the embedded AWS.
func reach(url string, transport http.RoundTripper) aws.Config {
	config := awsapi.LocalConfig(home, url, "LOCAL", transport)
	config.DisableRequestCompression = true // it takes a tenth of the time
	return config
}

const cycleEvery = 5 * time.Minute

// wait advances the time.
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

// next advances to the time of the next cycle.
func (b *bed) next() {
	b.untilNextWindow()
	b.aws.Tick()
}

// callLog records the calls that the embedded AWS logs.
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

// callsOf returns a logger that records the calls of a bed.
func callsOf(b *bed) *slog.Logger { return slog.New(callLog{b}) }

// counted returns the number of calls since the last time, by region and operation.
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

// trouble is a failure that a job reports in its result or its log.
type trouble struct{ operation, region, arn, text string }

// outcome is what a job returns.
type outcome struct {
	text     string // its result, apart from how long it took
	err      error
	troubles []trouble
	log      string
}

// clients returns new clients, as a process has.
func (b *bed) clients() *awsapi.Clients {
	return awsapi.New(awsapi.Options{Config: b.reach, Clock: b.clock})
}

// logs returns a buffer for the log of a process, and the writer to it.
func (b *bed) logs() (log *bytes.Buffer, to io.Writer) {
	log = &bytes.Buffer{}
	if b.log == nil {
		return log, log
	}
	return log, io.MultiWriter(log, b.log)
}

// invoke invokes a function without memory of former invocations, with its time limit.
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

// troublesOf returns the warnings and errors of a log.
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
			t.Fatalf("the log does not consist of JSON objects: %v\n%s", err, log)
		}
		if line.Level != "INFO" && line.Level != "DEBUG" && line.Msg != "noticed" || line.Msg == "region skipped" {
			list = append(list, trouble{line.Op, line.Region, line.ARN, line.Msg + ": " + line.Err})
		}
	}
}

// act runs one cycle that executes its decisions, as "run --act" does.
func (b *bed) act() outcome {
	values := b.values()
	log, sink := b.logs()
	logger := slog.New(slog.NewJSONHandler(sink, nil))
	clients := b.clients()
	c := b.app(clients, logger, app.Options{Act: true, RecheckParams: func() (config.Values, error) { return values, nil }}).Cycle
	result, err := c.Run(context.Background(), cycle.Input{Params: values})
	out := outcome{err: err, text: resultText(b.t, result), log: log.String()}
	for _, p := range result.Problems {
		out.troubles = append(out.troubles, trouble{p.Operation, p.Region, p.ARN, p.Message()})
	}
	return out
}

// app is a process of the deployment.
func (b *bed) app(clients *awsapi.Clients, logger *slog.Logger, o app.Options) *app.App {
	o.Config, o.Clients, o.Clock, o.Logger, o.Deployment = b.reach, clients, b.clock, logger, deployment
	return app.New(o)
}

func (b *bed) values() config.Values {
	values, err := config.Resolve(config.Sources{Env: func(name string) (string, bool) { v, ok := b.env[name]; return v, ok }})
	if err != nil {
		b.t.Fatal(err)
	}
	return values
}

// resultText returns a result without what differs between equal runs.
func resultText(t testing.TB, result report.Result) string {
	t.Helper()
	result.Calls, result.DurationMs = nil, 0
	for i, r := range result.Resources {
		if command, token, ok := strings.Cut(r.Restore, " --record "); ok {
			record, err := events.FromToken(token)
			if err != nil {
				t.Fatal(err)
			}
			record.Time = time.Time{} // of the deletion, which may be after a retry
			token, err = record.Token()
			if err != nil {
				t.Fatal(err)
			}
			result.Resources[i].Restore = command + " --record " + token
		}
	}
	raw, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// do executes a person's request, as a command does.
func (b *bed) do(action model.Action, req events.Request) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	clients := b.clients()
	answer, err := b.app(clients, slog.New(slog.DiscardHandler), app.Options{}).Actions.Do(ctx, action, req)
	out := outcome{text: answer.Sentence, err: err}
	for _, p := range answer.Problems {
		out.troubles = append(out.troubles, trouble{p.Operation, p.Region, p.ARN, p.Err.Error()})
	}
	return out
}

// sent returns the commands and notifications on the bus after a number of events, without requests to rebuild the dashboard.
func (b *bed) sent(since int) []string {
	var list []string
	for _, event := range b.aws.Events()[since:] {
		if event.DetailType != string(events.BuildDashboard) {
			list = append(list, event.DetailType+" "+strings.Join(event.Resources, " "))
		}
	}
	return list
}
