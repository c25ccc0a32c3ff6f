package web

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// activitySize is how many entries a page of the activity has.
const activitySize = 60

// activityTabs are the choices of what to show. Only the first ones collapse what repeats.
var activityTabs = []option{
	{"", "Worth knowing"},
	{"change", "Changes"},
	{"blocked", "Blocked"},
	{"problem", "Problems"},
	{"alarm", "Alarms"},
	{"cycle", "Cycles"},
	{"all", "Everything"},
}

type activityView struct {
	*estate
	Days       [][]happening
	ARN, Name  string
	Kind       string
	Search     string
	Tabs       []tab
	Total      int
	Pager      pager
	CSV        string
	Week       []tab // how much of each sort happened in the last 7 days
	Collapsing bool
}

func (h *site) activity(_ *http.Request, q *fields) (page, error) {
	kind := q.choice(keyKind, words(activityTabs)...)
	arn, _ := q.arn(keyARN, false)
	number, search := q.number(keyPage, 1, 1, maxPage), q.text(keySearch)
	if q.fault != nil {
		return page{}, q.fault
	}
	view := activityView{
		estate: h.pages.estate(), Kind: kind, ARN: arn.String(), Name: arn.Name(), Search: search, Collapsing: kind != "all" && kind != "cycle",
	}
	about := func(list []happening) []happening {
		if view.ARN == "" && search == "" {
			return list
		}
		return slices.DeleteFunc(slices.Clone(list), func(h happening) bool {
			return view.ARN != "" && h.ARN != view.ARN || !hasWords(h.ARN+"\n"+h.Title+"\n"+h.Text+"\n"+h.Region, search)
		})
	}
	collapsed, raw := about(view.happenings), about(view.everything)
	to := func(kind, key, value string) string {
		return link("/activity", keyKind, kind, keyARN, view.ARN, keySearch, search, key, value)
	}
	var list []happening
	for i, one := range activityTabs {
		shown := selectSort(collapsed, raw, one.Value)
		t := tab{Label: one.Label, Link: to(one.Value, keyPage, ""), Count: len(shown), Current: one.Value == kind}
		if t.Current {
			list = shown
		}
		view.Tabs = append(view.Tabs, t)
		if i >= 1 && i < 5 {
			t.Count = 0
			for _, h := range shown {
				if view.Now.Sub(h.Time) <= 7*24*time.Hour {
					t.Count++
				}
			}
			view.Week = append(view.Week, t)
		}
	}
	view.Total, view.CSV = len(list), to(kind, keyFormat, "csv")
	var from, until int
	view.Pager, from, until = paginate(len(list), activitySize, number, func(n string) string { return to(kind, keyPage, n) })
	view.Days = byDay(shownAt(view.Now, list[from:until]))
	return page{template: "activity", title: "Activity", path: "/activity", view: view, tables: []table{{"activity", "", csvOf(list,
		[]string{"time", "first", "times", "kind", "arn", "region", "what", "why", "outcome", "automatic"}, func(h happening) []any {
			return []any{h.Time, h.First, h.Count, h.Sort, h.ARN, h.Region, h.Title, h.Text, h.Outcome, h.Automatic}
		})}}}, nil
}

func byDay(list []happening) (days [][]happening) {
	day := func(h happening) string { return h.Time.UTC().Format(time.DateOnly) }
	for i, h := range list {
		if i == 0 || day(h) != day(list[i-1]) {
			days = append(days, nil)
		}
		days[len(days)-1] = append(days[len(days)-1], h)
	}
	return days
}

// selectSort are the happenings of a tab.
func selectSort(collapsed, raw []happening, kind string) []happening {
	switch kind {
	case "all":
		return raw
	case "cycle":
		collapsed = raw
	}
	var list []happening
	for _, h := range collapsed {
		if h.Sort == kind || kind == "" && h.Sort != "alarm" {
			list = append(list, h)
		}
	}
	return list
}

// happening is one thing that happened, however often it did.
type happening struct {
	Entry
	Sort     string // the tab that shows it: change, blocked, problem, alarm, cycle, event
	First    time.Time
	Count    int
	Steps    int // step-downs of one day that are one entry
	From, To int // of a change of a minimum; 0 if unknown
	Running  bool
	Icon     string
	Tone     string

	parts []decision // that it is made of, the newest first; no more than mostParts
	now   time.Time  // when it is shown
}

// mostParts is how many decisions the details of an entry have.
const mostParts = 12

// shownAt are happenings as they are shown at a time.
func shownAt(now time.Time, list []happening) []happening {
	list = slices.Clone(list)
	for i := range list {
		list[i].now = now
	}
	return list
}

// When is its time, or that of the newest.
func (h happening) When() stamp { return stampOf(h.Time, h.now) }

// Since is the time of the oldest.
func (h happening) Since() stamp { return stampOf(h.First, h.now) }

// Age is how old it is, up to a day; the date is beside it.
func (h happening) Age() string {
	if h.now.Sub(h.Time) >= 24*time.Hour {
		return ""
	}
	return h.When().Ago
}

// Name is that of the resource.
func (h happening) Name() string { return nameOf(h.ARN) }

// Author is who decided it; empty if no one did.
func (h happening) Author() string {
	switch {
	case h.Kind != EntryAction:
		return ""
	case h.Automatic:
		return "by the monitor"
	}
	return "by a person"
}

// ID is that of its details.
func (h happening) ID() string {
	return "d" + strconv.FormatInt(h.First.UnixNano(), 36) + "-" + strings.NewReplacer(":", "-", "/", "-").Replace(h.ARN)
}

// Older is how many decisions the details leave out.
func (h happening) Older() int { return max(h.Count, h.Steps) - len(h.parts) }

// Record is the record of a decision, as where each has an entry of its own; empty without one.
func (h happening) Record() string {
	if len(h.records) == 0 {
		return ""
	}
	return string(h.records[0].Raw())
}

// Stages are the records of its decisions.
func (h happening) Stages() [][]recordView {
	return mapped(h.parts, func(part decision) []recordView { return part.views(h.Text) })
}

// happeningOf describes an entry, a decision by its outcome.
func happeningOf(e Entry, outcome string) happening {
	h := happening{Entry: e, First: e.Time, Count: 1, Sort: string(e.Kind), Icon: "dot"}
	switch {
	case e.Kind == EntryProblem:
		h.Icon, h.Tone = "warn", "bad"
	case e.Kind == EntryAlarm && strings.HasSuffix(e.Title, "ALARM"):
		h.Icon, h.Tone = "bell", "bad"
	case e.Kind == EntryAlarm:
		h.Icon = "bell"
	case len(e.records) > 0:
		h.describe(outcome)
	}
	return h
}

// describe words a decision.
func (h *happening) describe(outcome string) {
	a := h.records.outcome()
	h.parts, h.First, h.To = []decision{h.records}, h.records[0].Time, a.NewMinTPS
	for _, one := range append(decision{a}, h.records...) {
		if h.From == 0 {
			h.From = one.MinBefore()
		}
	}
	h.Sort, h.Icon, h.Tone = "change", "down", "good"
	if a.Action != model.ActionUpdate {
		h.Icon = "stop"
	} else if h.To > h.From && h.From > 0 {
		h.Icon, h.Tone = "up", ""
	}
	switch outcome {
	case events.OutcomeRefused:
		h.Sort, h.Icon, h.Tone = "blocked", "lock", "warn"
	case events.OutcomeFailed:
		h.Sort, h.Icon, h.Tone = "problem", "warn", "bad"
	case events.OutcomeDryRun, events.OutcomeAlready:
		h.Tone = ""
	case events.OutcomeAsked, events.OutcomeBegun, running:
		h.Tone = "acc"
	case outcomeLost:
		h.Tone = "warn"
	}
	h.Running, h.Title = outcome == running, h.titleText(a.Action, outcome)
}

// Words of titles for decisions whose outcome is not there yet, or will not come any more.
const (
	running     = "running"
	outcomeLost = "outcome unknown"
)

func (h happening) titleText(action model.Action, outcome string) string {
	move := fmt.Sprintf("to %d", h.To)
	if h.From > 0 {
		move = fmt.Sprintf("from %d to %d", h.From, h.To)
	}
	noun, verb := "step-down", "lowered"
	switch {
	case action == "":
		noun, verb, move = "change", "changed", ""
	case action != model.ActionUpdate:
		noun, _, _ = strings.Cut(string(action), "-")
		verb, move = map[string]string{"stop": "stopped", "start": "started", "delete": "deleted", "restore": "restored"}[noun], ""
		if verb == "" { // any other action by its own name
			noun = strings.ReplaceAll(string(action), "-", " ")
			verb = noun
		}
	case h.To == 0:
		move = ""
	case h.From > 0 && h.To > h.From:
		noun, verb = "raise", "raised"
	case h.From == 0:
		verb = "set"
	}
	text := map[string]string{
		events.OutcomeRefused: noun + " blocked", events.OutcomeFailed: noun + " failed", events.OutcomeDryRun: "would be " + verb,
		events.OutcomeAlready: "already " + verb, events.OutcomeAsked: noun + " requested", events.OutcomeBegun: noun + " begun",
		running: "being " + verb, outcomeLost: noun,
	}[outcome]
	text = strings.TrimSpace(cmp.Or(text, verb) + " " + move)
	if outcome == outcomeLost {
		text += ", " + outcomeLost
	}
	return text
}

// varying matches what differs each time the same happens: numbers, and the ID of a request to AWS.
var varying = regexp.MustCompile(`\(request [^)]*\)|[0-9][0-9.,:-]*`)

// repeats reports whether an older happening is the same again.
func (h happening) repeats(older happening) bool {
	same := h.Sort == older.Sort && h.Title == older.Title && h.Region == older.Region && h.Sort != "change"
	return same && varying.ReplaceAllString(h.Text, "#") == varying.ReplaceAllString(older.Text, "#")
}

// continues reports whether an older step-down of the same day led to this one.
func (h happening) continues(older happening) bool {
	step := func(x happening) bool {
		return len(x.records) > 0 && x.Outcome == events.OutcomeDone && x.Automatic && x.Sort == "change" && x.To > 0 && x.To < x.From
	}
	return step(h) && step(older) && older.To == h.From && h.First.UTC().YearDay() == older.Time.UTC().YearDay()
}

// collapse makes one entry of what belongs together: the same again, and the steps of a day. The newest is first.
func collapse(list []happening) []happening {
	var out []happening
	newest := map[string]int{} // the latest entry of each endpoint or kind of problem
	for _, h := range list {
		key := cmp.Or(h.ARN, h.Region+" "+h.Title) + map[bool]string{true: " " + string(h.Kind)}[h.Kind != EntryAction]
		i, ok := newest[key]
		switch {
		case ok && out[i].repeats(h):
			out[i].Count, out[i].First = out[i].Count+1, h.First
		case ok && out[i].continues(h):
			out[i].Steps, out[i].From, out[i].First = max(1, out[i].Steps)+1, h.From, h.First
			out[i].Title = out[i].titleText(model.ActionUpdate, events.OutcomeDone)
		default:
			newest[key] = len(out)
			out = append(out, h)
			continue
		}
		if len(out[i].parts) < mostParts {
			out[i].parts = append(out[i].parts, h.parts...)
		}
	}
	return out
}

// happenings are what is worth knowing, the newest first: one decision is one entry, and so is what repeats. Events repeat what
// records say, so they are left out.
func (s Snapshot) happenings(now time.Time) []happening {
	updating := map[string]int{}
	for _, r := range s.Resources {
		if r.Update != nil && !r.Update.Status.Settled() {
			updating[r.ARN.String()] = r.Update.MinTPS
		}
	}
	entries := slices.DeleteFunc(s.incidents(), func(e Entry) bool { return e.Kind == EntryEvent || e.Kind == EntryCycle })
	for _, d := range decisionsOf(s.Audits, "") {
		entries = append(entries, d.entry())
	}
	list := s.describe(entries, func(d decision) string { return d.outcomeAt(now) })
	for i, h := range list { // what Personalize has accepted still runs while the endpoint is updated to it
		list[i].Running = h.Running || len(h.records) > 0 && h.Outcome == events.OutcomeDone && h.To > 0 && updating[h.ARN] == h.To
	}
	return collapse(list)
}

// everything are all entries one by one, the newest first.
func (s Snapshot) everything() []happening {
	list := s.incidents()
	for i := range s.Audits {
		list = append(list, decision{&s.Audits[i]}.entry())
	}
	return s.describe(list, func(d decision) string { return d.outcome().Outcome })
}

// describe describes entries, the newest first, with the account beside the region if there are several.
func (s Snapshot) describe(list []Entry, outcome func(decision) string) []happening {
	slices.SortStableFunc(list, func(a, b Entry) int { return b.Time.Compare(a.Time) })
	out := make([]happening, len(list))
	for i, e := range list {
		if arn, err := model.ParseARN(e.ARN); err == nil && len(s.Accounts) > 0 {
			e.Region = s.place(arn)
		}
		text := e.Outcome
		if len(e.records) > 0 {
			text = outcome(e.records)
		}
		out[i] = happeningOf(e, text)
	}
	return out
}

// incidents are all entries except records of decisions, in any order.
func (s Snapshot) incidents() []Entry {
	list := slices.Clone(s.Entries)
	for _, e := range s.Events {
		list = append(list, Entry{Time: e.Time, Kind: EntryEvent, ARN: e.Resource, Region: e.Account.String(), Title: e.DetailType})
	}
	for _, c := range s.AlarmChanges {
		list = append(list, Entry{
			Time: c.Since, Kind: EntryAlarm, ARN: c.Resource, Region: c.Region, Title: "alarm is " + c.State,
			Text: c.Name + ", before: " + c.From,
		})
	}
	for _, c := range s.Cycles {
		e := Entry{
			Time: c.Began.Add(c.Took), Kind: EntryCycle, Region: c.Account.String(),
			Title: "cycle over " + model.Plural(c.Resources, "resource"),
		}
		e.Text = fmt.Sprintf("%s; %s sent, %s, %s, in %s", c.Role, model.Plural(c.Events, "event"), model.Plural(c.Problems, "problem"),
			model.Plural(c.Calls, "AWS call"), c.Took.Round(100*time.Millisecond))
		if c.Error != "" {
			e.Kind, e.Title, e.Text = EntryProblem, "a cycle measured nothing", c.Error
		}
		list = append(list, e)
	}
	return list
}

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

// outcomeAt is the outcome as it is known at a time: running while it is expected, and then lost.
func (d decision) outcomeAt(now time.Time) string {
	switch a := d.outcome(); {
	case stage(a) == 2:
		return a.Outcome
	case now.Sub(a.Time) < decisionTime:
		return running
	}
	return outcomeLost
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
		arn     string
		action  model.Action
		minimum int
	}
	latest := map[subject]int{} // in list
	var list []decision
	for _, a := range records {
		key := subject{a.ARN, a.Action, a.NewMinTPS}
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
func (d decision) views(reason string) (list []recordView) {
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
