package cloudwatch

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// steady is a source that is 2 in every 5 minutes.
type steady struct{}

func (steady) Value(time.Time) (float64, bool) { return 2, true }

// TestDecide holds the worked examples of the CloudWatch user guide ("Configuring how
// CloudWatch alarms treat missing data"): X breaches, 0 does not, - is missing, the newest
// is on the right. The wanted states are for missing, ignore, breaching and notBreaching.
func TestDecide(t *testing.T) {
	const (
		ok, alarm, none, keep = stateOK, stateAlarm, stateInsufficient, "kept"
	)
	tests := []struct {
		name string
		m, n int
		data string
		want [4]string
	}{
		{"3 of 3: three real data, not all breach", 3, 3, "0 - X - X", [4]string{ok, ok, ok, ok}},
		{"3 of 3: one good datum", 3, 3, "0 - - - -", [4]string{ok, ok, ok, ok}},
		{"3 of 3: nothing", 3, 3, "- - - - -", [4]string{none, keep, alarm, ok}},
		{"3 of 3: the three newest breach", 3, 3, "0 X X - X", [4]string{alarm, alarm, alarm, alarm}},
		{"3 of 3: premature alarm", 3, 3, "- - X - -", [4]string{alarm, keep, alarm, ok}},
		{"2 of 3: two of the three newest real data breach", 2, 3, "0 - X - X", [4]string{alarm, alarm, alarm, alarm}},
		{"2 of 3: nothing missing among the newest", 2, 3, "0 0 X 0 X", [4]string{alarm, alarm, alarm, alarm}},
		{"2 of 3: one breach, one good", 2, 3, "0 - X - -", [4]string{ok, ok, alarm, ok}},
		{"2 of 3: one good", 2, 3, "- - - - 0", [4]string{ok, ok, alarm, ok}},
		{"2 of 3: premature alarm", 2, 3, "- - - X -", [4]string{alarm, keep, alarm, ok}},

		{"3 of 3: a breach that is not old enough", 3, 3, "- - - - X", [4]string{ok, keep, alarm, ok}},
		{"3 of 3: two breaches, not old enough", 3, 3, "- - - X X", [4]string{ok, keep, alarm, ok}},
		{"3 of 3: two breaches, old enough", 3, 3, "- - X - X", [4]string{alarm, keep, alarm, ok}},
		{"only the newest count when enough are real", 3, 3, "X X 0 0 0", [4]string{ok, ok, ok, ok}},
		{"older ones do not help an alarm", 2, 3, "X X 0 0 X", [4]string{ok, ok, ok, ok}},
		{"1 of 1: nothing in this and the two before", 1, 1, "- - -", [4]string{none, keep, alarm, ok}},
		{"1 of 1: falls back on the one before", 1, 1, "- X -", [4]string{alarm, alarm, alarm, alarm}},
		{"1 of 1: the newest wins", 1, 1, "X X 0", [4]string{ok, ok, ok, ok}},
	}
	for _, tt := range tests {
		for i, treat := range []string{"missing", "ignore", "breaching", "notBreaching"} {
			t.Run(tt.name+", "+treat, func(t *testing.T) {
				m := int32(tt.m)
				c := settings{EvaluationPeriods: new(int32(tt.n)), DatapointsToAlarm: &m, TreatMissingData: &treat}
				state, kept := c.decide(dataFrom(tt.data))
				if kept {
					state = keep
				}
				if state != tt.want[i] {
					t.Errorf("%s: %s, want %s", tt.data, state, tt.want[i])
				}
			})
		}
	}
}

// dataFrom reads data written oldest first.
func dataFrom(text string) []periodValue {
	marks := strings.Fields(text)
	data := make([]periodValue, len(marks))
	for i, mark := range marks {
		data[len(marks)-1-i] = periodValue{present: mark != "-", breaches: mark == "X"}
	}
	return data
}

func TestBreaches(t *testing.T) {
	tests := []struct {
		comparison          string
		below, equal, above bool
	}{
		{"GreaterThanOrEqualToThreshold", false, true, true},
		{"GreaterThanThreshold", false, false, true},
		{"LessThanThreshold", true, false, false},
		{"LessThanOrEqualToThreshold", true, true, false},
	}
	for _, tt := range tests {
		c := settings{ComparisonOperator: &tt.comparison, Threshold: new(10.0)}
		if c.breaches(9.99) != tt.below || c.breaches(10) != tt.equal || c.breaches(10.01) != tt.above {
			t.Errorf("%s: below %v, equal %v, above %v", tt.comparison, c.breaches(9.99), c.breaches(10), c.breaches(10.01))
		}
	}
}

func TestAlarmMail(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	a := alarm{
		home: api.Home{Account: "123456789012", Region: "us-east-1"},
		description: description{ARN: "arn:a", State: stateAlarm, Reason: "because", Configured: noon, settings: settings{
			AlarmName: new(`Low "x"`), MetricName: new("m"), Namespace: new("Test"), Statistic: new("Average"), Period: new(int32(300)),
			EvaluationPeriods: new(int32(12)), ComparisonOperator: new("LessThanThreshold"), Threshold: new(100.0),
			AlarmActions: []string{"arn:t"}, Dimensions: []dimension{{"CampaignArn", "arn:c"}},
		}},
	}
	if got, want := a.subject(), `ALARM: "Low \"x\"" in US East (N. Virginia)`; got != want {
		t.Errorf("subject %s, want %s", got, want)
	}
	*a.AlarmName = strings.Repeat("n", 255)
	if n := len(a.subject()); n != 100 {
		t.Errorf("subject of %d characters", n)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(a.message(stateOK, noon)), &got); err != nil {
		t.Fatal(err)
	}
	trigger, _ := got["Trigger"].(map[string]any)
	for key, want := range map[string]any{
		"NewStateValue": "ALARM", "OldStateValue": "OK", "NewStateReason": "because", "AWSAccountId": "123456789012",
		"StateChangeTime": "2026-03-02T12:00:00.000+0000", "AlarmArn": "arn:a", "Region": "US East (N. Virginia)",
	} {
		if got[key] != want {
			t.Errorf("%s: %v, want %v", key, got[key], want)
		}
	}
	if trigger["MetricName"] != "m" || trigger["Threshold"] != 100.0 || trigger["DatapointsToAlarm"] != 12.0 || trigger["Statistic"] != "AVERAGE" {
		t.Errorf("trigger %v", trigger)
	}
}

func TestReasonsTellTheNumbers(t *testing.T) {
	a := alarm{description: description{State: stateOK, settings: settings{
		EvaluationPeriods: new(int32(3)), ComparisonOperator: new("LessThanThreshold"), Threshold: new(10.0), Period: new(int32(300)),
	}}}
	want := "Threshold Crossed: 1 out of the last 3 datapoints breach LessThanThreshold 10, and 1 missing datapoints were treated as [missing]."
	if got := a.explain(stateOK, dataFrom("- - X 0 -")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := a.explain(stateInsufficient, dataFrom("- - - - -")), "Insufficient Data: no datapoints were received for 3 periods."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEveryUnitOfTheSDKIsKnown(t *testing.T) {
	all := types.StandardUnit("").Values()
	for _, u := range all {
		for _, other := range []types.StandardUnit{u, u + "/Second", "Kilo" + u, types.StandardUnit(strings.ToLower(string(u)))} {
			if got, want := unitPattern().MatchString(string(other)), slices.Contains(all, other); got != want {
				t.Errorf("%s is known: %t, want %t", other, got, want)
			}
		}
	}
}

func TestFloorAndCeilDiv(t *testing.T) {
	for _, tt := range []struct{ a, b, floor, ceil int64 }{{7, 5, 1, 2}, {5, 5, 1, 1}, {0, 5, 0, 0}, {-1, 5, -1, 0}, {-5, 5, -1, -1}, {-6, 5, -2, -1}} {
		if f, c := floorDiv(tt.a, tt.b), ceilDiv(tt.a, tt.b); f != tt.floor || c != tt.ceil {
			t.Errorf("%d/%d: %d and %d", tt.a, tt.b, f, c)
		}
	}
}

// BenchmarkTick evaluates 20,000 alarms, half of them over 24 hours by 5 minutes, as the
// clock goes on by 5 minutes.
func BenchmarkTick(b *testing.B) {
	s := New(slog.New(slog.DiscardHandler), nil, nil)
	h := api.Home{Account: "123456789012", Region: "eu-west-1"}
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for i := range 20_000 {
		dims := map[string]string{"CampaignArn": fmt.Sprint("c", i)}
		s.Register(h, "Test", "m", dims, steady{})
		a := &alarm{home: h, key: seriesKey("Test", "m", dimensionsOf(dims)), description: description{State: stateOK, settings: settings{
			AlarmName: new(fmt.Sprint("a", i)), Statistic: new("Sum"), Period: new(int32(300)), EvaluationPeriods: new(int32(12)),
			Threshold: new(0.0), ComparisonOperator: new("LessThanOrEqualToThreshold"), ActionsEnabled: new(false),
		}}}
		if i%2 == 0 {
			a.EvaluationPeriods = new(int32(288))
		}
		s.alarms.alarms.Set(h, *a.AlarmName, a)
	}
	for b.Loop() {
		now = now.Add(5 * time.Minute)
		s.Evaluate(now)
	}
}
