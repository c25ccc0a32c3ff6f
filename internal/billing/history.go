package billing

import (
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Limits on the days of a history. CloudWatch keeps its 5-minute data for 63 days (API reference,
// GetMetricData).
const (
	MinHistoryDays = int(rules.LookBack / (24 * time.Hour))
	MaxHistoryDays = 56
)

// History is what was observed of the demand of one resource over 14 to 56 days.
type History struct {
	Demand Demand
	Why    string // why nothing is known; otherwise empty

	evidence rules.Evidence
	now      time.Time
}

// HistoryQueries ask for the requests and for our own series of the minimum in every slot of the
// span of m. Without a metric that counts the requests they ask nothing.
func HistoryQueries(r model.Resource, m ReportTime) []model.Query {
	if _, why := rules.RequestMetric(r); why != "" {
		return nil
	}
	return []model.Query{requestsQuery(r, m), rules.MinimumQuery(r, m.Span)}
}

// HistorySilence asks for what confirms the silence of hours without a count; see
// rules.ConfirmQueries.
func HistorySilence(r model.Resource, readings model.Readings, m ReportTime) []model.Query {
	if h := HistoryOf(r, readings, m); h.Why == "" && rules.LoadOf(r, h.evidence, m.Now).Silent > 0 {
		return rules.ConfirmQueries(r, m.Span)
	}
	return nil
}

// HistoryOf is the history of a resource over the span of m. The readings must hold the answers to
// HistoryQueries and HistorySilence; what is missing counts as unread.
func HistoryOf(r model.Resource, readings model.Readings, m ReportTime) History {
	h := History{Demand: Demand{Kind: r.Kind, Start: m.Span.Start}, now: m.Now}
	if _, h.Why = rules.RequestMetric(r); h.Why != "" {
		return h
	}
	requests, minimums := readings.Get(requestsQuery(r, m)), readings.Get(rules.MinimumQuery(r, m.Span))
	if h.Why = uncounted(r, requests); h.Why == "" && !minimums.Complete {
		h.Why = "when it was watched could not be read completely"
	}
	if h.Why != "" {
		return h
	}
	h.evidence = confirmed(rules.Evidence{
		Window: evidenceWindow(r, m.Span), Requests: hourlySums(requests), Watched: rules.WatchedHours(minimums, m.Span.Start),
		Proxy: !model.RecipeOf(r.Kind, r.Recipe).Sure,
	}, r, readings, m.Span)
	h.Demand = demandOf(r.Kind, h.evidence, requests, m.Now)
	return h
}

// Watermark is the minimum that step-downs lead to by the whole hours of a window: the low
// watermark, at least 1. It is not ok if nothing confirms one.
func (h History) Watermark(r model.Resource, w model.Window) (minimum int, ok bool) {
	if h.Why != "" {
		return 0, false
	}
	e := h.evidence
	if w.Start.After(e.Window.Start) {
		e.Window.Start = w.Start
	}
	if w.End.Before(e.Window.End) {
		e.Window.End = w.End
	}
	load := rules.LoadOf(r, e, h.now)
	if !load.Confirmed || load.Silent > 0 && (!e.Regional.Complete || !e.Record.Complete) {
		return 0, false
	}
	return max(1, load.Watermark()), true
}
