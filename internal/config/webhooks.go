package config

import (
	"fmt"
	"net/url"
	"strings"
)

// Shown is the endpoint as logs and messages may have it: of a URL only the host, because its path
// and query may hold a secret.
func (e Endpoint) Shown() string {
	if address, err := url.Parse(e.Address); err == nil && address.Host != "" {
		return address.Scheme + "://" + address.Host + "/…"
	}
	return e.Address
}

// shownURL is a text that may not be a valid URL, as messages may have it: what follows the host is left
// out, and the host too if it may be a part of a password.
func shownURL(text string) string {
	scheme, rest, isURL := strings.Cut(text, "://")
	end := strings.IndexAny(rest, "/?#")
	switch {
	case !isURL || end < 0:
		return text
	case strings.Contains(rest[end:], "@"):
		return scheme + "://…"
	}
	return scheme + "://" + rest[:end] + "/…"
}

// webhook is a host that posts to a chat whatever it is sent. It cannot follow the link by which
// Amazon SNS has a subscriber confirm, so that such a subscription stays pending and gets nothing.
type webhook struct {
	host   string // or the end of it, after a dot
	chat   string
	remedy string
}

const (
	showTopic   = "set ChatNotifications=Yes, and show its topic in the channel with Amazon Q Developer in chat applications"
	ownFunction = "send the events to a function of your own that posts them"
)

// webhooks are the known hosts, by the documentation of the chats.
var webhooks = []webhook{
	{"hooks.slack.com", "Slack", showTopic},
	{"hooks.slack-gov.com", "Slack", showTopic},
	{"webhook.office.com", "Microsoft Teams", showTopic},
	{"outlook.office.com", "Microsoft Teams", showTopic},
	{"logic.azure.com", "Microsoft Teams", showTopic},
	{"api.powerplatform.com", "Microsoft Teams", showTopic},
	{"discord.com", "Discord", ownFunction},
	{"discordapp.com", "Discord", ownFunction},
	{"chat.googleapis.com", "Google Chat", ownFunction},
}

// confirmable returns an error if an endpoint can never confirm its subscription. The error
// completes a sentence that begins with the endpoint.
func confirmable(e Endpoint) error {
	chat, remedy := e.Webhook()
	if chat == "" {
		return nil
	}
	return fmt.Errorf("is a webhook of %s, which can never confirm a subscription of Amazon SNS; %s", chat, remedy)
}

// Webhook returns the chat whose webhook an endpoint is, which can never confirm its subscription,
// and what to do instead; both are empty for any other endpoint.
func (e Endpoint) Webhook() (chat, remedy string) {
	host := e.host()
	for _, hook := range webhooks {
		if host == hook.host || strings.HasSuffix(host, "."+hook.host) {
			return hook.chat, hook.remedy
		}
	}
	return "", ""
}

// AmazonQ reports whether an endpoint is the subscription of Amazon Q Developer in chat applications,
// which shows alarms, events of AWS and messages of its own schema, and drops any other text.
func (e Endpoint) AmazonQ() bool {
	return strings.HasSuffix(e.host(), ".sns-api.chatbot.amazonaws.com")
}

// host is the host of a URL in lower case; empty for any other address.
func (e Endpoint) host() string {
	address, err := url.Parse(e.Address)
	if e.Protocol != HTTPS || err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(address.Hostname()), ".")
}
