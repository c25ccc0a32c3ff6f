package config

import (
	"net/url"
	"strings"
)

// chatHosts are the ends of host names of chat services' incoming webhooks, which only accept messages
// of their own form: they can never confirm an SNS subscription.
var chatHosts = []struct{ host, service string }{
	{"hooks.slack.com", "Slack"},
	{"hooks.slack-gov.com", "Slack"},
	{"webhook.office.com", "Microsoft Teams"},
	{"outlook.office.com", "Microsoft Teams"},
	{"outlook.office365.com", "Microsoft Teams"},
	{"logic.azure.com", "Microsoft Teams"},
	{"api.powerplatform.com", "Microsoft Teams"},
	{"discord.com", "Discord"},
	{"discordapp.com", "Discord"},
}

// ChatService returns the name of the chat service whose incoming webhook a URL is; empty if it is of
// none that is known.
func ChatService(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	for _, chat := range chatHosts {
		if host == chat.host || strings.HasSuffix(host, "."+chat.host) {
			return chat.service
		}
	}
	return ""
}

// AmazonQ reports whether a URL is the subscription of Amazon Q Developer in chat applications, which
// shows alarms, events of AWS and its own notification schema, and drops any other text.
func AmazonQ(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.HasSuffix(strings.ToLower(u.Hostname()), ".sns-api.chatbot.amazonaws.com")
}
