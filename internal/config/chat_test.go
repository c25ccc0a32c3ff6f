package config

import "testing"

func TestChatService(t *testing.T) {
	tests := map[string]string{
		"https://hooks.slack.com/services/T0/B0/x":           "Slack",
		"https://HOOKS.Slack.com/services/T0/B0/x":           "Slack",
		"https://shop.webhook.office.com/webhookb2/x":        "Microsoft Teams",
		"https://prod-1.westus.logic.azure.com:443/w":        "Microsoft Teams",
		"https://discord.com/api/webhooks/1/x":               "Discord",
		"https://notdiscord.com/api/webhooks/1/x":            "",
		"https://events.pagerduty.com/integration/x/enqueue": "",
		"https://example.com/hooks.slack.com":                "",
		"ml@discord.com":                                     "",
		"https://[":                                          "",
		"":                                                   "",
	}
	for address, want := range tests {
		if got := ChatService(address); got != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
	if !AmazonQ("https://global.sns-api.chatbot.amazonaws.com") || AmazonQ("https://chatbot.amazonaws.com.example.com") || AmazonQ("https://[") {
		t.Error("the subscription of Amazon Q Developer is not recognized by its host")
	}
}

func TestAddressesAreShownWithoutSecrets(t *testing.T) {
	tests := map[Endpoint]string{
		{HTTPS, "https://hooks.example.com/s3cret?t=1"}: "https://hooks.example.com/…",
		{"http", "http://hooks.example.com/s3cret"}:     "http://hooks.example.com/…",
		{Email, "ml@example.com"}:                       "ml@example.com",
	}
	for endpoint, want := range tests {
		if got := endpoint.Shown(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
