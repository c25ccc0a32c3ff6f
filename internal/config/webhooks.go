package config

import (
	"fmt"
	"net/url"
	"strings"
)

// Shown is the endpoint as logs and messages may have it: of a URL only the host, because its path
// and query may hold a secret.
func (e Endpoint) Shown() string {
	if address, err := url.Parse(e.Address); e.Protocol == HTTPS && err == nil {
		return "https://" + address.Host + "/…"
	}
	return e.Address
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
	address, err := url.Parse(e.Address)
	if e.Protocol != HTTPS || err != nil {
		return nil //nolint:nilerr // an e-mail address confirms by a link
	}
	host := strings.TrimSuffix(strings.ToLower(address.Hostname()), ".")
	for _, hook := range webhooks {
		if host == hook.host || strings.HasSuffix(host, "."+hook.host) {
			return fmt.Errorf("is a webhook of %s, which can never confirm a subscription of Amazon SNS; %s", hook.chat, hook.remedy)
		}
	}
	return nil
}
