package web

import (
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// site is what pages are made from.
type site struct {
	options   Options
	sessions  *sessions
	pages     *renderer
	reader    *reader
	forms     *actionForms
	compared  *comparisons
	totals    memo[*report.Ledger, chart.Chart] // of all resources together
	listeners chan struct{}                     // bounds live streams
}

// snapshot is what is known now, and the time to show it at.
func (h *site) snapshot() (Snapshot, time.Time) {
	return h.options.Source.Snapshot(), h.options.Clock.Now()
}

// window is the time of charts that end now.
func (h *site) window(s span) model.Window {
	return s.window(h.options.Clock.Now(), h.options.MetricDelay)
}

// estate is what is known of all resources together. It is shared, and must not be changed.
func (h *site) estate(s Snapshot, now time.Time) estate { return h.pages.estate(s, now) }
