package cycle_test

import (
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// An answer about the others without any datapoint, although complete, does not show that the data
// of the region are there: whichever call of the cycle it hits, nothing is stepped down.
func TestAnEmptyAnswerAboutTheOthersIsNoProof(t *testing.T) {
	nothing := localaws.DataFault{Namespace: model.NamespacePersonalize, LostPercent: 100}
	for skip := range 8 {
		b := newBedInMemory(t, busyAt(6, 50, 40))
		for _, f := range hoursAgo(nothing, 100, 200, 300) {
			b.aws.AddDataFault(f)
		}
		b.aws.AddFault(localaws.Fault{Operation: "GetMetricData", Kind: localaws.Hide, Hidden: nothing, Skip: skip, Times: 1})
		for _, r := range b.run(always).Resources {
			if r.Decision == rules.StepDown {
				t.Errorf("call %d: %s to %d (%s)", skip+1, r.Name, r.NewMin, r.Reason)
			}
		}
	}
}
