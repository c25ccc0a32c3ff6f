package config

import (
	"errors"
	"strings"
	"testing"
)

func TestWithin(t *testing.T) {
	const (
		campaign    = "arn:aws:personalize:eu-west-1:123456789012:campaign/c"
		recommender = "arn:aws-cn:personalize:cn-north-1:123456789012:recommender/r"
	)
	for _, tt := range []struct {
		name   string
		home   string
		flags  map[string]string
		faults string // the parameters refused
	}{
		{"nothing named", "cn-north-1", nil, ""},
		{"another region of the partition", "us-east-1", map[string]string{"campaign-arns": campaign, "regions": "ap-south-1"}, ""},
		{"a campaign elsewhere", "us-gov-west-1", map[string]string{"campaign-arns": campaign}, "CampaignARNs"},
		{"a recommender elsewhere", "us-east-1", map[string]string{"recommender-arns": recommender}, "RecommenderARNs"},
		{"a region elsewhere", "cn-north-1", map[string]string{"recommender-arns": recommender, "regions": "cn-northwest-1,us-east-1"}, "Regions"},
		{"all at once", "us-gov-west-1", map[string]string{"campaign-arns": campaign, "recommender-arns": recommender, "regions": "us-east-1"}, "CampaignARNs RecommenderARNs Regions"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			values, err := Resolve(Sources{Flags: tt.flags})
			if err != nil {
				t.Fatal(err)
			}
			var invalid *Invalid
			var refused []string
			if errors.As(values.Within(tt.home), &invalid) {
				for _, fault := range invalid.Faults {
					refused = append(refused, fault.Name)
				}
			}
			if got := strings.Join(refused, " "); got != tt.faults {
				t.Errorf("refused %q, want %q", got, tt.faults)
			}
		})
	}
}
