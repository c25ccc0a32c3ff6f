package rules_test

import (
	"fmt"
	"maps"
	"reflect"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// decideAll decides on a whole estate by common readings, as a cycle does.
func decideAll(s *scene, list []*history) []rules.Decision {
	readings := model.Readings{}
	resources := make([]model.Resource, len(list))
	for i, h := range list {
		resources[i] = h.resource
	}
	// Each history answers what is asked of it; what was asked by name of another one is
	// notified by the dimension.
	ask := func(queries []model.Query) {
		for _, q := range queries {
			for _, h := range list {
				if h.arn == q.Metric.DimensionValue || q.Metric.DimensionValue == "" {
					h.read(readings, []model.Query{q})
					break
				}
			}
		}
	}
	ask(rules.WindowQueries(resources, s.moment))
	var checks []model.Query
	for _, r := range resources {
		checks = append(checks, rules.CheckQueries(r, rules.ThroughputOf(r, readings, s.moment), s.settings, s.moment)...)
	}
	ask(checks)
	decisions := make([]rules.Decision, len(resources))
	for i, r := range resources {
		decisions[i] = rules.Decide(r, readings, s.settings, s.moment)
	}
	for i, r := range resources {
		for _, more := range []func(rules.Decision) []model.Query{rules.HistoryQueries, rules.SilenceQueries} {
			list[i].read(readings, more(decisions[i]))
			decisions[i] = rules.Decide(r, readings, s.settings, s.moment)
		}
	}
	return decisions
}

// checkEstate fails if a resource is decided on differently alone, among others, in
// another order, or named twice.
func checkEstate(seed, index int, count tally) string {
	s := newScene(seed, index)
	list := make([]*history, 2+s.IntN(5))
	for i := range list {
		list[i] = newHistory(s, fmt.Sprintf("shop-%d", i))
		list[i].victim = -1 // which question it hits depends on how many are asked
	}
	alone := map[string]rules.Decision{}
	for _, h := range list {
		d := decideAll(s, []*history{h})[0]
		alone[h.arn] = d
		count[string(d.Verdict)]++
	}
	mixed := append(append([]*history{}, list...), list[s.IntN(len(list))], list[s.IntN(len(list))])
	s.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	for _, some := range [][]*history{list, mixed, mixed[:1+s.IntN(len(mixed))]} {
		for i, d := range decideAll(s, some) {
			if want := alone[some[i].arn]; !reflect.DeepEqual(d, want) {
				return fmt.Sprintf("%s: alone it is %s (%s), among %d it is %s (%s)", some[i].arn, want.Verdict, want.Reason, len(some), d.Verdict, d.Reason)
			}
		}
	}
	return ""
}

func TestRandomEstatesDecideOnEachResourceByItself(t *testing.T) {
	n := histories(t) / 100
	count := inParallel(t, n, checkEstate)
	if t.Failed() || n < 100 {
		return
	}
	for _, action := range []rules.Verdict{rules.Stop, rules.Delete, rules.StepDown, rules.Refused, rules.None} {
		if count[string(action)] == 0 {
			t.Errorf("no resource of %d estates comes to %s: %v", n, action, maps.Clone(count))
		}
	}
}
