package web

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

// strip is a schedule drawn over the hours of the day. Days with the same levels share a row. The view
// box of a row is 480 by 50: a unit along is 3 minutes.
type strip struct {
	Rows []stripRow
	Zone string
	Text string // the same in words
}

// stripRow are the levels of some days of the week.
type stripRow struct {
	Days string // Mon–Fri
	Bars []stripBar
	Now  int // where the present time is; negative in the other rows
}

// stripBar is a level for some hours.
type stripBar struct {
	X, Width, Y, Height int
	Label               string
	LabelX              int
	Base                bool // the lowest level of the schedule
}

// dayLevel is a minimum in minutes of the local day.
type dayLevel struct{ from, until, level int }

// stripOf draws the week, that the time is in, of a schedule as Parse reads it.
func stripOf(s schedule.Schedule, now time.Time) *strip {
	local := now.In(s.Zone)
	today := (int(local.Weekday()) + 6) % 7 // Monday is the first day
	var week [7][]dayLevel
	for i := range week {
		week[i] = levelsOf(s, time.Date(local.Year(), local.Month(), local.Day()-today+i, 0, 0, 0, 0, s.Zone))
	}
	v := &strip{Zone: s.Zone.String()}
	var texts []string
	for i := range week {
		same := func(levels []dayLevel) bool { return slices.Equal(week[i], levels) }
		if slices.ContainsFunc(week[:i], same) {
			continue // drawn before
		}
		var days schedule.Days
		for j := range week {
			if same(week[j]) {
				days |= schedule.On(time.Weekday((j + 1) % 7))
			}
		}
		row := stripRow{Days: daysText(days), Now: -1, Bars: barsOf(week[i], s)}
		if same(week[today]) {
			row.Now = (local.Hour()*60 + local.Minute()) / 3
		}
		v.Rows, texts = append(v.Rows, row), append(texts, row.Days+": "+levelsText(week[i]))
	}
	v.Text = fmt.Sprintf("%s. Times in %s; now it is %s, and the schedule is at %s.",
		strings.Join(texts, ". "), v.Zone, local.Format("Monday 15:04"), number(s.At(now)))
	return v
}

// levelsOf are the minimums of a day, which is its start.
func levelsOf(s schedule.Schedule, day time.Time) []dayLevel {
	const whole = 24 * 60
	minute := func(t time.Time) int {
		local := t.In(day.Location())
		return local.Hour()*60 + local.Minute()
	}
	end := day.AddDate(0, 0, 1)
	var list []dayLevel
	for _, span := range s.Spans(day, end) {
		until := whole
		if span.Until.Before(end) {
			until = minute(span.Until)
		}
		list = append(list, dayLevel{minute(span.From), until, span.Level})
	}
	return list
}

func barsOf(levels []dayLevel, s schedule.Schedule) []stripBar {
	const top, bottom = 16, 50
	var bars []stripBar
	for _, l := range levels {
		height := max(3, (bottom-top)*l.level/max(1, s.Highest()))
		bar := stripBar{X: l.from / 3, Width: max(1, l.until/3-l.from/3-1), Y: bottom - height, Height: height, Base: l.level == s.Base}
		bar.LabelX = bar.X + bar.Width/2
		if bar.Width >= 18 { // narrower ones have no room for it; the text has them
			bar.Label = number(l.level)
		}
		bars = append(bars, bar)
	}
	return bars
}

func levelsText(levels []dayLevel) string {
	if len(levels) == 1 {
		return number(levels[0].level) + " all day"
	}
	var parts []string
	for _, l := range levels {
		parts = append(parts, fmt.Sprintf("%s from %02d:%02d", number(l.level), l.from/60, l.from%60))
	}
	return strings.Join(parts, ", ")
}

// dayName matches the name of a day in a schedule.
var dayName = regexp.MustCompile("[a-z]+")

// daysText names days, as Mon–Fri, Sun.
func daysText(days schedule.Days) string {
	if days == schedule.Daily {
		return "Every day"
	}
	return strings.NewReplacer("-", "–", "+", ", ").Replace(dayName.ReplaceAllStringFunc(days.String(), capital))
}

// scheduleView is what is arranged for the minimum of an endpoint by its tags, and what is proposed.
type scheduleView struct {
	Present, Proposed *strip
	Next              string // when the arranged minimum changes; empty if it does not
	Return            string // when a timed raise returns; empty without one
	Fault             string // why the tag is not understood
	Sentence, Command string // of the proposal
	Cost, Change      money  // of the proposal, a month; unknown without a price
	Risk              risk
}

// scheduleOf is nil if nothing is arranged and nothing proposed.
func scheduleOf(tags map[string]string, w *whatIfView, now time.Time) *scheduleView {
	var v scheduleView
	if text := tags[schedule.Tag]; text != "" {
		if s, err := schedule.Parse(text); err != nil {
			v.Fault = "The tag " + schedule.Tag + " is not understood, so nothing is done by it: " + err.Error()
		} else {
			v.Present = stripOf(s, now)
			if at, level, ok := s.Next(now); ok {
				v.Next = fmt.Sprintf("Next: %s at %s UTC.", number(level), at.UTC().Format("Monday 15:04"))
			}
		}
	}
	if r, err := schedule.ParseReturn(tags[schedule.ReturnTag]); err == nil {
		v.Return = fmt.Sprintf("Raised to %d for a time: it returns to %d on %s UTC.", r.Raised, r.Target, r.Due.Format("2 Jan 15:04"))
	}
	if w != nil && w.Schedule != nil {
		if s, err := schedule.Parse(w.Schedule.Text); err == nil {
			v.Proposed, v.Sentence, v.Command = stripOf(s, now), w.Schedule.Sentence(), w.Schedule.Command
			for _, row := range w.Rows {
				if row.Schedule != "" {
					v.Cost, v.Change, v.Risk = row.Cost, row.Change, row.Level
				}
			}
		}
	}
	if v == (scheduleView{}) {
		return nil
	}
	return &v
}
