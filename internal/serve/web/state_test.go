package web

import (
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// The state of an endpoint is the first that applies, and what happens next follows from it.
func TestStateOfAnEndpoint(t *testing.T) {
	const arn = "arn:aws:personalize:us-east-1:123456789012:campaign/c"
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	one := 1.0
	check := func(v rules.Verdict, outcome string, codes ...rules.ReasonCode) serve.Check {
		return serve.Check{Time: now, Decision: v, NewMin: 6, Codes: codes, Outcome: outcome}
	}
	saving := func(v rules.Verdict) *report.Entry {
		return &report.Entry{Subject: report.Subject{ARN: arn}, Usage: &billing.Usage{Hours: 336}, Saving: &billing.Saving{Action: v, NewMin: 5}}
	}
	read := &report.Entry{Subject: report.Subject{ARN: arn}, Usage: &billing.Usage{Hours: 336}}
	stepped := events.Audit{Time: now.Add(-time.Hour), ARN: arn, Action: model.ActionUpdate, Outcome: events.OutcomeDone, Automatic: true, NewMinTPS: 8, Before: &events.Before{MinTPS: 11}}
	for _, tt := range []struct {
		name      string
		check     *serve.Check
		entry     *report.Entry
		audits    []events.Audit
		average   *float64
		want      state
		next, why string
	}{
		{"every call fails", ptr(check(rules.None, "", rules.ReasonFailing, rules.ReasonKept)), saving(rules.StepDown), nil, &one, failing, "Nothing is decided", "every call fails"},
		{"every call fails, by the ledger alone", nil, &report.Entry{Subject: report.Subject{ARN: arn}, Usage: &billing.Usage{}, NotIdle: rules.ReasonFailing}, nil, &one, failing, "Nothing is decided", "every call fails"},
		{"failed calls that only need the minimum are no failing endpoint", ptr(check(rules.Refused, "", rules.ReasonOversized, rules.ReasonGuard, rules.ReasonFailing)), read, nil, &one, oversized, "Change blocked", "every call fails"},
		{"lowered an hour ago", ptr(check(rules.None, "", rules.ReasonPaused)), read, []events.Audit{stepped}, &one, watching, "Keep", "updated a moment ago"},
		{"raised since", ptr(check(rules.None, "", rules.ReasonKept)), read, []events.Audit{with(stepped, func(a *events.Audit) { a.NewMinTPS = 7 })}, &one, fine, "Keep", "its demand needs the minimum"},
		{"lowered by a person", ptr(check(rules.None, "", rules.ReasonKept)), read, []events.Audit{with(stepped, func(a *events.Audit) { a.Automatic = false })}, &one, fine, "Keep", "its demand needs the minimum"},
		{"lowered hours ago", ptr(check(rules.None, "", rules.ReasonKept)), read, []events.Audit{with(stepped, func(a *events.Audit) { a.Time = now.Add(-watchTime) })}, &one, fine, "Keep", "its demand needs the minimum"},
		{"calls failed above the minimum", ptr(check(rules.Refused, "", rules.ReasonOversized, rules.ReasonFailures)), saving(rules.StepDown), nil, &one, held, "8 → 5 blocked", "calls failed above the minimum"},
		{"set back", ptr(check(rules.Refused, "", rules.ReasonOversized, rules.ReasonContested)), saving(rules.StepDown), nil, &one, contested, "8 → 5 blocked", "set back after our step"},
		{"idle", ptr(check(rules.Delete, events.OutcomeAsked, rules.ReasonIdle)), saving(rules.Delete), nil, &one, idle, "Delete requested", "the outcome follows"},
		{"idle by the ledger, not checked yet", nil, saving(rules.Delete), nil, &one, idle, "Delete proposed", "auto delete is off"},
		{"oversized", ptr(check(rules.StepDown, events.OutcomeDone, rules.ReasonOversized)), saving(rules.StepDown), nil, &one, oversized, "8 → 6 done", ""},
		{"oversized by the ledger, not checked yet", nil, saving(rules.StepDown), nil, &one, oversized, "8 → 5 proposed", "automatic, at most 25% a step"},
		{"protected", ptr(check(rules.StepDown, "refused: protected by its tag personalize-monitor:protect=tps until 2026-04-30", rules.ReasonOversized)), saving(rules.StepDown), nil, &one, oversized, "8 → 6 blocked", "protected until 30 Apr 2026 (its minimum)"},
		{"not read", nil, read, nil, nil, unknown, "Nothing is decided", "its data could not be read"},
		{"neither checked nor metered", nil, nil, nil, &one, unknown, "Not checked", "not checked in this hour yet"},
		{"its demand is known, though it is not checked", nil, read, nil, &one, fine, "Keep", "by its demand of 14 days"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Snapshot{Snapshot: serve.Snapshot{
				Status: serve.Status{LastSuccess: now, AutoAdjust: model.On, AutoStop: model.Off}, Audits: tt.audits, Checks: map[string]serve.Check{},
				Result: report.Result{Resources: []report.Resource{{Subject: report.Subject{ARN: arn, Kind: model.Campaign, Name: "c", Status: model.StatusActive, Min: 8}, Average: tt.average}}},
			}}
			if tt.check != nil {
				s.Checks[arn] = *tt.check
			}
			if tt.entry != nil {
				s.Ledger = &report.Ledger{Resources: []report.Entry{*tt.entry}}
			}
			got := rowsOf(s, now)[0]
			if got.State != tt.want || got.Next != tt.next || got.Why != tt.why {
				t.Errorf("%s: %q, %q; want %s: %q, %q", got.State.Key, got.Next, got.Why, tt.want.Key, tt.next, tt.why)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func with(a events.Audit, change func(*events.Audit)) events.Audit {
	change(&a)
	return a
}

// The bar leads with whether the monitor changes anything without a person.
func TestLeadOfTheBar(t *testing.T) {
	for _, tt := range []struct {
		status  serve.Status
		buttons bool
		want    string
	}{
		{serve.Status{AutoAdjust: model.On, AutoStop: model.Off}, false, "Automatic"},
		{serve.Status{AutoAdjust: model.Off, AutoStop: model.On}, false, "Automatic"},
		{serve.Status{AutoAdjust: model.On, DryRun: true}, true, "Looks only"},
		{serve.Status{AutoAdjust: model.On, Role: serve.Standby}, true, "On standby"},
		{serve.Status{AutoAdjust: model.DryRun, AutoStop: model.Off}, true, "Reports only"},
		{serve.Status{AutoAdjust: model.Off, AutoStop: model.Off}, true, "Asks first"},
		{serve.Status{AutoAdjust: model.Off, AutoStop: model.Off}, false, "Looks only"},
		{serve.Status{}, false, "Starting"},
	} {
		if got := leadText(tt.status, tt.buttons); got != tt.want {
			t.Errorf("%+v, buttons %v: %q, want %q", tt.status, tt.buttons, got, tt.want)
		}
	}
}

// An amount that is not known is never shown as 0, and never part of a sum that hides it.
func TestUnknownMoneyIsNotZero(t *testing.T) {
	var sum total
	sum.add(money{})
	if got := sum.String(); got != "unknown" {
		t.Errorf("a sum of nothing known: %q", got)
	}
	sum.add(money{1234.4, "USD"})
	sum.add(money{5.5, "EUR"})
	if got, without := sum.String(), sum.Without("endpoint"); got != "USD 1,234 + EUR 5.50" || without != "without 1 endpoint of unknown cost" {
		t.Errorf("%q, %q", got, without)
	}
	if got := (money{}).Digits(); got != "–" {
		t.Errorf("unknown: %q", got)
	}
}
