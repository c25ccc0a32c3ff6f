package rules_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// chain is a resource without requests to which one update after the other is made: by a
// person, by starting it again, or as a step-down of ours. What the service shows of them
// is the latest alone.
type chain struct {
	*history
	touched []int64 // when a person's update or start was over
	signed  int     // steps of ours that set a marker
}

// pass lets time go by. The window that is measured is the last whole one.
func (c *chain) pass(seconds int64) {
	c.now += seconds
	now := time.Unix(c.now, 0).UTC()
	c.moment = rules.EvaluationTime{Now: now, Window: rules.MeasuredWindow(now, 2*time.Minute)}
	c.end = c.moment.Window.End.Unix()
}

// latest makes what happened now what the service shows, and waits until it is over.
func (c *chain) latest(takes int64) {
	changed := c.now + takes
	c.resource.LastUpdated = time.Unix(changed, 0).UTC()
	c.resource.Update = &model.Update{
		Status: "ACTIVE", MinTPS: c.resource.MinTPS, Created: time.Unix(c.now, 0).UTC(), Changed: c.resource.LastUpdated,
	}
	c.pass(takes)
}

// personal is what a person does: an update, which may leave the minimum as it is, or a
// start, of which only the time of the last change shows it.
func (c *chain) personal() {
	if c.oneIn(3) {
		c.pass(c.between(5*minute, 30*minute))
		c.resource.LastUpdated = time.Unix(c.now, 0).UTC()
	} else {
		if c.oneIn(2) {
			c.resource.MinTPS = 2 + c.IntN(20)
		}
		c.latest(c.between(minute, 20*minute))
	}
	c.touched = append(c.touched, c.now)
}

// step is a step-down of ours, which is signed as it is before it is made.
func (c *chain) step() {
	d := rules.Decision{Resource: c.resource, Verdict: rules.StepDown, NewMinTPS: 1, By: c.settings, At: c.moment}
	readings := model.Readings{}
	c.read(readings, rules.UpdateQueries(c.resource, c.settings, c.moment))
	if rules.AllowMarker(d, readings).Marker {
		c.marks = append(c.marks, c.now)
		c.signed++
	}
	c.latest(c.between(minute, 7*minute)) // marks are looked for from a little before the idle time
}

// newChain makes up updates, 45 minutes apart at least after the first if they are ours.
func newChain(seed, index int) *chain {
	c := &chain{history: newHistory(newScene(seed, index), "home")}
	r := &c.resource
	c.calls, c.marks, c.asked, c.victim = [len(metrics)][outcomes][]call{}, nil, nil, -1
	c.down, c.until, c.missed, c.fresh, c.oldMin = 0, 0, nil, 0, 0
	c.settings.StopIdle, c.settings.HourlyChecks, c.settings.NoChecks = model.On, model.Always, ""
	c.settings.IdleHours = 1 + c.IntN(12)
	c.monitor = monitor{every: slot}
	c.created = c.now - 5*day
	*r = model.Resource{
		ARN: r.ARN, Kind: r.Kind, Name: r.Name, Recipe: "aws-user-personalization", Status: "ACTIVE", MinTPS: 8, Described: true,
		Created: time.Unix(c.created, 0).UTC(), LastUpdated: time.Unix(c.created, 0).UTC(),
	}
	if r.Kind == model.Recommender {
		r.Recipe = "aws-ecomm-recommended-for-you"
	}
	c.setRecipe()
	c.pass(0)
	for range 1 + c.IntN(6) {
		if c.oneIn(2) {
			c.personal()
		} else {
			c.step()
		}
		c.pass(45*minute + c.Int64N(c.idle()))
	}
	c.resource.Observed = c.moment.Now
	return c
}

func checkChain(seed, index int, count tally) string {
	c := newChain(seed, index)
	d := decideOn(c.history, model.Readings{})
	ended, lately, long := d.Verdict == rules.Stop || d.Verdict == rules.Delete, false, true
	for _, at := range c.touched {
		lately = lately || c.now-at < c.idle()
		long = long && c.now-at >= 8*c.idle()+8*hour
	}
	hidden := lately && c.touched[len(c.touched)-1] < c.resource.LastUpdated.Unix()
	count[fmt.Sprintf("ended %v, touched lately %v, hidden %v", ended, lately, hidden)]++
	switch {
	case ended && lately:
		return fmt.Sprintf("ended (%s), though a person did something within the idle time: %v, marks %v\n%s", d.Reason, c.touched, c.marks, describe(c.history))
	case !ended && long:
		return fmt.Sprintf("not ended (%s), though no person did anything: %v, marks %v\n%s", d.Reason, c.touched, c.marks, describe(c.history))
	}
	if len(c.touched) == 0 {
		count["marked"] += c.signed
	}
	return ""
}

// However updates of a person and steps of ours follow on each other, nothing is ended
// within the idle time of a person's; where all were ours, nothing is in the way.
func TestRandomUpdatesAreNotHidden(t *testing.T) {
	n := histories(t) / 10
	count := inParallel(t, n, checkChain)
	if t.Failed() || n < 500 {
		return
	}
	for _, name := range []string{
		"ended true, touched lately false, hidden false", "ended false, touched lately true, hidden true",
		"ended false, touched lately true, hidden false", "marked",
	} {
		if count[name] < n/100 {
			t.Errorf("only %d of %d: %s", count[name], n, name)
		}
	}
	t.Log(count)
}
