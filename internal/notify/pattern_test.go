package notify

import (
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

func TestSameEndpoint(t *testing.T) {
	tests := []struct {
		name              string
		endpoint          config.Endpoint
		protocol, address string
		same              bool
	}{
		{"an address", config.Endpoint{Protocol: config.Email, Address: "ops@example.com"}, "email", "ops@example.com", true},
		{"an address in another case", config.Endpoint{Protocol: config.Email, Address: "Ops@example.com"}, "email", "ops@EXAMPLE.com", true},
		{"another address", config.Endpoint{Protocol: config.Email, Address: "ops@example.com"}, "email", "dev@example.com", false},
		{"an address by another protocol", config.Endpoint{Protocol: config.Email, Address: "ops@example.com"}, "email-json", "ops@example.com", false},
		{"a URL", config.Endpoint{Protocol: config.HTTPS, Address: "https://h.io/A"}, "https", "https://h.io/A", true},
		{"a URL in another case", config.Endpoint{Protocol: config.HTTPS, Address: "https://h.io/A"}, "https", "https://h.io/a", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.endpoint.Same(config.Endpoint{Protocol: config.Protocol(tt.protocol), Address: tt.address}); got != tt.same {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestKnownPattern(t *testing.T) {
	tests := []struct {
		name, pattern string
		same          bool
	}{
		{"ours", rulePatterns()[0], true},
		{"the sample's", awsbed.SamplePattern, true},
		{"that of the version before", strings.Replace(awsbed.SamplePattern, `"PersonalizeCampaignDeleted"`, `"PersonalizeCampaignDeleted", "PersonalizeMonitorDryRunDecision"`, 1), true},
		{"another order", `{"source":["personalize.monitor"],"detail-type":["PersonalizeRecommenderStopped","PersonalizeCampaignDeleted","PersonalizeRecommenderMinRecommendationRPSUpdated","PersonalizeCampaignMinProvisionedTPSUpdated"]}`, true},
		{"one type fewer", strings.Replace(awsbed.SamplePattern, `"PersonalizeCampaignDeleted",`, "", 1), false},
		{"one type more", strings.Replace(awsbed.SamplePattern, `"PersonalizeCampaignDeleted"`, `"PersonalizeCampaignDeleted", "Mine"`, 1), false},
		{"one condition more", strings.Replace(awsbed.SamplePattern, `"source"`, `"region": ["eu-west-1"], "source"`, 1), false},
		{"any type", `{"source":["personalize.monitor"]}`, false},
		{"a condition that is no list", `{"source":["personalize.monitor"],"detail":{"ARN":["x"]}}`, false},
		{"nothing", "", false},
		{"no JSON", "{", false},
		{"null", "null", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := patternAge(tt.pattern) >= 0; got != tt.same {
				t.Errorf("got %v", got)
			}
		})
	}
}

func FuzzKnownPattern(f *testing.F) {
	for _, seed := range []string{"", "null", "[]", awsbed.SamplePattern, rulePatterns()[0], `{"source":["a","a"]}`, `{"source":null}`} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, pattern string) { patternAge(pattern) })
}
