package demo

import (
	"slices"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
	"github.com/personalize-monitor/personalize-monitor/tools/template"
)

// The schedules and rules are those of the template.
func TestTriggersAreTheTemplates(t *testing.T) {
	object, err := template.Read("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[lambda.Function]trigger{}
	for _, resource := range object["Resources"].(map[string]any) {
		properties, _ := resource.(map[string]any)["Properties"].(map[string]any)
		handler, _ := properties["Handler"].(string)
		if handler == "" {
			continue
		}
		one := trigger{function: lambda.Function(handler)}
		list, _ := properties["Events"].(map[string]any)
		for _, event := range list {
			of := event.(map[string]any)["Properties"].(map[string]any)
			if schedule, ok := of["Schedule"].(string); ok {
				one.schedule = schedule
				continue
			}
			pattern := of["Pattern"].(map[string]any)
			if sources := pattern["source"].([]any); len(sources) != 1 || sources[0] != events.Source {
				t.Errorf("%s: sources %v", handler, sources)
			}
			for _, name := range pattern["detail-type"].([]any) {
				one.events = append(one.events, events.DetailType(name.(string)))
			}
		}
		wanted[one.function] = one
	}
	got := triggers()
	if len(got) != len(wanted) || len(got) != len(lambda.All()) {
		t.Errorf("%d functions, the template has %d", len(got), len(wanted))
	}
	for _, one := range got {
		want := wanted[one.function]
		slices.Sort(want.events)
		slices.Sort(one.events)
		if one.schedule != want.schedule || !slices.Equal(one.events, want.events) {
			t.Errorf("%s: %+v, the template has %+v", one.function, one, want)
		}
	}
}
