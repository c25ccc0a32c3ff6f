package web

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// estate is a snapshot, and what pages show of all resources together. It is shared, and must not be changed.
type estate struct {
	Snapshot
	Now     time.Time
	Buttons bool // people may change resources on the page
	Rows    []*row
	Hero    heroView
	States  []stateCount
	Sums    sums

	advice                 []recommendation
	happenings, everything []happening // the newest first
}

// estateKey is the version of the snapshot that an estate is made of, and the minute of its time.
type estateKey [2]int64

// estate is made once for each snapshot and minute.
func (v *renderer) estate() *estate {
	s, now := v.options.Source.Snapshot(), v.options.Clock.Now()
	e := v.merged.get(estateKey{int64(s.Version), now.Unix() / 60}, func() estate {
		e := estate{Snapshot: s, Buttons: v.options.AllowActions, Rows: rowsOf(s, now), happenings: s.happenings(now), everything: s.everything()}
		e.advice, e.Hero, e.States, e.Sums = recommendationsOf(s, e.Rows), heroOf(s, e.Rows), stateCounts(e.Rows), sumsOf(e.Rows)
		return e
	})
	e.Now = now
	return &e
}

// row is a resource; nil if it is not known.
func (e *estate) row(arn string) *row {
	for _, r := range e.Rows {
		if r.ARN == arn {
			return r
		}
	}
	return nil
}

// Stamp is a time as it is shown now.
func (e *estate) Stamp(t time.Time) stamp { return stampOf(t, e.Now) }

// Next is when the next cycle begins; empty if that is about now, or not known.
func (e *estate) Next() stamp {
	if e.Status.NextCycle.Sub(e.Now) < time.Minute {
		return stamp{}
	}
	return e.Stamp(e.Status.NextCycle)
}

// Days is the length of the ledger; empty while there is none.
func (s Snapshot) Days() string {
	if s.Ledger == nil {
		return ""
	}
	return model.Plural(s.Ledger.Days, "day")
}

// Measured is the time of the shown result; zero if nothing was measured yet.
func (s Snapshot) Measured() time.Time {
	if s.Status.Measured.After(s.Status.LastSuccess) {
		return s.Status.Measured
	}
	return s.Status.LastSuccess
}

// Waiting reports whether no cycle has ended yet.
func (s Snapshot) Waiting() bool { return s.Measured().IsZero() && s.Status.LastError == "" }

// Unlisted are the regions whose campaigns or recommenders could not be listed in the last
// cycle: what is known of them is old or missing.
func (s Snapshot) Unlisted() []string {
	regions := map[string]bool{}
	for _, p := range s.Result.Problems {
		if p.ARN == "" && strings.HasPrefix(p.Operation, "List") {
			regions[p.Where()] = true
		}
	}
	return sortedKeys(regions)
}

// OldAlarms describes which regions' alarms could not be listed in the last cycle, and how old the
// ones shown are; empty if all could.
func (s Snapshot) OldAlarms() string {
	var parts []string
	for _, region := range sortedKeys(s.Alarms.Old) {
		text := " are unknown"
		if at := s.Alarms.Old[region]; !at.IsZero() {
			text = " are from " + at.UTC().Format("2 January 15:04 UTC") + ", as they could not be listed since"
		}
		parts = append(parts, "those of "+region+text)
	}
	return strings.Join(parts, "; ")
}

// Late is where data are late, as "eu-west-1, us-east-1".
func (s Snapshot) Late() string { return s.lateAt(time.Time{}) }

// lateAt is Late at a time; at any time for the zero time.
func (s Snapshot) lateAt(at time.Time) string {
	var regions []string
	for _, one := range s.Result.DataLate {
		if at.IsZero() || !one.Newest.IsZero() && at.After(one.Newest) {
			regions = append(regions, one.Where())
		}
	}
	return strings.Join(regions, ", ")
}

// late reports whether the data of a region of an account are.
func (s Snapshot) late(account, region string) bool {
	return slices.ContainsFunc(s.Result.DataLate, func(one rules.LateRegion) bool {
		return one.Region == region && (one.Account == "" || one.Account == account)
	})
}

// resource finds a resource as it was discovered, or makes one from the result.
func (s Snapshot) resource(r *row) model.Resource {
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

// account is one of several accounts; the zero value if there is one, or it is not watched.
func (s Snapshot) account(id string) serve.AccountStatus {
	for _, one := range s.Accounts {
		if one.ID == id {
			return one
		}
	}
	return serve.AccountStatus{}
}

// place is the region of a resource, with its account if there are several: as alarms and problems
// have it.
func (s Snapshot) place(arn model.ARN) string {
	return model.Problem{Region: arn.Region(), Account: s.account(arn.Account()).Account}.Where()
}

// label is the name of a resource, with its account if there are several.
func (s Snapshot) label(name string) string {
	arn, err := model.ParseARN(name)
	if err != nil {
		return nameOf(name)
	}
	return s.subject(model.Resource{ARN: arn, Name: arn.Name()}).Label()
}

// subject describes a resource.
func (s Snapshot) subject(r model.Resource) report.Subject {
	subject := report.SubjectOf(r)
	a := s.account(r.ARN.Account())
	subject.Account, subject.AccountName = a.ID, a.Name
	return subject
}

// known is a number for people.
func known(v *float64, format func(float64) string) string {
	if v == nil {
		return unknownText
	}
	return format(*v)
}

// unknownText is shown for what is not known, or does not exist.
const unknownText = "–"

func percent(v float64) string { return model.Figure(v) + "%" }

// percentOf is a share in percent; 0 of nothing.
func percentOf(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return part / whole * 100
}

func number(n int) string { return model.Number(float64(n), 0) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// capital is a text with a capital letter.
func capital(text string) string {
	return strings.ToUpper(text[:min(1, len(text))]) + text[min(1, len(text)):]
}

// shorten cuts a reason to so many characters.
func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// nameOf is the name at the end of an ARN.
func nameOf(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// hasWords reports whether a text has each of the searched words, in any case.
func hasWords(text, search string) bool {
	text = strings.ToLower(text)
	for word := range strings.FieldsSeq(strings.ToLower(search)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// stamp is a time for people and for programs; empty for the zero time.
type stamp struct{ Machine, Human, Ago string }

// stampLayout is a time for people.
const stampLayout = "2006-01-02 15:04 UTC"

func stampOf(t, now time.Time) stamp {
	if t.IsZero() {
		return stamp{}
	}
	t = t.UTC()
	return stamp{Machine: t.Format(time.RFC3339), Human: t.Format(stampLayout), Ago: ago(t, now)}
}

// ago is an age up to a day, rounded down, and then a date; or how long until a time in the future.
func ago(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d <= -time.Minute:
		return "in " + model.Span(-d)
	case d < time.Minute:
		return "just now"
	case d < 24*time.Hour:
		return model.Span(d) + " ago"
	case d < 300*24*time.Hour:
		return t.Format("2 Jan 15:04")
	}
	return t.Format("2 Jan 2006")
}
