package soak

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
)

// deployment is the tag of what the monitor makes.
const deployment = "us-east-1/soak"

// reader gets the notifications.
const reader = "ml@example.com"

// maxEndings is MaxStopsOrDeletesPerHour.
const maxEndings = 3

// lowBound is UtilizationThresholdAlarmLowerBound.
const lowBound = 80

// monitor is the deployed program: its functions, and the events on their way to them.
type monitor struct {
	*world
	handlers map[lambda.Function]*lambda.Handler
	waiting  []parcel
	began    time.Time              // of the invocation under way
	endings  map[string][]time.Time // accepted stops and deletes of the last hour, by region
}

// parcel is an event that comes late.
type parcel struct {
	to    lambda.Function
	event []byte
	at    time.Time
	tries int
}

func newMonitor(w *world) *monitor {
	m := &monitor{world: w, handlers: map[lambda.Function]*lambda.Handler{}, endings: map[string][]time.Time{}}
	for _, f := range lambda.All() {
		m.start(f)
	}
	return m
}

// start starts a function anew: it remembers nothing.
func (m *monitor) start(f lambda.Function) {
	env := map[string]string{
		"Regions": regions[0] + "," + regions[1] + "," + regions[2], "AutoDeleteOrStopIdleResources": "Yes",
		"IdleThresholdHours": strconv.Itoa(m.IdleHours), "NotificationEndpoint": reader, "Deployment": deployment,
		"MaxStopsOrDeletesPerHour": strconv.Itoa(maxEndings), "UtilizationThresholdAlarmLowerBound": strconv.Itoa(lowBound), "LOG_LEVEL": "info",
	}
	if m.Log == io.Discard {
		env["LOG_LEVEL"] = "error"
	}
	m.handlers[f] = lambda.New(f, lambda.Options{
		Env:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Log:   m.Log,
		Clock: m.clock,
		Config: func(context.Context, *slog.Logger) (aws.Config, error) {
			config := awsapi.LocalConfig(regions[0], m.memory.URL(), programsKey, m.memory.Transport())
			config.DisableRequestCompression = true // it costs time and tells nothing
			return config, nil
		},
	})
}

// restart has a function lose its memory now and then, as Lambda does.
func (m *monitor) restart() {
	for _, f := range lambda.All() {
		if m.chance.IntN(200) == 0 {
			m.start(f)
			m.figures.Restarts++
		}
	}
}

// asked are the detail types that go to each function.
var asked = map[lambda.Function][]string{
	lambda.Dashboard:       {"BuildPersonalizeMonitorDashboard"},
	lambda.UpdateTPS:       {"UpdatePersonalizeCampaignMinProvisionedTPS", "UpdatePersonalizeRecommenderMinRecommendationRPS"},
	lambda.DeleteCampaign:  {"DeletePersonalizeCampaign"},
	lambda.StopRecommender: {"StopPersonalizeRecommender"},
}

// deploy puts the rules on the bus that bring the functions their events.
func (m *monitor) deploy() error {
	bus := m.owner.clients.EventBridge(regions[0])
	for f, wanted := range asked {
		pattern, err := json.Marshal(map[string][]string{"source": {"personalize.monitor"}, "detail-type": wanted})
		if err != nil {
			return err
		}
		name := "soak-" + string(f)
		arn := "arn:aws:lambda:" + regions[0] + ":" + account + ":function:" + name
		if _, err := bus.PutRule(m.ctx, &eventbridge.PutRuleInput{Name: &name, EventPattern: aws.String(string(pattern))}); err != nil {
			return err
		}
		_, err = bus.PutTargets(m.ctx, &eventbridge.PutTargetsInput{Rule: &name, Targets: []types.Target{{Id: aws.String("Function"), Arn: &arn}}})
		if err != nil {
			return err
		}
		m.aws.RegisterTarget(arn, func(_ context.Context, event []byte) error {
			m.receive(parcel{to: f, event: event})
			return nil
		})
	}
	return nil
}

// invoke has a function do something, and tells whether it could.
func (m *monitor) invoke(f lambda.Function, event []byte) bool {
	m.figures.Invocations++
	m.faults.forget()
	m.model.mu.Lock()
	m.began = m.clock.Now()
	m.model.mu.Unlock()
	if _, err := m.handlers[f].Invoke(m.ctx, event); err != nil {
		m.figures.FailedInvocations++
		return false
	}
	return true
}

// scheduled is the event of a schedule.
func scheduled(at time.Time) []byte {
	event, err := json.Marshal(map[string]any{
		"version": "0", "id": "53dc4d37", "detail-type": "Scheduled Event", "source": "aws.events", "account": account, "region": regions[0],
		"time": at.Format(time.RFC3339), "resources": []string{}, "detail": map[string]any{},
	})
	if err != nil {
		panic(err) // texts always encode
	}
	return event
}

// cycle runs a cycle, by its schedule. What its event brings twice is measured twice.
func (m *monitor) cycle(at time.Time) {
	m.invoke(lambda.Monitor, scheduled(at))
}

func (m *monitor) dashboard(at time.Time) {
	if m.invoke(lambda.Dashboard, scheduled(at)) {
		m.figures.Dashboards++
	}
}

// lateMinutes is how late an event may come.
const lateMinutes = 90

// deliver brings the functions their events: those of the bus, and those that were late.
func (m *monitor) deliver() error {
	late := m.waiting
	m.waiting = nil
	for _, p := range late {
		if m.clock.Now().Before(p.at) {
			m.waiting = append(m.waiting, p)
		} else {
			m.hand(p)
		}
	}
	return m.aws.Deliver(m.ctx)
}

// receive takes an event off the bus: at once, later, or twice.
func (m *monitor) receive(p parcel) {
	switch m.chance.IntN(12) {
	case 0:
		m.figures.Late++
		p.at = m.clock.Now().Add(time.Duration(m.chance.IntN(lateMinutes)) * time.Minute)
		m.waiting = append(m.waiting, p)
		return
	case 1:
		m.figures.Twice++
		m.hand(p)
	case 2:
		m.figures.Twice++
		again := p
		again.at = m.clock.Now().Add(time.Duration(m.chance.IntN(lateMinutes)) * time.Minute)
		m.waiting = append(m.waiting, again)
	}
	m.hand(p)
}

// hand gives a function an event; Lambda tries twice more if it fails.
func (m *monitor) hand(p parcel) {
	if m.invoke(p.to, p.event) || p.tries == 2 {
		return
	}
	p.tries++
	p.at = m.clock.Now().Add(time.Duration(p.tries) * time.Minute)
	m.waiting = append(m.waiting, p)
}
