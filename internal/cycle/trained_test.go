package cycle

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

func TestWhatTrainingCostIsKnownOnlyIfAllOfItWasRead(t *testing.T) {
	now := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	version := func(days int, status model.Status, hours *float64) training.Version {
		at := now.AddDate(0, 0, -days)
		return training.Version{Status: status, Created: at.Add(-2 * time.Hour), Updated: at, Hours: hours}
	}
	solution := func(name, recipe string, versions ...training.Version) training.Solution {
		return training.Solution{ARN: "arn:aws:personalize:eu-west-1:123456789012:solution/" + name, Recipe: recipe, Versions: versions}
	}
	// Of 14 days: 5 hours, a failure, and one before.
	sims := solution("a", "aws-sims", version(3, model.StatusActive, new(2.0)), version(10, model.StatusActive, new(3.0)),
		version(5, "CREATE FAILED", nil), version(20, model.StatusActive, new(50.0)))
	facts := func(known bool, solutions ...training.Solution) []training.Facts {
		return []training.Facts{{Region: "eu-west-1", Solutions: solutions, Known: training.Known{Solutions: true, Versions: known}}}
	}
	days := func(n int) billing.Spans {
		return billing.Spans{Now: now, Shown: model.NewWindow(now.AddDate(0, 0, -n), now)}
	}
	month := days(14)
	month.Month = model.NewWindow(now.AddDate(0, 0, -28), now)
	usd := func(amount float64, unknown int) *advice.TrainingCost {
		return &advice.TrainingCost{Spent: []model.Money{{Currency: "USD", Amount: amount}}, Unknown: unknown}
	}
	for _, c := range []struct {
		name  string
		facts []training.Facts
		spans billing.Spans
		want  *advice.TrainingCost
	}{
		{"all of it", facts(true, sims), days(14), usd(5*0.24, 0)},
		{"of the month", facts(true, sims), month, usd(55*0.24, 0)},
		{"nothing was trained", facts(true), days(14), &advice.TrainingCost{Spent: []model.Money{}}},
		{"billed by interactions", facts(true, sims, solution("b", "aws-user-personalization-v2", version(1, model.StatusActive, new(9.0)))), days(14), usd(5*0.24, 1)},
		{"hours that are not known", facts(true, sims, solution("b", "aws-sims", version(1, model.StatusActive, nil))), days(14), usd(5*0.24, 1)},
		{"not read", nil, days(14), nil},
		{"not read completely", facts(false, sims), days(14), nil},
		{"of 31 days, of which 30 are read", facts(true, sims), days(31), nil},
	} {
		got := trainingCost(c.facts, pricing.Builtin(), c.spans)
		if diff := cmp.Diff(c.want, got, cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
