package events

import (
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// CautionNotifications report what speaks against lowering a minimum, if people have not been
// notified of it before: failures that point to a missing minimum, with the command that undoes
// our last step, and a minimum that somebody sets back, with the value for their code.
func CautionNotifications(d rules.Decision) []Event {
	var list []Event
	if d.Caution.NotifyFailures {
		note := "The monitor has not lowered its minimum lately."
		if undo := d.Caution.Contest.Undo; undo > 0 {
			note = fmt.Sprintf("To undo the last step-down: personalize-monitor update-tps %s %d", d.Resource.ARN, undo)
		}
		list = append(list, cautionNotification(d, FailuresNoticed, d.Caution.HoldText(d.Resource.Kind), note))
	}
	if d.Caution.NotifyContest {
		list = append(list, cautionNotification(d, MinimumContested, d.Caution.Contest.Text(d.Resource.Kind), contestNote(d)))
	}
	return list
}

// contestNote is what ends the contest.
func contestNote(d rules.Decision) string {
	setting := "minProvisionedTPS"
	if d.Resource.Kind == model.Recommender {
		setting = "minRecommendationRequestsPerSecond"
	}
	return fmt.Sprintf("Set %s to %d in your Terraform/CDK code, or tag the resource %s=tps.",
		setting, max(1, d.StepDown.Watermark()), rules.ProtectTag)
}

func cautionNotification(d rules.Decision, detailType DetailType, reason, note string) Event {
	record := AuditOf(d, OutcomeRefused, d.At.Now)
	record.Action, record.NewMinTPS, record.Reason, record.Note = model.ActionUpdate, 0, reason, note
	return Event{
		DetailType: detailType, Resources: []string{record.ARN}, Time: d.At.Now,
		Detail: NotificationDetail{ARN: record.ARN, Reason: reason, Audit: record.NotificationRaw(detailType)},
	}
}
