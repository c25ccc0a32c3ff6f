package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// timelineSize is how many entries a page of the time line has.
const timelineSize = 60

var timelineOptions = []option{
	{"", "All but cycles"},
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
	When       stamp
	Day        string
	Name, Link string // of the resource
	Tone       string
	By         string
}

// day is a day of the time line.
type day struct {
	Date    string
	Entries []entryView
}

type timelineView struct {
	Days           []day
	Kind, ARN      string
	Name           string
	Kinds          []option
	Total          int
	Previous, Next string
	Page, Of       int
}

func (h *Handler) timeline(w http.ResponseWriter, r *http.Request) {
	f := parseFields(r.URL.RawQuery, keyKind, keyARN, keyPage)
	kind := f.choice(keyKind, words(timelineOptions)...)
	arn, _ := f.arn(keyARN, false)
	page := f.number(keyPage, 1, 1, maxPage)
	if f.fault != nil {
		h.badQuery(w, r, f.fault)
		return
	}
	list := slices.DeleteFunc(happenings(h.Source.Snapshot()), func(e Entry) bool {
		return !ofKind(e, kind) || arn.String() != "" && e.ARN != arn.String()
	})
	view := timelineView{Kind: kind, ARN: arn.String(), Name: arn.Name(), Kinds: timelineOptions, Total: len(list)}
	view.Of = max(1, (len(list)+timelineSize-1)/timelineSize)
	view.Page = min(page, view.Of)
	at := func(n int) string {
		number := ""
		if n > 1 {
			number = strconv.Itoa(n)
		}
		return link("/timeline", keyKind, kind, keyARN, arn.String(), keyPage, number)
	}
	if view.Page > 1 {
		view.Previous = at(view.Page - 1)
	}
	if view.Page < view.Of {
		view.Next = at(view.Page + 1)
	}
	start := (view.Page - 1) * timelineSize
	view.Days = days(h.entryViews(list[start:min(len(list), start+timelineSize)]))
	h.render(w, r, http.StatusOK, "timeline", frame{Title: "Time line", Path: "/timeline"}, view)
}

// ofKind tells whether an entry is asked for. Cycles, which come round all the time, are
// shown only if they are.
func ofKind(e Entry, kind string) bool {
	switch kind {
	case "":
		return e.Kind != EntryCycle
	case "all":
		return true
	}
	return string(e.Kind) == kind
}

// days gathers entries, which are in order, by their day.
func days(entries []entryView) []day {
	var list []day
	for _, e := range entries {
		if n := len(list); n == 0 || list[n-1].Date != e.Day {
			list = append(list, day{Date: e.Day})
		}
		last := &list[len(list)-1]
		last.Entries = append(last.Entries, e)
	}
	return list
}

// happenings are all entries and records, the newest first.
func happenings(s Snapshot) []Entry {
	list := slices.Clone(s.Entries)
	for _, a := range s.Audits {
		list = append(list, entryOf(a))
	}
	slices.SortStableFunc(list, func(a, b Entry) int { return b.Time.Compare(a.Time) })
	return list
}

// recent are the last happenings but for cycles, which come round all the time.
func recent(s Snapshot, n int) []Entry {
	list := slices.DeleteFunc(happenings(s), func(e Entry) bool { return e.Kind == EntryCycle })
	return list[:min(n, len(list))]
}

// entryOf is a record as an entry.
func entryOf(a events.Audit) Entry {
	return Entry{
		Time: a.Time, Kind: EntryAction, ARN: a.ARN, Region: a.Region, Title: actionText(a), Text: a.Reason,
		Outcome: a.Outcome, Automatic: a.Automatic,
	}
}

func (h *Handler) entryViews(entries []Entry) []entryView {
	now := h.Clock.Now()
	views := make([]entryView, 0, len(entries))
	for _, e := range entries {
		v := entryView{Entry: e, When: stampOf(e.Time, now), Day: e.Time.UTC().Format("Monday, 2 January 2006"), Tone: outcomeTone(e.Outcome)}
		switch {
		case e.Kind == EntryProblem:
			v.Tone = "bad"
		case e.Kind == EntryEvent && e.Outcome == "":
			v.Tone = "act"
		}
		if e.ARN != "" {
			v.Name, v.Link = nameOf(e.ARN), link("/resource", keyARN, e.ARN)
		}
		if e.Kind == EntryAction {
			v.By = "asked for by a person"
			if e.Automatic {
				v.By = "decided by the monitor"
			}
		}
		views = append(views, v)
	}
	return views
}

// Date is the day of an entry, in short.
func (e entryView) Date() string { return e.Time.UTC().Format("2 Jan") }

// Clock is the time of day of an entry.
func (e entryView) Clock() string { return e.Time.UTC().Truncate(time.Minute).Format("15:04") }
