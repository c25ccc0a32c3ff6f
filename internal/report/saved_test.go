package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/savings"
)

// autumn is a ledger of savings with an action of every sort.
func autumn() Saved {
	at := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 10, 5, 0, 0, time.UTC) }
	amount := func(tpsHours, hours, unknown float64) savings.Amount {
		return savings.Amount{TPSHours: &tpsHours, Hours: hours, UnknownHours: unknown}
	}
	action := func(when time.Time, kind model.Kind, name string, what model.Action, from, to int, state savings.State) savings.Action {
		return savings.Action{
			Time: when, ARN: "arn:aws:personalize:eu-west-1:123456789012:" + string(kind) + "/" + name, Kind: kind, Name: name,
			Region: "eu-west-1", Action: what, Automatic: true, From: from, To: to, State: state,
		}
	}
	old := action(at(8, 1), model.Campaign, "home", model.ActionUpdate, 8, 6, savings.InEffect)
	old.Left, old.PromisedPerMonth, old.AchievedPerMonth = 1, new(1460.0), new(1234.56)
	old.Amount = amount(2469.12, 1460, 12.5)
	old.ByHours = true
	old.Months = []savings.Month{{Month: "2026-08", Amount: amount(1234.56, 730, 12.5)}, {Month: "2026-09", Amount: amount(1234.56, 730, 0)}}
	ended := action(at(9, 2), model.Recommender, "for-you", model.ActionStop, 3, 0, savings.Restored)
	ended.Ended, ended.AchievedPerMonth, ended.Automatic = new(at(9, 4)), new(0.004), false
	ended.Amount = amount(144, 48, 0)
	ended.Months = []savings.Month{{Month: "2026-09", Amount: amount(144, 48, 0)}}
	unknown := action(at(9, 3), model.Campaign, "=sale", model.ActionDelete, 5, 0, savings.Unverified)
	unknown.Amount = savings.Amount{UnknownHours: 600}
	unknown.Months = []savings.Month{{Month: "2026-09", Amount: unknown.Amount}}
	young := action(at(10, 1), model.Campaign, "home", model.ActionUpdate, 6, 5, savings.TooRecent)
	broken := action(at(9, 5), model.Campaign, "home", model.ActionUpdate, 0, 5, savings.Incomplete)
	broken.Amount = savings.Amount{UnknownHours: 1}
	broken.Months = []savings.Month{{Month: "2026-09", Amount: broken.Amount}}
	old.Estimate = &model.Money{Currency: "USD", Amount: 493.82}
	old.Months[0].Estimate, old.Months[1].Estimate = &model.Money{Currency: "USD", Amount: 246.91}, &model.Money{Currency: "USD", Amount: 246.91}
	sum := func(actions int, a savings.Amount, usd float64, unpriced int) savings.Sum {
		s := savings.Sum{Actions: actions, Amount: a, Unpriced: unpriced}
		if usd > 0 {
			s.Estimates = []model.Money{{Currency: "USD", Amount: usd}}
		}
		return s
	}
	ledger := savings.Ledger{
		Until: at(10, 1).Truncate(time.Hour), FineFrom: at(7, 30).Truncate(time.Hour),
		Actions: []savings.Action{old, ended, unknown, broken, young},
		Months: []savings.MonthOf{
			{Month: "2026-08", Action: model.ActionUpdate, Sum: sum(1, old.Months[0].Amount, 246.91, 0)},
			{Month: "2026-09", Action: model.ActionDelete, Sum: sum(1, unknown.Amount, 0, 1)},
			{Month: "2026-09", Action: model.ActionStop, Sum: sum(1, ended.Amount, 0, 1)},
			{Month: "2026-09", Action: model.ActionUpdate, Sum: sum(2, amount(1234.56, 730, 1), 246.91, 1)},
		},
		Total:       sum(5, savings.Amount{TPSHours: new(2613.12), Hours: 1508, UnknownHours: 613.5, ByHours: true}, 493.82, 4),
		Assumptions: []string{"the price of us-east-1, as none is known for eu-west-1"},
	}
	return Saved{Ledger: ledger, Records: 17, Reading: Reading{MetricsGot: 12, DurationMs: 1500}}
}

func TestSaved(t *testing.T) {
	partial := autumn()
	partial.Unreadable = 2
	partial.Problems = []model.Problem{{Region: "us-east-1", Operation: "GetMetricData", Err: errors.New("ThrottlingException: no")}}
	for _, tt := range []struct {
		golden string
		saved  Saved
		form   Form
		style  Style
	}{
		{"saved.txt", autumn(), Table, Style{}},
		{"saved-100.txt", partial, Table, Style{Width: 100}},
		{"saved.json", partial, JSON, Style{}},
		{"saved.csv", autumn(), CSV, Style{}},
		{"saved-empty.txt", Saved{Ledger: savings.Ledger{Until: autumn().Until}}, Table, Style{}},
		{"saved-unread.txt", Saved{Reading: Reading{Accounts: []Account{{Account: model.Account{ID: "222222222222", Name: "north"}}}}}, Table, Style{}},
		{"saved-empty.json", Saved{}, JSON, Style{}},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			var got bytes.Buffer
			if err := Write(&got, tt.saved, tt.form, tt.style); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.golden, got.Bytes())
			if strings.Contains(got.String(), " \n") {
				t.Error("space at the end of a line")
			}
		})
	}
	if autumn().Failed() || !partial.Failed() || len(partial.Asides()) != 5 {
		t.Errorf("failed or not? %v", partial.Asides())
	}
}
