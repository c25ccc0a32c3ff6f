package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func TestProtected(t *testing.T) {
	now := time.Date(2027, 1, 31, 23, 59, 59, 0, time.UTC)
	tests := []struct {
		value            string
		fromEnd, fromTPS bool // protected from a stop or delete, and from a step-down
	}{
		{"true", true, true},
		{"All", true, true},
		{" TRUE ", true, true},
		{"idle", true, false},
		{"tps", false, true},
		{"false", false, false},
		{"idle until 2027-01-31", true, false}, // to the end of the day
		{"idle until 2027-01-30", false, false},
		{"tps until 2027-02-01", false, true},
		{"true until 2028-02-29", true, true},
		{"until 2027-01-31", true, true},
		{"UNTIL 2027-01-30", false, false},
		{"", true, true}, // what is not clear protects
		{"yes", true, true},
		{"idle,tps", true, true},
		{"idle until tomorrow", true, true},
		{"idle until 2027-02-30", true, true},
		{"until", true, true},
		{"idle tps until 2027-02-01", true, true},
	}
	for _, tt := range tests {
		t.Run(tt.value, func(t *testing.T) {
			tags := map[string]string{"team": "search", ProtectTag: tt.value}
			for action, want := range map[Verdict]bool{Stop: tt.fromEnd, Delete: tt.fromEnd, StepDown: tt.fromTPS} {
				why := Protected(tags, action, now)
				if (why != "") != want {
					t.Errorf("%s: %q", action, why)
				}
				if want && !strings.Contains(why, ProtectTag+"="+strings.TrimSpace(tt.value)) {
					t.Errorf("%s: %q does not name the tag", action, why)
				}
				if why != strings.TrimSpace(why) {
					t.Errorf("%s: %q begins or ends with a space", action, why)
				}
			}
		})
	}
	for _, tags := range []map[string]string{nil, {}, {"protect": "true"}, {"personalize-monitor:protected": "true"}} {
		if why := Protected(tags, Delete, now); why != "" {
			t.Errorf("%v: %q", tags, why)
		}
	}
	if Protected(map[string]string{"Personalize-Monitor:Protect": "true"}, Delete, now) == "" {
		t.Error("not protected by a tag in other letters")
	}
}

func FuzzProtected(f *testing.F) {
	for _, seed := range []string{"true", "idle", "tps until 2027-01-31", "until", "until until 2027-01-31", "\x00"} {
		f.Add(seed)
	}
	now := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		tags := map[string]string{ProtectTag: value}
		free := Protected(tags, Delete, now) == "" && Protected(tags, StepDown, now) == ""
		words := strings.Fields(strings.ToLower(value))
		over := len(words) >= 2 && words[len(words)-2] == "until"
		if free && !over && strings.Join(words, " ") != "false" {
			t.Errorf("%q protects from nothing", value)
		}
	})
}

// A recommender that was not seen for two windows may just have been missed, however short the idle time.
func TestTwoWindowsUnwatchedAreAllowed(t *testing.T) {
	w := model.NewWindow(time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC), time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	for missing, want := range map[int]bool{2: false, 3: true} {
		var seen model.Series
		for at := w.Start; at.Before(w.End); at = at.Add(WindowLength) {
			if i := int(at.Sub(w.Start) / WindowLength); i < 10 || i >= 10+missing {
				seen.Points = append(seen.Points, model.Datapoint{Time: at})
			}
		}
		if _, _, found := unwatched(seen, w); found != want {
			t.Errorf("%d windows missing: %t", missing, found)
		}
	}
}

func TestNotifyDryRun(t *testing.T) {
	d := Decision{Resource: campaign(1), By: Settings{HourlyChecks: model.Always}}
	if !NotifyDryRun(d) {
		t.Error("a person who has everything checked now is not notified")
	}
	d.By.HourlyChecks = model.Auto
	notified := 0
	for hour := range 24 {
		d.At.Window = model.NewWindow(testNow.Add(time.Duration(hour)*time.Hour), testNow)
		if NotifyDryRun(d) {
			notified++
		}
	}
	if notified != 1 {
		t.Errorf("notified %d times a day", notified)
	}
}

// The value of the tag is found in the text of the refusal, whatever surrounds it.
func TestProtectionInARefusal(t *testing.T) {
	now := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	for _, value := range []string{"tps", "all until 2026-04-30", "something else"} {
		text := "refused: " + Protected(map[string]string{ProtectTag: value}, StepDown, now) + "; and more"
		if got, ok := ProtectionIn(text); !ok || got != value {
			t.Errorf("%q: found %q, %v", text, got, ok)
		}
	}
	if _, ok := ProtectionIn("refused: the budget of the hour is used up"); ok {
		t.Error("a tag was found where there is none")
	}
}
