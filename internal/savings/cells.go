package savings

import (
	"slices"
	"sort"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// bridged is the longest gap in our own series of the minimum that two equal values on both sides
// span. An update takes minutes, and two cannot overlap, so that there is no time to raise and
// lower the minimum in it.
const bridged = 15 * time.Minute

// Times are when a ledger is made and up to where it is metered.
type Times struct {
	Now time.Time
	End time.Time // of the last whole hour whose counts have arrived
	// Delay is how long after their time counts arrive.
	Delay time.Duration
	// Region is where the monitor publishes that it runs.
	Region string
}

// lag is how long before an action its effect may show in our own series. A cycle publishes the
// minimum that it finds for the last 5 minutes whose counts have arrived, so that the series is that
// much early, at the beginning and the end of each minimum alike.
func (t Times) lag() time.Duration { return t.Delay + billing.Slot + executed }

// TimesOf are the times of a ledger that is made now, counts arriving after delay.
func TimesOf(now time.Time, delay time.Duration, region string) Times {
	return Times{Now: now.UTC(), End: billing.ReportTimeOf(now, 1, delay).Span.End, Delay: delay, Region: region}
}

// fineFrom is from when on there are data by 5 minutes.
func (t Times) fineFrom() time.Time {
	return t.Now.Add(-billing.FineReach).Truncate(time.Hour).Add(time.Hour)
}

// windows are the hours read by the hour and those read by 5 minutes, from an hour before the
// first action on. Either may be empty.
func (t Times) windows(first time.Time) (coarse, fine model.Window) {
	oldest := t.Now.Add(-billing.HourReach).Truncate(time.Hour).Add(time.Hour)
	start := model.Earlier(model.Later(first.UTC().Truncate(time.Hour).Add(-time.Hour), oldest), t.End)
	border := model.Earlier(model.Later(t.fineFrom(), start), t.End)
	return model.NewWindow(start, border), model.NewWindow(border, t.End)
}

// Queries are the questions whose answers Compute needs. Of an endpoint whose recipe is not known
// the calls of each operation are read; it has one.
func (e Endpoint) Queries(known Known, at Times) []model.Query {
	var queries []model.Query
	coarse, fine := at.windows(e.First())
	for _, part := range []struct {
		window model.Window
		period time.Duration
	}{{coarse, time.Hour}, {fine, billing.Slot}} {
		if part.window.Duration() > 0 {
			requests, _ := e.requestQueries(known, part.window, part.period)
			queries = append(queries, requests...)
			queries = append(queries, e.minimumQuery(part.window, part.period))
			if slices.ContainsFunc(e.lowered, func(l lowering) bool { return l.ends }) {
				queries = append(queries, runningQuery(at, part.window, part.period))
			}
		}
	}
	return queries
}

// minimumQuery asks for our own series of the minimum. By hours it is the highest of the hour: the
// hour of a step then saves nothing.
func (e Endpoint) minimumQuery(w model.Window, period time.Duration) model.Query {
	q := rules.MinimumQuery(model.Resource{ARN: e.ARN, Kind: e.Kind}, w)
	q.Period = period
	if period > billing.Slot {
		q.Stat = model.Maximum
	}
	return q
}

// runningQuery asks when the monitor ran, and so would have seen an endpoint in service.
func runningQuery(at Times, w model.Window, period time.Duration) model.Query {
	q := rules.RunningQuery(at.Region, w)
	q.Period = period
	return q
}

// requestQueries ask for the requests. sure is set if no datapoint means no request.
func (e Endpoint) requestQueries(known Known, w model.Window, period time.Duration) (queries []model.Query, sure bool) {
	r := model.Resource{ARN: e.ARN, Kind: e.Kind, Recipe: e.Recipe}
	if known.Resource != nil && known.Resource.Recipe != "" {
		r = *known.Resource
	}
	if _, why := rules.RequestMetric(r); why == "" {
		return []model.Query{rules.RequestsQuery(r, w, period)}, model.RecipeOf(r.Kind, r.Recipe).Sure
	}
	for _, name := range model.RequestMetrics() {
		queries = append(queries, model.Query{
			Region: e.ARN.Region(), Metric: model.ResourceMetric(r, model.NamespacePersonalize, name), Stat: model.Sum, Window: w, Period: period,
		})
	}
	return queries, false
}

// cell is 5 minutes, or an hour that is too long ago for these.
type cell struct {
	at        time.Time
	length    time.Duration
	requests  float64
	counted   bool    // the requests are known
	minimum   float64 // TPS; only if known
	known     bool
	published bool // the minimum was published in it
	ran       bool // the monitor ran all the time
}

func (c cell) end() time.Time { return c.at.Add(c.length) }

// cells are the time of an endpoint, oldest first.
func (e Endpoint) cells(known Known, readings model.Readings, at Times) []cell {
	coarse, fine := at.windows(e.First())
	list := slices.Concat(e.part(known, readings, coarse, time.Hour, at), e.part(known, readings, fine, billing.Slot, at))
	bridge(list)
	if r := known.Resource; r != nil && !r.Stale && (r.Update == nil || r.Update.Status.Settled()) {
		// Since its latest update the minimum is the present one.
		since := model.Later(r.Created, r.LastTouched())
		for i, c := range list {
			if !c.known && !c.at.Before(since) {
				list[i].minimum, list[i].known = float64(r.MinTPS), true
			}
		}
	}
	return list
}

func (e Endpoint) part(known Known, readings model.Readings, w model.Window, period time.Duration, at Times) []cell {
	list := make([]cell, int(w.Duration()/period))
	queries, sure := e.requestQueries(known, w, period)
	counted, points := true, 0
	for _, q := range queries {
		series := readings.Get(q)
		counted, points = counted && series.Complete, points+len(series.Points)
	}
	for i := range list {
		list[i] = cell{at: w.Start.Add(time.Duration(i) * period), length: period, counted: counted && (sure || points > 0)}
	}
	each := func(s model.Series, f func(c *cell, value float64)) {
		for _, p := range s.Points {
			if !p.Time.Before(w.Start) && p.Time.Before(w.End) {
				f(&list[int(p.Time.Sub(w.Start)/period)], p.Value)
			}
		}
	}
	for _, q := range queries {
		each(readings.Get(q), func(c *cell, value float64) { c.requests += value })
	}
	if minimums := readings.Get(e.minimumQuery(w, period)); minimums.Complete {
		each(minimums, func(c *cell, value float64) {
			if value > 0 {
				c.minimum, c.known, c.published = value, true, true
			}
		})
	}
	each(readings.Get(runningQuery(at, w, period)), func(c *cell, value float64) { c.ran = value >= float64(period/billing.Slot) })
	return list
}

// bridge fills short gaps between equal minimums.
func bridge(list []cell) {
	last := -1
	for i, c := range list {
		if !c.published {
			continue
		}
		if last >= 0 && list[last].minimum == c.minimum && c.at.Sub(list[last].end()) <= bridged {
			for j := last + 1; j < i; j++ {
				list[j].minimum, list[j].known = c.minimum, true
			}
		}
		last = i
	}
}

// indexOf is the cell that holds a time: 0 if that is earlier, len if later.
func indexOf(list []cell, t time.Time) int {
	return sort.Search(len(list), func(i int) bool { return list[i].end().After(t) })
}
