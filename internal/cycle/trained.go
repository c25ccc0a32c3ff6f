package cycle

import (
	"cmp"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// trainedDays adds up the hours of training that ended in the shown span, by solution and day, and
// returns since when they are known.
func trainedDays(facts []training.Facts, prices pricing.Table, spans billing.Spans) (days []report.TrainedDay, since time.Time) {
	since = spans.Now.Add(-training.Span)
	if facts == nil {
		since = spans.Shown.End
	}
	type key struct {
		solution string
		day      time.Time
	}
	hours, solutions := map[key]float64{}, map[string]training.Solution{}
	for _, f := range facts {
		for _, s := range f.Solutions {
			solutions[s.ARN] = s
			for _, v := range s.Versions {
				if v.Hours != nil && !v.Updated.Before(spans.Shown.Start) && v.Updated.Before(spans.Shown.End) {
					hours[key{s.ARN, v.Updated.UTC().Truncate(24 * time.Hour)}] += *v.Hours
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
		if s.Recipe != "" && pricing.TrainingOf(s.Recipe) == pricing.Training { // AWS bills the others by interactions
			day.Price, _ = prices.Of(arn.Region, pricing.Training)
			day.Estimate = prices.Once(arn.Region, pricing.Training, &n)
		}
		days = append(days, day)
	}
	slices.SortFunc(days, func(a, b report.TrainedDay) int {
		return cmp.Or(a.Solution.Compare(b.Solution), a.Day.Compare(b.Day))
	})
	return days, since
}
