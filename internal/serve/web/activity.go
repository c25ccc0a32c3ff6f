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
	Running  bool
	Icon     string
	Tone     string

	parts []decision // that it is made of, the newest first; no more than mostParts
}

// mostParts is how many decisions the details of an entry have.
const mostParts = 12

// happeningOf describes an entry.
func happeningOf(e Entry) happening {
	h := happening{Entry: e, First: e.Time, Count: 1, Sort: string(e.Kind), Icon: "dot"}
	switch e.Kind {
	case EntryProblem:
		h.Icon, h.Tone = "warn", "bad"
	case EntryAlarm:
		h.Icon, h.Tone = "bell", map[bool]string{true: "bad"}[strings.HasSuffix(e.Title, "ALARM")]
	case EntryAction:
		if len(e.records) > 0 {
			h.parts = []decision{e.records}
			h.describe()
		}
	case EntryEvent, EntryCycle:
	}
	return h
}

// describe words a decision or action.
func (h *happening) describe() {
	a := h.records.outcome()
	h.First = h.records[0].Time
	for _, one := range append(decision{a}, h.records...) {
		switch {
		case h.From > 0:
		case one.Before != nil:
			h.From = one.Before.MinTPS
		case one.Inputs != nil:
			h.From = one.Inputs.MinTPS
		}
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
	h.Title = h.titleText(a.Action, a.Outcome)
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

// conclude words a decision by what is known of its outcome now. What Personalize has accepted still
// runs while the endpoint is updated to it.
func (h *happening) conclude(now time.Time, updating map[string]int) {
	if len(h.records) == 0 {
		return
	}
	a := h.records.outcome()
	switch {
	case h.records.running(now):
		h.Running, h.Title = true, h.titleText(a.Action, running)
	case !h.records.ended():
		h.Title, h.Tone = h.titleText(a.Action, outcomeLost), "warn"
	case a.Outcome == events.OutcomeDone && h.To > 0 && updating[h.ARN] == h.To:
		h.Running = true
	}
}

var numbers = regexp.MustCompile(`[0-9][0-9.,:-]*`)

// repeats reports whether an older happening is the same again.
func (h happening) repeats(older happening) bool {
	same := h.Sort == older.Sort && h.Title == older.Title && h.Region == older.Region && h.Sort != "change"
	return same && numbers.ReplaceAllString(h.Text, "#") == numbers.ReplaceAllString(older.Text, "#")
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
	return collapse(s.describe(entries, func(h *happening) { h.conclude(now, updating) }))
}

// everything are all entries one by one, the newest first.
func (s Snapshot) everything() []happening {
	list := s.incidents()
	for i := range s.Audits {
		list = append(list, decision{&s.Audits[i]}.entry())
	}
	return s.describe(list, func(*happening) {})
}

// describe describes entries, the newest first.
func (s Snapshot) describe(list []Entry, conclude func(*happening)) []happening {
	slices.SortStableFunc(list, func(a, b Entry) int { return b.Time.Compare(a.Time) })
	out := make([]happening, len(list))
	for i, e := range list {
		out[i] = happeningOf(s.placed(e))
		conclude(&out[i])
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
	Age              string         // up to a day; the date is beside it
	Raw              string         // leads to the single records
	ID               string         // of its details
	Stages           [][]recordView // the records of its decisions
	Record           string         // the single record, where each has an entry of its own
	Older            int            // decisions that the details leave out
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
	all := h.estate(s, now)
	view := activityView{Kind: kind, ARN: arn.String(), Name: arn.Name(), Search: search, Collapsing: kind != "all" && kind != "cycle"}
	about := func(list []happening) []happening {
		if arn == (model.ARN{}) && search == "" {
			return list
		}
		return slices.DeleteFunc(slices.Clone(list), func(h happening) bool { return !h.about(arn.String(), search) })
	}
	collapsed, raw := about(all.happenings), about(all.everything)
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
	view.Total, view.Recorded = len(list), stampOf(s.Status.Recorded, now)
	if s.Status.NextCycle.Sub(now) >= time.Minute {
		view.NextCycle = stampOf(s.Status.NextCycle, now)
	}
	view.CSV = link("/activity", keyKind, kind, keyARN, arn.String(), keySearch, search, keyFormat, "csv")
	var from, until int
	view.Pager, from, until = paginate(len(list), activitySize, number, func(n string) string { return to(kind, n) })
	view.Days = byDay(entryViews(list[from:until], now), kind == "all")
	return page{template: "activity", title: "Activity", path: "/activity", view: view, tables: []table{{name: "activity", rows: func() [][]string { return activityCSV(list) }}}}, nil
}

// byDay are entries by day, or, raw, the records behind them.
func byDay(entries []entryView, raw bool) (days []day) {
	for _, e := range entries {
		if raw && len(e.records) > 0 {
			e.Record, e.Stages = string(e.records[0].Raw()), nil
		}
		if n := len(days); n == 0 || days[n-1].Date != e.Day {
			days = append(days, day{Date: e.Day})
		}
		last := &days[len(days)-1]
		last.Entries = append(last.Entries, e)
	}
	return days
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
		rows = append(rows, []string{h.Time.UTC().Format(time.RFC3339), h.First.UTC().Format(time.RFC3339), strconv.Itoa(h.Count), h.Sort, h.ARN,
			h.Region, h.Title, h.Text, h.Outcome, strconv.FormatBool(h.Automatic)})
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

// incidents are all entries except records of decisions, in any order.
func (s Snapshot) incidents() []Entry {
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
		for _, part := range h.parts {
			v.Stages = append(v.Stages, part.views(h.Text))
		}
		v.Older = max(h.Count, h.Steps) - len(h.parts)
		v.ID = "d" + strconv.FormatInt(h.First.UnixNano(), 36) + "-" + v.Name
		if now.Sub(h.Time) < 24*time.Hour {
			v.Age = v.When.Ago
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
