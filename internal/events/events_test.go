package events

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	campaign    = "arn:aws:personalize:eu-west-1:123456789012:campaign/home"
	recommender = "arn:aws:personalize:eu-west-1:123456789012:recommender/home"
)

var hour = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// examples has one event of each detail type, in the order of their constants.
func examples() []Event {
	audit := json.RawMessage(`{"rule":"step-down","by":"personalize-monitor <1.0>"}`)
	points := Datapoints{
		{Time: hour, Value: 36000},
		{Time: hour.Add(time.Hour).In(time.FixedZone("", 3600)), Value: 28800.5},
	}
	stepDown := UpdateDetail{
		ARN: campaign, Utilization: 41.25, AgeHours: 312, CurrentMinTPS: 10, NewMinTPS: 8,
		MinAverageTPS: 8, MaxAverageTPS: 10, Datapoints: points, Reason: "lowest hour averaged 8.0 TPS < 10", Audit: audit,
	}
	bare := UpdateDetail{ARN: recommender, CurrentMinTPS: 2, NewMinTPS: 1, Reason: "no traffic"}
	idle := IdleDetail{ARN: campaign, AgeHours: 50, IdleThresholdHours: 24, Reason: "no request in 24 hours"}
	stop := idle
	stop.ARN, stop.Audit = recommender, audit
	return []Event{
		{DetailType: BuildDashboard, Detail: BuildDetail{Reason: "2 alarms created"}},
		{DetailType: UpdateCampaign, Resources: []string{campaign}, Detail: stepDown, Time: hour},
		{DetailType: UpdateRecommender, Resources: []string{recommender}, Detail: bare},
		{DetailType: DeleteCampaign, Resources: []string{campaign}, Detail: idle},
		{DetailType: StopRecommender, Resources: []string{recommender}, Detail: stop},
		{DetailType: CampaignUpdated, Resources: []string{campaign}, Detail: NotificationDetail{ARN: campaign, NewMinTPS: 8, Reason: "why"}},
		{DetailType: RecommenderUpdated, Resources: []string{recommender}, Detail: NotificationDetail{ARN: recommender, NewMinTPS: 1, Reason: "why", Audit: audit}},
		{DetailType: CampaignDeleted, Resources: []string{campaign}, Detail: NotificationDetail{ARN: campaign, Reason: "why"}},
		{DetailType: RecommenderStopped, Resources: []string{recommender}, Detail: NotificationDetail{ARN: recommender, Reason: "why", Audit: audit}},
	}
}

func TestDetailsAreWrittenAsDocumented(t *testing.T) {
	for _, event := range examples() {
		t.Run(string(event.DetailType), func(t *testing.T) {
			entry, err := event.Entry()
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := json.Indent(&got, entry.Detail, "", "  "); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			golden := filepath.Join("testdata", string(event.DetailType)+".json")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got %s, want %s", got.String(), want)
			}
		})
	}
}

func TestABuildForAResourceNamesIt(t *testing.T) {
	entry, err := Event{DetailType: BuildDashboard, Detail: BuildDetail{ARN: campaign, Reason: "deleted"}}.Entry()
	if want := `{"ARN":"` + campaign + `","Reason":"deleted"}`; err != nil || string(entry.Detail) != want {
		t.Errorf("got %s, %v; want %s", entry.Detail, err, want)
	}
}

func TestDetailTypesByKind(t *testing.T) {
	tests := []struct {
		name                  string
		of                    func(model.Kind) DetailType
		campaign, recommender DetailType
	}{
		{"another minimum is requested", UpdateType, UpdateCampaign, UpdateRecommender},
		{"what is idle is to go", IdleType, DeleteCampaign, StopRecommender},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.of(model.Campaign); got != tt.campaign {
				t.Errorf("campaign: got %s", got)
			}
			if got := tt.of(model.Recommender); got != tt.recommender {
				t.Errorf("recommender: got %s", got)
			}
		})
	}
	want := []DetailType{
		CampaignUpdated, CampaignDeleted, RecommenderUpdated, RecommenderStopped, DryRunDecision, FailuresNoticed, MinimumContested,
		TrainingPaused, TrainingResumed,
		ReturnDropped,
	}
	if got := NotificationTypes(); !slices.Equal(got, want) {
		t.Errorf("notifications: got %v, want %v", got, want)
	}
}

func TestEncodeRefusesWhatIsNoDetail(t *testing.T) {
	tests := []struct {
		name   string
		detail any
		want   string
	}{
		{"nothing", nil, "is not a JSON object"},
		{"a text", "x", "string is not a JSON object"},
		{"a list", []int{1}, "[]int is not a JSON object"},
		{"a utilization that is no number", IdleDetail{Utilization: math.NaN()}, "unsupported value: NaN"},
		{"an audit that is no JSON", NotificationDetail{Audit: json.RawMessage("{")}, "unexpected end of JSON input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Event{DetailType: DeleteCampaign, Detail: tt.detail}.Entry()
			if err == nil || !strings.HasPrefix(err.Error(), "encode the detail of DeletePersonalizeCampaign: ") ||
				!strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestAnUpdateTooLongLosesItsDatapoints(t *testing.T) {
	short := Event{
		DetailType: UpdateCampaign, Resources: []string{campaign}, Time: hour,
		Detail: UpdateDetail{ARN: campaign, NewMinTPS: 1, Datapoints: Datapoints{{Time: hour, Value: 1}}},
	}
	entry, err := short.Entry()
	if err != nil {
		t.Fatal(err)
	}
	room := MaxBytes - entry.Size()
	for _, tt := range []struct {
		name   string
		reason int
		keeps  bool
	}{
		{"at the limit they stay", room, true},
		{"one byte beyond they go", room + 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			event := short
			detail := event.Detail.(UpdateDetail)
			detail.Reason = strings.Repeat("r", tt.reason)
			event.Detail = detail
			entry, err := event.Entry()
			if err != nil {
				t.Fatal(err)
			}
			if keeps := !bytes.Contains(entry.Detail, []byte(`"Datapoints":[]`)); keeps != tt.keeps {
				t.Errorf("datapoints kept: %v", keeps)
			}
		})
	}
	short.Detail = UpdateDetail{Reason: strings.Repeat("r", MaxBytes), Datapoints: Datapoints{{Time: hour, Value: 1}}}
	if entry, err := short.Entry(); err == nil {
		t.Errorf("of %d bytes without its datapoints", entry.Size())
	}
}
