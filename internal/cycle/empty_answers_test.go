package cycle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// emptyAnswers have GetMetricData answer without what CloudWatch has: without any data, or without the
// counts of requests, or without what we published.
var emptyAnswers = map[string]localaws.DataFault{
	"everything": {LostPercent: 100},
	"counts":     {LostPercent: 100, Namespace: model.NamespacePersonalize},
	"our own":    {LostPercent: 100, Namespace: model.NamespaceMonitor},
}

// changed are the resources that a cycle steps down, stops or deletes.
func changed(result report.Result) (list []string) {
	for _, r := range result.Resources {
		if r.Decision.Changes() {
			list = append(list, fmt.Sprintf("%s: %s to %d (%s)", r.Name, r.Decision, r.NewMin, r.Reason))
		}
	}
	return list
}

// An answer that calls itself complete and lacks what CloudWatch has, alone or all of a cycle and the recheck
// after it, ends and lowers nothing that is in use: in a process that remembers in which hours it was watched, too.
func TestAnEmptyAnswerIsNoProof(t *testing.T) {
	params := with(ending("1"), "UsedIdleThresholdHours", "1")
	only := map[string]string{"HourlyChecks": "always", "AutoAdjustMinTPS": "no"}
	warm := func(e localaws.Estate) *bed {
		b := newBedInMemory(t, e)
		b.act, b.given = true, params
		b.restart(b.clock)
		b.run(only)
		b.pass(time.Hour, only)
		b.next()
		return b
	}
	calls, spans := 9, []int{1, 2, 0} // 0: all from then on
	if testing.Short() {
		calls, spans = 3, []int{0}
	}
	for name, hidden := range emptyAnswers {
		for skip := range calls {
			for _, times := range spans {
				b := warm(busyAt(6, 40))
				b.aws.AddFault(localaws.Fault{Operation: "GetMetricData", Kind: localaws.Hide, Hidden: hidden, Skip: skip, Times: times})
				if list := changed(b.run(params)); len(list) > 0 {
					t.Errorf("%s is missing from %d answers, the first after %d others: %v", name, times, skip, list)
				}
			}
		}
	}
	if list := changed(warm(busyAt(6, 60)).run(params)); len(list) == 0 {
		t.Error("with whole answers nothing is stepped down")
	}
	gone := busyAt(6, 40)
	gone.Regions[0].DatasetGroups[0].Campaigns[0].Traffic = localaws.EstateTraffic{Shape: "stopped", TPS: 50, Since: 20 * 24 * time.Hour}
	result := warm(gone).run(params)
	if list := changed(result); len(list) == 0 {
		t.Log(result.Resources[0].Reason)
		t.Error("with whole answers nothing is deleted")
	}
}

// An answer about the others without any datapoint, although complete, does not show that the data
// of the region are there: whichever call of the cycle it hits, nothing is stepped down.
func TestAnEmptyAnswerAboutTheOthersIsNoProof(t *testing.T) {
	lost := localaws.DataFault{Namespace: model.NamespacePersonalize, LostPercent: 100}
	for name, hidden := range emptyAnswers {
		for skip := range 8 {
			b := newBedInMemory(t, busyAt(6, 40))
			for _, f := range hoursAgo(lost, 100, 200, 300) {
				b.aws.AddDataFault(f)
			}
			b.aws.AddFault(localaws.Fault{Operation: "GetMetricData", Kind: localaws.Hide, Hidden: hidden, Skip: skip, Times: 1})
			for _, r := range b.run(always).Resources {
				if r.Decision == rules.StepDown {
					t.Errorf("%s, call %d: %s to %d (%s)", name, skip+1, r.Name, r.NewMin, r.Reason)
				}
			}
		}
	}
}
