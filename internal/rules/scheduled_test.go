package rules

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

// noon is a Wednesday.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func scheduledResource(minimum int) model.Resource {
	return model.Resource{
		ARN:  model.NewARN("aws", "personalize", "eu-west-1", "123456789012", "campaign/home"),
		Kind: model.Campaign, Name: "home", Status: model.StatusActive, MinTPS: minimum, Described: true,
		Created: noon.AddDate(0, -3, 0), LastUpdated: noon.AddDate(0, 0, -20), Observed: noon,
	}
}

// back is the tag of a raise from 5 to 50 that was arranged at noon, for two hours.
const back = "to=5 from=5 raised=50 due=2026-03-04T14:00:00Z arranged=2026-03-04T12:00:00Z"

// night is the tag of a raise from 5 to 20 that was arranged at noon, until the next morning.
const night = "to=5 from=5 raised=20 due=2026-03-05T06:00:00Z arranged=2026-03-04T10:00:00Z"

func updated(r model.Resource, at time.Time, status model.Status) model.Resource {
	r.Update = &model.Update{Status: status, MinTPS: r.MinTPS, Created: at, Changed: at}
	return r
}

func TestApplySchedule(t *testing.T) {
	const lunch = "base=5 wed@11:00-13:00=50"
	tests := []struct {
		name     string
		resource model.Resource
		tags     map[string]string
		at       time.Duration // after noon
		verdict  Verdict
		minimum  int
		reason   string
	}{
		{"no tag", scheduledResource(5), nil, 0, None, 0, "kept"},
		{"within a rule", scheduledResource(5), map[string]string{schedule.Tag: lunch}, 0, Raise, 50, "raise from 5 to 50: its schedule wants 50 TPS until 2026-03-04 13:00"},
		{"raised already", scheduledResource(50), map[string]string{schedule.Tag: lunch}, 0, None, 0, "its schedule wants 50 TPS"},
		{"the lead time before", scheduledResource(5), map[string]string{schedule.Tag: lunch}, -75 * time.Minute, Raise, 50, "raise"},
		{"a second before that", scheduledResource(5), map[string]string{schedule.Tag: lunch}, -75*time.Minute - time.Second, None, 0, "its schedule wants 5 TPS until 2026-03-04 10:45"},
		{"at the end", scheduledResource(50), map[string]string{schedule.Tag: lunch}, time.Hour, Lower, 5, "lower from 50 to 5"},
		{"days later, after cycles that were missed", scheduledResource(50), map[string]string{schedule.Tag: lunch}, 70 * time.Hour, Lower, 5, "lower"},
		{"below the base", scheduledResource(2), map[string]string{schedule.Tag: lunch}, 3 * time.Hour, Raise, 5, "raise from 2 to 5"},
		{"a minimum of somebody else's", scheduledResource(70), map[string]string{schedule.Tag: lunch}, 3 * time.Hour, None, 0, "set by somebody else"},
		{"being updated", updated(scheduledResource(5), noon, "CREATE IN_PROGRESS"), map[string]string{schedule.Tag: lunch}, 0, None, 0, "an update is in progress"},
		{"an update in a state that is not known", updated(scheduledResource(50), noon, "REBALANCING"), map[string]string{schedule.Tag: lunch}, time.Hour, None, 0, "an update is in progress"},
		{"an update that has just failed", updated(scheduledResource(5), noon, "CREATE FAILED"), map[string]string{schedule.Tag: lunch}, 20 * time.Minute, None, 0, "its last update failed 20 min ago"},
		{"an update that failed before", updated(scheduledResource(5), noon, "CREATE FAILED"), map[string]string{schedule.Tag: lunch}, 30 * time.Minute, Raise, 50, "raise"},
		{"protected", scheduledResource(5), map[string]string{schedule.Tag: lunch, ProtectTag: "tps"}, 0, None, 0, "protected by its tag"},
		{"protected from removal alone", scheduledResource(5), map[string]string{schedule.Tag: lunch, ProtectTag: "idle"}, 0, Raise, 50, "raise"},
		{"an old copy", func() model.Resource { r := scheduledResource(50); r.Stale = true; return r }(), map[string]string{schedule.Tag: lunch}, time.Hour, None, 0, "old copy"},
		{"a tag that is not understood", scheduledResource(5), map[string]string{schedule.Tag: "base=5 lunch"}, 0, None, 0, "not understood: column 8"},
		{"a level that is a mistake", scheduledResource(5), map[string]string{schedule.Tag: "base=5 daily@00:00-24:00=10001"}, 0, None, 0, "is not obeyed: 10,001 TPS is more than"},

		{"raised for a time", scheduledResource(50), map[string]string{schedule.ReturnTag: back}, time.Hour, None, 0, "raised to 50 until 2026-03-04 14:00, then back to 5"},
		{"a second before its return", scheduledResource(50), map[string]string{schedule.ReturnTag: back}, 2*time.Hour - time.Second, None, 0, "then back to 5"},
		{"at its return", scheduledResource(50), map[string]string{schedule.ReturnTag: back}, 2 * time.Hour, Return, 5, "return from 50 to 5: it was raised until 2026-03-04 14:00"},
		{"days after its return", scheduledResource(50), map[string]string{schedule.ReturnTag: back}, 99 * time.Hour, Return, 5, "return"},
		{"while the raise is requested", scheduledResource(5), map[string]string{schedule.ReturnTag: back}, time.Minute, None, 0, "raised to 50"},
		{"another minimum while the raise is requested", scheduledResource(7), map[string]string{schedule.ReturnTag: back}, 10*time.Minute - time.Second, None, 0, "the raise is being requested"},
		{"set to another minimum", scheduledResource(7), map[string]string{schedule.ReturnTag: back}, 10 * time.Minute, Drop, 7, "somebody has changed its minimum to 7 since"},
		{"set to another minimum, at its return", scheduledResource(60), map[string]string{schedule.ReturnTag: back}, 3 * time.Hour, Drop, 60, "is dropped"},
		{"updated by somebody, at the same minimum", updated(scheduledResource(50), noon.Add(time.Hour), model.StatusActive), map[string]string{schedule.ReturnTag: back}, 2 * time.Hour, Return, 5, "return from 50 to 5"},
		{"never raised", scheduledResource(5), map[string]string{schedule.ReturnTag: back}, 10 * time.Minute, Drop, 5, "the raise to 50 is over"},
		{"the update of the raise itself", updated(scheduledResource(50), noon.Add(10*time.Minute), model.StatusActive), map[string]string{schedule.ReturnTag: back}, 2 * time.Hour, Return, 5, "return"},
		{"an update of somebody's that failed", updated(scheduledResource(50), noon.Add(time.Hour), "CREATE FAILED"), map[string]string{schedule.ReturnTag: back}, 2 * time.Hour, Return, 5, "return"},
		{"set back before its return", scheduledResource(5), map[string]string{schedule.ReturnTag: back}, 2 * time.Hour, Drop, 5, "the raise to 50 is over"},
		{"returned already, and the tag is left", updated(scheduledResource(5), noon.Add(2*time.Hour), model.StatusActive), map[string]string{schedule.ReturnTag: back}, 3 * time.Hour, Drop, 5, "the raise to 50 is over"},
		{"its return, protected", scheduledResource(50), map[string]string{schedule.ReturnTag: back, ProtectTag: "true"}, 2 * time.Hour, None, 0, "protected"},
		{"its return, while it is updated", updated(scheduledResource(50), noon, "CREATE PENDING"), map[string]string{schedule.ReturnTag: back}, 2 * time.Hour, None, 0, "an update is in progress"},
		{"a second raise that failed", scheduledResource(20), map[string]string{schedule.ReturnTag: "to=5 from=20 raised=50 due=2026-03-04T14:00:00Z arranged=2026-03-04T12:00:00Z"}, 2 * time.Hour, Return, 5, "return from 20 to 5"},
		{"set back to the first of two raises", updated(scheduledResource(20), noon.Add(time.Hour), model.StatusActive), map[string]string{schedule.ReturnTag: "to=5 from=20 raised=50 due=2026-03-04T14:00:00Z arranged=2026-03-04T12:00:00Z"}, 2 * time.Hour, Drop, 20, "is dropped"},
		{"a return that is not understood", scheduledResource(50), map[string]string{schedule.ReturnTag: "to=5"}, 2 * time.Hour, None, 0, "not understood"},

		{"a raise beside a schedule", scheduledResource(80), map[string]string{schedule.Tag: lunch, schedule.ReturnTag: strings.ReplaceAll(back, "raised=50", "raised=80")}, 90 * time.Minute, None, 0, "raised to 80"},
		{"its return, to the level of the schedule", scheduledResource(80), map[string]string{schedule.Tag: "base=5 daily@12:00-18:00=50", schedule.ReturnTag: strings.ReplaceAll(back, "raised=50", "raised=80")}, 2 * time.Hour, Return, 50, "return from 80 to 50"},
		{"a schedule that wants more", scheduledResource(20), map[string]string{schedule.Tag: lunch, schedule.ReturnTag: strings.ReplaceAll(back, "raised=50", "raised=20")}, 30 * time.Minute, Raise, 50, "raise"},
		{"a raise that the schedule has overtaken", scheduledResource(50), map[string]string{schedule.Tag: lunch, schedule.ReturnTag: strings.ReplaceAll(back, "raised=50", "raised=20")}, 2 * time.Hour, Drop, 50, "is over"},
		{"a level above a raise, at its time", scheduledResource(50), map[string]string{schedule.Tag: lunch, schedule.ReturnTag: night}, 30 * time.Minute, None, 0, "raised to 20"},
		{
			"a level above a raise, at its end", scheduledResource(50),
			map[string]string{schedule.Tag: lunch, schedule.ReturnTag: night},
			time.Hour, Lower, 20,
			"lower from 50 to 20: its schedule wants 5 TPS until 2026-03-11 10:45, and it is raised to 20 until 2026-03-05 06:00",
		},
		{"lowered to the raise by the schedule", updated(scheduledResource(20), noon.Add(time.Hour), model.StatusActive), map[string]string{schedule.Tag: lunch, schedule.ReturnTag: night}, 2 * time.Hour, None, 0, "raised to 20"},
		{"lowered to the raise by the schedule, at the return", updated(scheduledResource(20), noon.Add(time.Hour), model.StatusActive), map[string]string{schedule.Tag: lunch, schedule.ReturnTag: night}, 18 * time.Hour, Return, 5, "return from 20 to 5"},
		{"its return failed", updated(scheduledResource(50), noon.Add(2*time.Hour), "CREATE FAILED"), map[string]string{schedule.ReturnTag: back}, 149 * time.Minute, None, 0, "its last update failed"},
		{"its return failed, half an hour later", updated(scheduledResource(50), noon.Add(2*time.Hour), "CREATE FAILED"), map[string]string{schedule.ReturnTag: back}, 150 * time.Minute, Return, 5, "return from 50 to 5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Decision{Resource: tt.resource, Verdict: None, Reason: "kept", At: EvaluationTime{Now: noon.Add(tt.at)}}
			got := ApplySchedule(d, tt.tags)
			if got.Verdict != tt.verdict || got.NewMinTPS != tt.minimum || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%s to %d (%s), want %s to %d (%s)", got.Verdict, got.NewMinTPS, got.Reason, tt.verdict, tt.minimum, tt.reason)
			}
			d.By.WrongClock = "the clock is wrong"
			if got := ApplySchedule(d, tt.tags); got.Verdict != None || got.Reason != "kept" {
				t.Errorf("by a wrong clock: %s (%s)", got.Verdict, got.Reason)
			}
		})
	}
}

// What tags arrange bounds what the other rules decide.
func TestArrangementsBoundOtherRules(t *testing.T) {
	level := func(n int) map[string]string {
		return map[string]string{schedule.Tag: fmt.Sprintf("base=5 daily@00:00-24:00=%d", n)}
	}
	tests := []struct {
		name     string
		decision Decision
		tags     map[string]string
		verdict  Verdict
		minimum  int
	}{
		{"a step above the level", Decision{Verdict: StepDown, NewMinTPS: 60}, level(50), StepDown, 60},
		{"a step to the level", Decision{Verdict: StepDown, NewMinTPS: 50}, level(50), StepDown, 50},
		{"a step below the level", Decision{Verdict: StepDown, NewMinTPS: 40}, level(50), StepDown, 50},
		{"a step at the level", Decision{Verdict: StepDown, NewMinTPS: 60}, level(80), None, 0},
		{"a step that was only found", Decision{Verdict: None, Would: StepDown, WouldMin: 60}, level(80), None, 0},
		{"a stop", Decision{Verdict: Stop}, level(80), Refused, 0},
		{"a deletion", Decision{Verdict: Delete}, level(80), Refused, 0},
		{
			"a step during a timed raise",
			Decision{Verdict: StepDown, NewMinTPS: 60},
			map[string]string{schedule.ReturnTag: strings.ReplaceAll(back, "raised=50", "raised=80")},
			None, 0,
		},
		{"a step, and a tag that is not understood", Decision{Verdict: StepDown, NewMinTPS: 60}, map[string]string{schedule.Tag: "?"}, None, 0},
		{"a deletion, and a tag that is not understood", Decision{Verdict: Delete}, map[string]string{schedule.Tag: "?"}, Refused, 0},
		{"a step without a tag", Decision{Verdict: StepDown, NewMinTPS: 60}, map[string]string{"team": "web"}, StepDown, 60},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := tt.decision
			d.Resource, d.At = scheduledResource(80), EvaluationTime{Now: noon.Add(time.Hour)}
			got := ApplySchedule(d, tt.tags)
			if got.Verdict != tt.verdict || got.NewMinTPS != tt.minimum || got.Would.Changes() {
				t.Errorf("%s to %d (%s), would %s", got.Verdict, got.NewMinTPS, got.Reason, got.Would)
			}
			changed := got.Verdict != d.Verdict || got.NewMinTPS != d.NewMinTPS || d.Would.Changes()
			why := ScheduleForbids(model.Campaign, tt.tags, max(d.Verdict, d.Would), max(d.NewMinTPS, d.WouldMin), d.At.Now)
			if (why != "") != changed {
				t.Errorf("forbidden: %q", why)
			}
		})
	}
}

// Of a schedule and a timed raise, the higher one is the floor.
func TestFloorOfBoth(t *testing.T) {
	for raised, want := range map[int]int{70: 75, 90: 90} {
		tags := map[string]string{schedule.Tag: "base=5 daily@00:00-24:00=75", schedule.ReturnTag: strings.ReplaceAll(back, "raised=50", fmt.Sprintf("raised=%d", raised))}
		if below := ScheduleForbids(model.Campaign, tags, StepDown, want-1, noon); below == "" {
			t.Errorf("raised to %d: a step to %d is allowed", raised, want-1)
		}
		if at := ScheduleForbids(model.Campaign, tags, StepDown, want, noon); at != "" {
			t.Errorf("raised to %d: a step to %d: %s", raised, want, at)
		}
	}
}

// A life of a resource: a person raises it for a time, sets and schedules minimums and clears
// schedules, at any time; updates take minutes and may fail; cycles are missed. A return is never
// missed, and nothing is ever lowered below what a person set later or scheduled.
func TestReturnsAreNeverMissed(t *testing.T) {
	seeds := uint64(1000)
	if testing.Short() {
		seeds = 200
	}
	returned, dropped, lowered := 0, 0, 0
	for seed := range seeds {
		l := newScheduledLife(seed)
		for range 400 {
			l.step(t)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
		returned, dropped, lowered = returned+l.returned, dropped+l.dropped, lowered+l.lowered
	}
	if returned < int(seeds) || dropped < int(seeds)/4 || lowered < int(seeds) {
		t.Errorf("%d returns, %d dropped, %d lowered: the lives prove nothing", returned, dropped, lowered)
	}
}

// scheduledLife is the resource, and what the person wants who owns it.
type scheduledLife struct {
	*rand.Rand
	now  time.Time
	r    model.Resource
	tags map[string]string
	// floor is the least minimum that the person has asked for, by hand or by the base of a schedule;
	// wish becomes it once the update is through.
	floor, wish int
	// unseen is that no cycle has seen what they set by hand: what is there and back again between two cycles cannot be known.
	unseen bool
	// due is when a raise is to return that nobody has touched since; zero if there is none.
	due                        time.Time
	target, raised             int
	returned, dropped, lowered int
}

func newScheduledLife(seed uint64) *scheduledLife {
	l := &scheduledLife{Rand: rand.New(rand.NewPCG(seed, 7)), now: noon, tags: map[string]string{}}
	l.r, l.floor = scheduledResource(1+l.IntN(9)), 1
	l.floor = l.r.MinTPS
	return l
}

// request is an update, which is under way for some minutes.
func (l *scheduledLife) request(minimum int) {
	l.r.Update = &model.Update{Status: "CREATE PENDING", MinTPS: minimum, Created: l.now, Changed: l.now}
}

func (l *scheduledLife) busy() bool { return l.r.Update != nil && !l.r.Update.Status.Settled() }

// settle ends an update in progress; one in twenty fails.
func (l *scheduledLife) settle() {
	if !l.busy() || l.now.Sub(l.r.Update.Created) < 4*time.Minute {
		return
	}
	defer func() { l.wish = 0 }()
	if l.r.Update.Status = model.StatusActive; l.IntN(20) == 0 {
		l.r.Update.Status = "CREATE FAILED"
		if l.raised > 0 && l.r.MinTPS < l.raised && l.r.Update.MinTPS == l.raised && l.r.MinTPS == l.target { // no raise to return from
			l.due = time.Time{}
		}
		return
	}
	l.r.MinTPS = l.r.Update.MinTPS
	if l.wish > 0 {
		l.unseen = true
		l.due = time.Time{}
		if _, scheduled := l.tags[schedule.Tag]; !scheduled {
			l.floor = l.wish
		}
	}
}

func (l *scheduledLife) step(t *testing.T) {
	l.now = l.now.Add(5 * time.Minute)
	l.settle()
	if l.IntN(12) == 0 && !l.busy() {
		l.person()
	}
	if l.IntN(10) > 0 { // cycles are missed
		l.cycle(t)
	}
}

// person does one of the things that people do.
func (l *scheduledLife) person() {
	_, scheduled := l.tags[schedule.Tag]
	switch l.IntN(5) {
	case 0, 1: // raise for a time, as update-tps --for does
		minimum, due := l.r.MinTPS+1+l.IntN(40), l.now.Add(time.Duration(15+l.IntN(300))*time.Minute)
		b := schedule.Return{Target: l.r.MinTPS, From: l.r.MinTPS, Raised: minimum, Due: due, Arranged: l.now}
		a, _ := ArrangementOf(model.Campaign, l.tags)
		b.Target = ReturnTarget(l.r.MinTPS, l.r.Update, a.Return)
		l.tags[schedule.ReturnTag] = b.String()
		if l.IntN(8) == 0 { // killed before the raise
			l.due = time.Time{}
			return
		}
		l.due, l.target, l.raised = due, b.Target, minimum
		l.request(minimum)
	case 2: // set by hand in the console, perhaps to what it is
		minimum := max(1, l.r.MinTPS+l.IntN(9)-4)
		b, err := schedule.ParseReturn(l.tags[schedule.ReturnTag])
		if l.unseen || err == nil && l.now.Sub(b.Arranged) <= arrangedReach { // the raise itself
			return
		}
		if l.request(minimum); err != nil || minimum != l.r.MinTPS && minimum != b.Raised { // neither keeping a raise nor making it
			l.wish = minimum
		}
	case 3:
		if scheduled {
			delete(l.tags, schedule.Tag)
			l.floor = 1 // whatever it is at is no wish of a person's
		} else if l.due.IsZero() {
			base := 1 + l.IntN(9)
			l.tags[schedule.Tag] = fmt.Sprintf("base=%d lead=%dm daily@%02d:00-%02d:00=%d", base, 5*l.IntN(5), l.IntN(12), 12+l.IntN(13), base+1+l.IntN(40))
			l.floor = base
		}
	}
}

// cycle is a cycle of the monitor.
func (l *scheduledLife) cycle(t *testing.T) {
	d := ApplySchedule(Decision{Resource: l.r, Verdict: None, At: EvaluationTime{Now: l.now}}, l.tags)
	l.unseen = l.unseen && l.busy()
	if d.Verdict.Changes() && l.busy() {
		t.Errorf("%s while an update is in progress", d.Verdict)
	}
	late := !l.due.IsZero() && l.now.After(l.due.Add(failedPause+arrangedReach)) && !l.busy()
	if _, scheduled := l.tags[schedule.Tag]; late && !scheduled && l.r.MinTPS == l.raised && d.Verdict != Return {
		if u := l.r.Update; u.Status == model.StatusActive || l.now.Sub(u.Created) >= failedPause {
			t.Errorf("at %v a return due at %v is missed: %s (%s)", l.now, l.due, d.Verdict, d.Reason)
		}
	}
	switch d.Verdict {
	case Drop:
		if !l.due.IsZero() && l.r.MinTPS == l.raised && l.r.MinTPS > l.target && d.Has(ReasonChanged) {
			t.Errorf("dropped, and nobody touched it: %s", d.Reason)
		}
		delete(l.tags, schedule.ReturnTag)
		l.dropped, l.due = l.dropped+1, time.Time{}
	case Return, Lower:
		if d.NewMinTPS >= l.r.MinTPS || d.NewMinTPS < l.floor {
			t.Errorf("%s to %d, and a person wants at least %d: %s", d.Verdict, d.NewMinTPS, l.floor, d.Reason)
		}
		if d.Verdict == Return {
			delete(l.tags, schedule.ReturnTag)
			l.returned, l.due = l.returned+1, time.Time{}
		}
		l.lowered++
		l.request(d.NewMinTPS)
	case Raise:
		if !strings.Contains(l.tags[schedule.Tag], "base=") {
			t.Errorf("raised without a schedule: %s", d.Reason)
		}
		l.request(d.NewMinTPS)
	}
}

// A further raise returns to where the first one began, unless somebody has set the minimum since.
func TestReturnTarget(t *testing.T) {
	pending, err := schedule.ParseReturn("to=5 from=20 raised=50 due=2026-03-04T14:00:00Z arranged=2026-03-04T12:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	later := &model.Update{Status: model.StatusActive, Created: noon.Add(time.Hour)}
	for _, tt := range []struct {
		name    string
		minimum int
		update  *model.Update
		want    int
	}{
		{"raised", 50, nil, 5},
		{"raised, and updated since", 50, later, 5},
		{"raised before, and the second raise failed", 20, nil, 5},
		{"set back to the first raise", 20, later, 20},
		{"another minimum", 30, nil, 30},
	} {
		if got := ReturnTarget(tt.minimum, tt.update, &pending); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	if got := ReturnTarget(50, nil, nil); got != 50 {
		t.Errorf("no raise before: %d, want 50", got)
	}
}

// What schedules lower draws on a budget; what they raise, and returns, do not.
func TestBudgetsOfScheduledChanges(t *testing.T) {
	for verdict, want := range map[Verdict]Budgeted{Lower: StepDowns, Raise: "", Return: "", Drop: ""} {
		if got := BudgetOf(verdict); got != want || verdict.Action() != model.ActionUpdate || VerdictOf(verdict.Action()) != StepDown {
			t.Errorf("%s: %q", verdict, got)
		}
	}
}
