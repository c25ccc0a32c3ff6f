// Package webstory has canned data for the web page, so that its views can be tested and seen without a daemon and without AWS.
// Times and numbers are always the same.
package webstory

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
	"github.com/personalize-monitor/personalize-monitor/internal/whatif"
)

// Now is the time in all stories.
var Now = time.Date(2026, 3, 4, 12, 7, 30, 0, time.UTC)

// Region is the deployment region in all stories.
const Region = "us-east-1"

// Source is a web.Source whose snapshot can be changed.
type Source struct {
	mu       sync.Mutex
	snapshot web.Snapshot
	changed  chan struct{}
}

// NewSource returns a source with a snapshot.
func NewSource(s web.Snapshot) *Source { return &Source{snapshot: s, changed: make(chan struct{})} }

// Snapshot returns the current snapshot.
func (s *Source) Snapshot() web.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot
}

// Version returns the version of the current snapshot.
func (s *Source) Version() uint64 { return s.Snapshot().Version }

// Changed returns a channel that the next change closes.
func (s *Source) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Change changes the snapshot and increments its version.
func (s *Source) Change(change func(*web.Snapshot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.snapshot)
	s.snapshot.Version++
	close(s.changed)
	s.changed = make(chan struct{})
}

// Series returns a curve for every query that depends on the query only.
type Series struct {
	Until time.Time // no datapoint is newer, as if data were late; the zero value is no limit
}

// Measure returns the series of the queries. The metrics of an unknown resource have no data.
func (s Series) Measure(_ context.Context, queries []model.Query, _ func(done, total int)) (model.Readings, []model.Problem) {
	readings := model.Readings{}
	for _, q := range queries {
		list := points(q)
		if !s.Until.IsZero() {
			list = slices.DeleteFunc(list, func(p model.Datapoint) bool { return p.Time.After(s.Until) })
		}
		readings[q] = model.Series{Points: list, Complete: true}
	}
	return readings, nil
}

func points(q model.Query) []model.Datapoint {
	c, ok := characters[q.Metric.DimensionValue]
	if !ok {
		return nil
	}
	var list []model.Datapoint
	for at := q.Window.Start; at.Before(q.Window.End); at = at.Add(q.Period) {
		rate, minimum := c.rate(at), c.minimum(at)
		var v float64
		switch name := q.Metric.Name; name {
		case "minProvisionedTPS", "minRecommendationRequestsPerSecond":
			v = minimum
		case "averageTPS", "averageRPS":
			v = rate
		case "campaignUtilization", "recommenderUtilization":
			v = rate / minimum * 100
		case "GetRecommendationsLatency", "GetPersonalizedRankingLatency":
			v = 42 + 9*noise(at, 3)
		default:
			failed := strings.HasSuffix(name, model.Suffix4xx) || strings.HasSuffix(name, model.Suffix5xx)
			broken := !c.broken.IsZero() && at.After(c.broken)
			switch {
			case failed != broken || strings.HasSuffix(name, model.Suffix5xx):
				v = 0
			default:
				v = rate * q.Period.Seconds()
			}
		}
		list = append(list, model.Datapoint{Time: at, Value: v})
	}
	return list
}

// character is the traffic and the minimum of a resource.
type character struct {
	mean, swing float64 // requests per second, and how far they vary over the day
	min         float64
	before      float64 // the minimum before since
	since       time.Time
	silent      time.Time // no requests after it; zero means always requests
	broken      time.Time // every call fails after it; zero means that none fails
}

func (c character) rate(at time.Time) float64 {
	if !c.silent.IsZero() && at.After(c.silent) {
		return 0
	}
	hour := float64(at.Hour()) + float64(at.Minute())/60
	return max(0, c.mean+c.swing*math.Sin((hour-13)/24*2*math.Pi)+c.mean*0.06*noise(at, int(c.mean*10)))
}

func (c character) minimum(at time.Time) float64 {
	if at.Before(c.since) {
		return c.before
	}
	return c.min
}

// noise is between -1 and 1, and depends on the time only.
func noise(at time.Time, seed int) float64 {
	x := math.Sin(float64(at.Unix()/300)*12.9898+float64(seed)*78.233) * 43758.5453
	return 2*(x-math.Floor(x)) - 1
}

// Actions accepts and records every action.
type Actions struct {
	// Err is the error of every action; nil means that all succeed.
	Err error

	mu    sync.Mutex
	asked []string
}

// Asked returns the recorded actions.
func (a *Actions) Asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.asked...)
}

func (a *Actions) record(text string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, text)
	return a.Err
}

// Do records an action.
func (a *Actions) Do(_ context.Context, action model.Action, req events.Request) (string, error) {
	text := fmt.Sprintf("%s %s %d %s", action, req.ARN, req.NewMinTPS, req.Reason)
	return fmt.Sprintf("Canned: %s of %s was accepted.", action, req.ARN.Name()), a.record(text)
}

// Restore records a restoration.
func (a *Actions) Restore(_ context.Context, audit events.Audit) (string, error) {
	return "Canned: " + nameOf(audit.ARN) + " is restored.", a.record("restore " + audit.ARN + " " + string(audit.Action))
}

// Options returns the options of a page over a snapshot, at the time of the stories.
func Options(s web.Snapshot) (web.Options, *Source) {
	source := NewSource(s)
	return web.Options{
		Source: source, Series: Series{}, WhatIf: WhatIf{}, Clock: model.NewVirtualClock(Now), Version: "story", MetricDelay: 2 * time.Minute,
		Logger: slog.New(slog.DiscardHandler), Guard: &guard.Guard{},
	}, source
}

// alarm returns one of the alarms of a resource.
func alarm(r model.Resource, t alarms.Type, state alarms.State, since time.Duration) serve.Alarm {
	return serve.Alarm{
		Name: t.Name(r.Kind, r.Name), Resource: r.ARN.String(), Region: r.Region(), State: string(state), Since: Now.Add(-since), ActionsOn: true,
	}
}

// WhatIf compares minimums by the mean of an endpoint's traffic.
type WhatIf struct{}

// Of returns what each minimum costs, at USD 0.2 for a TPS-hour. An unknown resource has no options.
func (WhatIf) Of(_ context.Context, r model.Resource, _ time.Duration) (report.WhatIfEntry, []model.Problem) {
	c, ok := characters[r.ARN.String()]
	if !ok || r.MinTPS == 0 {
		return report.WhatIfEntry{Note: "nothing is known of its demand"}, nil
	}
	e := report.WhatIfEntry{Hours: 1344, Known: 1300, Price: &report.WhatIfPrice{Currency: "USD"}, Note: "no schedule: demand rises at no certain hours"}
	step := func(minimum int) whatif.Option {
		hours := max(float64(minimum), c.mean) * billing.HoursPerMonth
		cold := math.Round(max(0, c.mean+c.swing-float64(minimum)))
		risk := billing.RiskLow
		if cold > 2 {
			risk = billing.RiskMedium
		}
		return whatif.Option{
			Minimum: minimum, TPSHours: hours, Estimate: new(hours * 0.2), Above: min(100, cold*9), Risk: risk, ColdSteps: billing.ColdSteps{PerWeek: &cold},
		}
	}
	for minimum := 1; minimum <= r.MinTPS+max(1, r.MinTPS/4); minimum++ {
		e.Steps = append(e.Steps, step(minimum))
	}
	lowest, half, present := step(1), step(max(1, r.MinTPS/2)), step(r.MinTPS)
	lowest.Reasons, half.Reasons, present.Reasons = []whatif.Reason{whatif.Lowest}, []whatif.Reason{whatif.P50}, []whatif.Reason{whatif.Present}
	e.Options = []whatif.Option{lowest, half, present}
	return e, nil
}
