package training_test

import (
	"slices"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// Sums over several accounts have what is known of each, and name what is not.
func TestMergedTraining(t *testing.T) {
	number := func(v float64) *float64 { return &v }
	of := func(hours, unserved *float64, trainings int, unread ...string) training.Report {
		return training.Report{Totals: training.Totals{
			Solutions: 1, Unread: unread, Sum: training.Sum{Trainings: trainings, Hours: hours, Unserved: unserved},
			Amounts: []training.Amount{{Currency: "USD", Amount: 10, Unserved: unserved}},
		}}.In(model.Account{ID: "222222222222", Name: "north"})
	}
	for _, c := range []struct {
		name            string
		list            []training.Report
		hours, unserved *float64
		unread          []string
	}{
		{"both known", []training.Report{of(number(3), number(1), 2), of(number(4), number(0), 1)}, number(7), number(1), []string{}},
		{"it is not known of one what was served", []training.Report{of(number(3), number(1), 2), of(number(4), nil, 1)}, number(7), nil, []string{}},
		{"no hours of one", []training.Report{of(number(3), number(1), 2), of(nil, nil, 1)}, number(3), number(1), []string{}},
		{"a region that was not read", []training.Report{of(number(3), number(1), 2, "us-east-1")}, number(3), number(1), []string{"us-east-1 of north (222222222222)"}},
		{"an account that was not read", []training.Report{training.Unread(model.Account{ID: "444444444444"})}, nil, nil, []string{"444444444444"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := training.Merged(c.list).Totals
			same := func(a, b *float64) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
			if !same(got.Hours, c.hours) || !same(got.Unserved, c.unserved) || !slices.Equal(got.Unread, c.unread) {
				t.Errorf("hours %v, unserved %v, unread %q", got.Hours, got.Unserved, got.Unread)
			}
		})
	}
}
