package web

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// activitySize is how many entries a page of the activity has.
const activitySize = 60

// activityTabs are the choices of what to show. Only the first ones collapse what repeats.
var activityTabs = []option{
	{"", "Worth knowing"}, {"change", "Changes"}, {"blocked", "Blocked"}, {"problem", "Problems"}, {"alarm", "Alarms"}, {"cycle", "Cycles"},
	{"all", "Everything"},
}

// happening is one thing that happened, however often it did.
type happening struct {
	Entry
	Sort     string // the tab that shows it: change, blocked, problem, alarm, cycle, event
	First    time.Time
	Count    int
	Steps    int // step-downs of one day that are one entry
	From, To int // of a change of a minimum; 0 if unknown
	Icon     string
	Tone     string
}

// happeningOf describes an entry.
func happeningOf(e Entry) happening {
	h := happening{Entry: e, First: e.Time, Count: 1, Sort: string(e.Kind), Icon: "dot"}
	switch e.Kind {
	case EntryProblem:
		h.Icon, h.Tone = "warn", "bad"
	case EntryAlarm:
		h.Icon, h.Tone = "bell", map[bool]string{true: "bad"}[strings.HasSuffix(e.Title, "ALARM")]
	case EntryAction:
		h.describe()
	case EntryEvent, EntryCycle:
	}
	return h
}

// describe words a decision or action.
func (h *happening) describe() {
	a := h.audit
	if a == nil {
		return
	}
	if a.Before != nil {
		h.From = a.Before.MinTPS
	} else if a.Inputs != nil {
		h.From = a.Inputs.MinTPS
	}
	h.To = a.NewMinTPS
	h.Sort, h.Icon, h.Tone = "change", "down", "good"
	if a.Action != model.ActionUpdate {
		h.Icon = "stop"
	} else if h.To > h.From && h.From > 0 {
		h.Icon, h.Tone = "up", ""
	}
	switch a.Outcome {
	case events.OutcomeRefused:
		h.Sort, h.Icon, h.Tone = "blocked", "lock", "warn"
	case events.OutcomeFailed:
		h.Sort, h.Icon, h.Tone = "problem", "warn", "bad"
	case events.OutcomeDryRun, events.OutcomeAlready:
		h.Tone = ""
	case events.OutcomeAsked, events.OutcomeBegun:
		h.Tone = "acc"
	}
	h.Title = h.titleText()
}

func (h happening) titleText() string {
	move := fmt.Sprintf("to %d", h.To)
	if h.From > 0 {
		move = fmt.Sprintf("from %d to %d", h.From, h.To)
	}
	noun, verb := "step-down", "lowered"
	switch action := h.audit.Action; {
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
	}[h.audit.Outcome]
	return strings.TrimSpace(cmp.Or(text, verb) + " " + move)
}

var numbers = regexp.MustCompile(`[0-9][0-9.,:-]*`)

// repeats reports whether an older happening is the same again.
func (h happening) repeats(older happening) bool {
	same := h.Sort == older.Sort && h.Title == older.Title && h.Region == older.Region && h.Sort != "change"
	return same && numbers.ReplaceAllString(h.Text, "#") == numbers.ReplaceAllString(older.Text, "#")
}

// requestedBy reports whether an older happening is the request of this decision's outcome, or of the
// oldest one of those that repeat.
func (h happening) requestedBy(older happening) bool {
	if h.audit == nil || older.audit == nil || h.audit.Action != older.audit.Action || h.To != older.To {
		return false
	}
	requested := older.audit.Outcome == events.OutcomeAsked || older.audit.Outcome == events.OutcomeBegun
	return requested && h.First.Sub(older.Time) < time.Hour
}

// continues reports whether an older step-down of the same day led to this one.
func (h happening) continues(older happening) bool {
	step := func(x happening) bool {
		return x.audit != nil && x.audit.Outcome == events.OutcomeDone && x.Automatic && x.Sort == "change" && x.To > 0 && x.To < x.From
	}
	return step(h) && step(older) && older.To == h.From && h.First.UTC().YearDay() == older.Time.UTC().YearDay()
}

// collapse makes one entry of what belongs together: the request and the outcome of a decision, the
// same again, and the steps of a day. Entries have the newest first. Events repeat what records say,
// so they are left out.
func collapse(list []Entry) []happening {
	var out []happening
	newest := map[string]int{} // the latest entry of each endpoint or kind of problem
	for _, e := range list {
		if e.Kind == EntryEvent || e.Kind == EntryCycle {
			continue
		}
		h := happeningOf(e)
		key := cmp.Or(e.ARN, e.Region+" "+e.Title) + map[bool]string{true: " " + string(e.Kind)}[e.Kind != EntryAction]
		i, ok := newest[key]
		switch {
		case ok && out[i].requestedBy(h):
		case ok && out[i].repeats(h):
			out[i].Count, out[i].First = out[i].Count+1, h.Time
		case ok && out[i].continues(h):
			out[i].Steps, out[i].From, out[i].First = max(1, out[i].Steps)+1, h.From, h.Time
			out[i].Title = out[i].titleText()
		default:
			newest[key] = len(out)
			out = append(out, h)
		}
	}
	return out
}

// everything are all entries one by one.
func everything(list []Entry) []happening {
	out := make([]happening, len(list))
	for i, e := range list {
		out[i] = happeningOf(e)
	}
	return out
}

// entryView is a happening as it is shown.
type entryView struct {
	happening
	When, Since      stamp
	Day, Date, Clock string
	Name, Link       string // of the resource
	Author           string
	Raw              string // leads to the single records
}

type day struct {
	Date    string
	Entries []entryView
}

type activityView struct {
	Days       []day
	ARN, Name  string
	Kind       string
	Search     string
	Tabs       []tab
	Total      int
	Pager      pager
	CSV        string
	Week       []tab // how much of each sort happened in the last 7 days
	NextCycle  stamp
	Recorded   stamp
	Collapsing bool
}

// tab is a filter with the number of what it shows.
type tab struct {
	Label, Link, Icon, Tone string
	Count                   int
	Current                 bool
}

func (h *site) activity(_ *http.Request, q *fields) (page, error) {
	kind := q.choice(keyKind, words(activityTabs)...)
	arn, _ := q.arn(keyARN, false)
	number, search := q.number(keyPage, 1, 1, maxPage), q.text(keySearch)
	if q.fault != nil {
		return page{}, q.fault
	}
	s, now := h.snapshot()
	entries := slices.DeleteFunc(s.timeline(), func(e Entry) bool { return !e.about(arn.String(), search) })
	view := activityView{Kind: kind, ARN: arn.String(), Name: arn.Name(), Search: search, Collapsing: kind != "all" && kind != "cycle"}
	collapsed, raw := collapse(entries), everything(entries)
	to := func(kind, n string) string {
		return link("/activity", keyKind, kind, keyARN, arn.String(), keySearch, search, keyPage, n)
	}
	var list []happening
	for _, one := range activityTabs {
		shown := selectSort(collapsed, raw, one.Value)
		view.Tabs = append(view.Tabs, tab{Label: one.Label, Link: to(one.Value, ""), Count: len(shown), Current: one.Value == kind})
		if one.Value == kind {
			list = shown
		}
	}
	for _, one := range activityTabs[1:5] {
		n := 0
		for _, h := range selectSort(collapsed, raw, one.Value) {
			if now.Sub(h.Time) <= 7*24*time.Hour {
				n++
			}
		}
		view.Week = append(view.Week, tab{Label: one.Label, Link: to(one.Value, ""), Count: n})
	}
	view.Total, view.NextCycle, view.Recorded = len(list), stampOf(s.Status.NextCycle, now), stampOf(s.Status.Recorded, now)
	view.CSV = link("/activity", keyKind, kind, keyARN, arn.String(), keySearch, search, keyFormat, "csv")
	var from, until int
	view.Pager, from, until = paginate(len(list), activitySize, number, func(n string) string { return to(kind, n) })
	for _, e := range entryViews(list[from:until], now) {
		if n := len(view.Days); n == 0 || view.Days[n-1].Date != e.Day {
			view.Days = append(view.Days, day{Date: e.Day})
		}
		last := &view.Days[len(view.Days)-1]
		last.Entries = append(last.Entries, e)
	}
	return page{template: "activity", title: "Activity", path: "/activity", view: view, csv: func() [][]string { return activityCSV(list) }}, nil
}

// selectSort are the happenings of a tab.
func selectSort(collapsed, raw []happening, kind string) []happening {
	var list []happening
	switch kind {
	case "all":
		return raw
	case "cycle":
		collapsed = raw
	}
	for _, h := range collapsed {
		if h.Sort == kind || kind == "" && h.Sort != "alarm" {
			list = append(list, h)
		}
	}
	return list
}

func activityCSV(list []happening) [][]string {
	rows := [][]string{{"time", "first", "times", "kind", "arn", "region", "what", "why", "outcome", "automatic"}}
	for _, h := range list {
		rows = append(rows, []string{h.Time.UTC().Format(time.RFC3339), h.First.UTC().Format(time.RFC3339), fmt.Sprint(h.Count), h.Sort, h.ARN,
			h.Region, h.Title, h.Text, h.Outcome, fmt.Sprint(h.Automatic)})
	}
	return rows
}

// about reports whether an entry is about a resource, if one is requested, and has the searched words.
func (e Entry) about(arn, search string) bool {
	if arn != "" && e.ARN != arn {
		return false
	}
	text := strings.ToLower(e.ARN + "\n" + e.Title + "\n" + e.Text + "\n" + e.Region)
	for _, word := range strings.Fields(strings.ToLower(search)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// timeline are all entries, newest first.
func (s Snapshot) timeline() []Entry {
	list := slices.Clone(s.Entries)
	for _, e := range s.Events {
		list = append(list, Entry{Time: e.Time, Kind: EntryEvent, ARN: e.Resource, Region: e.Account.String(), Title: e.DetailType})
	}
	for _, c := range s.AlarmChanges {
		list = append(list, Entry{Time: c.Since, Kind: EntryAlarm, ARN: c.Resource, Region: c.Region, Title: "alarm is " + c.State,
			Text: c.Name + ", before: " + c.From})
	}
	for _, c := range s.Cycles {
		e := Entry{Time: c.Began.Add(c.Took), Kind: EntryCycle, Region: c.Account.String(), Title: "cycle over " + model.Plural(c.Resources, "resource")}
		e.Text = fmt.Sprintf("%s; %s sent, %s, %s, in %s", c.Role, model.Plural(c.Events, "event"), model.Plural(c.Problems, "problem"),
			model.Plural(c.Calls, "AWS call"), c.Took.Round(100*time.Millisecond))
		if c.Error != "" {
			e.Kind, e.Title, e.Text = EntryProblem, "a cycle measured nothing", c.Error
		}
		list = append(list, e)
	}
	for i, a := range s.Audits {
		list = append(list, Entry{
			Time: a.Time, Kind: EntryAction, ARN: a.ARN, Region: a.Region, Title: actionText(a), Text: a.Reason, Outcome: a.Outcome,
			Automatic: a.Automatic, audit: &s.Audits[i],
		})
	}
	s.placeEntries(list)
	slices.SortStableFunc(list, func(a, b Entry) int { return b.Time.Compare(a.Time) })
	return list
}

func entryViews(list []happening, now time.Time) []entryView {
	views := make([]entryView, 0, len(list))
	for _, h := range list {
		at := h.Time.UTC()
		v := entryView{
			happening: h, When: stampOf(h.Time, now), Since: stampOf(h.First, now),
			Day: at.Format("Monday, 2 January 2006"), Date: at.Format("2 Jan"), Clock: at.Format("15:04"),
		}
		if h.ARN != "" {
			v.Name, v.Link = nameOf(h.ARN), link("/resource", keyARN, h.ARN)
			v.Raw = link("/activity", keyKind, "all", keyARN, h.ARN)
		}
		if h.Kind == EntryAction {
			v.Author = "by a person"
			if h.Automatic {
				v.Author = "by the monitor"
			}
		}
		views = append(views, v)
	}
	return views
}
