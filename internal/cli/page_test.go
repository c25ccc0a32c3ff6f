package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
)

// cannedState is a daemon that knows a little of everything.
type cannedState struct{ now time.Time }

const cannedARN = "arn:aws:personalize:us-east-1:123456789012:campaign/home"

func (c cannedState) Status() serve.Status {
	return serve.Status{Region: "us-east-1", DryRun: true, Role: serve.Standby, Recorded: c.now, LastCycle: c.now, LastSuccess: c.now.Add(-time.Hour), LastError: "denied"}
}

func (c cannedState) Cycles() []serve.CycleRecord {
	return []serve.CycleRecord{{Began: c.now, Took: time.Second, Error: "denied"}, {Began: c.now, Took: time.Second, Role: serve.Leading, Resources: 3}}
}

func (c cannedState) Results() []serve.CycleResult {
	return []serve.CycleResult{{Result: report.Result{MetricsPublished: 2}}, {Result: report.Result{MetricsPublished: 1}}}
}

func (c cannedState) Events() []serve.EventRecord {
	return []serve.EventRecord{{Time: c.now, DetailType: "SomeEvent", Resource: cannedARN}}
}

func (cannedState) Audit() []events.Audit { return []events.Audit{{ARN: cannedARN}} }

func (cannedState) Estate() (monitored, others []model.Resource) {
	return []model.Resource{{Name: "home"}}, []model.Resource{{Name: "stopped"}}
}

func (cannedState) Checks() map[string]serve.Check {
	return map[string]serve.Check{cannedARN: {Decision: rules.StepDown, NewMin: 3, Reason: "low"}}
}

func (c cannedState) Alarms() serve.AlarmsSeen {
	return serve.AlarmsSeen{Known: true, Created: 2, Deleted: 1, Old: map[string]time.Time{"eu-west-1": c.now}, List: []alarms.Alarm{{
		Name: "PersonalizeMonitor-IdleCampaign-home", ARN: "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:x", State: alarms.StateAlarm, StateChanged: c.now,
		Settings: alarms.Settings{Metric: model.Metric{Namespace: model.NamespacePersonalize, DimensionValue: cannedARN}, ActionsOn: true},
	}}}
}

func (c cannedState) AlarmChanges() []serve.AlarmChange {
	return []serve.AlarmChange{{Time: c.now, Name: "PersonalizeMonitor-IdleCampaign-home", Region: "eu-west-1", Resource: cannedARN, From: alarms.StateOK, To: alarms.StateAlarm}}
}

func (cannedState) Version() uint64          { return 7 }
func (cannedState) Changed() <-chan struct{} { return nil }

func TestPageShowsWhatTheDaemonKnows(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	source := newPageSource(cannedState{now}, "Board")
	source.ledgers = 2
	got := source.Snapshot()
	want := web.Snapshot{
		Version: 9, Region: "us-east-1", DashboardName: "Board", DryRun: true, Standby: true, Recorded: now, Cycle: now, CycleErr: "denied", Measured: now.Add(-time.Hour),
		Result: report.Result{MetricsPublished: 2}, Resources: []model.Resource{{Name: "home"}}, Others: []model.Resource{{Name: "stopped"}},
		Checks:      map[string]web.Check{cannedARN: {Decision: rules.StepDown, NewMin: 3, Reason: "low"}},
		AlarmsKnown: true, AlarmsOld: map[string]time.Time{"eu-west-1": now}, AlarmsCreated: 2, AlarmsDeleted: 1, Audits: []events.Audit{{ARN: cannedARN}},
		Alarms: []web.Alarm{{Name: "PersonalizeMonitor-IdleCampaign-home", Resource: cannedARN, Region: "eu-west-1", Type: alarms.Idle, State: alarms.StateAlarm, Since: now, Actions: true}},
		Entries: []web.Entry{
			{Time: now, Kind: web.EntryEvent, ARN: cannedARN, Title: "SomeEvent"},
			{Time: now, Kind: web.EntryAlarm, ARN: cannedARN, Region: "eu-west-1", Title: "alarm is ALARM", Text: "PersonalizeMonitor-IdleCampaign-home, before: OK"},
			{Time: now.Add(time.Second), Kind: web.EntryProblem, Title: "a cycle measured nothing", Text: "denied"},
			{Time: now.Add(time.Second), Kind: web.EntryCycle, Title: "cycle over 3 resources", Text: "leading; 0 events sent, 0 problems, 0 AWS calls, in 1s"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A check learns from the records what became of what it asked for by event.
func TestChecksLearnWhatCameOfThem(t *testing.T) {
	asked := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	record := func(after time.Duration, outcome string, change func(*events.Audit)) events.Audit {
		a := events.Audit{Time: asked.Add(after), ARN: cannedARN, Action: model.ActionUpdate, Outcome: outcome, Automatic: true, Reason: "protected by its tag"}
		if change != nil {
			change(&a)
		}
		return a
	}
	for name, tt := range map[string]struct {
		records []events.Audit // the newest first
		want    string
	}{
		"nothing is known yet":            {nil, "asked"},
		"asked alone":                     {[]events.Audit{record(0, events.OutcomeAsked, nil)}, "asked"},
		"refused by the function":         {[]events.Audit{record(time.Minute, events.OutcomeRefused, nil), record(0, events.OutcomeAsked, nil)}, "refused: protected by its tag"},
		"at the very moment of the check": {[]events.Audit{record(0, events.OutcomeRefused, nil)}, "refused: protected by its tag"},
		"refused, then done":              {[]events.Audit{record(2*time.Minute, events.OutcomeDone, nil), record(time.Minute, events.OutcomeRefused, nil)}, "done"},
		"of an earlier check":             {[]events.Audit{record(-time.Second, events.OutcomeRefused, nil)}, "asked"},
		"of another action":               {[]events.Audit{record(time.Minute, events.OutcomeRefused, func(a *events.Audit) { a.Action = model.ActionDelete })}, "asked"},
		"what a person asked for":         {[]events.Audit{record(time.Minute, events.OutcomeRefused, func(a *events.Audit) { a.Automatic = false })}, "asked"},
		"of another resource":             {[]events.Audit{record(time.Minute, events.OutcomeRefused, func(a *events.Audit) { a.ARN += "2" })}, "asked"},
	} {
		t.Run(name, func(t *testing.T) {
			checks := map[string]web.Check{cannedARN: {Time: asked, Decision: rules.StepDown, NewMin: 22, Outcome: events.OutcomeAsked}}
			settleChecks(checks, tt.records)
			if got := checks[cannedARN].Outcome; got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	kept := map[string]web.Check{cannedARN: {Time: asked, Decision: rules.Refused}}
	settleChecks(kept, []events.Audit{record(time.Minute, events.OutcomeRefused, func(a *events.Audit) { a.Action = "" })})
	if kept[cannedARN].Outcome != "" {
		t.Errorf("nothing was asked for, and %q came of it", kept[cannedARN].Outcome)
	}
}

// racingState is one that changes while it is read.
type racingState struct {
	cannedState
	version *uint64
	reads   *int
}

func (r racingState) Version() uint64 { return *r.version }

func (r racingState) Status() serve.Status {
	*r.reads++
	*r.version++
	return r.cannedState.Status()
}

// A snapshot is built once for each version, and never called newer than what it holds.
func TestPageIsBuiltOncePerVersion(t *testing.T) {
	version, reads := uint64(7), 0
	racing := newPageSource(racingState{cannedState{}, &version, &reads}, "Board")
	if got := racing.Snapshot().Version; got != 7 {
		t.Errorf("called version %d, and began to be read at 7", got)
	}
	if got := racing.Snapshot().Version; got != 8 || reads != 2 {
		t.Errorf("version %d after %d reads: what changed meanwhile is not shown", got, reads)
	}
	source := newPageSource(cannedState{}, "Board")
	one, two := source.Snapshot(), source.Snapshot()
	if &one.Entries[0] != &two.Entries[0] || cap(one.Entries) != len(one.Entries) {
		t.Error("the same version was built twice, or what one adds to it another sees")
	}
	source.ledgers++
	if three := source.Snapshot(); three.Version != one.Version+1 || &one.Entries[0] == &three.Entries[0] {
		t.Error("another ledger is not shown")
	}
}

func TestPageTellsWhatFailedAfterAnActionWasAccepted(t *testing.T) {
	accepted := actions.Answer{Sentence: "Deleted.", Problems: []model.Problem{{Region: "us-east-1", Operation: "PutEvents", Err: errors.New("denied")}}}
	if text, err := told(accepted, nil); err != nil || !strings.HasPrefix(text, "Deleted. But: PutEvents us-east-1: denied") {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := told(actions.Answer{}, errors.New("denied")); err == nil || text != "" {
		t.Errorf("%q, %v", text, err)
	}
}
