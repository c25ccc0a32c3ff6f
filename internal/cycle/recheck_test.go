package cycle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/personalize"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// unused is an estate of a campaign and a recommender that nobody has called for two
// weeks; in the fifth five minutes from now somebody will.
func unused(t *testing.T, minimum int) localaws.Estate {
	t.Helper()
	var csv strings.Builder
	csv.WriteString("timestamp,value\n")
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 30 * 288 {
		calls := 0
		if i == 4 {
			calls = 900
		}
		fmt.Fprintf(&csv, "%s,%d\n", start.Add(time.Duration(i)*5*time.Minute).Format(time.DateTime), calls)
	}
	trace, err := localaws.ParseTrace([]byte(csv.String()), "unused")
	if err != nil {
		t.Fatal(err)
	}
	e := flat(2, home)
	group := &e.Regions[0].DatasetGroups[0]
	calls := localaws.EstateTraffic{Trace: trace, Repeat: true}
	group.Campaigns[0].Traffic, group.Recommenders[0].Traffic = calls, calls
	group.Campaigns[0].MinTPS, group.Recommenders[0].MinRPS = minimum, minimum
	group.Campaigns[0].Age, group.Recommenders[0].Age = 25*24*time.Hour, 25*24*time.Hour
	e.Monitored = 5 * 24 * time.Hour
	return e
}

// safeLog is a log that several goroutines write.
type safeLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *safeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *safeLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// commandsOnBus are the commands that the monitor has sent, as a receiver reads them.
func (b *bed) commandsOnBus() []events.Request {
	b.tb.Helper()
	var list []events.Request
	for _, e := range b.aws.Events() {
		payload, err := json.Marshal(map[string]any{"detail-type": e.DetailType, "source": e.Source, "resources": e.Resources, "detail": e.Detail})
		if err != nil {
			b.tb.Fatal(err)
		}
		if req, err := events.Decode(payload); err == nil {
			list = append(list, req)
		}
	}
	return list
}

// receive carries out a command as its receiver, and must not fail.
func (b *bed) receive(req events.Request) actions.Answer {
	b.tb.Helper()
	answer, err := b.actions.Do(context.Background(), req.Action(), req)
	if err == nil {
		err = answer.Err()
	}
	if err != nil {
		b.tb.Fatal(err)
	}
	return answer
}

// changes are the calls that changed a resource.
func (b *bed) changes() map[string]int {
	calls := b.aws.Calls()
	for op := range calls {
		if _, name, _ := strings.Cut(op, "."); !strings.HasPrefix(op, "personalize.") || strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "List") {
			delete(calls, op)
		}
	}
	return calls
}

var checked = map[string]string{config.HourlyChecks: "always"}

func idleOn(hours string) map[string]string {
	return map[string]string{config.HourlyChecks: "always", "AutoDeleteOrStopIdleResources": "yes", "IdleThresholdHours": hours}
}

// readyToEnd gives the commands of a cycle that finds the resources idle.
func readyToEnd(t *testing.T, b *bed) []events.Request {
	t.Helper()
	b.given = idleOn("1")
	result := b.run(idleOn("1"))
	list := b.commandsOnBus()
	if len(list) != 2 || list[0].Action() != model.ActionDelete || list[1].Action() != model.ActionStop {
		t.Fatalf("commands %+v, resources %+v", list, result.Resources)
	}
	return list
}

func TestEventsThatAreStillTrueAreCarriedOut(t *testing.T) {
	b := newBed(t, unused(t, 1))
	for _, req := range readyToEnd(t, b) {
		if answer := b.receive(req); answer.Outcome != writer.Done || answer.AlarmsRemoved != 0 {
			t.Errorf("answer %+v", answer)
		}
		// Delivered again at once, and when all is over.
		if answer := b.receive(req); answer.Outcome != writer.AlreadySo {
			t.Errorf("again: %+v", answer)
		}
	}
	want := map[string]int{"personalize.DeleteCampaign": 1, "personalize.StopRecommender": 1}
	if got := b.changes(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("changes %v", got)
	}
	b.clock.Advance(time.Hour)
	for _, req := range b.commandsOnBus() {
		if answer := b.receive(req); answer.Outcome != writer.AlreadySo {
			t.Errorf("later: %+v", answer)
		}
	}
	if got := b.changes(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("changes %v", got)
	}
}

func TestAnEventIsDroppedIfRequestsCameMeanwhile(t *testing.T) {
	b := newBed(t, unused(t, 1))
	log := &safeLog{}
	b.log = log
	b.restart(b.clock)
	list := readyToEnd(t, b)
	b.clock.Advance(40 * time.Minute)
	for _, req := range list {
		answer := b.receive(req)
		if answer.Outcome != writer.Refused || !strings.Contains(answer.Why, "no requests now, but 900 in the last 1 h") {
			t.Errorf("answer %+v", answer)
		}
	}
	if got := b.changes(); len(got) > 0 {
		t.Errorf("changes %v", got)
	}
	if got := strings.Count(log.String(), "action refused"); got != 2 || !strings.Contains(log.String(), "but 900 in the last 1 h") {
		t.Errorf("log:\n%s", log)
	}
}

// The event's idle times count if they are longer than the parameters, and the parameters if
// those are longer; a switch that is off now stops what was decided while it was on.
func TestAnIdleEventIsCheckedByTheStricterRule(t *testing.T) {
	usedFor := func(hours string) map[string]string { return with(idleOn("1"), config.UsedIdleThresholdHours, hours) }
	for _, tt := range []struct {
		name        string
		now         map[string]string
		hours, used int // in the event
		want        writer.Outcome
		why         string
	}{
		{name: "as it was", now: usedFor("24"), hours: 1, used: 24, want: writer.Done},
		{name: "a longer time in the event", now: usedFor("24"), hours: 100, used: 24, want: writer.Refused, why: "of the 100 watched hours needed"},
		{name: "a longer time in the parameters", now: with(idleOn("100"), config.UsedIdleThresholdHours, "24"), hours: 1, used: 24, want: writer.Refused, why: "of the 100 watched hours needed"},
		{name: "a longer time since calls in the event", now: usedFor("24"), hours: 1, used: 99, want: writer.Refused, why: "of the 99 watched hours needed"},
		{name: "a longer time since calls in the parameters", now: usedFor("99"), hours: 1, used: 24, want: writer.Refused, why: "of the 99 watched hours needed"},
		{name: "an event without a time since calls", now: usedFor("24"), hours: 1, want: writer.Done},
		{name: "switched off", now: map[string]string{"IdleThresholdHours": "1"}, hours: 1, want: writer.Refused, why: "AutoDeleteOrStopIdleResources=No"},
		{name: "hourly checks off, which the event does not need", now: with(usedFor("24"), config.HourlyChecks, "never"), hours: 1, want: writer.Done},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// Called in the first hour of its life, and for five days watched, but never called.
			e := unused(t, 1)
			e.Monitored = 5 * 24 * time.Hour
			c := &e.Regions[0].DatasetGroups[0].Campaigns[0]
			c.Age, c.Traffic = e.Monitored+time.Hour, localaws.EstateTraffic{Shape: "stopped", TPS: 1, Since: e.Monitored}
			b := newBed(t, e)
			b.given = usedFor("24")
			b.run(b.given)
			req := b.commandsOnBus()[0]
			if req.UsedIdleThresholdHours != 24 {
				t.Fatalf("%+v", req)
			}
			req.IdleThresholdHours, req.UsedIdleThresholdHours = tt.hours, tt.used
			b.given = tt.now
			answer := b.receive(req)
			if answer.Outcome != tt.want || !strings.Contains(answer.Why, tt.why) {
				t.Errorf("answer %+v", answer)
			}
		})
	}
}

func with(m map[string]string, key, value string) map[string]string {
	m[key] = value
	return m
}

func TestAStepDownIsDroppedIfTheMinimumIsAnotherByNow(t *testing.T) {
	b := newBed(t, unused(t, 40))
	b.run(checked)
	list := b.commandsOnBus()
	if len(list) != 2 {
		t.Fatalf("commands %+v", list)
	}
	b.update(60)
	b.clock.Advance(2 * time.Hour)
	b.aws.ResetCalls()
	answer := b.receive(list[slices.IndexFunc(list, func(r events.Request) bool { return r.Kind == "campaign" })])
	if answer.Outcome != writer.Refused || answer.Why != "its minimum is 60 TPS and no longer 40" {
		t.Errorf("answer %+v", answer)
	}
	// A person's request is obeyed all the same.
	req := list[0]
	req.CurrentMinTPS, req.IdleThresholdHours = 0, 0
	if answer := b.receive(req); answer.Outcome != writer.Done {
		t.Errorf("answer %+v", answer)
	}
}

// update changes the minimum of the campaign c as its owner would.
func (b *bed) update(minimum int32) {
	b.tb.Helper()
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, b.url, "LOCAL", b.net), Clock: b.clock})
	defer clients.Close()
	arn := "arn:aws:personalize:" + home + ":" + account + ":campaign/c"
	_, err := clients.Personalize(home).UpdateCampaign(context.Background(), &personalize.UpdateCampaignInput{CampaignArn: &arn, MinProvisionedTPS: &minimum})
	if err != nil {
		b.tb.Fatal(err)
	}
}

// A step-down of a resource that is idle holds, whether idle resources would be stopped
// or not: an event of another kind is another matter.
func TestAStepDownOfAnIdleResourceHolds(t *testing.T) {
	for _, given := range []map[string]string{nil, idleOn("24"), cycleDefaults} {
		b := newBed(t, unused(t, 40))
		b.given = given
		b.run(checked)
		for _, req := range b.commandsOnBus() {
			if answer := b.receive(req); answer.Outcome != writer.Done || !strings.Contains(answer.Sentence, "is being updated from 40 to 30") {
				t.Errorf("%v: answer %+v", given, answer)
			}
		}
	}
}

var cycleDefaults = cycle.RecheckSources(nil).Defaults

func TestRecheckTellsWhatCannotBeLookedAt(t *testing.T) {
	b := newBed(t, unused(t, 40))
	b.run(checked)
	list := b.commandsOnBus()
	check := func(req events.Request) (rules.Decision, error) {
		return b.rechecker.Recheck(context.Background(), req)
	}
	gone := list[0]
	gone.ARN = gone.ARN.WithResource(gone.ARN.Resource() + "-gone")
	if d, err := check(gone); err != nil || d.Verdict != rules.Refused || d.Reason != "it does not exist any more" {
		t.Errorf("gone: %+v, %v", d, err)
	}
	b.aws.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "GetMetricData", Code: "AccessDenied"})
	if d, err := check(list[0]); err != nil || d.Verdict != rules.Refused || !strings.Contains(d.Reason, "could not be read") {
		t.Errorf("unreadable: %+v, %v", d, err)
	}
	b.aws.AddFault(localaws.Fault{Service: "personalize", Operation: "DescribeCampaign", Code: "AccessDeniedException"})
	if _, err := check(list[0]); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("not described: %v", err)
	}
	b.aws.ClearFaults()
	b.deleteCampaign("c")
	if d, err := check(list[0]); err != nil || d.Verdict != rules.Refused || d.Reason != "its status is DELETE PENDING" {
		t.Errorf("leaving: %+v, %v", d, err)
	}
}

// A cycle that acts does all itself and sends notifications only.
func TestACycleThatActs(t *testing.T) {
	e := unused(t, 1)
	more := flat(4, "eu-west-1")
	more.Regions[0].DatasetGroups[0].Campaigns[0].MinTPS = 8
	e.Regions = append(e.Regions, more.Regions...)
	b := newBed(t, e)
	b.act, b.given = true, with(idleOn("24"), "Regions", home+",eu-west-1")
	first := with(with(idleOn("24"), "Regions", home+",eu-west-1"), config.HourlyChecks, "never")
	b.restart(b.clock)
	b.run(first) // makes the alarms
	b.aws.ResetCalls()
	result := b.run(b.given)
	if len(result.Problems) > 0 {
		t.Errorf("problems %v", result.Problems)
	}
	for name, want := range map[string]rules.Verdict{"c": rules.Delete, "r": rules.Stop, "c-1": rules.StepDown, "c-2": rules.StepDown} {
		if got := byName(t, result, name); got.Decision != want || got.Outcome != "done" {
			t.Errorf("%s: %s, %s (%s)", name, got.Decision, got.Outcome, got.Reason)
		}
	}
	var sent []string
	for _, e := range result.Events {
		sent = append(sent, e.DetailType)
	}
	slices.Sort(sent)
	want := []string{
		"PersonalizeCampaignDeleted", "PersonalizeCampaignMinProvisionedTPSUpdated", "PersonalizeCampaignMinProvisionedTPSUpdated",
		"PersonalizeRecommenderStopped",
	}
	notifications := slices.DeleteFunc(slices.Clone(sent), func(s string) bool { return s == "BuildPersonalizeMonitorDashboard" })
	if !slices.Equal(notifications, want) || len(b.commandsOnBus()) > 0 {
		t.Errorf("sent %v", sent)
	}
	if result.Alarms.Deleted != 4 || result.Alarms.Created > 0 {
		t.Errorf("alarms %+v", result.Alarms)
	}
	b.clock.Advance(20 * time.Minute)
	after := b.run(b.given)
	for _, r := range after.Resources {
		if r.Name == "c" || r.Name == "r" {
			t.Errorf("%s is still there: %s", r.Name, r.Status)
		}
		if r.Outcome != "" || r.Decision == rules.StepDown || r.Decision == rules.Delete {
			t.Errorf("%s: %s again (%s)", r.Name, r.Decision, r.Reason)
		}
	}
	if after.Alarms.Created+after.Alarms.Deleted > 0 {
		t.Errorf("alarms %+v", after.Alarms)
	}
}

// What is no longer true by the time it would be done is a refusal with its reason; what
// fails is a problem.
func TestACycleThatActsLooksAgain(t *testing.T) {
	b := newBed(t, unused(t, 40))
	b.act, b.given = true, map[string]string{"AutoAdjustMinTPS": "no"}
	b.restart(b.clock)
	result := b.run(checked)
	if got := byName(t, result, "c"); got.Decision != rules.Refused || got.Outcome != "refused" || !strings.Contains(got.Reason, "AutoAdjustMinTPS=No") {
		t.Errorf("%+v", got)
	}
	b.given = nil
	b.next()
	b.aws.AddFault(localaws.Fault{Service: "personalize", Operation: "UpdateCampaign", Code: "AccessDeniedException"})
	result = b.run(checked)
	if got := byName(t, result, "c"); got.Decision != rules.StepDown || got.Outcome != "failed" {
		t.Errorf("%+v", got)
	}
	if got := byName(t, result, "r"); got.Outcome != "done" {
		t.Errorf("%+v", got)
	}
	if len(result.Problems) != 1 || result.Problems[0].Operation != "step-down" || !strings.Contains(result.Problems[0].Message(), "AccessDenied") {
		t.Errorf("problems %v", result.Problems)
	}
}

func TestADryRunOfACycleThatActsChangesNothing(t *testing.T) {
	b := newBed(t, unused(t, 40))
	b.act, b.dryRun, b.given = true, true, idleOn("24")
	b.restart(b.clock)
	result := b.run(idleOn("24"))
	if got := byName(t, result, "c"); got.Decision != rules.Delete || got.Outcome != "dry run" {
		t.Errorf("%+v", got)
	}
	if got := b.changes(); len(got) > 0 || len(b.aws.Events()) > 0 {
		t.Errorf("changes %v", got)
	}
}

// slowClock lets five minutes pass once metrics were published.
type slowClock struct {
	*model.VirtualClock
	aws  *localaws.Server
	once sync.Once
}

func (c *slowClock) Now() time.Time {
	if c.aws.Calls()["cloudwatch.PutMetricData"] > 0 {
		c.once.Do(func() { c.Advance(5 * time.Minute) })
	}
	return c.VirtualClock.Now()
}

// What does not fit the time is left for the next run, and said so.
func TestActionsThatDoNotFitTheTimeAreTold(t *testing.T) {
	b := newBed(t, unused(t, 40))
	b.act = true
	b.restart(&slowClock{VirtualClock: b.clock, aws: b.aws})
	result := b.run(checked)
	if len(result.Problems) != 2 || !strings.Contains(result.Problems[0].Message(), "for lack of time") || len(b.changes()) > 0 {
		t.Errorf("problems %v", result.Problems)
	}
}

// Calls that came after the window that the rules go by are seen all the same before
// anything is stopped or deleted.
func TestAnEventIsDroppedIfCallsCameJustNow(t *testing.T) {
	b := newBed(t, unused(t, 1))
	list := readyToEnd(t, b)
	b.clock.Advance(24 * time.Minute) // the calls came from 12:20 to 12:25, the window measured ends at 12:20
	b.watched(time.Hour)
	for _, req := range list {
		answer := b.receive(req)
		if answer.Outcome != writer.Refused || !strings.Contains(answer.Why, "it was called 900 times since 12:20") {
			t.Errorf("answer %+v", answer)
		}
	}
	if got := b.changes(); len(got) > 0 {
		t.Errorf("changes %v", got)
	}
}

// A recommender that a person started half an hour ago looks as idle as one that ran all
// the time, should the service not tell of the start. A monitor that is new to the account
// leaves it alone until it has watched it for the whole idle time.
func TestARecommenderJustStartedIsNotStoppedByANewMonitor(t *testing.T) {
	for _, told := range []bool{true, false} {
		t.Run(fmt.Sprintf("last update told: %v", told), func(t *testing.T) {
			e := flat(2, home)
			e.Monitored = neverMonitored
			r := &e.Regions[0].DatasetGroups[0].Recommenders[0]
			r.Traffic, r.MinRPS = localaws.EstateTraffic{}, 1
			r.Age, r.Updated = 30*24*time.Hour, 3*24*time.Hour
			if told {
				r.Status = "INACTIVE"
			}
			b := newBedInMemory(t, e)
			if told {
				arn := "arn:aws:personalize:" + home + ":" + account + ":recommender/r"
				req, err := events.NewRequest(arn)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := b.actions.Do(context.Background(), model.ActionStart, req); err != nil {
					t.Fatal(err)
				}
				b.clock.Advance(30 * time.Minute)
				b.aws.Tick()
			}
			installed := b.clock.Now()
			got := byName(t, b.run(idleOn("4")), "r")
			if got.Status != "ACTIVE" || got.Decision != rules.Refused {
				t.Errorf("%s: %s (%s)", got.Status, got.Decision, got.Reason)
			}
			if why := "it may have just been started: it was not monitored from"; !told && !strings.Contains(got.Reason, why) {
				t.Errorf("reason %s", got.Reason)
			}
			var watched time.Duration // when that is no longer the reason
			for got.Decision != rules.Stop && b.clock.Now().Sub(installed) < 31*time.Hour {
				if watched == 0 {
					b.next()
				} else {
					b.skipHour(model.Resource{
						ARN:  model.NewARN("aws", "personalize", home, account, "recommender/r"),
						Kind: model.Recommender, MinTPS: 1,
					})
				}
				got = byName(t, b.run(idleOn("4")), "r")
				if got.Decision != rules.Refused && watched == 0 {
					watched = b.clock.Now().Sub(installed)
				}
			}
			// Ten minutes at either end of the idle time are allowed for.
			if watched < 3*time.Hour+30*time.Minute || watched > 4*time.Hour+10*time.Minute {
				t.Errorf("watched for long enough after %s", watched)
			}
			// Four whole hours must have been silent, and each over for a day. The first 25 minutes of a
			// series do not count, as they may be of a time before a start.
			if after := b.clock.Now().Sub(installed); got.Decision != rules.Stop || after < 28*time.Hour || after > 30*time.Hour {
				t.Errorf("%s after %s (%s)", got.Decision, after, got.Reason)
			}
		})
	}
}
