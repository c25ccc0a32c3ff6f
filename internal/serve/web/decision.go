package web

import (
	"cmp"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// decision is one decision with its records, the oldest first: the request, the start and the outcome.
// It has at least one record.
type decision []*events.Audit

// decisionTime is how long after the first record of a decision others belong to it. An outcome that
// takes longer is not known.
const decisionTime = time.Hour

// outcome is the record that counts: the last one, unless that only repeats what was done.
func (d decision) outcome() *events.Audit {
	last := d[len(d)-1]
	if len(d) > 1 && last.Outcome == events.OutcomeAlready && d[len(d)-2].Outcome == events.OutcomeDone {
		return d[len(d)-2]
	}
	return last
}

// ended reports whether the outcome is known.
func (d decision) ended() bool { return stage(d.outcome()) == 2 }

// running reports whether the outcome is still expected.
func (d decision) running(now time.Time) bool {
	return !d.ended() && now.Sub(d.outcome().Time) < decisionTime
}

// stage is how far a decision has come with a record.
func stage(a *events.Audit) int {
	switch a.Outcome {
	case events.OutcomeAsked:
		return 0
	case events.OutcomeBegun:
		return 1
	}
	return 2
}

// goesOn reports whether a record that follows belongs to the decision.
func (d decision) goesOn(a *events.Audit) bool {
	first, last := d[0], d[len(d)-1]
	if first.Automatic != a.Automatic || a.Time.Sub(first.Time) >= decisionTime {
		return false
	}
	return stage(a) > stage(last) || last.Outcome == events.OutcomeDone && a.Outcome == events.OutcomeAlready
}

// decisionsOf are the decisions that the records of an endpoint or of all are of, the newest first.
// Records of the same time are in the order of their stages.
func decisionsOf(audits []events.Audit, arn string) []decision {
	var records []*events.Audit
	for i := range audits {
		if arn == "" || audits[i].ARN == arn {
			records = append(records, &audits[i])
		}
	}
	slices.SortStableFunc(records, func(a, b *events.Audit) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(stage(a), stage(b))) })
	type subject struct {
		arn, action string
		minimum     int
	}
	latest := map[subject]int{} // in list
	var list []decision
	for _, a := range records {
		key := subject{a.ARN, string(a.Action), a.NewMinTPS}
		if i, ok := latest[key]; ok && list[i].goesOn(a) {
			list[i] = append(list[i], a)
			continue
		}
		latest[key] = len(list)
		list = append(list, decision{a})
	}
	slices.Reverse(list)
	slices.SortStableFunc(list, func(a, b decision) int { return b.outcome().Time.Compare(a.outcome().Time) })
	return list
}

// entry is the decision on the time line.
func (d decision) entry() Entry {
	a := d.outcome()
	return Entry{
		Time: a.Time, Kind: EntryAction, ARN: a.ARN, Region: a.Region, Text: a.Reason, Outcome: a.Outcome, Automatic: a.Automatic, records: d,
	}
}

// recordView is a record of a decision as it is shown in the details.
type recordView struct{ Machine, Time, What, Why string }

// outcomeWords are the outcomes of records for people.
var outcomeWords = map[string]string{
	events.OutcomeAsked: "requested", events.OutcomeBegun: "begun", events.OutcomeDone: "accepted by Personalize",
	events.OutcomeAlready: "already so", events.OutcomeDryRun: "dry run", events.OutcomeRefused: "blocked", events.OutcomeFailed: "failed",
}

// views are the records, each with its reason where that is not the one shown before.
func (d decision) views(reason string) []recordView {
	var list []recordView
	for _, a := range d {
		at := a.Time.UTC()
		v := recordView{at.Format(time.RFC3339), at.Format("2 Jan 15:04:05"), cmp.Or(outcomeWords[a.Outcome], a.Outcome), ""}
		if a.Reason != reason {
			v.Why, reason = a.Reason, a.Reason
		}
		list = append(list, v)
	}
	return list
}
