package rules_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// profile is steady traffic: how many requests come in each hour of the day.
type profile [24]int64

func (p profile) lowest() int64 {
	low := p[0]
	for _, n := range p {
		low = min(low, n)
	}
	return low
}

func newProfile(s *scene, minimum int) (p profile) {
	level := s.between(0, int64(minimum)+2) * hour
	for i := range p {
		p[i] = level + s.Int64N(5*hour)
	}
	p[s.IntN(len(p))] = max(0, level-s.Int64N(2))
	return p
}

// hours fills the calls of the last 15 days up to now.
func (h *history) hours(p profile) {
	first := max(h.created, h.end-backward-9*hour)/hour*hour + hour
	h.calls[h.metric][succeeded] = h.calls[h.metric][succeeded][:0]
	for at := first; at < h.now; at += hour {
		if n := p[at/hour%24]; n > 0 {
			h.calls[h.metric][succeeded] = append(h.calls[h.metric][succeeded], call{at, n})
		}
	}
}

// bound is how many hours it may take, a step an hour, from a minimum to the one that
// it comes to rest on.
func bound(minimum, rest int) (hours int) {
	for ; minimum > rest; hours++ {
		minimum = max(rest, minimum*3/4)
	}
	return hours
}

// checkSteps has a resource stepped down hour after hour, and fails if it does not come
// to rest on max(1, watermark) in as many hours as predicted, or goes on.
func checkSteps(seed, index int, count tally) string {
	s := newScene(seed, index)
	s.settings.AdjustMinTPS, s.settings.StopIdle, s.settings.HourlyChecks, s.settings.NoChecks = model.On, model.Off, model.Always, ""
	s.moment.Now = s.moment.Window.End.Add(2 * time.Minute)
	s.now, s.monitor = s.moment.Now.Unix(), monitor{every: slot, since: s.end - 30*day}
	h := &history{scene: s, victim: -1, created: s.now - 15*day}
	h.resource = model.Resource{
		ARN:  model.NewARN("aws", "personalize", "eu-west-1", "123456789012", "campaign/home"),
		Kind: model.Campaign, Name: "home", Recipe: ordinary[s.IntN(len(ordinary))], Status: "ACTIVE", MinTPS: 1 + s.IntN(40), Described: true,
		Created: time.Unix(h.created, 0).UTC(), LastUpdated: time.Unix(h.created, 0).UTC(),
	}
	if s.oneIn(3) {
		h.resource.MinTPS = 1 + s.IntN(5000)
	}
	h.arn = h.resource.ARN.String()
	h.setRecipe()
	start, p := h.resource.MinTPS, newProfile(s, h.resource.MinTPS)
	rest := start
	if low := int(p.lowest() / hour); low < start {
		rest = max(1, low)
	}
	need := bound(start, rest)
	for passed := range need + 3 {
		h.hours(p)
		h.asked = h.asked[:0]
		d := decideOn(h, model.Readings{})
		count[string(d.Verdict)]++
		switch at := fmt.Sprintf("from %d, hour %d, lowest %.3f: ", start, passed, float64(p.lowest())/3600); {
		case d.Verdict == rules.StepDown && passed >= need:
			return at + "it should be at rest, but: " + d.Reason
		case d.Verdict == rules.StepDown:
			h.by, h.updated, h.oldMin = ours, h.now, h.resource.MinTPS
			h.marks = append(h.marks, h.now)
			h.resource.MinTPS = d.NewMinTPS
			h.resource.LastUpdated = time.Unix(h.now, 0).UTC()
			h.resource.Update = &model.Update{Status: "ACTIVE", MinTPS: d.NewMinTPS, Created: h.resource.LastUpdated, Changed: h.resource.LastUpdated}
		case passed < need:
			return at + fmt.Sprintf("it should step down to %d in %d hours, but: %s (%s)", rest, need, d.Verdict, d.Reason)
		}
		h.now += hour
		h.end += hour
		h.moment.Now = h.moment.Now.Add(time.Hour)
		h.moment.Window = model.NewWindow(h.moment.Window.Start.Add(time.Hour), h.moment.Window.End.Add(time.Hour))
	}
	if h.resource.MinTPS != rest {
		return fmt.Sprintf("from %d it came to rest on %d, should be %d", start, h.resource.MinTPS, rest)
	}
	return ""
}

func TestRandomStepsComeToRest(t *testing.T) {
	n := histories(t) / 100
	count := inParallel(t, n, checkSteps)
	if !t.Failed() && count["step-down"] < n {
		t.Errorf("only %d steps in %d histories", count["step-down"], n)
	}
}
