package config

import (
	"strings"
	"testing"
)

// A webhook that can never confirm is refused by its host, wherever the value comes from, with what to
// do instead and without the secret in its path.
func TestWebhooksThatCannotConfirmAreRefused(t *testing.T) {
	const secret = "T0/B0/s3cr3t"
	for url, want := range map[string][]string{
		"https://hooks.slack.com/services/" + secret:                   {"a webhook of Slack", "ChatNotifications=Yes"},
		"https://HOOKS.slack.com:443/services/" + secret:               {"a webhook of Slack"},
		"https://hooks.slack.com./services/" + secret:                  {"a webhook of Slack"},
		"https://hooks.slack-gov.com/services/" + secret:               {"a webhook of Slack"},
		"https://acme.webhook.office.com/webhookb2/" + secret:          {"a webhook of Microsoft Teams", "ChatNotifications=Yes"},
		"https://outlook.office.com/webhook/" + secret:                 {"a webhook of Microsoft Teams"},
		"https://prod-1.westeurope.logic.azure.com/x?sig=" + secret:    {"a webhook of Microsoft Teams"},
		"https://0a.environment.api.powerplatform.com/x?sig=" + secret: {"a webhook of Microsoft Teams"},
		"https://discord.com/api/webhooks/" + secret:                   {"a webhook of Discord", "a function of your own"},
		"https://ptb.discordapp.com/api/webhooks/" + secret:            {"a webhook of Discord"},
		"https://chat.googleapis.com/v1/spaces/" + secret:              {"a webhook of Google Chat", "a function of your own"},
	} {
		for name, sources := range map[string]Sources{
			"event":       {Event: event(t, `{"NotificationEndpoint": "a@example.com,`+url+`"}`)},
			"flag":        {Flags: map[string]string{"notification-endpoint": url}},
			"environment": {Env: env(map[string]string{NotificationEndpoint: url})},
		} {
			_, err := Resolve(sources)
			if err == nil {
				t.Errorf("%s from the %s is accepted", url, name)
				continue
			}
			for _, part := range append(want, "invalid parameter NotificationEndpoint", "which can never confirm") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s from the %s: %v lacks %q", url, name, err, part)
				}
			}
			if strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("%v shows the secret", err)
			}
		}
	}
	for _, url := range []string{
		"https://events.pagerduty.com/integration/key/enqueue", "https://api.opsgenie.com/v1/json/amazonsns?apiKey=key",
		"https://slack.com/x", "https://myhooks.slack.com.example.com/x", "https://nothooks.slack.com/x", "https://office.com/x", "https://notdiscord.com/x",
	} {
		if _, err := Resolve(Sources{Flags: map[string]string{"notification-endpoint": url}}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// A URL that is refused for another reason is not shown with its secret either.
func TestSecretsOfInvalidURLsAreNotShown(t *testing.T) {
	for _, url := range []string{
		"http://hooks.slack.com/services/s3cr3t", "https://h.io:port/s3cr3t", "https://joe:s3cr3t@h.io/s3cr3t", "https://joe:s3cr3t/s3cr3t@h.io",
		"https:///s3cr3t", "https://h.io/%zz?key=s3cr3t", "https://[h.io?s3cr3t", "ftp://h.io#s3cr3t", "https://h.io/s3cr3t x",
	} {
		_, err := Resolve(Sources{Flags: map[string]string{"notification-endpoint": url}})
		if err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v; want an error without the secret", url, err)
		}
	}
}

func TestAmazonQIsKnownByItsHost(t *testing.T) {
	for address, want := range map[string]bool{
		"https://global.sns-api.chatbot.amazonaws.com": true, "https://GLOBAL.sns-api.chatbot.amazonaws.com/": true,
		"https://sns-api.chatbot.amazonaws.com.example.com": false, "https://[": false, "": false,
	} {
		if got := (Endpoint{HTTPS, address}).AmazonQ(); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if (Endpoint{Email, "https://global.sns-api.chatbot.amazonaws.com"}).AmazonQ() {
		t.Error("an e-mail address is taken for a chat")
	}
}
