package config

import (
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"unicode"
)

// Endpoint is one subscriber of the notifications.
type Endpoint struct {
	Protocol Protocol
	Address  string // e-mail address, or URL beginning with https://
}

// Protocol is how a notification endpoint is reached, as Amazon SNS spells it.
type Protocol string

// The protocols of notification endpoints.
const (
	Email Protocol = "email"
	HTTPS Protocol = "https"
)

// Same reports whether two endpoints are one: e-mail addresses may differ in case.
func (e Endpoint) Same(other Endpoint) bool {
	return e == other || e.Protocol == Email && other.Protocol == Email && strings.EqualFold(e.Address, other.Address)
}

// parseEndpoint parses an e-mail address or a URL that can confirm its subscription.
func parseEndpoint(item string) (Endpoint, error) {
	scheme, rest, isURL := strings.Cut(item, "://")
	e, fault := Endpoint{Email, item}, ""
	if isURL {
		e = Endpoint{HTTPS, "https://" + rest}
	}
	parsed, notURL := url.Parse(e.Address)
	address, notMail := mail.ParseAddress(item)
	chat, remedy := e.Webhook()
	switch {
	case strings.ContainsFunc(item, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		fault = "contains a space"
	case !isURL && (notMail != nil || address.Address != item):
		fault = "is neither an e-mail address nor an https:// URL"
	case !isURL:
	case !strings.EqualFold(scheme, "https"):
		fault = "is not an https:// URL"
	case notURL != nil:
		fault = "is not a well-formed URL"
	case parsed.User != nil:
		fault = "contains a user name"
	case parsed.Hostname() == "":
		fault = "has no host"
	case chat != "":
		fault = fmt.Sprintf("is a webhook of %s, which can never confirm a subscription of Amazon SNS; %s", chat, remedy)
	}
	if fault != "" {
		return e, fmt.Errorf("%s %s", quote(shownURL(item)), fault)
	}
	return e, nil
}

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
