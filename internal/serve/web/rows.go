package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// row is a resource with everything that is known of it. Checked is true if Check is an hourly
// check, and false if it is only the last result.
type row struct {
	report.Resource
	Monitored bool
	Check     serve.Check
	Alarms    []serve.Alarm
	Entry     *report.Entry // what it cost; nil while that is unknown
	Problem   string

	Stepped    *events.Audit // the step-down of the last hours that it is watched after; nil without one
	Protection string        // what its tags protect it from; empty if nothing, or if they are not known
	TagsKnown  bool
	keeps      map[rules.Verdict]bool // what its tags protect it from
	State      state
	Next, Why  string // what happens next, and why, in a few words each
	Costs      costs
}

// Spark is a small drawing of its last days; nil while they are unknown.
func (r *row) Spark() *chart.Spark {
	if r.Entry == nil {
		return nil
	}
	return chart.SparkOf(r.Entry.Spark, r.Unit())
}

// Unit is the unit of its throughput.
func (r *row) Unit() string { return r.Kind.RateUnit() }

// Link leads to the page of the resource.
func (r *row) Link() string { return link("/resource", keyARN, r.ARN) }

// Alarming counts its alarms that are in ALARM.
func (r *row) Alarming() int {
	n := 0
	for _, a := range r.Alarms {
		if a.On() {
			n++
		}
	}
	return n
}

// Health is how much of the demand is known: by the last check or, before it, by the ledger; nil
// if neither has read it.
func (r *row) Health() *report.Health {
	if r.Check.Health == nil && r.Entry != nil {
		return r.Entry.Health
	}
	return r.Check.Health
}

// Percent is the utilization for people.
func (r *row) Percent() string { return known(r.Utilization, percent) }

// Rate is the average for people.
func (r *row) Rate() string { return known(r.Average, model.Figure) }

func known(v *float64, format func(float64) string) string {
	if v == nil {
		return "–"
	}
	return format(*v)
}

// Wasted is what a month costs without being used: money, or TPS-hours without a price.
func (r *row) Wasted() string {
	switch v := r.wasted(); {
	case v < 0:
		return "–"
	case v == 0:
		return "0"
	case !r.Costs.Wasted.Known():
		return model.Figure(v*billing.HoursPerMonth/max(1, r.Entry.Usage.Hours)) + " TPS-h"
	}
	return r.Costs.Wasted.Digits()
}

// wasted is negative if it is unknown.
func (r *row) wasted() float64 {
	if r.Entry == nil || r.Entry.Usage == nil {
		return -1
	}
	return r.Entry.Usage.TPSHours.Wasted
}

// saves is what is proposed saves a month, in TPS-hours: 0 if nothing is proposed, negative if it is
// unknown.
func (r *row) saves() float64 {
	switch {
	case r.Entry == nil || r.Entry.Usage == nil:
		return -1
	case r.Entry.Saving == nil:
		return 0
	}
	return r.Entry.Saving.PerMonth
}

// SavesText is what is proposed saves a month: money, or TPS-hours without a price.
func (r *row) SavesText() string {
	switch v := r.saves(); {
	case v < 0:
		return "–"
	case !r.Costs.Saves.Known() && v > 0:
		return model.Figure(v) + " TPS-h"
	case v == 0:
		return "0"
	}
	return r.Costs.Saves.Digits()
}

// CostText is what it costs a month: money, or "–" without a price.
func (r *row) CostText() string {
	if !r.Monitored && !r.Costs.Monthly.Known() {
		return "–"
	}
	return r.Costs.Monthly.Digits()
}

// Level fills the bar that shows the utilization: 0 to 100.
func (r *row) Level() int {
	if r.Utilization == nil {
		return 0
	}
	return int(min(100, max(0, *r.Utilization)))
}

// measured is the time of the shown result; zero if nothing was measured yet.
func measured(s Snapshot) time.Time {
	if s.Status.Measured.After(s.Status.LastSuccess) {
		return s.Status.Measured
	}
	return s.Status.LastSuccess
}

// rowsOf merges what the snapshot knows of each resource, by region, kind and name.
func rowsOf(s Snapshot, now time.Time) []*row {
	byARN := map[string]*row{}
	for _, r := range s.Result.Resources {
		one := &row{
			Resource: r, Monitored: true,
			Check: serve.CheckOf(r, measured(s)),
		}
		// The outcome of a check of the last cycle may have become known after it.
		if last, ok := s.Checks[r.ARN]; ok && (!r.Checked || !last.Time.Before(measured(s))) {
			one.Check, one.Checked = last, true
		}
		byARN[r.ARN] = one
	}
	for _, r := range s.Others {
		if arn := r.ARN.String(); byARN[arn] == nil {
			byARN[arn] = &row{
				Resource: report.Resource{Subject: s.subject(r)},
				Check:    serve.Check{Reason: "not monitored: its status is " + string(r.Status)},
			}
		}
	}
	addFacts(byARN, s)
	addSteps(byARN, s.Audits, now)
	automatic := switchesOf(s.Status)
	rows := make([]*row, 0, len(byARN))
	for _, r := range byARN {
		r.addProtection(s.Tags, now)
		r.Costs = costsOf(r)
		r.State = stateOf(r)
		r.Next, r.Why = nextOf(r, automatic)
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *row) int { return cmp.Compare(a.ARN, b.ARN) })
	return rows
}

// addFacts adds alarms, problems and the entries of the ledger.
func addFacts(byARN map[string]*row, s Snapshot) {
	for _, a := range s.Alarms.List {
		if r := byARN[a.Resource]; r != nil {
			r.Alarms = append(r.Alarms, a)
		}
	}
	for _, p := range s.Result.Problems {
		if r := byARN[p.ARN]; r != nil && r.Problem == "" {
			r.Problem = p.Operation + ": " + p.Message()
		}
	}
	if s.Ledger == nil {
		return
	}
	for i, e := range s.Ledger.Resources {
		if r := byARN[e.ARN]; r != nil {
			r.Entry = &s.Ledger.Resources[i]
		}
	}
}

// addSteps adds the latest step-down of the monitor to the endpoints that are watched after it.
func addSteps(byARN map[string]*row, audits []events.Audit, now time.Time) {
	for i, a := range audits {
		r, since := byARN[a.ARN], now.Sub(a.Time)
		lowered := a.Outcome == events.OutcomeDone && a.Automatic && a.Action == model.ActionUpdate && a.Before != nil && a.NewMinTPS < a.Before.MinTPS
		if r != nil && r.Stepped == nil && lowered && since >= 0 && since < watchTime && r.Min == a.NewMinTPS {
			r.Stepped = &audits[i]
		}
	}
}

// switchesOf are what a daemon does automatically.
func switchesOf(s serve.Status) switches { return switches{s.AutoAdjust, s.AutoStop} }

// unlisted are the regions whose campaigns or recommenders could not be listed in the last
// cycle: what is known of them is old or missing.
func unlisted(s Snapshot) []string {
	var regions []string
	for _, p := range s.Result.Problems {
		if p.ARN == "" && strings.HasPrefix(p.Operation, "List") {
			regions = append(regions, p.Where())
		}
	}
	slices.Sort(regions)
	return slices.Compact(regions)
}

// oldAlarms describes which regions' alarms could not be listed in the last cycle, and how old the
// ones shown are; empty if all could.
func oldAlarms(s Snapshot) string {
	var parts []string
	for _, region := range sortedKeys(s.Alarms.Old) {
		if at := s.Alarms.Old[region]; at.IsZero() {
			parts = append(parts, "those of "+region+" are unknown")
		} else {
			parts = append(parts, "those of "+region+" are from "+at.UTC().Format("2 January 15:04 UTC")+", as they could not be listed since")
		}
	}
	return strings.Join(parts, "; ")
}

// resourceOf finds a resource as it was discovered, or makes one from the result.
func resourceOf(s Snapshot, r *row) model.Resource {
	for _, list := range [][]model.Resource{s.Resources, s.Others} {
		for _, one := range list {
			if one.ARN.String() == r.ARN {
				return one
			}
		}
	}
	arn, kind, err := model.ParseResourceARN(r.ARN)
	if err != nil {
		return model.Resource{}
	}
	return model.Resource{ARN: arn, Kind: kind, Name: r.Name, Recipe: r.Recipe, Status: r.Status, MinTPS: r.Min}
}

// auditView is a decision about an endpoint as it is shown.
type auditView struct {
	events.Audit       // the record of its outcome
	When               stamp
	What, Tone, Author string
	Result             string       // the outcome in a word or two
	Stages             []recordView // its records, if there are several
	Effect             string       // how calls fared before and after a step-down; empty if it is not known
	Undo               string       // names the record in the form that undoes it; empty unless it is the last state
}

// auditViews are the newest decisions about an endpoint.
func auditViews(audits []events.Audit, arn string, limit int, now time.Time) []auditView {
	var views []auditView
	for _, d := range decisionsOf(audits, arn) {
		a := *d.outcome()
		h := happeningOf(d.entry())
		h.conclude(now, nil)
		v := auditView{
			Audit: a, When: stampOf(a.Time, now), What: strings.ToUpper(h.Title[:1]) + h.Title[1:], Tone: outcomeTone(a.Outcome), Author: "a person",
			Result: a.Outcome,
		}
		switch {
		case h.Running:
			v.Result = running
		case !d.ended():
			v.Result = "unknown"
		}
		if a.Automatic {
			v.Author = "the monitor"
		}
		if len(d) > 1 {
			v.Stages = d.views(a.Reason)
		}
		views = append(views, v)
	}
	// Only the last change can be undone: an older one would skip what came after it.
	last := slices.IndexFunc(views, func(v auditView) bool { return v.Outcome == events.OutcomeDone || v.Outcome == events.OutcomeBegun })
	if last >= 0 && undoable(views[last].Audit) {
		views[last].Undo = recordName(views[last].Audit)
	}
	for i := range views {
		if views[i].Undo == "" {
			views[i].Restore = ""
		}
	}
	return views[:min(len(views), limit)]
}

// undoable reports whether a record describes something that can be undone.
func undoable(a events.Audit) bool { return a.Restorable() == nil }

// recordName names a record among those of its resource.
func recordName(a events.Audit) string {
	return a.Time.UTC().Format(time.RFC3339Nano) + " " + string(a.Action)
}

func outcomeTone(outcome string) string {
	switch outcome {
	case events.OutcomeDone:
		return "done"
	case events.OutcomeAsked, events.OutcomeBegun:
		return "act"
	case events.OutcomeRefused:
		return "warn"
	case events.OutcomeFailed:
		return "bad"
	}
	return "calm"
}

// nameOf is the name at the end of an ARN.
func nameOf(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
