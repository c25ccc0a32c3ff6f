package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Parameters of the monitor.
const (
	deployment  = "us-east-1/soak"
	subscriber  = "ml@example.com"
	maxRemovals = 3  // MaxStopsOrDeletesPerHour
	lowBound    = 80 // UtilizationThresholdAlarmLowerBound
)

// monitor is the deployed program: its functions, and the events that wait for them.
type monitor struct {
	*world
	handlers map[lambda.Function]*lambda.Handler
	waiting  []delivery
	began    time.Time              // start of the current invocation
	removals map[string][]time.Time // accepted stops and deletes of the last hour, by region
	steps    map[string][]time.Time // accepted step-downs of actionsWithin, by region
	host     *hostClock
	wrong    time.Time // until when the host's clock is wrong
	down     time.Time // until when the monitor does not run
}

// hostClock is the clock of the host that runs the functions, which may be wrong.
type hostClock struct {
	*model.VirtualClock
	ahead time.Duration // changed only between invocations
}

func (c *hostClock) Now() time.Time { return c.VirtualClock.Now().Add(c.ahead) }

// offsets are how wrong the host's clock may be.
var offsets = []time.Duration{2 * time.Hour, -2 * time.Hour, 72 * time.Hour, -72 * time.Hour}

// trouble sets the host's clock wrong, or stops the monitor, at random and for some hours.
func (m *monitor) trouble(now time.Time) {
	hours := time.Duration(1+m.random.IntN(6)) * time.Hour
	switch n := m.random.IntN(300); {
	case !m.wrong.After(now) && n == 0:
		m.host.ahead, m.wrong = offsets[m.random.IntN(len(offsets))], now.Add(hours)
		m.figures.add("times in which the host's clock was wrong")
	case !m.wrong.After(now):
		m.host.ahead = 0
	}
	if n := m.random.IntN(300); n == 0 && !m.down.After(now) {
		m.down = now.Add(hours)
		m.figures.add("times in which the monitor did not run")
	}
}

func (m *monitor) recover() { m.host.ahead, m.wrong, m.down = 0, time.Time{}, time.Time{} }

type delivery struct {
	to    lambda.Function
	event []byte
	due   time.Time
	tries int
}

func newMonitor(w *world) *monitor {
	m := &monitor{
		world: w, handlers: map[lambda.Function]*lambda.Handler{}, removals: map[string][]time.Time{},
		steps: map[string][]time.Time{}, host: &hostClock{VirtualClock: w.clock},
	}
	for _, f := range lambda.All() {
		m.start(f)
	}
	return m
}

// start starts a function without any memory of former invocations.
func (m *monitor) start(f lambda.Function) {
	env := map[string]string{
		"Regions": strings.Join(regions, ","), "AutoDeleteOrStopIdleResources": "Yes", "IdleThresholdHours": strconv.Itoa(m.IdleHours),
		"UsedIdleThresholdHours": strconv.Itoa(m.UsedHours),
		"NotificationEndpoint":   subscriber, "Deployment": deployment, "MaxStopsOrDeletesPerHour": strconv.Itoa(maxRemovals),
		"UtilizationThresholdAlarmLowerBound": strconv.Itoa(lowBound), "LOG_LEVEL": "info",
	}
	if m.Log == io.Discard {
		env["LOG_LEVEL"] = "error"
	}
	m.handlers[f] = lambda.New(f, lambda.Options{
		Env:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Log:   m.Log,
		Clock: m.host,
		Config: func(context.Context, *slog.Logger) (aws.Config, error) {
			config := awsapi.LocalConfig(regions[0], m.memory.URL(), programKey, m.memory.Transport())
			config.DisableRequestCompression = true // it takes most of the time
			return config, nil
		},
	})
}

func (m *monitor) restart() {
	for _, f := range lambda.All() {
		if m.random.IntN(200) == 0 {
			m.start(f)
			m.figures.add("restarts of functions")
		}
	}
}

// detailTypes are the events that each function receives.
var detailTypes = map[lambda.Function][]string{
	lambda.Dashboard:       {"BuildPersonalizeMonitorDashboard"},
	lambda.UpdateTPS:       {"UpdatePersonalizeCampaignMinProvisionedTPS", "UpdatePersonalizeRecommenderMinRecommendationRPS"},
	lambda.DeleteCampaign:  {"DeletePersonalizeCampaign"},
	lambda.StopRecommender: {"StopPersonalizeRecommender"},
}

const ruleNames = "soak-"

func (m *monitor) deploy() error {
	bus := m.owner.clients.EventBridge(regions[0])
	for f, wanted := range detailTypes {
		pattern, err := json.Marshal(map[string][]string{"source": {"personalize.monitor"}, "detail-type": wanted})
		if err != nil {
			return err
		}
		name := ruleNames + string(f)
		arn := "arn:aws:lambda:" + regions[0] + ":" + account + ":function:" + name
		if _, err := bus.PutRule(m.ctx, &eventbridge.PutRuleInput{Name: &name, EventPattern: aws.String(string(pattern))}); err != nil {
			return err
		}
		_, err = bus.PutTargets(m.ctx, &eventbridge.PutTargetsInput{Rule: &name, Targets: []types.Target{{Id: aws.String("Function"), Arn: &arn}}})
		if err != nil {
			return err
		}
		m.aws.RegisterTarget(arn, func(_ context.Context, event []byte) error {
			m.receive(delivery{to: f, event: event})
			return nil
		})
	}
	return nil
}

func (m *monitor) invoke(f lambda.Function, event []byte) bool {
	m.figures.add("invocations of " + string(f))
	m.faults.resetHits()
	m.oracle.mu.Lock()
	m.began = m.clock.Now()
	m.oracle.mu.Unlock()
	if _, err := m.handlers[f].Invoke(m.ctx, event); err != nil {
		m.figures.add("invocations that failed")
		return false
	}
	return true
}

func scheduled(at time.Time) []byte {
	event, err := json.Marshal(map[string]any{
		"version": "0", "id": "53dc4d37", "detail-type": "Scheduled Event", "source": "aws.events", "account": account, "region": regions[0],
		"time": at.Format(time.RFC3339), "resources": []string{}, "detail": map[string]any{},
	})
	if err != nil {
		panic(err) // strings always encode
	}
	return event
}

// maxDelay is how late an event may be, in minutes.
const maxDelay = 90

// deliver delivers the late events that are due, then those on the bus.
func (m *monitor) deliver() error {
	waiting := m.waiting
	m.waiting = nil
	for _, d := range waiting {
		if m.clock.Now().Before(d.due) {
			m.waiting = append(m.waiting, d)
		} else {
			m.send(d)
		}
	}
	return m.aws.Deliver(m.ctx)
}

// receive takes an event from the bus and delivers it at once, later, or twice.
func (m *monitor) receive(d delivery) {
	switch m.random.IntN(12) {
	case 0:
		m.figures.add("events delivered late")
		m.delay(d)
		return
	case 1:
		m.figures.add("events delivered twice")
		m.send(d)
	case 2:
		m.figures.add("events delivered twice")
		m.delay(d)
	}
	m.send(d)
}

func (m *monitor) delay(d delivery) {
	d.due = m.clock.Now().Add(time.Duration(m.random.IntN(maxDelay)) * time.Minute)
	m.waiting = append(m.waiting, d)
}

// send invokes a function with an event. Lambda tries twice more if it fails.
func (m *monitor) send(d delivery) {
	if m.invoke(d.to, d.event) || d.tries == 2 {
		return
	}
	d.tries++
	d.due = m.clock.Now().Add(time.Duration(d.tries) * time.Minute)
	m.waiting = append(m.waiting, d)
}
