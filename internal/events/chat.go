package events

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

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
		arn = model.ARN{Region: a.Region, Resource: a.ARN}
	}
	title := shortened(chatText(a.chatTitle(t, arn.Name())), maxChatTitle)
	author := "a person"
	if a.Automatic {
		author = "the monitor"
	}
	content := map[string]any{
		"textType": "client-markdown", "title": title, "description": shortened(cmp.Or(chatText(a.Reason), title), maxChatText),
		"keywords": []string{"Amazon Personalize", arn.Region},
	}
	if step := a.chatStep(); step != "" {
		content["nextSteps"] = []string{step}
	}
	return map[string]any{
		"version": "1.0", "source": "custom", "content": content,
		"metadata": map[string]any{
			"threadId": a.ARN, "summary": title, "eventType": string(t), "relatedResources": []string{a.ARN}, // a thread for each resource
			"additionalContext": map[string]string{"region": arn.Region, "account": arn.Account, "decidedBy": author, "outcome": a.Outcome},
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
