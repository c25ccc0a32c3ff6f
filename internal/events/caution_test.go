package events

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

func TestCautionNotifications(t *testing.T) {
	noticed := time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		name         string
		kind         model.Kind
		caution      rules.Caution
		types        []DetailType
		reason, note string // of the first
	}{
		{"nothing new", model.Campaign, rules.Caution{HeldUntil: noticed, Contest: rules.Contest{Reversals: 2}}, nil, "", ""},
		{
			"failures after a step", model.Campaign,
			rules.Caution{
				NotifyFailures: true, HeldUntil: noticed.Add(14 * 24 * time.Hour), Contest: rules.Contest{Undo: 12},
				Rise: rules.Rise{At: noticed, Minimum: 9, Calls: 4000, Failed: 100},
			},
			[]DetailType{FailuresNoticed},
			"100 of 4000 calls (2.5 %) failed in the 5 minutes from 2026-07-01 09:00, as demand rose to 13.3 TPS, above the minimum of 9; " +
				"nothing is stepped down until 2026-07-15 09:00",
			"To undo the last step-down: personalize-monitor update-tps arn:aws:personalize:eu-west-1:123456789012:campaign/x 12",
		},
		{
			"failures without a step before", model.Recommender,
			rules.Caution{NotifyFailures: true, Rise: rules.Rise{At: noticed, Minimum: 9, Calls: 4000, Failed: 100}},
			[]DetailType{FailuresNoticed},
			"", "The monitor has not lowered its minimum lately.",
		},
		{
			"a contested campaign", model.Campaign,
			rules.Caution{NotifyContest: true, Contest: rules.Contest{Reversals: 2, Last: noticed, Minimum: 12}},
			[]DetailType{MinimumContested},
			"contested: somebody set the minimum back to 12 TPS after a step-down, 2 times in 63 days, last at about 2026-07-01 09:00; " +
				"steps pause until 2026-07-03 09:00",
			"Set minProvisionedTPS to 1 in your Terraform/CDK code, or tag the resource personalize-monitor:protect=tps.",
		},
		{
			"a contested recommender", model.Recommender,
			rules.Caution{NotifyContest: true, Contest: rules.Contest{Reversals: 1, Last: noticed, Minimum: 12}},
			[]DetailType{MinimumContested},
			"",
			"Set minRecommendationRequestsPerSecond to 1 in your Terraform/CDK code, or tag the resource personalize-monitor:protect=tps.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decisionOf(tt.kind, rules.Refused)
			d.Caution = tt.caution
			list := CautionNotifications(d)
			if len(list) != len(tt.types) {
				t.Fatalf("%d notifications, want %d", len(list), len(tt.types))
			}
			for i, e := range list {
				detail := e.Detail.(NotificationDetail)
				var record struct{ ARN, Outcome, Reason, Note string }
				err := json.Unmarshal(detail.Audit, &record)
				if err != nil || e.DetailType != tt.types[i] || record.Note != tt.note || record.Outcome != OutcomeRefused {
					t.Errorf("%s, %+v, %v", e.DetailType, record, err)
				}
				if _, err := DecodeAudit(detail.Audit); err != nil {
					t.Error(err)
				}
				if !strings.HasPrefix(detail.Reason, tt.reason) || detail.Reason != record.Reason {
					t.Errorf("reason %q", detail.Reason)
				}
			}
		})
	}
}
