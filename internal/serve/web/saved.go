package web

import (
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// saved is what the monitor's own actions saved within the days of a ledger.
type saved struct {
	TPSHours  float64
	Money     map[string]float64 // by currency; an estimate for the resources with a price per TPS-hour
	Actions   int                // that saved something
	Unpriced  int                // of these, without a price per TPS-hour
	Uncertain int                // actions whose saving is unknown and in no sum
}

// savedBy adds up what each completed automatic action has saved since: for each hour, what
// would have been paid with the minimum before, less what is paid with the new one. Hours in
// which the minimum was higher again save nothing. A stopped or deleted resource saves its
// whole minimum until it is restored; if it is in service again and no record has the
// time, the saving is unknown.
func savedBy(audits []events.Audit, ledger *report.Ledger, present map[string]bool) saved {
	out := saved{Money: map[string]float64{}}
	if ledger == nil {
		return out
	}
	entries := map[string]*report.Entry{}
	for i := range ledger.Resources {
		entries[ledger.Resources[i].ARN] = &ledger.Resources[i]
	}
	for _, a := range audits {
		if a.Outcome != events.OutcomeDone || !a.Automatic || a.Before == nil || a.Time.After(ledger.Window.End) {
			continue
		}
		entry := entries[a.ARN]
		hours, known := 0.0, false
		switch {
		case a.Action == model.ActionUpdate && entry != nil && entry.Usage != nil:
			hours, known = savedByStep(a, entry.Hourly), true
		case a.Action.Ends():
			hours, known = savedByEnd(a, restored(a, audits), ledger.Window, present[a.ARN])
		}
		out.add(hours, known, entry)
	}
	return out
}

// add adds what one action saved.
func (s *saved) add(hours float64, known bool, entry *report.Entry) {
	switch {
	case !known:
		s.Uncertain++
	case hours > 0:
		s.Actions++
		s.TPSHours += hours
		if entry == nil || entry.Estimate == nil || entry.Estimate.Marginal == nil {
			s.Unpriced++
			return
		}
		s.Money[entry.Estimate.Currency] += hours * *entry.Estimate.Marginal
	}
}

// savedByStep is what a lower minimum saved, in TPS-hours.
func savedByStep(a events.Audit, hours []billing.Hour) float64 {
	before, after := float64(a.Before.MinTPS), float64(a.NewMinTPS)
	total := 0.0
	for _, h := range hours {
		// The hour of the action itself had both minimums.
		if h.Start.Before(a.Time) || h.Provisioned > after {
			continue
		}
		total += max(before, h.Actual) - max(after, h.Actual)
	}
	return total
}

// savedByEnd is what the end of a resource saved, in TPS-hours.
func savedByEnd(a events.Audit, back time.Time, w model.Window, present bool) (hours float64, known bool) {
	if back.IsZero() {
		if present {
			return 0, false
		}
		back = w.End
	}
	from := a.Time
	if from.Before(w.Start) {
		from = w.Start
	}
	if back.After(w.End) {
		back = w.End
	}
	return max(0, back.Sub(from).Hours()) * float64(a.Before.MinTPS), true
}

// restored is when the resource was started or created again by the records; zero if never.
func restored(a events.Audit, records []events.Audit) time.Time {
	var first time.Time
	for _, b := range records {
		back := b.ARN == a.ARN && b.Outcome == events.OutcomeDone && b.Time.After(a.Time) &&
			(b.Action == model.ActionStart || b.Action == model.ActionRestore)
		if back && (first.IsZero() || b.Time.Before(first)) {
			first = b.Time
		}
	}
	return first
}

// presentOf are the resources in service.
func presentOf(resources []report.Resource) map[string]bool {
	present := make(map[string]bool, len(resources))
	for _, r := range resources {
		present[r.ARN] = r.Status == model.StatusActive
	}
	return present
}
