package events

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// envelope wraps a detail as EventBridge does.
func envelope(detailType, detail string) string {
	return fmt.Sprintf(`{"version":"0","id":"6a7e","detail-type":%q,"source":"personalize.monitor","account":"123456789012",
		"time":"2026-03-04T12:00:00Z","region":"eu-west-1","resources":[%q],"detail":%s}`, detailType, campaign, detail)
}

func TestDecode(t *testing.T) {
	about := func(rest string) string { return `{"ARN":"` + campaign + `"` + rest + `}` }
	tests := []struct {
		name      string
		payload   string
		action    model.Action
		want      Request // ARN and kind are the campaign's unless given
		automatic bool
		fault     string // part of the error; empty if the event is good
	}{
		// Good ones.
		{name: "a bare detail", payload: about(`,"NewMinTPS":5,"Reason":"sale"`), action: model.ActionUpdate, want: Request{NewMinTPS: 5, Reason: "sale"}},
		{name: "no reason", payload: about(`,"NewMinTPS":5`), action: model.ActionUpdate, want: Request{NewMinTPS: 5}},
		{name: "a null reason", payload: about(`,"NewMinTPS":5,"Reason":null`), action: model.ActionUpdate, want: Request{NewMinTPS: 5}},
		{name: "the least", payload: about(`,"NewMinTPS":1`), action: model.ActionUpdate, want: Request{NewMinTPS: 1}},
		{name: "the most", payload: about(`,"NewMinTPS":2147483647`), action: model.ActionUpdate, want: Request{NewMinTPS: MaxMinTPS}},
		{name: "a whole number with a point", payload: about(`,"NewMinTPS":5.0`), action: model.ActionUpdate, want: Request{NewMinTPS: 5}},
		{name: "a whole number with an exponent", payload: about(`,"NewMinTPS":0.5e1`), action: model.ActionUpdate, want: Request{NewMinTPS: 5}},
		{name: "keys that are unknown", payload: about(`,"NewMinTPS":5,"newmintps":"x","Utilization":"high","Audit":{"a":[1]}`), action: model.ActionUpdate, want: Request{NewMinTPS: 5}},
		{
			name: "an event", payload: envelope("DeletePersonalizeCampaign", about(`,"Reason":"why"`)), action: model.ActionDelete,
			want: Request{DetailType: DeleteCampaign, Reason: "why"},
		},
		{name: "an event without its type", payload: `{"detail":` + about("") + `}`, action: model.ActionDelete},
		{
			name: "an automatic step-down", payload: envelope("UpdatePersonalizeCampaignMinProvisionedTPS",
				about(`,"Utilization":36.5,"AgeHours":100,"CurrentMinTPS":40,"NewMinTPS":30,"MinAverageTPS":5,"MaxAverageTPS":14,"Datapoints":[]`)),
			action: model.ActionUpdate, automatic: true, want: Request{DetailType: UpdateCampaign, NewMinTPS: 30, CurrentMinTPS: 40},
		},
		{
			name: "an automatic stop", payload: envelope("StopPersonalizeRecommender", `{"ARN":"`+recommender+`","IdleThresholdHours":24,"UsedIdleThresholdHours":300,"Reason":"idle"}`),
			action: model.ActionStop, automatic: true,
			want: Request{DetailType: StopRecommender, ARN: mustARN(recommender), Kind: model.Recommender, IdleThresholdHours: 24, UsedIdleThresholdHours: 300, Reason: "idle"},
		},
		{
			name: "a start", payload: `{"ARN":"` + recommender + `"}`, action: model.ActionStart,
			want: Request{ARN: mustARN(recommender), Kind: model.Recommender},
		},

		// The payload.
		{name: "nothing", payload: " ", fault: "the event is empty"},
		{name: "no JSON", payload: "ARN=x", fault: "the event is not JSON: ARN=x"},
		{name: "two values", payload: about("") + about(""), fault: "the event is not JSON"},
		{name: "an array", payload: "[" + about("") + "]", fault: "the event is not a JSON object: ["},
		{name: "a list of entries", payload: `[{"DetailType":"DeletePersonalizeCampaign","Detail":"{}"}]`, fault: `; valid: one event as EventBridge delivers it, {"detail-type": "…", "detail": {…}}, or its detail alone`},
		{name: "an object with entries", payload: `{"Entries":[{"DetailType":"DeletePersonalizeCampaign","Detail":"{}"}]}`, fault: `has the key "Entries" of what put-events takes; valid: one event`},
		{name: "an entry", payload: `{"Source":"me","DetailType":"DeletePersonalizeCampaign","Detail":"{}"}`, fault: `has the key "DetailType" of what put-events takes; valid: one event`},
		{name: "a key like those of entries", payload: about(`,"Detail":"x"`), action: model.ActionDelete},
		{name: "a text", payload: `"` + campaign + `"`, fault: "the event is not a JSON object"},
		{name: "null", payload: "null", fault: "the event is not a JSON object: null"},
		{name: "a null detail", payload: envelope("DeletePersonalizeCampaign", "null"), fault: "the detail is not a JSON object: null"},
		{name: "a detail as text", payload: envelope("DeletePersonalizeCampaign", `"{}"`), fault: `the detail is not a JSON object: "{}"`},
		{name: "an array as detail", payload: envelope("DeletePersonalizeCampaign", `[1]`), fault: "the detail is not a JSON object: [1]"},
		{name: "no detail", payload: `{"detail-type":"DeletePersonalizeCampaign"}`, fault: `key "detail" is missing`},
		{name: "an ARN beside the detail", payload: `{"ARN":"` + campaign + `","detail":{"ARN":"` + campaign + `"}}`, fault: `key "ARN" is beside "detail"`},
		{name: "a type that is no text", payload: `{"detail-type":7,"detail":{}}`, fault: `key "detail-type" is 7; valid: a text`},
		{name: "an empty type", payload: `{"detail-type":"","detail":{}}`, fault: `key "detail-type" is empty`},
		{name: "a schedule's event", payload: envelope("Scheduled Event", "{}"), fault: `type "Scheduled Event" requests no action`},
		{name: "a notification", payload: envelope("PersonalizeCampaignDeleted", about("")), fault: `type "PersonalizeCampaignDeleted" requests no action`},
		{name: "a rebuild", payload: envelope("BuildPersonalizeMonitorDashboard", about("")), fault: "requests no action"},

		// The ARN.
		{name: "no ARN", payload: `{"NewMinTPS":5}`, fault: `key "ARN" is missing`},
		{name: "an ARN in other letters", payload: `{"arn":"` + campaign + `"}`, fault: `key "ARN" is missing`},
		{name: "a null ARN", payload: `{"ARN":null}`, fault: `key "ARN" is null; valid: a text`},
		{name: "an empty ARN", payload: `{"ARN":""}`, fault: `key "ARN": "" is not an ARN`},
		{name: "a list of ARNs", payload: `{"ARN":["` + campaign + `"]}`, fault: `key "ARN" is ["arn:`},
		{name: "a name", payload: `{"ARN":"home"}`, fault: `key "ARN": "home" is not an ARN`},
		{name: "a solution's ARN", payload: `{"ARN":"` + strings.Replace(campaign, "campaign", "solution", 1) + `"}`, fault: "is not the ARN of a Personalize campaign or recommender"},
		{name: "an ARN without a region", payload: `{"ARN":"arn:aws:personalize::123456789012:campaign/home"}`, fault: "names no valid region"},

		// The minimum.
		{name: "no minimum", payload: about(""), action: model.ActionUpdate, fault: `key "NewMinTPS" is missing`},
		{name: "zero", payload: about(`,"NewMinTPS":0`), fault: `key "NewMinTPS" is 0; valid: a whole number from 1 to 2147483647`},
		{name: "negative", payload: about(`,"NewMinTPS":-3`), fault: `key "NewMinTPS" is -3;`},
		{name: "a fraction", payload: about(`,"NewMinTPS":2.5`), fault: `key "NewMinTPS" is 2.5;`},
		{name: "hardly a fraction", payload: about(`,"NewMinTPS":1.0000000000000000000000001`), fault: `key "NewMinTPS" is 1.0000000000000000000000001;`},
		{name: "a text", payload: about(`,"NewMinTPS":"5"`), fault: `key "NewMinTPS" is "5";`},
		{name: "a boolean", payload: about(`,"NewMinTPS":true`), fault: `key "NewMinTPS" is true;`},
		{name: "null as minimum", payload: about(`,"NewMinTPS":null`), fault: `key "NewMinTPS" is null;`},
		{name: "one too much", payload: about(`,"NewMinTPS":2147483648`), fault: `key "NewMinTPS" is 2147483648;`},
		{name: "huge", payload: about(`,"NewMinTPS":1e400000000`), fault: `key "NewMinTPS" is 1e400000000;`},
		{name: "tiny", payload: about(`,"NewMinTPS":1e-400000000`), fault: `key "NewMinTPS" is 1e-400000000;`},
		{name: "long", payload: about(`,"NewMinTPS":5.` + strings.Repeat("0", 1000)), fault: `key "NewMinTPS" is 5.000`},

		// The rest.
		{name: "a reason that is no text", payload: about(`,"Reason":{"a":1}`), fault: `key "Reason" is {"a":1}; valid: a text`},
		{name: "an automatic event that does not have its minimum", payload: about(`,"NewMinTPS":1,"CurrentMinTPS":null`), fault: `key "CurrentMinTPS" is null;`},
		{name: "an idle time of nought", payload: about(`,"IdleThresholdHours":0`), fault: `key "IdleThresholdHours" is 0; valid: a whole number from 1 to 168`},
		{name: "an idle time of what was called too long", payload: about(`,"UsedIdleThresholdHours":1081`), fault: `key "UsedIdleThresholdHours" is 1081; valid: a whole number from 1 to 1080`},
		{name: "an idle time too long", payload: about(`,"IdleThresholdHours":169`), fault: `key "IdleThresholdHours" is 169;`},

		// The action.
		{name: "a recommender to delete", payload: `{"ARN":"` + recommender + `"}`, action: model.ActionDelete, fault: "deletes campaigns; " + recommender + " is a recommender"},
		{name: "a campaign to stop", payload: about(""), action: model.ActionStop, fault: "is about recommenders; " + campaign + " is a campaign"},
		{name: "a campaign to start", payload: about(""), action: model.ActionStart, fault: "is about recommenders"},
		{
			name: "a deletion to update-tps", payload: envelope("DeletePersonalizeCampaign", about(`,"Reason":"x"`)), action: model.ActionUpdate,
			fault: "which accepts UpdatePersonalizeCampaignMinProvisionedTPS, UpdatePersonalizeRecommenderMinRecommendationRPS or a bare detail",
		},
		{name: "an update to the delete function", payload: envelope("UpdatePersonalizeCampaignMinProvisionedTPS", about(`,"NewMinTPS":5`)), action: model.ActionDelete, fault: `"UpdatePersonalizeCampaignMinProvisionedTPS" is not for delete-campaign, which accepts DeletePersonalizeCampaign`},
		{name: "a stop to the update function", payload: envelope("StopPersonalizeRecommender", about("")), action: model.ActionUpdate, fault: "is not for update-tps"},
		{name: "a delete to the stop function", payload: envelope("DeletePersonalizeCampaign", about("")), action: model.ActionStop, fault: "is not for stop-recommender"},
		{name: "a stop to start", payload: envelope("StopPersonalizeRecommender", `{"ARN":"`+recommender+`"}`), action: model.ActionStart, fault: "is not for start-recommender, which accepts a bare detail"},
		{name: "a recommender's update about a campaign", payload: envelope("UpdatePersonalizeRecommenderMinRecommendationRPS", about(`,"NewMinTPS":5`)), action: model.ActionUpdate, fault: `"UpdatePersonalizeRecommenderMinRecommendationRPS" about a campaign`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Decode([]byte(tt.payload))
			if err == nil && tt.action != "" {
				err = got.Validate(tt.action)
			}
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("got %+v, error %v, want %q", got, err, tt.fault)
				}
				return
			}
			want := tt.want
			if want.ARN == (model.ARN{}) {
				want.ARN, want.Kind = mustARN(campaign), model.Campaign
			}
			if err != nil || got != want || got.Automatic() != tt.automatic {
				t.Errorf("got %+v (automatic %v), %v; want %+v", got, got.Automatic(), err, want)
			}
		})
	}
}

func mustARN(s string) model.ARN {
	arn, err := model.ParseARN(s)
	if err != nil {
		panic(err)
	}
	return arn
}

// What the monitor sends is what the receivers read.
func TestCommandsOfOursAreAutomaticRequests(t *testing.T) {
	for _, event := range examples() {
		if commandActions[event.DetailType] == "" {
			continue
		}
		entry, err := event.Entry()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeDetail(event.DetailType, entry.Detail)
		action := got.Action()
		if err != nil || action == "" || got.Validate(action) != nil || !got.Automatic() || got.ARN.String() != event.Resources[0] {
			t.Errorf("%s: %+v, %v", event.DetailType, got, err)
		}
		if again, err := Decode([]byte(envelope(string(entry.DetailType), string(entry.Detail)))); err != nil || again != got {
			t.Errorf("%s on the bus: %+v, %v", event.DetailType, again, err)
		}
	}
}

func TestMinimum(t *testing.T) {
	for text, want := range map[string]int{"1": 1, "30": 30, "30.0": 30, "2147483647": MaxMinTPS} {
		if got, err := ParseMinTPS(text); err != nil || got != want {
			t.Errorf("%s: got %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "1.5", "ten", `"5"`, "2147483648", "0x10", " 5", "1_000"} {
		if got, err := ParseMinTPS(text); err == nil {
			t.Errorf("%q: got %d", text, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"ARN":"` + campaign + `","NewMinTPS":5.0,"Reason":"x"}`))
	f.Add([]byte(envelope("DeletePersonalizeCampaign", `{"ARN":"`+campaign+`","IdleThresholdHours":24}`)))
	f.Add([]byte(`{"detail":{"ARN":"x"},"detail-type":"y"}`))
	f.Add([]byte(`{"NewMinTPS":1e99}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := Decode(payload)
		if err != nil {
			if got != (Request{}) {
				t.Errorf("an error, and yet %+v", got)
			}
			return
		}
		if !json.Valid(payload) {
			t.Errorf("accepted what is no JSON: %q", payload)
		}
		if _, kind, err := model.ParseResourceARN(got.ARN.String()); err != nil || kind != got.Kind {
			t.Errorf("%q: ARN %s of kind %s", payload, got.ARN, got.Kind)
		}
		if got.NewMinTPS < 0 || got.NewMinTPS > MaxMinTPS || got.IdleThresholdHours < 0 || got.CurrentMinTPS < 0 {
			t.Errorf("%q: %+v", payload, got)
		}
	})
}

// Each action is about its own kind of resource.
func TestActionsAboutSolutions(t *testing.T) {
	solution := Request{ARN: mustARN("arn:aws:personalize:us-east-1:123456789012:solution/shop"), Kind: model.Solution}
	if err := solution.Validate(model.ActionPause); err != nil {
		t.Error(err)
	}
	if err := solution.Validate(model.ActionUpdate); err == nil || !strings.Contains(err.Error(), "is not about a solution") {
		t.Errorf("update-tps: %v", err)
	}
	campaign := Request{ARN: mustARN(campaign), Kind: model.Campaign}
	for _, action := range []model.Action{model.ActionPause, model.ActionResume} {
		if err := campaign.Validate(action); err == nil || !strings.Contains(err.Error(), "is not about a campaign") {
			t.Errorf("%s: %v", action, err)
		}
	}
}
