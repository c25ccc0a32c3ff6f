package events

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strings"
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

// Limits of the texts, in characters. The schema documents none; Slack shows up to 150 in a header
// and 3,000 in a section.
const (
	maxChatTitle   = 150
	maxChatText    = 2500
	maxChatCommand = 2500
)

// ChatPath is where the event of a notification has its Chat, as a rule's target names it.
const ChatPath = "$.detail.Audit.chat"

// notificationRaw is the record as the details of notifications carry it: with the same for chats.
// All values are there, as an event without one would be lost on its way.
func (a Audit) notificationRaw(t DetailType) json.RawMessage {
	raw, _ := encode(struct {
		plainAudit
		Chat map[string]any `json:"chat"`
	}{plainAudit(a), a.chat(t)}) // nil with an error
	return raw
}

// chat is the notification in the schema of Amazon Q Developer in chat applications ("Custom
// notifications" in its administrator guide). It shows nothing else that it does not know:
// not the text of the mails. Its texts are the Markdown of the chat's application.
func (a Audit) chat(t DetailType) map[string]any {
	arn, _, err := a.subject()
	if err != nil {
		arn = model.NewARN("", "", a.Region, "", a.ARN)
	}
	title := shortened(chatText(a.chatTitle(t, arn.Name())), maxChatTitle)
	author := "a person"
	if a.Automatic {
		author = "the monitor"
	}
	content := map[string]any{
		"textType": "client-markdown", "title": title,
		"description": shortened(cmp.Or(chatText(strings.TrimSpace(a.Reason)), title), maxChatText),
		"keywords":    []string{"Amazon Personalize", arn.Region()},
	}
	if step := a.chatStep(); step != "" {
		content["nextSteps"] = []string{step}
	}
	return map[string]any{
		"version": "1.0", "source": "custom", "content": content,
		"metadata": map[string]any{
			"threadId": a.ARN, "summary": title, "eventType": string(t), "relatedResources": []string{a.ARN}, // a thread for each resource
			"additionalContext": map[string]string{"region": arn.Region(), "account": arn.Account(), "decidedBy": author, "outcome": a.Outcome},
		},
	}
}

// chatTitles are the titles of notifications about a resource.
var chatTitles = map[DetailType]string{
	CampaignDeleted:    "Deleting %s",
	RecommenderStopped: "Stopping %s",
	TrainingPaused:     "Automatic training of %s is paused",
	TrainingResumed:    "Automatic training of %s is on again",
	FailuresNoticed:    "Calls to %s fail as demand rises",
	MinimumContested:   "Minimum of %s was set back, so steps pause",
	ReturnDropped:      "Timed raise of %s does not return",
}

// chatTitle is the notification in a few words.
func (a Audit) chatTitle(t DetailType, name string) string {
	subject := string(a.Kind) + " " + name
	minimum := fmt.Sprintf("%d %s", a.NewMinTPS, a.Kind.RateUnit())
	switch updated := t == CampaignUpdated || t == RecommenderUpdated; {
	case updated && a.Before != nil && a.Before.MinTPS > 0:
		return fmt.Sprintf("Minimum of %s changes from %d to %s", subject, a.Before.MinTPS, minimum)
	case updated:
		return fmt.Sprintf("Minimum of %s changes to %s", subject, minimum)
	case t == DryRunDecision && a.Action == model.ActionUpdate:
		return fmt.Sprintf("Dry run: minimum of %s would change to %s", subject, minimum)
	case t == DryRunDecision && a.Action == model.ActionDelete:
		return "Dry run: " + subject + " would be deleted"
	case t == DryRunDecision && a.Action == model.ActionStop:
		return "Dry run: " + subject + " would be stopped"
	}
	return fmt.Sprintf(cmp.Or(chatTitles[t], string(t)+": %s"), subject)
}

// chatStep is what a reader can do: the command that undoes it, whole or not at all, or the note
// of the mail; empty if nothing is known.
func (a Audit) chatStep() string {
	switch {
	case a.Restore == "":
		return shortened(chatText(a.Note), maxChatText)
	case len(a.Restore) <= maxChatCommand:
		return "To undo it: `" + a.Restore + "`"
	}
	return "To undo it: `personalize-monitor restore " + a.ARN + " --log-group LOG_GROUP`, with the log group of the functions"
}

// chatText escapes what a chat would take for a link or a mention, of a person or of a whole channel.
func chatText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@\u200b").Replace(text)
}

// shortened cuts a text that is too long. An escaped character is not cut in two.
func shortened(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	cut := string(runes[:limit-1])
	if i := strings.LastIndexByte(cut, '&'); i >= 0 && !strings.Contains(cut[i:], ";") {
		cut = cut[:i]
	}
	return cut + "…"
}
