package events

import (
	"fmt"
	"math"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Command is the event that requests the action of a decision. The decision must change
// its resource.
func Command(d rules.Decision) Event {
	req, arn := RequestFor(d), d.Resource.ARN.String()
	ageHours := int(d.At.Now.Sub(d.Resource.Created).Hours())
	audit := AuditOf(d, OutcomeAsked, d.At.Now).Raw()
	event := Event{DetailType: req.DetailType, Resources: []string{arn}, Time: d.At.Now}
	if req.Action() == model.ActionUpdate {
		event.Detail = UpdateDetail{
			ARN: arn, Utilization: d.Throughput.Utilization, AgeHours: ageHours,
			CurrentMinTPS: req.CurrentMinTPS, NewMinTPS: req.NewMinTPS,
			MinAverageTPS: d.StepDown.Watermark(), MaxAverageTPS: int(math.Floor(d.StepDown.Highest)),
			Datapoints: d.StepDown.Datapoints, Reason: req.Reason, Scheduled: req.Scheduled, Audit: audit,
		}
	} else {
		event.Detail = IdleDetail{
			ARN: arn, Utilization: d.Throughput.Utilization, AgeHours: ageHours,
			IdleThresholdHours: req.IdleThresholdHours, UsedIdleThresholdHours: req.UsedIdleThresholdHours,
			TotalRequestsDuringIdleThresholdHours: int(d.Idle.Requests), Reason: req.Reason, Audit: audit,
		}
	}
	return event
}

// RequestFor is the request for the action of a decision, as the receiver of its Command
// reads it. The decision must change its resource.
func RequestFor(d rules.Decision) Request {
	req := Request{DetailType: IdleType(d.Resource.Kind), ARN: d.Resource.ARN, Kind: d.Resource.Kind, Reason: d.Reason}
	if d.Verdict.Action() == model.ActionUpdate {
		req.DetailType = UpdateType(d.Resource.Kind)
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

// DryRunNotification reports what would be done to a resource if its parameter were Yes
// instead of DryRun.
func DryRunNotification(d rules.Decision) Event {
	d.Verdict = rules.None // a resource that would be stopped may be stepped down
	record := AuditOf(d, OutcomeDryRun, d.At.Now)
	record.Note = "Nothing was done: a parameter has the value DryRun."
	return Notification(DryRunDecision, record, NotificationDetail{Action: d.Would.Action(), NewMinTPS: d.WouldMin})
}

// CautionNotifications report what speaks against lowering a minimum, if people have not been
// notified of it before: failures that point to a missing minimum, with the command that undoes
// our last step, and a minimum that somebody sets back, with the value for their code.
func CautionNotifications(d rules.Decision) []Event {
	var list []Event
	add := func(detailType DetailType, reason, note string) {
		record := AuditOf(d, OutcomeRefused, d.At.Now)
		record.Action, record.NewMinTPS, record.Reason, record.Note = model.ActionUpdate, 0, reason, note
		list = append(list, Notification(detailType, record, NotificationDetail{}))
	}
	if d.Caution.NotifyFailures {
		note := "The monitor has not lowered its minimum lately."
		if undo := d.Caution.Contest.Undo; undo > 0 {
			note = fmt.Sprintf("To undo the last step-down: personalize-monitor update-tps %s %d", d.Resource.ARN, undo)
		}
		add(FailuresNoticed, d.Caution.HoldText(d.Resource.Kind), note)
	}
	if d.Caution.NotifyContest {
		setting := "minProvisionedTPS"
		if d.Resource.Kind == model.Recommender {
			setting = "minRecommendationRequestsPerSecond"
		}
		add(MinimumContested, d.Caution.Contest.Text(d.Resource.Kind), fmt.Sprintf(
			"Set %s to %d in your Terraform/CDK code, or tag the resource %s=tps.", setting, max(1, d.StepDown.Watermark()), rules.ProtectTag))
	}
	return list
}

// Notification is the notification about a record, with its time, ARN and reason.
func Notification(detailType DetailType, record Audit, detail NotificationDetail) Event {
	detail.ARN, detail.Reason, detail.Audit = record.ARN, record.Reason, record.notificationRaw(detailType)
	return Event{DetailType: detailType, Resources: []string{record.ARN}, Detail: detail, Time: record.Time}
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
