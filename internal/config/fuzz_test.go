package config

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// FuzzResolve gives the same text to every parameter, as JSON in an event and as it is
// in the environment. Whatever comes of it must be within the ranges that the rest of
// the program relies on, and a refusal must be one line of bearable length.
func FuzzResolve(f *testing.F) {
	for _, seed := range []string{
		"", "all", "none", "yes", "0", "24", "24.0", "1e3", "-0", "2m", ",", "null", "true", "[]", `["all"]`, "{}", `"No"`,
		campaignA + "," + recommenderA, `["` + campaignA + `"]`, "eu-west-1, us-east-1", "a@example.com,https://h.io/x",
		"https://u:p@h.io", "Amazon-Personalize-Monitor", "\x00\n", "\xff", strings.Repeat("9", 400),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, flags := map[string]json.RawMessage{}, map[string]string{}
		for _, spec := range All() {
			e[spec.Name] = json.RawMessage(text)
			flags[spec.Flag] = text
		}
		everything := func(string) (string, bool) { return text, true }
		for _, src := range []Sources{{Event: e}, {Flags: flags}, {Env: everything}} {
			values, err := Resolve(src)
			if err != nil {
				checkMessage(t, err.Error())
			} else {
				checkValues(t, values)
			}
		}
		// One at a time, so that one parameter's fault does not hide another's value.
		for _, spec := range All() {
			for _, src := range []Sources{
				{Event: map[string]json.RawMessage{spec.Name: json.RawMessage(text)}},
				{Flags: map[string]string{spec.Flag: text}},
			} {
				if values, err := Resolve(src); err == nil {
					checkValues(t, values)
				}
			}
		}
	})
}

func checkMessage(t *testing.T, line string) {
	t.Helper()
	if strings.ContainsAny(line, "\n\r\x00\x1b") || !utf8.ValidString(line) {
		t.Errorf("not one clean line: %q", line)
	}
	if len(line) > 100_000 {
		t.Errorf("a message of %d bytes", len(line))
	}
}

func checkValues(t *testing.T, v Values) {
	t.Helper()
	if v.IdleThresholdHours < 1 || v.IdleThresholdHours > 168 {
		t.Errorf("idle threshold %d", v.IdleThresholdHours)
	}
	if v.UsedIdleThresholdHours < 1 || v.UsedIdleThresholdHours > 1080 {
		t.Errorf("idle threshold of what was called %d", v.UsedIdleThresholdHours)
	}
	if math.Signbit(v.UtilizationThreshold) || !(v.UtilizationThreshold <= 1000) {
		t.Errorf("utilization threshold %v", v.UtilizationThreshold)
	}
	if v.MetricDelay < 0 || v.MetricDelay > 15*time.Minute {
		t.Errorf("metric delay %v", v.MetricDelay)
	}
	if len(v.DashboardName) < 1 || len(v.DashboardName) > 250 {
		t.Errorf("dashboard name %q", v.DashboardName)
	}
	if v.HourlyChecks != model.Auto && v.HourlyChecks != model.Always && v.HourlyChecks != model.Never {
		t.Errorf("mode %q", v.HourlyChecks)
	}
	if v.Campaigns.All && len(v.Campaigns.ARNs) > 0 || v.Recommenders.All && len(v.Recommenders.ARNs) > 0 {
		t.Error("all beside ARNs")
	}
	for _, e := range v.Endpoints {
		if (e.Protocol == HTTPS) != strings.HasPrefix(e.Address, "https://") || strings.ContainsAny(e.Address, " \t\n") {
			t.Errorf("endpoint %+v", e)
		}
	}
}
