package cycle_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// everyAction is an estate in which each action is due once, and a campaign of 41 TPS needs all it has.
func everyAction(regions ...string) localaws.Estate {
	estate := localaws.Estate{Monitored: 30 * 24 * time.Hour}
	constant := func(tps float64) localaws.EstateTraffic { return localaws.EstateTraffic{Shape: "constant", TPS: tps} }
	campaign := func(name string, minimum int, traffic localaws.EstateTraffic) localaws.EstateCampaign {
		endpoint := localaws.EstateEndpoint{Name: name, Recipe: "aws-user-personalization-v2", Traffic: traffic}
		return localaws.EstateCampaign{EstateEndpoint: endpoint, MinTPS: minimum}
	}
	for _, region := range regions {
		estate.Regions = append(estate.Regions, localaws.EstateRegion{Name: region, DatasetGroups: []localaws.EstateDatasetGroup{{
			Name: "shop", Domain: "ECOMMERCE",
			Campaigns: []localaws.EstateCampaign{
				campaign("busy", 41, constant(41)), campaign("large", 20, constant(2)), campaign("unused", 1, localaws.EstateTraffic{}),
			},
			Recommenders: []localaws.EstateRecommender{
				{EstateEndpoint: localaws.EstateEndpoint{Name: "still", Recipe: "aws-ecomm-recommended-for-you"}, MinRPS: 1},
			},
		}}})
	}
	return estate
}

var everyVerdict = map[string]rules.Verdict{"busy": rules.None, "large": rules.StepDown, "unused": rules.Delete, "still": rules.Stop}

// shiftedClock is the clock of a host that is ahead.
type shiftedClock struct {
	model.Clock
	ahead time.Duration
}

func (c shiftedClock) Now() time.Time { return c.Clock.Now().Add(c.ahead) }

func clockProblems(result report.Result) (list []string) {
	for _, p := range result.Problems {
		if p.Operation == "check the clock" {
			list = append(list, p.Err.Error())
		}
	}
	return list
}

// By a clock that is wrong nothing is decided or done, in the cycle and in the recheck; metrics are published, and one problem has both
// times. The control is a clock that is two minutes off.
func TestAWrongClockDecidesNothing(t *testing.T) {
	const right = 2 * time.Minute
	for _, ahead := range []time.Duration{-right, right, -2 * time.Hour, 2 * time.Hour, -72 * time.Hour, 72 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			b := newBed(t, everyAction(home))
			b.act, b.given = true, idleOn("1")
			b.restart(shiftedClock{b.clock, ahead})
			result := b.run(idleOn("1"))
			if ahead.Abs() <= right {
				for name, want := range everyVerdict {
					if got := byName(t, result, name); got.Decision != want || want.Changes() != (got.Outcome == "done") {
						t.Errorf("%s: %s %s (%s)", name, got.Decision, got.Outcome, got.Reason)
					}
				}
				if len(result.Problems) > 0 {
					t.Errorf("problems %v", result.Problems)
				}
				return
			}
			for name := range everyVerdict {
				got := byName(t, result, name)
				if got.Decision != rules.None || got.Checked || !strings.Contains(got.Reason, "nothing is decided: the clock of this host is") {
					t.Errorf("%s: %s (%s)", name, got.Decision, got.Reason)
				}
			}
			if changes := b.changes(); len(changes) > 0 {
				t.Errorf("changes %v", changes)
			}
			way := map[bool]string{true: "ahead of", false: "behind"}[ahead > 0]
			problems := clockProblems(result)
			if len(problems) != 1 || !strings.Contains(problems[0], way) ||
				!strings.Contains(problems[0], b.clock.Now().Add(ahead).Format("2006-01-02 15:04")) || !strings.Contains(problems[0], "AWS 2026-03-04 12:0") {
				t.Errorf("problems %q", problems)
			}
			if sent := b.aws.Calls()["cloudwatch.PutMetricData"]; sent < 2 {
				t.Errorf("%d calls to publish metrics", sent)
			}
		})
	}
}

// What a cycle with a right clock decided is not carried out by a process whose clock is wrong. What a person requests is.
func TestAWrongClockRefusesTheRecheck(t *testing.T) {
	for _, ahead := range []time.Duration{0, -2 * time.Hour, 2 * time.Hour, -72 * time.Hour, 72 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			b := newBed(t, everyAction(home))
			b.given = idleOn("1")
			b.run(idleOn("1"))
			requests := b.commandsOnBus()
			if len(requests) != 3 {
				t.Fatalf("%d commands", len(requests))
			}
			b.restart(shiftedClock{b.clock, ahead})
			for _, req := range requests {
				answer := b.receive(req)
				if right := ahead == 0; right != (answer.Outcome == "done") || right == strings.Contains(answer.Why, "the clock of this host is") {
					t.Errorf("%s: %s (%s)", req.ARN, answer.Outcome, answer.Why)
				}
			}
			req, err := events.NewRequest("arn:aws:personalize:" + home + ":" + account + ":campaign/busy")
			if err != nil {
				t.Fatal(err)
			}
			req.NewMinTPS = 5
			if answer, err := b.actions.Do(context.Background(), model.ActionUpdate, req); err != nil || answer.Outcome != "done" {
				t.Errorf("a person's request: %s (%s), %v", answer.Outcome, answer.Why, err)
			}
		})
	}
}

// One service with another clock is one against two.
func TestOneServiceWithAnotherClockIsOutvoted(t *testing.T) {
	b := newBed(t, everyAction(home))
	b.act, b.given = true, idleOn("1")
	b.restart(b.clock)
	b.pass(10*time.Minute, idleOn("1"))
	b.aws.AddFault(localaws.Fault{Service: "personalize", Kind: localaws.Skew, Skew: 20 * time.Minute})
	b.next()
	result := b.run(idleOn("1"))
	if got := byName(t, result, "large"); got.Decision != rules.StepDown || len(clockProblems(result)) > 0 {
		t.Errorf("%s (%s), problems %v", got.Decision, got.Reason, result.Problems)
	}
}

// Where our own metrics cannot be read up to 20 minutes ago, nothing is changed; the log names the region once, and so do the result and a
// metric. Other regions go on.
func TestLateDataAreRefused(t *testing.T) {
	const away = "eu-west-1"
	both := func() map[string]string { return with(idleOn("1"), "Regions", home+","+away) }
	for _, tt := range []struct {
		name  string
		fault localaws.DataFault
		late  []string // regions
		why   string
	}{
		{"on time", localaws.DataFault{Late: 4 * time.Minute}, nil, ""},
		{"3 h late in one region", localaws.DataFault{Region: away, Late: 3 * time.Hour}, []string{away}, "3 h ago; at most 20 min are accepted"},
		{"our own alone, 3 h late", localaws.DataFault{Namespace: model.NamespaceMonitor, Late: 3 * time.Hour}, []string{away, home}, "3 h ago"},
		{"40 min late in the deployment region", localaws.DataFault{Region: home, Late: 40 * time.Minute}, []string{home}, "at most 20 min are accepted"},
		{"complete but empty", localaws.DataFault{Namespace: model.NamespaceMonitor, LostPercent: 100}, []string{away, home}, "our own metrics of the last 24 h are missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t, everyAction(home, away))
			log := &bytes.Buffer{}
			b.log, b.act, b.given = log, true, both()
			b.restart(b.clock)
			b.pass(10*time.Minute, both())
			b.next()
			b.aws.AddDataFault(tt.fault)
			log.Reset()
			result := b.run(both())
			var late []string
			for _, region := range result.DataLate {
				late = append(late, region.Region)
				if !strings.Contains(region.Reason, tt.why) {
					t.Errorf("reason %q", region.Reason)
				}
			}
			if !slices.Equal(late, tt.late) {
				t.Errorf("late %+v, want %v", result.DataLate, tt.late)
			}
			for _, r := range result.Resources {
				switch isLate := slices.Contains(late, r.Region); {
				case !isLate && (r.Decision != everyVerdict[r.Name] || r.Outcome == "refused"):
					t.Errorf("%s %s: %s (%s)", r.Region, r.Name, r.Decision, r.Reason)
				case isLate && r.Decision.Changes():
					t.Errorf("%s %s although late: %s (%s)", r.Region, r.Name, r.Decision, r.Reason)
				}
			}
			for _, region := range late {
				if n := strings.Count(log.String(), "reason=\"CloudWatch data are late"); n != len(late) {
					t.Errorf("%d lines: %s", n, log)
				}
				b.aws.ClearFaults()
				sent := b.aws.Sent(home, model.NamespaceMonitor, "dataLate", map[string]string{"Region": region}, result.Window.Start, 5*time.Minute)
				if sent.Max != 1 {
					t.Errorf("%s: published %+v", region, sent)
				}
			}
		})
	}
}

// A monitor that was just installed has no earlier metrics: its first cycle changes nothing, and says why.
func TestTheFirstCycleOfAllChangesNothing(t *testing.T) {
	estate := everyAction(home)
	estate.Monitored = neverMonitored
	b := newBed(t, estate)
	b.act, b.given = true, idleOn("1")
	b.restart(b.clock)
	result := b.run(idleOn("1"))
	if len(b.changes()) > 0 || len(result.DataLate) != 1 || !strings.Contains(result.DataLate[0].Reason, "just installed acts from its second cycle on") {
		t.Errorf("changes %v, late %+v", b.changes(), result.DataLate)
	}
	b.next()
	if result = b.run(idleOn("1")); len(result.DataLate) > 0 {
		t.Errorf("the second cycle: %+v", result.DataLate)
	}
}

// A decision is not carried out if data have become late since.
func TestLateDataRefuseTheRecheck(t *testing.T) {
	for _, late := range []time.Duration{0, 40 * time.Minute} {
		b := newBed(t, everyAction(home))
		b.given = idleOn("1")
		b.run(idleOn("1"))
		requests := b.commandsOnBus()
		b.aws.AddDataFault(localaws.DataFault{Namespace: model.NamespaceMonitor, Late: late})
		for _, req := range requests {
			answer := b.receive(req)
			if late == 0 != (answer.Outcome == "done") {
				t.Errorf("%s late, %s: %s (%s)", late, req.ARN, answer.Outcome, answer.Why)
			}
		}
		if len(requests) != 3 {
			t.Errorf("%d commands", len(requests))
		}
		if got := fmt.Sprint(b.changes()); late > 0 && got != "map[]" {
			t.Errorf("changes %s", got)
		}
	}
}
