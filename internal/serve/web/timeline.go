package web

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// timelineSize is how many entries a page of the time line has.
const timelineSize = 60

var timelineOptions = []option{
	{"", "All except cycles"},
	{"all", "Everything"},
	{string(EntryAction), "Actions and decisions"},
	{string(EntryEvent), "Events"},
	{string(EntryAlarm), "Alarms"},
	{string(EntryCycle), "Cycles"},
	{string(EntryProblem), "Problems"},
}

// entryView is an entry as it is shown.
type entryView struct {
	Entry
	When               stamp
	Day, Date, Clock   string
	Name, Link         string // of the resource
	Tone, Author, Chip string
}

type day struct {
	Date    string
	Entries []entryView
}

type timelineView struct {
	Days            []day
	Kind, ARN, Name string
	Kinds           []option
	Total           int
	Pager           pager
}

func (h *site) timeline(_ *http.Request, q *fields) (page, error) {
	kind := q.choice(keyKind, words(timelineOptions)...)
	arn, _ := q.arn(keyARN, false)
	number := q.number(keyPage, 1, 1, maxPage)
	if q.fault != nil {
		return page{}, q.fault
	}
	s, now := h.snapshot()
	list := slices.DeleteFunc(s.timeline(), func(e Entry) bool {
		return !e.matches(kind) || arn.String() != "" && e.ARN != arn.String()
	})
	view := timelineView{Kind: kind, ARN: arn.String(), Name: arn.Name(), Kinds: timelineOptions, Total: len(list)}
	var from, to int
	view.Pager, from, to = paginate(len(list), timelineSize, number, func(n string) string {
		return link("/timeline", keyKind, kind, keyARN, arn.String(), keyPage, n)
	})
	for _, e := range entryViews(list[from:to], now) {
		if n := len(view.Days); n == 0 || view.Days[n-1].Date != e.Day {
			view.Days = append(view.Days, day{Date: e.Day})
		}
		last := &view.Days[len(view.Days)-1]
		last.Entries = append(last.Entries, e)
	}
	return page{template: "timeline", title: "Time line", path: "/timeline", view: view}, nil
}

// timeline are all entries, newest first.
func (s Snapshot) timeline() []Entry {
	list := slices.Clone(s.Entries)
	for _, e := range s.Events {
		list = append(list, Entry{Time: e.Time, Kind: EntryEvent, ARN: e.Resource, Title: e.DetailType})
	}
	for _, c := range s.AlarmChanges {
		list = append(list, Entry{Time: c.Since, Kind: EntryAlarm, ARN: c.Resource, Region: c.Region, Title: "alarm is " + c.State,
			Text: c.Name + ", before: " + c.From})
	}
	for _, c := range s.Cycles {
		e := Entry{Time: c.Began.Add(c.Took), Kind: EntryCycle, Title: "cycle over " + model.Plural(c.Resources, "resource")}
		e.Text = fmt.Sprintf("%s; %s sent, %s, %s, in %s", c.Role, model.Plural(c.Events, "event"), model.Plural(c.Problems, "problem"),
			model.Plural(c.Calls, "AWS call"), c.Took.Round(100*time.Millisecond))
		if c.Error != "" {
			e.Kind, e.Title, e.Text = EntryProblem, "a cycle measured nothing", c.Error
		}
		list = append(list, e)
	}
	for _, a := range s.Audits {
		list = append(list, Entry{
			Time: a.Time, Kind: EntryAction, ARN: a.ARN, Region: a.Region, Title: actionText(a), Text: a.Reason, Outcome: a.Outcome,
			Automatic: a.Automatic,
		})
	}
	slices.SortStableFunc(list, func(a, b Entry) int { return b.Time.Compare(a.Time) })
	return list
}

// matches reports whether an entry is of a requested kind. Cycles, which end all the time,
// are shown only on request.
func (e Entry) matches(kind string) bool {
	switch kind {
	case "":
		return e.Kind != EntryCycle
	case "all":
		return true
	}
	return string(e.Kind) == kind
}

func entryViews(entries []Entry, now time.Time) []entryView {
	views := make([]entryView, 0, len(entries))
	for _, e := range entries {
		at := e.Time.UTC()
		v := entryView{
			Entry: e, When: stampOf(e.Time, now), Tone: outcomeTone(e.Outcome),
			Day: at.Format("Monday, 2 January 2006"), Date: at.Format("2 Jan"), Clock: at.Format("15:04"),
		}
		switch {
		case e.Kind == EntryProblem:
			v.Tone = "bad"
		case e.Kind == EntryEvent && e.Outcome == "":
			v.Tone = "act"
		}
		if v.Chip = e.Outcome; v.Chip == "" {
			v.Chip = string(e.Kind)
		}
		if e.ARN != "" {
			v.Name, v.Link = nameOf(e.ARN), link("/resource", keyARN, e.ARN)
		}
		if e.Kind == EntryAction {
			v.Author = "requested by a person"
			if e.Automatic {
				v.Author = "decided by the monitor"
			}
		}
		views = append(views, v)
	}
	return views
}
