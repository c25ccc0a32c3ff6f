package cycle_test

import (
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// alarmMails are the mails that alarms have sent so far, by alarm and new state.
func (b *bed) alarmMails() map[string]int {
	found := map[string]int{}
	for _, mail := range b.aws.Outbox() {
		for _, state := range []string{"ALARM", "OK", "INSUFFICIENT_DATA"} {
			if strings.HasPrefix(mail.Subject, state+":") {
				_, rest, _ := strings.Cut(mail.Subject, `"`)
				name, _, _ := strings.Cut(rest, `"`)
				found[state+" "+name]++
			}
		}
	}
	return found
}

// A first deployment tells of what is wrong, once, and of nothing that is well.
func TestFirstDeploymentMailsOnlyWhatIsWrong(t *testing.T) {
	estate := flat(2, home)
	shop := &estate.Regions[0].DatasetGroups[0]
	shop.Campaigns = append(shop.Campaigns, localaws.EstateCampaign{
		EstateEndpoint: localaws.EstateEndpoint{Name: "abandoned", Recipe: "aws-sims", Age: 90 * 24 * time.Hour},
	})
	b := newBed(t, estate)
	settings := map[string]string{"NotificationEndpoint": "ml@example.com", config.HourlyChecks: "never"}
	b.run(settings)
	b.aws.ConfirmAll()
	for range 20 {
		b.next()
		b.run(settings)
	}
	got := b.alarmMails()
	if len(got) != 1 || got["ALARM PersonalizeMonitor-IdleCampaign-abandoned"] != 1 {
		t.Errorf("mails: %v", got)
	}
}

// Each endpoint is subscribed once, and one that has not confirmed yet is no error.
func TestSubscriptionsAreMadeOnceAndPendingIsNoError(t *testing.T) {
	b := newBed(t, flat(2, home))
	settings := map[string]string{"NotificationEndpoint": "ml@example.com,ML@example.com,https://example.com/hook"}
	for range 3 {
		if result := b.run(settings); len(result.Problems) > 0 {
			t.Errorf("problems: %v", result.Problems)
		}
		b.next()
		b.restart(b.clock)
	}
	if got := b.aws.Calls()["sns.Subscribe"]; got != 2 {
		t.Errorf("%d subscriptions were made for 2 endpoints", got)
	}
}
