package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
)

const cannedARN = "arn:aws:personalize:us-east-1:123456789012:campaign/home"

func TestPageShowsTheMemoryAndTheLedger(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	memory := serve.NewMemory()
	result := report.Result{MetricsPublished: 2, Resources: []report.Resource{{Subject: report.Subject{ARN: cannedARN}, Checked: true, Decision: rules.StepDown, NewMin: 3, Reason: "low"}}}
	memory.AddCycle(serve.CycleRecord{Began: now, Role: serve.Leading}, result, now)
	memory.AddAudit(events.Audit{ARN: cannedARN, Time: now.Add(time.Minute), Automatic: true, Action: model.ActionUpdate, Outcome: events.OutcomeDone})
	source := newPageSource([]serve.Account{{Memory: memory}}, "Board", "")
	memory.SawLedger(&report.Ledger{Days: 14}, "")
	got := source.Snapshot()
	want := web.Snapshot{Snapshot: memory.Snapshot(), DashboardName: "Board"}
	want.Checks[cannedARN] = serve.Check{Time: now, Decision: rules.StepDown, NewMin: 3, Reason: "low", Outcome: events.OutcomeDone}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A check learns from the records what became of what it asked for by event.
func TestChecksLearnWhatCameOfThem(t *testing.T) {
	asked := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	record := func(after time.Duration, outcome string, change func(*events.Audit)) events.Audit {
		a := events.Audit{Time: asked.Add(after), ARN: cannedARN, Action: model.ActionUpdate, Outcome: outcome, Automatic: true, Reason: "protected by its tag"}
		if change != nil {
			change(&a)
		}
		return a
	}
	for name, tt := range map[string]struct {
		records []events.Audit // the newest first
		want    string
	}{
		"nothing is known yet":            {nil, "asked"},
		"asked alone":                     {[]events.Audit{record(0, events.OutcomeAsked, nil)}, "asked"},
		"refused by the function":         {[]events.Audit{record(time.Minute, events.OutcomeRefused, nil), record(0, events.OutcomeAsked, nil)}, "refused: protected by its tag"},
		"at the very moment of the check": {[]events.Audit{record(0, events.OutcomeRefused, nil)}, "refused: protected by its tag"},
		"refused, then done":              {[]events.Audit{record(2*time.Minute, events.OutcomeDone, nil), record(time.Minute, events.OutcomeRefused, nil)}, "done"},
		"of an earlier check":             {[]events.Audit{record(-time.Second, events.OutcomeRefused, nil)}, "asked"},
		"of another action":               {[]events.Audit{record(time.Minute, events.OutcomeRefused, func(a *events.Audit) { a.Action = model.ActionDelete })}, "asked"},
		"what a person asked for":         {[]events.Audit{record(time.Minute, events.OutcomeRefused, func(a *events.Audit) { a.Automatic = false })}, "asked"},
		"of another resource":             {[]events.Audit{record(time.Minute, events.OutcomeRefused, func(a *events.Audit) { a.ARN += "2" })}, "asked"},
	} {
		t.Run(name, func(t *testing.T) {
			checks := map[string]serve.Check{cannedARN: {Time: asked, Decision: rules.StepDown, NewMin: 22, Outcome: events.OutcomeAsked}}
			addOutcomes(checks, tt.records)
			if got := checks[cannedARN].Outcome; got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	kept := map[string]serve.Check{cannedARN: {Time: asked, Decision: rules.Refused}}
	addOutcomes(kept, []events.Audit{record(time.Minute, events.OutcomeRefused, func(a *events.Audit) { a.Action = "" })})
	if kept[cannedARN].Outcome != "" {
		t.Errorf("nothing was asked for, and %q came of it", kept[cannedARN].Outcome)
	}
}

// A snapshot is built once for each version.
func TestPageIsBuiltOncePerVersion(t *testing.T) {
	memory := serve.NewMemory()
	memory.AddAudit(events.Audit{ARN: cannedARN})
	source := newPageSource([]serve.Account{{Memory: memory}}, "Board", "")
	one, two := source.Snapshot(), source.Snapshot()
	if &one.Audits[0] != &two.Audits[0] {
		t.Error("the same version was built twice")
	}
	memory.SawLedger(&report.Ledger{}, "")
	if three := source.Snapshot(); three.Version != one.Version+1 || three.Ledger == nil {
		t.Error("another ledger is not shown")
	}
	memory.AddAudit(events.Audit{ARN: cannedARN})
	if four := source.Snapshot(); four.Version != one.Version+2 || len(four.Audits) != 2 {
		t.Error("a change is not shown")
	}
}

func TestPageShowsWhatFailedAfterAnActionWasAccepted(t *testing.T) {
	accepted := actions.Answer{Sentence: "Deleted.", Problems: []model.Problem{{Region: "us-east-1", Operation: "PutEvents", Err: errors.New("denied")}}}
	if text, err := answerText(accepted, nil); err != nil || !strings.HasPrefix(text, "Deleted. But: PutEvents us-east-1: denied") {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := answerText(actions.Answer{}, errors.New("denied")); err == nil || text != "" {
		t.Errorf("%q, %v", text, err)
	}
}

// recorded notes what a page requests in one account.
type recorded struct{ asked []string }

func (r *recorded) Measure(_ context.Context, queries []model.Query, _ func(done, total int)) (model.Readings, []model.Problem) {
	for _, q := range queries {
		r.asked = append(r.asked, q.Metric.DimensionValue)
	}
	return nil, nil
}

func (r *recorded) Of(_ context.Context, of model.Resource, _ time.Duration) (report.WhatIfEntry, []model.Problem) {
	r.asked = append(r.asked, of.ARN.String())
	return report.WhatIfEntry{}, nil
}

// What a page requests about a resource is requested in its account, also if each account has one of that name; in an account that
// is not watched nothing is.
func TestRequestsOfThePageGoToTheAccountOfTheResource(t *testing.T) {
	const own, other, foreign = "222222222222", "333333333333", "444444444444"
	arn := func(account string) model.ARN {
		return model.NewARN("aws", "personalize", "us-east-1", account, "campaign/home")
	}
	in := map[string]*recorded{own: {}, other: {}}
	r := routes{{account: model.Account{ID: own}, meter: in[own], whatIf: in[own]}, {account: model.Account{ID: other}, meter: in[other], whatIf: in[other]}}
	for _, account := range []string{other, own, foreign} {
		one, err := r.to(arn(account))
		if err != nil && account != foreign || err == nil && one.account.ID != account {
			t.Errorf("%s: to %s, %v", account, one.account, err)
		}
		query := model.Query{Region: "us-east-1", Metric: model.Metric{DimensionName: "CampaignArn", DimensionValue: arn(account).String()}}
		if _, problems := r.Measure(t.Context(), []model.Query{query}, nil); (len(problems) > 0) != (account == foreign) {
			t.Errorf("%s: %v", account, problems)
		}
		if _, problems := r.Of(t.Context(), model.Resource{ARN: arn(account)}, 0); (len(problems) > 0) != (account == foreign) {
			t.Errorf("%s: %v", account, problems)
		}
	}
	for account, one := range in {
		if want := []string{arn(account).String(), arn(account).String()}; !slices.Equal(one.asked, want) {
			t.Errorf("in %s: %q, want %q", account, one.asked, want)
		}
	}
}
