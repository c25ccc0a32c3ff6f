package cycle

import (
	"cmp"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// trainingCost is what training in the month cost, or without one in the shown span; nil if not all
// of it was read.
func trainingCost(facts []training.Facts, prices pricing.Table, spans billing.Spans) *advice.TrainingCost {
	in := spans.Shown
	if !spans.Month.Start.IsZero() {
		in = spans.Month
	}
	days, since := trainedDays(facts, prices, spans.Now, in)
	unread := func(f training.Facts) bool { return !f.Known.Solutions || !f.Known.Versions }
	if since.After(in.Start) || slices.ContainsFunc(facts, unread) {
		return nil
	}
	unknown := map[model.ARN]bool{}
	var spent []model.Money
	for _, d := range days {
		if d.Estimate.Amount == nil {
			unknown[d.Solution] = true
			continue
		}
		spent = append(spent, model.Money{Currency: d.Estimate.Currency, Amount: *d.Estimate.Amount})
	}
	return &advice.TrainingCost{Spent: model.SumMoney(spent), Unknown: len(unknown)}
}

// trainedDays adds up the hours of training that ended in a window, by solution and day, and returns
// since when they are known. On a day on which a model was trained whose hours are not known, the
// cost is not known.
func trainedDays(facts []training.Facts, prices pricing.Table, now time.Time, in model.Window) (days []report.TrainedDay, since time.Time) {
	since = now.Add(-training.Span)
	if facts == nil {
		since = in.End
	}
	type key struct {
		solution string
		day      time.Time
	}
	hours, unknown, solutions := map[key]float64{}, map[key]bool{}, map[string]training.Solution{}
	for _, f := range facts {
		for _, s := range f.Solutions {
			solutions[s.ARN] = s
			for _, v := range s.Versions {
				day := key{s.ARN, v.Updated.UTC().Truncate(24 * time.Hour)}
				switch {
				case v.Updated.Before(in.Start) || !v.Updated.Before(in.End):
				case v.Hours != nil:
					hours[day] += *v.Hours
				case v.Status == model.StatusActive:
					hours[day] += 0
					unknown[day] = true
				}
			}
		}
	}
	for k, n := range hours {
		arn, err := model.ParseARN(k.solution)
		if err != nil {
			continue
		}
		s := solutions[k.solution]
		group, _ := model.ParseARN(s.Group) // without a name if it is not known
		day := report.TrainedDay{Solution: arn, DatasetGroup: group.Name(), Recipe: s.Recipe, Day: k.day, Hours: n}
		if !unknown[k] && s.Recipe != "" && pricing.TrainingOf(s.Recipe) == pricing.Training { // AWS bills the others by interactions
			day.Price, _ = prices.Of(arn.Region(), pricing.Training)
			day.Estimate = prices.Once(arn.Region(), pricing.Training, &n)
		}
		days = append(days, day)
	}
	slices.SortFunc(days, func(a, b report.TrainedDay) int {
		return cmp.Or(a.Solution.Compare(b.Solution), a.Day.Compare(b.Day))
	})
	return days, since
}
