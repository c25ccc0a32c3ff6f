package events

import (
	"math"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Command is the event that requests the action of a decision. The decision must change
// its resource.
func Command(d rules.Decision) Event {
	arn := d.Resource.ARN.String()
	ageHours := int(d.At.Now.Sub(d.Resource.Created).Hours())
	audit := AuditOf(d, OutcomeAsked, d.At.Now).Raw()
	event := Event{DetailType: commandType(d), Resources: []string{arn}, Time: d.At.Now}
	if d.Verdict.Action() == model.ActionUpdate {
		event.Detail = UpdateDetail{
			ARN: arn, Utilization: d.Throughput.Utilization, AgeHours: ageHours,
			CurrentMinTPS: d.Resource.MinTPS, NewMinTPS: d.NewMinTPS,
			MinAverageTPS: d.StepDown.Watermark(), MaxAverageTPS: int(math.Floor(d.StepDown.Highest)),
			Datapoints: d.StepDown.Datapoints, Reason: d.Reason, Scheduled: scheduled(d), Audit: audit,
		}
	} else {
		event.Detail = IdleDetail{
			ARN: arn, Utilization: d.Throughput.Utilization, AgeHours: ageHours,
			IdleThresholdHours: d.By.IdleHours, UsedIdleThresholdHours: d.By.UsedIdleHours,
			TotalRequestsDuringIdleThresholdHours: int(d.Idle.Requests), Reason: d.Reason, Audit: audit,
		}
	}
	return event
}

// RequestFor is the request for the action of a decision, as the receiver of its Command
// reads it. The decision must change its resource.
func RequestFor(d rules.Decision) Request {
	req := Request{DetailType: commandType(d), ARN: d.Resource.ARN, Kind: d.Resource.Kind, Reason: d.Reason}
	if d.Verdict.Action() == model.ActionUpdate {
		req.CurrentMinTPS, req.NewMinTPS, req.Scheduled = d.Resource.MinTPS, d.NewMinTPS, scheduled(d)
	} else {
		req.IdleThresholdHours, req.UsedIdleThresholdHours = d.By.IdleHours, d.By.UsedIdleHours
	}
	return req
}

// scheduled is the verdict of a decision by a tag; else empty.
func scheduled(d rules.Decision) rules.Verdict {
	if d.Verdict.Scheduled() {
		return d.Verdict
	}
	return ""
}

func commandType(d rules.Decision) DetailType {
	if d.Verdict.Action() == model.ActionUpdate {
		return UpdateType(d.Resource.Kind)
	}
	return IdleType(d.Resource.Kind)
}

// DryRunNotification reports what would be done to a resource if its parameter were Yes
// instead of DryRun.
func DryRunNotification(d rules.Decision) Event {
	d.Verdict = rules.None // a resource that would be stopped may be stepped down
	record := AuditOf(d, OutcomeDryRun, d.At.Now)
	record.Note = "Nothing was done: a parameter has the value DryRun."
	return Event{
		DetailType: DryRunDecision, Resources: []string{record.ARN}, Time: d.At.Now,
		Detail: NotificationDetail{
			ARN: record.ARN, Action: d.Would.Action(), NewMinTPS: d.WouldMin, Reason: d.Reason, Audit: record.NotificationRaw(DryRunDecision),
		},
	}
}

// AuditOf is the record of a decision with its outcome, at the given time.
func AuditOf(d rules.Decision, outcome string, now time.Time) Audit {
	verdict, minimum := d.Intended()
	return Audit{
		Time: now.UTC(), ARN: d.Resource.ARN.String(), Kind: d.Resource.Kind, Region: d.Resource.Region(),
		Action: verdict.Action(), Outcome: outcome, Automatic: true, Reason: d.Reason, NewMinTPS: minimum, Inputs: InputsOf(d),
		Scheduled: scheduled(d),
	}
}

// InputsOf are the facts that a decision was made from.
func InputsOf(d rules.Decision) *Inputs {
	r := d.Resource
	in := &Inputs{
		WindowStart: d.At.Window.Start, WindowEnd: d.At.Window.End,
		Requests: d.Throughput.Requests, Utilization: d.Throughput.Utilization, Readable: d.Throughput.Readable,
		Status: string(r.Status), Recipe: r.Recipe, MinTPS: r.MinTPS, Created: r.Created, AgeHours: int(d.At.Now.Sub(r.Created).Hours()),
		IdleThresholdHours: d.By.IdleHours, UsedIdleThresholdHours: d.By.UsedIdleHours,
		Idle: d.Idle.Is, IdleRequests: d.Idle.Requests, IdleFailedRequests: d.Idle.Failed,
		SilentHours: int(d.Idle.Silence.Watched.Hours()), SilentHoursNeeded: int(d.Idle.Silence.Needed.Hours()),
		Watermark: d.StepDown.Watermark(), LowestHour: d.StepDown.Lowest, HighestHour: d.StepDown.Highest, HoursLookedAt: d.StepDown.Hours,
		AdjustMinTPS: string(d.By.AdjustMinTPS), StopIdle: string(d.By.StopIdle),
	}
	if at := r.LastTouched(); !at.IsZero() {
		in.LastTouched = &at
	}
	if r.Stale {
		in.StaleSince = &r.Observed
	}
	return in
}
