package rules

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// recentWindow is the time since the measured window, up to the end of the 5 minutes
// under way. It may be empty.
func recentWindow(m EvaluationTime) model.Window {
	return model.NewWindow(m.Window.End, m.Now.Add(WindowLength-time.Nanosecond).Truncate(WindowLength))
}

// RecentQueries ask for every call to a resource since the measured window. Rules go by
// windows whose counts have all arrived; before something is stopped or deleted, what
// has come since is looked at too.
func RecentQueries(r model.Resource, m EvaluationTime) []model.Query {
	w := recentWindow(m)
	if w.Duration() <= 0 {
		return nil
	}
	var queries []model.Query
	for _, name := range model.RequestMetrics() {
		for _, suffix := range []string{"", model.Suffix4xx, model.Suffix5xx} {
			queries = append(queries, model.Query{
				Region: r.Region(), Metric: model.ResourceMetric(r, model.NamespacePersonalize, name+suffix),
				Stat: model.Sum, Window: w, Period: WindowLength,
			})
		}
	}
	return queries
}

// RefuseIfCalled turns a stop or delete into a refusal if the resource was called since the
// measured window, or if that could not be read. That no call is seen proves nothing:
// counts arrive late, which is why the rules do not go by them.
func RefuseIfCalled(d Decision, readings model.Readings, m EvaluationTime) Decision {
	if d.Verdict != Stop && d.Verdict != Delete {
		return d
	}
	calls := 0.0
	for _, q := range RecentQueries(d.Resource, m) {
		series := readings.Get(q)
		calls += series.Sum()
		if !series.Complete && calls == 0 {
			return Refuse(d, "whether it was called in the last minutes could not be read")
		}
	}
	if calls > 0 {
		return Refuse(d, fmt.Sprintf("it was called %.0f times since %s", calls, m.Window.End.Format("15:04")))
	}
	return d
}
