package cycle_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// idle is an estate of n idle campaigns in each region, in groups of four, which were
// monitored for three days.
func idle(n int, regions ...string) localaws.Estate {
	out := localaws.Estate{Monitored: 3 * 24 * time.Hour}
	for _, region := range regions {
		r := localaws.EstateRegion{Name: region}
		for i := range n {
			if i%4 == 0 {
				r.DatasetGroups = append(r.DatasetGroups, localaws.EstateDatasetGroup{Name: fmt.Sprintf("g%d", i/4)})
			}
			g := &r.DatasetGroups[i/4]
			g.Campaigns = append(g.Campaigns, localaws.EstateCampaign{
				EstateEndpoint: localaws.EstateEndpoint{Name: fmt.Sprintf("idle-%d", i), Recipe: "aws-user-personalization-v2"}, MinTPS: 1,
			})
		}
		out.Regions = append(out.Regions, r)
	}
	return out
}

// tally counts the decisions of a result, by region.
func tally(result report.Result, action rules.Verdict) map[string]int {
	counts := map[string]int{}
	for _, r := range result.Resources {
		if r.Decision == action {
			counts[r.Region]++
		}
	}
	return counts
}

var deleting = map[string]string{"AutoDeleteOrStopIdleResources": "Yes", "HourlyChecks": "always", "Regions": home + ",eu-west-1"}

// A wrong reading that made everything look idle would cost five an hour and region.
func TestAnHourSeesFiveDeletionsARegion(t *testing.T) {
	b := newBed(t, idle(8, home, "eu-west-1"))
	b.act, b.given = true, deleting
	b.restart(b.clock)
	deleted := 0
	run := func(want int, when string) {
		t.Helper()
		result := b.run(deleting)
		if got := tally(result, rules.Delete); got[home] != want || got["eu-west-1"] != want {
			t.Errorf("%s: deleted %v, want %d each", when, got, want)
		}
		for _, r := range result.Resources {
			if r.Decision == rules.Refused && !strings.Contains(r.Reason, "of at most 5 stops and deletes an hour in "+r.Region) {
				t.Errorf("%s: %s: %s", when, r.Name, r.Reason)
			}
		}
		deleted += want
	}
	run(5, "at first")
	b.next()
	run(0, "five minutes later")
	b.restart(b.clock)
	run(0, "in a process that remembers nothing")
	b.pass(50*time.Minute, deleting)
	b.next()
	run(0, "within the hour")
	b.pass(10*time.Minute, deleting)
	b.next()
	run(3, "an hour later")
	if calls := b.aws.Calls()["personalize.DeleteCampaign"]; calls != 2*deleted {
		t.Errorf("%d calls", calls)
	}
}

// Where others carry out what is decided, no more is asked of them.
func TestAnHourAsksForFiveDeletionsARegion(t *testing.T) {
	b := newBed(t, idle(8, home))
	asked := func() int {
		n := 0
		for _, e := range b.run(deleting).Events {
			if e.DetailType == string(events.DeleteCampaign) {
				n++
			}
		}
		return n
	}
	if n := asked(); n != 5 {
		t.Errorf("asked for %d", n)
	}
	b.next()
	if n := asked(); n != 0 { // whoever carries them out may not have counted them yet
		t.Errorf("asked for %d more", n)
	}
	b.pass(10*time.Minute, deleting)
	b.next()
	if n := asked(); n != 5 { // nobody did: they are asked for again
		t.Errorf("asked for %d again", n)
	}
}

func TestTheBudgetIsAParameter(t *testing.T) {
	b := newBed(t, idle(8, home))
	changes := map[string]string{"MaxStopsOrDeletesPerHour": "2"}
	for k, v := range deleting {
		changes[k] = v
	}
	if got := tally(b.run(changes), rules.Delete); got[home] != 2 {
		t.Errorf("deleted %v", got)
	}
}

func (b *bed) protect(name, value string) {
	b.tb.Helper()
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, b.url, "LOCAL", b.net), Clock: b.clock})
	defer clients.Close()
	_, err := clients.Personalize(home).TagResource(context.Background(), &personalize.TagResourceInput{
		ResourceArn: aws.String("arn:aws:personalize:" + home + ":" + account + ":campaign/" + name),
		Tags:        []types.Tag{{TagKey: aws.String(rules.ProtectTag), TagValue: &value}},
	})
	if err != nil {
		b.tb.Fatal(err)
	}
}

// recording keeps audit records, of actions that are carried out side by side too.
func recording(into *[]events.Audit) audit.Log {
	var mu sync.Mutex
	return func(_ context.Context, record events.Audit) error {
		mu.Lock()
		defer mu.Unlock()
		*into = append(*into, record)
		return nil
	}
}

func TestATagProtects(t *testing.T) {
	b := newBed(t, idle(4, home))
	b.act, b.given = true, deleting
	var records []events.Audit
	b.auditLog = recording(&records)
	b.restart(b.clock)
	b.protect("idle-0", "idle until 2026-03-04")
	b.protect("idle-1", "tps")
	b.protect("idle-2", "until 2026-03-03")
	result := b.run(deleting)
	for name, want := range map[string]rules.Verdict{"idle-0": rules.Refused, "idle-1": rules.Delete, "idle-2": rules.Delete, "idle-3": rules.Delete} {
		if got := byName(t, result, name); got.Decision != want {
			t.Errorf("%s: %s (%s)", name, got.Decision, got.Reason)
		}
	}
	if why := byName(t, result, "idle-0").Reason; !strings.Contains(why, "protected by its tag "+rules.ProtectTag+"=idle until 2026-03-04") {
		t.Errorf("reason %q", why)
	}
	outcomes := map[string]int{}
	for _, record := range records {
		outcomes[record.Outcome]++
		if in := record.Inputs; in == nil || in.IdleThresholdHours != 24 || in.StopIdle != "Yes" || !in.Idle || in.WindowEnd.IsZero() {
			t.Errorf("inputs %+v", in)
		}
	}
	if outcomes["begun"] != 3 || outcomes["done"] != 3 || outcomes["refused"] != 1 || len(records) != 7 {
		t.Errorf("outcomes %v", outcomes)
	}
}

// A rehearsal decides, logs and notifies, and touches nothing.
func TestDryRunTouchesNothing(t *testing.T) {
	description := idle(1, home)
	busy := flat(2, home).Regions[0].DatasetGroups[0]
	busy.Campaigns[0].MinTPS = 9
	description.Regions[0].DatasetGroups = append(description.Regions[0].DatasetGroups, busy)
	for _, inProcess := range []bool{false, true} {
		b := newBed(t, description)
		var records []events.Audit
		b.auditLog = recording(&records)
		b.act = inProcess
		b.restart(b.clock)
		rehearse := map[string]string{
			"AutoDeleteOrStopIdleResources": "DryRun", "AutoAdjustMinTPS": "dry-run", "HourlyChecks": "always", "NotificationEndpoint": "ops@example.com",
		}
		b.run(rehearse)
		b.aws.ConfirmAll()
		mails := len(b.aws.Outbox())
		records = nil
		b.next()
		result := b.run(rehearse)
		if err := b.aws.Deliver(context.Background()); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"idle-0": "deleting is a dry run (AutoDeleteOrStopIdleResources=DryRun)",
			"c":      "step down from 9 to 6", // the campaign's minimum, not its watermark of 2
		} {
			if got := byName(t, result, name); got.Decision != rules.None || !strings.Contains(got.Reason, want) {
				t.Errorf("%s: %s (%s)", name, got.Decision, got.Reason)
			}
		}
		told := 0
		for _, e := range result.Events {
			if e.DetailType == string(events.DryRunDecision) {
				told++
			} else if e.DetailType != string(events.BuildDashboard) {
				t.Errorf("sent %+v", e)
			}
		}
		if told != 2 || len(records) != 2 || records[0].Outcome != events.OutcomeDryRun || records[1].Outcome != events.OutcomeDryRun {
			t.Errorf("told of %d, records %+v", told, records)
		}
		var messages []string
		for _, mail := range b.aws.Outbox()[mails:] {
			messages = append(messages, mail.Message)
		}
		text := strings.Join(messages, "\n")
		if strings.Count(text, "PersonalizeMonitorDryRunDecision: ") != 2 || strings.Count(text, "Nothing was done: a parameter has the value DryRun.") != 2 {
			t.Errorf("mails %s", text)
		}
		calls := b.aws.Calls()
		for _, op := range []string{"personalize.DeleteCampaign", "personalize.StopRecommender", "personalize.UpdateCampaign"} {
			if calls[op] > 0 {
				t.Errorf("%s was called", op)
			}
		}
	}
}
