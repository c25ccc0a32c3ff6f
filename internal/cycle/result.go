package cycle

import (
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// report completes the result.
func (r *run) report(decisions []rules.Decision, savings map[model.ARN]saved, callsBefore map[string]int, took time.Duration) report.Result {
	for _, d := range decisions {
		one := record(d)
		one.Outcome = string(r.outcomes[d.Resource.ARN])
		one.Restore = r.restores[d.Resource.ARN]
		one.Saving, one.Estimate = savings[d.Resource.ARN].saving, savings[d.Resource.ARN].estimate
		r.result.Resources = append(r.result.Resources, one)
	}
	r.alarms.Deleted += r.removed
	r.result.Alarms = report.Alarms(r.alarms)
	r.result.Calls = callsSince(r.calls(), callsBefore)
	r.result.DurationMs = took.Milliseconds()
	return r.result
}

// record is a decision as the result shows it.
func record(d rules.Decision) report.Resource {
	resource := report.Resource{
		ARN: d.Resource.ARN.String(), Kind: d.Resource.Kind, Name: d.Resource.Name, Region: d.Resource.Region(),
		DatasetGroup: d.Resource.DatasetGroup.Name(), Recipe: d.Resource.Recipe, Status: d.Resource.Status,
		Min: d.Resource.MinTPS, Checked: d.Checked, Decision: d.Verdict, NewMin: d.NewMinTPS, Reason: d.Reason,
		Would: d.Would, WouldMin: d.WouldMin, Invisible: d.Throughput.Invisible,
	}
	if d.Throughput.Readable {
		average, utilization := d.Throughput.Average, d.Throughput.Utilization
		resource.Average, resource.Utilization = &average, &utilization
	}
	return resource
}

// problems notes what failed. The caller holds mu where others may be at it too.
func (r *run) problems(list ...model.Problem) {
	if r.first == nil && len(list) > 0 {
		r.first = list[0]
	}
	r.result.Problems = append(r.result.Problems, list...)
}

func (r *run) addEvents(list []events.Event) {
	for _, e := range list {
		event := report.Event{DetailType: string(e.DetailType)}
		if len(e.Resources) > 0 {
			event.Resource = e.Resources[0]
		}
		r.result.Events = append(r.result.Events, event)
	}
}
