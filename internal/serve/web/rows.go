package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// row is one resource with all that is known of it.
type row struct {
	ARN, Name, Region, Group, Recipe string
	Kind                             model.Kind
	Status                           model.Status
	Monitored                        bool
	Min                              int
	Average, Utilization             *float64 // nil if they could not be read, or cannot be
	Invisible                        bool     // they cannot: nothing counts what its recipe serves
	Check                            Check    // its last hourly check, or what was said of it last
	Checked                          bool     // whether that was a check
	Alarms                           []Alarm
	Entry                            *report.Entry // what it cost; nil while that is not known
	Problem                          string
}

// Spark is a small drawing of its last days; nil while they are not known.
func (r row) Spark() *spark {
	if r.Entry == nil {
		return nil
	}
	return sparkOf(r.Entry.Hourly, r.Unit())
}

// Unit is what its throughput is counted in.
func (r row) Unit() string { return r.Kind.RateUnit() }

// Link leads to the page of the resource.
func (r row) Link() string { return link("/resource", "arn", r.ARN) }

// Alarming counts its alarms that are in ALARM.
func (r row) Alarming() int {
	n := 0
	for _, a := range r.Alarms {
		if a.State == alarms.StateAlarm {
			n++
		}
	}
	return n
}

// Decision is the decision in a few words.
func (r row) Decision() string {
	if !r.Monitored {
		return "not monitored"
	}
	if !r.Checked && !r.Check.Decision.Changes() && r.Check.Decision != rules.Refused {
		return "not checked" // that it is kept is not decided either
	}
	return decisionText(r.Check.Decision, r.Check.NewMin)
}

// came is what came of a decision.
type came struct{ Outcome, Why, Tone string }

// Came is what came of the decision; nil if nothing did.
func (r row) Came() *came {
	if r.Check.Outcome == "" {
		return nil
	}
	outcome, why, _ := strings.Cut(r.Check.Outcome, ": ")
	return &came{outcome, why, outcomeTone(outcome)}
}

// Tone says how a decision is coloured.
func (r row) Tone() string { return decisionTone(r.Check.Decision) }

// Percent is the utilization as it is shown.
func (r row) Percent() string {
	if r.Utilization == nil {
		return "–"
	}
	return percent(*r.Utilization)
}

// Rate is the average as it is shown.
func (r row) Rate() string {
	if r.Average == nil {
		return "–"
	}
	return figure(*r.Average)
}

// Wasted is what was paid for and not used, in TPS-hours.
func (r row) Wasted() string {
	if r.Entry == nil || r.Entry.Usage == nil {
		return "–"
	}
	return figure(r.Entry.Usage.TPSHours.Wasted)
}

// Level fills the bar that shows the utilization: 0 to 100.
func (r row) Level() int {
	if r.Utilization == nil {
		return 0
	}
	return int(min(100, max(0, *r.Utilization)))
}

func decisionText(a rules.Verdict, newMin int) string {
	switch a {
	case rules.StepDown:
		return fmt.Sprintf("step down to %d", newMin)
	case "", rules.None:
		return "keep"
	}
	return string(a)
}

func decisionTone(a rules.Verdict) string {
	switch {
	case a.Changes():
		return "act"
	case a == rules.Refused:
		return "warn"
	}
	return "calm"
}

// rowsOf puts together what the snapshot knows of each resource, by region, kind and name.
func rowsOf(s Snapshot) []row {
	byARN := map[string]*row{}
	for _, r := range s.Result.Resources {
		one := &row{
			ARN: r.ARN, Name: r.Name, Region: r.Region, Group: r.DatasetGroup, Recipe: r.Recipe, Kind: r.Kind, Status: r.Status,
			Monitored: true, Min: r.Min, Average: r.Average, Utilization: r.Utilization, Invisible: r.Invisible, Checked: r.Checked,
			Check: Check{Time: s.Measured, Decision: r.Decision, NewMin: r.NewMin, Reason: r.Reason, Outcome: r.Outcome},
		}
		// What came of the last cycle's own checks may have become known after it.
		if last, ok := s.Checks[r.ARN]; ok && (!r.Checked || !last.Time.Before(s.Measured)) {
			one.Check, one.Checked = last, true
		}
		byARN[r.ARN] = one
	}
	for _, r := range s.Others {
		if arn := r.ARN.String(); byARN[arn] == nil {
			byARN[arn] = &row{
				ARN: arn, Name: r.Name, Region: r.Region(), Group: r.DatasetGroup.Name(), Recipe: r.Recipe, Kind: r.Kind, Status: r.Status, Min: r.MinTPS,
				Check: Check{Reason: "not monitored: its status is " + string(r.Status)},
			}
		}
	}
	enrich(byARN, s)
	rows := make([]row, 0, len(byARN))
	for _, r := range byARN {
		rows = append(rows, *r)
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.ARN, b.ARN) })
	return rows
}

// enrich adds alarms, costs and problems.
func enrich(byARN map[string]*row, s Snapshot) {
	for _, a := range s.Alarms {
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

// unlisted are the regions whose campaigns or recommenders could not be listed in the last
// cycle: what is known of them is old, or missing.
func unlisted(s Snapshot) []string {
	var regions []string
	for _, p := range s.Result.Problems {
		if p.ARN == "" && strings.HasPrefix(p.Operation, "List") {
			regions = append(regions, p.Region)
		}
	}
	slices.Sort(regions)
	return slices.Compact(regions)
}

// resourceOf finds a resource as it was discovered, or makes up what the result tells.
func resourceOf(s Snapshot, r row) model.Resource {
	for _, list := range [][]model.Resource{s.Resources, s.Others} {
		for _, known := range list {
			if known.ARN.String() == r.ARN {
				return known
			}
		}
	}
	arn, kind, err := model.ParseResourceARN(r.ARN)
	if err != nil {
		return model.Resource{}
	}
	return model.Resource{ARN: arn, Kind: kind, Name: r.Name, Recipe: r.Recipe, Status: r.Status, MinTPS: r.Min}
}

// monitored are the monitored resources as they were discovered.
func monitored(s Snapshot) []model.Resource {
	if s.Resources != nil {
		return s.Resources
	}
	var list []model.Resource
	for _, r := range rowsOf(s) {
		if r.Monitored {
			list = append(list, resourceOf(s, r))
		}
	}
	return list
}

// auditsOf are the records about a resource, or about all if the ARN is empty; the
// newest first.
func auditsOf(audits []events.Audit, arn string) []events.Audit {
	var list []events.Audit
	for _, a := range audits {
		if arn == "" || a.ARN == arn {
			list = append(list, a)
		}
	}
	slices.SortStableFunc(list, func(a, b events.Audit) int { return b.Time.Compare(a.Time) })
	return list
}

// auditView is a record as it is shown.
type auditView struct {
	When                           stamp
	ARN, Name, What, Outcome, Tone string
	Reason, By, Restore            string
	Undo                           string // names the record in the form that undoes it; empty if it cannot be
}

func auditViews(audits []events.Audit, now time.Time) []auditView {
	views := make([]auditView, 0, len(audits))
	for _, a := range audits {
		v := auditView{
			When: stampOf(a.Time, now), ARN: a.ARN, Name: nameOf(a.ARN), What: actionText(a), Outcome: a.Outcome,
			Tone: outcomeTone(a.Outcome), Reason: a.Reason, By: "a person", Restore: a.Restore,
		}
		if a.Automatic {
			v.By = "the monitor"
		}
		if undoable(a) {
			v.Undo = recordName(a)
		}
		views = append(views, v)
	}
	return views
}

// undoable tells whether a record tells of something that can be undone.
func undoable(a events.Audit) bool {
	return a.Outcome == events.OutcomeDone && a.Before != nil &&
		(a.Action == model.ActionUpdate || a.Action == model.ActionDelete || a.Action == model.ActionStop)
}

// recordName names a record among those of its resource.
func recordName(a events.Audit) string {
	return a.Time.UTC().Format(time.RFC3339Nano) + " " + string(a.Action)
}

func actionText(a events.Audit) string {
	switch {
	case a.Action == "":
		return "decision"
	case a.Action != model.ActionUpdate || a.NewMinTPS == 0:
		return strings.ReplaceAll(string(a.Action), "-", " ")
	case a.Before != nil:
		return fmt.Sprintf("minimum from %d to %d", a.Before.MinTPS, a.NewMinTPS)
	}
	return fmt.Sprintf("minimum to %d", a.NewMinTPS)
}

func outcomeTone(outcome string) string {
	switch outcome {
	case events.OutcomeDone:
		return "done"
	case events.OutcomeAsked:
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
