package cycle

import (
	"math"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// commands turns decisions into the events that ask for them to be carried out.
func commands(decisions []rules.Decision, m rules.Moment, s rules.Settings) []events.Event {
	var list []events.Event
	for _, d := range decisions {
		arn := d.Resource.ARN.String()
		audit := act.AuditOf(d, events.OutcomeAsked, m.Now).Raw()
		ageHours := int(m.Now.Sub(d.Resource.Created).Hours())
		switch d.Verdict {
		case rules.StepDown:
			list = append(list, events.Event{
				DetailType: events.UpdateType(d.Resource.Kind), Resources: []string{arn}, Time: m.Now,
				Detail: events.UpdateDetail{
					ARN: arn, Utilization: d.Throughput.Utilization, AgeHours: ageHours,
					CurrentMinTPS: d.Resource.MinTPS, NewMinTPS: d.NewMinTPS,
					MinAverageTPS: d.StepDown.Watermark(), MaxAverageTPS: int(math.Floor(d.StepDown.Highest)),
					Datapoints: events.DatapointsOf(d.StepDown.Datapoints), Reason: d.Reason, Audit: audit,
				},
			})
		case rules.Stop, rules.Delete:
			list = append(list, events.Event{
				DetailType: events.IdleType(d.Resource.Kind), Resources: []string{arn}, Time: m.Now,
				Detail: events.IdleDetail{
					ARN: arn, Utilization: d.Throughput.Utilization, AgeHours: ageHours,
					IdleThresholdHours: s.IdleHours, TotalRequestsDuringIdleThresholdHours: int(d.Idle.Requests),
					Reason: d.Reason, Audit: audit,
				},
			})
		}
	}
	return list
}
