package events

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestSizeIsCountedAsEventBridgeDoes(t *testing.T) {
	const fixed = len("personalize.monitor") + len("PersonalizeCampaignDeleted")
	entry := Entry{DetailType: CampaignDeleted, Detail: json.RawMessage(`{"Reason":"ü"}`)}
	if got, want := entry.Size(), fixed+15; got != want {
		t.Errorf("source, type and detail in UTF-8: got %d, want %d", got, want)
	}
	entry.Resources = []string{"arn:1", "arn:22"}
	if got, want := entry.Size(), fixed+15+11; got != want {
		t.Errorf("with resources: got %d, want %d", got, want)
	}
	entry.Time = hour
	if got, want := entry.Size(), fixed+15+11+14; got != want {
		t.Errorf("with a time: got %d, want %d", got, want)
	}
}

func TestAnEventThatIsTooLargeIsNamed(t *testing.T) {
	event := Event{DetailType: DeleteCampaign, Resources: []string{campaign}, Detail: IdleDetail{Reason: strings.Repeat("r", MaxBytes)}}
	for about, resources := range map[string][]string{" about " + campaign: {campaign}, "": nil} {
		event.Resources = resources
		_, err := event.Entry()
		if err == nil || !strings.HasPrefix(err.Error(), "event DeletePersonalizeCampaign"+about+" has 2623") ||
			!strings.HasSuffix(err.Error(), " bytes, more than the 262144 that one call accepts") {
			t.Errorf("got %q", err)
		}
	}
}
