package cycle

import (
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// report completes the result.
func (r *run) report() report.Result {
	for _, answer := range r.actions {
		r.alarms.Deleted += answer.AlarmsRemoved
	}
	r.result.Alarms = report.Alarms(r.alarms)
	r.result.Problems = r.problems.all()
	r.result.Calls = callCounter(r.Calls).since(r.callsBefore)
	r.result.DurationMs = time.Since(r.began).Milliseconds()
	return r.result
}

// resources are the decisions with their outcomes and savings.
func (r *run) resources(decisions []rules.Decision, savings map[model.ARN]saved) []report.Resource {
	list := make([]report.Resource, 0, len(decisions))
	for _, d := range decisions {
		one := resultOf(d)
		answer, saved := r.actions[d.Resource.ARN], savings[d.Resource.ARN]
		one.Outcome, one.Restore = string(answer.Outcome), answer.Restore
		one.Saving, one.Estimate = saved.saving, saved.estimate
		list = append(list, one)
	}
	return list
}

// showDecided notifies the observer of what is known before alarms are changed.
func (r *run) showDecided() {
	if r.Observer == nil {
		return
	}
	known := r.result
	known.Problems = r.problems.all()
	r.Observer.Decided(known, r.Clock.Now())
}

// resultOf is a decision as the result shows it.
func resultOf(d rules.Decision) report.Resource {
	resource := report.Resource{
		Subject: report.SubjectOf(d.Resource), Checked: d.Checked, Decision: d.Verdict, NewMin: d.NewMinTPS, Reason: d.Reason, Codes: d.Codes,
		Would: d.Would, WouldMin: d.WouldMin, Invisible: d.Throughput.Invisible,
		Health: report.HealthOf(d.StepDown.Load),
	}
	if d.Throughput.Readable {
		average, utilization := d.Throughput.Average, d.Throughput.Utilization
		resource.Average, resource.Utilization = &average, &utilization
	}
	return resource
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
