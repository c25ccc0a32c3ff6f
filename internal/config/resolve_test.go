package config

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

const (
	campaignA    = "arn:aws:personalize:eu-west-1:123456789012:campaign/a"
	campaignB    = "arn:aws-cn:personalize:cn-north-1:123456789012:campaign/b"
	recommenderA = "arn:aws:personalize:eu-west-1:123456789012:recommender/a"
)

func arns(t *testing.T, texts ...string) []model.ARN {
	t.Helper()
	var list []model.ARN
	for _, text := range texts {
		arn, _, err := model.ParseResourceARN(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, arn)
	}
	return list
}

func env(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		text, ok := variables[name]
		return text, ok
	}
}

func event(t *testing.T, text string) map[string]json.RawMessage {
	t.Helper()
	var e map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestResolveGivesTheDefaults(t *testing.T) {
	got, err := Resolve(Sources{})
	if err != nil {
		t.Fatal(err)
	}
	want := Values{
		Campaigns:                   model.Selection{All: true},
		Recommenders:                model.Selection{All: true},
		AutoCreateUtilizationAlarms: true,
		UtilizationThreshold:        100,
		AutoAdjustMinTPS:            model.On,
		AutoDeleteOrStopIdle:        model.Off,
		MaxRemovalsPerHour:          5,
		AutoCreateIdleAlarms:        true,
		IdleThresholdHours:          24,
		UsedIdleThresholdHours:      192,
		HourlyChecks:                model.Auto,
		MetricDelay:                 2 * time.Minute,
		DashboardName:               "Amazon-Personalize-Monitor",
		origins:                     map[string]string{},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, spec := range All() {
		if got.origins[spec.Name] != "" {
			t.Errorf("%s counts as given", spec.Name)
		}
	}
}

func TestSpecsAreComplete(t *testing.T) {
	names, flags := map[string]bool{}, map[string]bool{}
	for _, spec := range All() {
		if spec.Name == "" || spec.Flag == "" || spec.Help == "" || spec.Valid == "" {
			t.Errorf("incomplete: %+v", spec)
		}
		if names[spec.Name] || flags[spec.Flag] {
			t.Errorf("twice: %+v", spec)
		}
		names[spec.Name], flags[spec.Flag] = true, true
	}
	if len(names) != 17 {
		t.Errorf("%d parameters", len(names))
	}
}

func TestResolveOrder(t *testing.T) {
	const name, flag = IdleThresholdHours, "idle-threshold-hours"
	tests := []struct {
		name  string
		src   Sources
		want  int
		given bool
	}{
		{"the default if nothing is given", Sources{}, 24, false},
		{"an entry point's own default wins over the general one", Sources{Defaults: map[string]string{name: "12"}}, 12, false},
		{"the environment wins over defaults", Sources{
			Env: env(map[string]string{name: "30"}), Defaults: map[string]string{name: "12"},
		}, 30, true},
		{"a flag wins over the environment", Sources{
			Flags: map[string]string{flag: "31"}, Env: env(map[string]string{name: "30"}),
		}, 31, true},
		{"an event wins over a flag", Sources{
			Event: event(t, `{"IdleThresholdHours": 32}`), Flags: map[string]string{flag: "31"},
		}, 32, true},
		{"an empty variable is not given", Sources{Env: env(map[string]string{name: ""})}, 24, false},
		{"a blank variable is not given", Sources{Env: env(map[string]string{name: " \t"})}, 24, false},
		{"null in an event is not given", Sources{
			Event: event(t, `{"IdleThresholdHours": null}`), Env: env(map[string]string{name: "30"}),
		}, 30, true},
		{"an empty string in an event is not given", Sources{
			Event: event(t, `{"IdleThresholdHours": ""}`), Flags: map[string]string{flag: "31"},
		}, 31, true},
		{"a value equal to the default is given all the same", Sources{Flags: map[string]string{flag: "24"}}, 24, true},
		{"a weaker value is not looked at", Sources{
			Flags: map[string]string{flag: "31"}, Env: env(map[string]string{name: "nonsense"}),
		}, 31, true},
		{"other keys of an event are ignored", Sources{
			Event: event(t, `{"ServiceToken": {"a": [1]}, "idlethresholdhours": 3}`),
		}, 24, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Resolve(tt.src)
			if err != nil {
				t.Fatal(err)
			}
			if got.IdleThresholdHours != tt.want || (got.origins[name] != "") != tt.given {
				t.Errorf("got %d (given: %v), want %d (%v)", got.IdleThresholdHours, (got.origins[name] != ""), tt.want, tt.given)
			}
		})
	}
}

func TestAnExplicitNoInAnEventWinsOverTheEnvironment(t *testing.T) {
	for _, no := range []string{`false`, `"No"`, `"no"`, `"false"`, `"FALSE"`, `"0"`, `0`} {
		got, err := Resolve(Sources{
			Event: event(t, `{"AutoDeleteOrStopIdleResources": `+no+`, "AutoAdjustMinTPS": `+no+`}`),
			Env:   env(map[string]string{AutoDeleteOrStopIdleResources: "Yes", AutoAdjustMinTPS: "Yes"}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if !got.AutoDeleteOrStopIdle.Is(model.Off) || !got.AutoAdjustMinTPS.Is(model.Off) || !got.AutoCreateIdleAlarms {
			t.Errorf("%s: %+v", no, got)
		}
	}
}

func TestAnEmptyFlag(t *testing.T) {
	variables := env(map[string]string{Regions: "eu-west-1", NotificationEndpoint: "a@example.com"})
	got, err := Resolve(Sources{Flags: map[string]string{"regions": "", "notification-endpoint": " "}, Env: variables})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Regions)+len(got.Endpoints) != 0 || !(got.origins[Regions] != "") || !(got.origins[NotificationEndpoint] != "") {
		t.Errorf("an empty flag does not mean none: %+v", got)
	}
	for _, spec := range All() {
		if spec.Name == Regions || spec.Name == NotificationEndpoint || spec.Name == KMSKeyARN {
			continue
		}
		if _, err := Resolve(Sources{Flags: map[string]string{spec.Flag: ""}}); err == nil {
			t.Errorf("an empty --%s is accepted", spec.Flag)
		}
	}
}

func TestInvalidTellsEverythingInOneLine(t *testing.T) {
	_, err := Resolve(Sources{
		Event: event(t, `{"CampaignARNs": "`+recommenderA+`", "MetricDelay": {"a": 1}, "DashboardName": ["x", 3]}`),
		Flags: map[string]string{"idle-threshold-hours": "169"},
		Env: env(map[string]string{
			Regions: "all", NotificationEndpoint: "https://joe:secret@example.com/x,b@example.com",
		}),
		Defaults: map[string]string{HourlyChecks: "often"},
	})
	var invalid *Invalid
	if !errors.As(err, &invalid) {
		t.Fatalf("got %v", err)
	}
	var names []string
	for _, fault := range invalid.Faults {
		names = append(names, fault.Name)
	}
	want := []string{CampaignARNs, Regions, IdleThresholdHours, NotificationEndpoint, HourlyChecks, MetricDelay, DashboardName}
	if !slices.Equal(names, want) {
		t.Errorf("faults %v, want %v", names, want)
	}
	line := err.Error()
	for _, part := range []string{
		"7 invalid parameters: ",
		`CampaignARNs: "` + recommenderA + `" is the ARN of a recommender, not of a campaign (valid: all, none, or the ARNs of campaigns, separated by commas; from: event)`,
		`Regions: "all" is not supported`,
		`; IdleThresholdHours: "169" is out of range (valid: 1 to 168, whole hours; from: --idle-threshold-hours)`,
		`"https://***@example.com/…" contains a user name`,
		`HourlyChecks: "often" is not a mode (valid: auto, always or never; from: default)`,
		`MetricDelay: the JSON object "{\"a\":1}" is not accepted`,
		`DashboardName: the JSON list "[\"x\",3]" is not accepted: not all its items are strings`,
		"from: environment",
	} {
		if !strings.Contains(line, part) {
			t.Errorf("%q is missing in %s", part, line)
		}
	}
	if strings.Contains(line, "secret") || strings.Contains(line, "\n") {
		t.Error(line)
	}

	_, err = Resolve(Sources{Flags: map[string]string{"auto-adjust-min-tps": "may\nbe"}})
	const one = `invalid parameter AutoAdjustMinTPS: "may\nbe" is neither yes nor no nor DryRun ` +
		`(valid: yes, no (also true, false, 1, 0) or DryRun, which only reports what it would do; from: --auto-adjust-min-tps)`
	if err == nil || err.Error() != one {
		t.Errorf("got %v, want %s", err, one)
	}
}

func TestText(t *testing.T) {
	values, err := Resolve(Sources{Flags: map[string]string{
		"campaign-arns": campaignA + "," + campaignB, "recommender-arns": "none", "regions": "eu-west-1,us-east-1",
		"auto-create-idle-alarms": "no", "utilization-threshold": "62.5", "auto-delete-or-stop-idle": "dry-run",
		"notification-endpoint": "a@example.com,b@example.com", "metric-delay": "90s", "chat-notifications": "yes",
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		CampaignARNs: campaignA + ", " + campaignB, RecommenderARNs: "none", Regions: "eu-west-1, us-east-1",
		AutoCreateUtilizationAlarms: "Yes", UtilizationThresholdAlarmLowerBound: "62.5", AutoAdjustMinTPS: "Yes",
		AutoCreateIdleAlarms: "No", IdleThresholdHours: "24", UsedIdleThresholdHours: "192", AutoDeleteOrStopIdleResources: "DryRun", MaxStopsOrDeletesPerHour: "5",
		NotificationEndpoint: "2", ChatNotifications: "Yes", KMSKeyARN: "", HourlyChecks: "auto", MetricDelay: "1m30s", DashboardName: "Amazon-Personalize-Monitor",
	}
	for _, spec := range All() {
		if got := values.Text(spec.Name); got != want[spec.Name] {
			t.Errorf("%s: %q, want %q", spec.Name, got, want[spec.Name])
		}
	}
}
