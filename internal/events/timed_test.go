package events

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

func TestTimedRequests(t *testing.T) {
	const arn = `{"ARN":"arn:aws:personalize:eu-west-1:123456789012:campaign/home","NewMinTPS":50`
	tests := []struct {
		name, more, fault string
		want              Request // its times, and Scheduled
	}{
		{"for minutes", `,"ForMinutes":90`, "", Request{For: 90 * time.Minute}},
		{"until a time", `,"Until":"2026-03-04T15:00:00+01:00"`, "", Request{Until: time.Date(2026, 3, 4, 14, 0, 0, 0, time.UTC)}},
		{"both", `,"ForMinutes":90,"Until":"2026-03-04T14:00:00Z"`, "are both given", Request{}},
		{"half a minute", `,"ForMinutes":0.5`, "a whole number from 1 to 43200", Request{}},
		{"too many minutes", `,"ForMinutes":43201`, "a whole number from 1 to 43200", Request{}},
		{"a text", `,"ForMinutes":"90"`, "a whole number from 1 to 43200", Request{}},
		{"no time", `,"Until":"tomorrow"`, "such as 2026-03-04T14:00:00Z", Request{}},
		{"a number", `,"Until":5`, "such as 2026-03-04T14:00:00Z", Request{}},
		{"the monitor's own", `,"CurrentMinTPS":9,"ForMinutes":90`, "are for people's requests", Request{}},
		{"by a tag", `,"CurrentMinTPS":9,"Scheduled":"raise"`, "", Request{Scheduled: rules.Raise}},
		{"by a tag, of a person", `,"Scheduled":"raise"`, "events of the monitor", Request{}},
		{"by what is none", `,"CurrentMinTPS":9,"Scheduled":"step-down"`, "valid: raise, lower, return, drop-return", Request{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Decode([]byte(arn + tt.more + "}"))
			if err == nil {
				err = r.Validate(model.ActionUpdate)
			}
			switch {
			case tt.fault != "":
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("%v, want %q", err, tt.fault)
				}
			case err != nil:
				t.Error(err)
			case r.For != tt.want.For || !r.Until.Equal(tt.want.Until) || r.Scheduled != tt.want.Scheduled:
				t.Errorf("%+v", r)
			}
			if err == nil && r.Timed() && r.Validate(model.ActionStop) == nil {
				t.Error("a timed stop")
			}
		})
	}
}

// The length of a raise counts from the time of its event, so that a copy that is delivered late raises nothing again.
func TestRaisesCountFromTheirEvent(t *testing.T) {
	const event = `{"detail-type":"UpdatePersonalizeCampaignMinProvisionedTPS","time":%s,"detail":` +
		`{"ARN":"arn:aws:personalize:eu-west-1:123456789012:campaign/home","NewMinTPS":50,"ForMinutes":90}}`
	asked := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	r, err := Decode(fmt.Appendf(nil, event, `"2026-03-04T12:00:00Z"`))
	if err != nil {
		t.Fatal(err)
	}
	for late, want := range map[time.Duration]bool{0: true, time.Minute: true, 89 * time.Minute: true, 90 * time.Minute: false, 30 * time.Hour: false} {
		due, err := r.Due(asked.Add(late))
		if (err == nil) != want || !due.Equal(asked.Add(90*time.Minute)) {
			t.Errorf("%v late: %v, %v", late, due, err)
		}
	}
	if _, err := r.Due(asked.AddDate(0, 0, -30)); err == nil {
		t.Error("from an event of the future")
	}
	if _, err := Decode(fmt.Appendf(nil, event, `"noon"`)); err == nil || !strings.Contains(err.Error(), `key "time"`) {
		t.Errorf("without a time: %v", err)
	}
}

func TestDue(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 500, time.UTC)
	for length, want := range map[time.Duration]bool{
		14 * time.Minute: false, 15 * time.Minute: true, 30 * 24 * time.Hour: true, 30*24*time.Hour + time.Second: false, -time.Hour: false,
	} {
		due, err := Request{For: length}.Due(now)
		if (err == nil) != want || want && !due.Equal(now.Add(length).Truncate(time.Second)) {
			t.Errorf("%v: %v, %v", length, due, err)
		}
	}
}

// What a decision by a tag requests is what its receiver reads.
func TestScheduledCommands(t *testing.T) {
	for _, verdict := range []rules.Verdict{rules.Raise, rules.Lower, rules.Return, rules.Drop} {
		arn, kind, err := model.ParseResourceARN("arn:aws:personalize:eu-west-1:123456789012:recommender/home")
		if err != nil {
			t.Fatal(err)
		}
		d := rules.Decision{Resource: model.Resource{ARN: arn, Kind: kind, MinTPS: 9}, Verdict: verdict, NewMinTPS: 5, Reason: "because"}
		if got := RequestFor(d); got.Scheduled != verdict || got.CurrentMinTPS != 9 || got.NewMinTPS != 5 || got.DetailType != UpdateRecommender {
			t.Errorf("%s: %+v", verdict, got)
		}
		if record := AuditOf(d, OutcomeAsked, time.Now()); record.Scheduled != verdict || record.Action != model.ActionUpdate || record.NewMinTPS != 5 {
			t.Errorf("%s: %+v", verdict, record)
		}
	}
}
