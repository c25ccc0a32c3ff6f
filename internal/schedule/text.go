package schedule

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Syntax is the form of a schedule's tag, for help texts and errors.
const Syntax = "base=5 tz=Europe/Berlin lead=15m mon-fri@11:30-14:00=50 sat+sun@10:00-22:00=20"

// Error is a fault in the text of a tag.
type Error struct {
	Column int // of the word or sign at fault, counted from 1
	Why    string
}

func (e *Error) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Why) }

// word is a part of a tag's text and where it begins.
type word struct {
	text   string
	column int // counted from 1
}

func (w word) fault(format string, args ...any) error {
	return &Error{w.column, fmt.Sprintf(format, args...)}
}

// cut divides the word at the first of a sign.
func (w word) cut(sign string) (before, after word, found bool) {
	left, right, found := strings.Cut(w.text, sign)
	return word{left, w.column}, word{right, w.column + len(left) + len(sign)}, found
}

var (
	wordPattern = regexp.MustCompile("[^ ]+")
	// foreign are characters that no schedule is written in: it uses those of tags without the letters of
	// other alphabets.
	foreign = regexp.MustCompile("[^ A-Za-z0-9_.:/=+@-]")
)

// words divides a text at its spaces. The error is that of a text that no tag can have.
func words(text string) ([]word, error) {
	if len(text) > MaxLength {
		return nil, &Error{MaxLength + 1, fmt.Sprintf("longer than the %d characters of a tag", MaxLength)}
	}
	if at := foreign.FindStringIndex(text); at != nil {
		return nil, &Error{at[0] + 1, fmt.Sprintf("%q has no meaning in a schedule", text[at[0]:at[1]])}
	}
	var list []word
	for _, at := range wordPattern.FindAllStringIndex(text, -1) {
		list = append(list, word{text[at[0]:at[1]], at[0] + 1})
	}
	return list, nil
}

// Parse reads a schedule: "base=5 tz=Europe/Berlin lead=15m mon-fri@11:30-14:00=50". Words may
// come in any order. The base and at least one rule are needed; tz defaults to UTC, lead to 15m.
// The error is an *Error.
func Parse(text string) (Schedule, error) {
	list, err := words(text)
	if err != nil {
		return Schedule{}, err
	}
	s, seen := Schedule{Zone: time.UTC, Lead: DefaultLead}, map[string]bool{}
	var rules []word
	for _, w := range list {
		key, value, _ := w.cut("=")
		if strings.Contains(key.text, "@") {
			rules = append(rules, w)
			continue
		}
		if seen[key.text] {
			return Schedule{}, w.fault("%s is given twice", key.text)
		}
		seen[key.text] = true
		switch key.text {
		case "base":
			s.Base, err = number(value)
		case "tz":
			s.Zone, err = zone(value)
		case "lead":
			s.Lead, err = lead(value)
		default:
			err = w.fault("%q is neither base=, tz=, lead= nor a rule such as mon-fri@11:30-14:00=50", w.text)
		}
		if err != nil {
			return Schedule{}, err
		}
	}
	switch {
	case !seen["base"]:
		return Schedule{}, &Error{1, "the base is missing, such as base=5"}
	case len(rules) == 0:
		return Schedule{}, &Error{len(text) + 1, "a rule is missing, such as mon-fri@11:30-14:00=50"}
	}
	for _, w := range rules {
		r, err := rule(w, s.Base)
		if err != nil {
			return Schedule{}, err
		}
		s.Rules = append(s.Rules, r)
	}
	return s.normal(), nil
}

// normal sorts the rules, so that schedules of the same rules are equal.
func (s Schedule) normal() Schedule {
	sorted := slices.SortedFunc(slices.Values(s.Rules), func(a, b Rule) int {
		return cmp.Or(cmp.Compare(order(a.Days), order(b.Days)), cmp.Compare(a.From, b.From), cmp.Compare(a.Until, b.Until),
			cmp.Compare(a.Days, b.Days), cmp.Compare(a.Level, b.Level))
	})
	return Schedule{Base: s.Base, Rules: slices.Compact(sorted), Zone: s.Zone, Lead: s.Lead}
}

// week are the days in the order in which people name them.
var week = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}

// order is the place of a set's first day in the week.
func order(d Days) int { return slices.IndexFunc(week, d.Has) }

func shortName(w time.Weekday) string { return strings.ToLower(w.String()[:3]) }

func rule(w word, base int) (Rule, error) {
	daysWord, rest, _ := w.cut("@")
	hours, level, found := rest.cut("=")
	if !found {
		return Rule{}, w.fault("%q has no level, such as %s=50", w.text, w.text)
	}
	from, until, found := hours.cut("-")
	if !found {
		return Rule{}, hours.fault("%q is no range of hours, such as 11:30-14:00", hours.text)
	}
	var r Rule
	var errs [4]error
	r.Days, errs[0] = days(daysWord)
	r.From, errs[1] = minuteOf(from, day-1)
	r.Until, errs[2] = minuteOf(until, day)
	r.Level, errs[3] = number(level)
	switch {
	case cmp.Or(errs[:]...) != nil:
		return Rule{}, cmp.Or(errs[:]...)
	case r.From == r.Until || r.Until == 0:
		return Rule{}, hours.fault("%q is empty or ends at 00:00; the end of the day is 24:00", hours.text)
	case r.Level <= base:
		return Rule{}, level.fault("the level %d is not above the base of %d", r.Level, base)
	}
	return r, nil
}

func days(w word) (Days, error) {
	if w.text == "daily" {
		return Daily, nil
	}
	var set Days
	for part, rest, more := w.cut("+"); ; part, rest, more = rest.cut("+") {
		from, until, isRange := part.cut("-")
		if !isRange {
			until = from
		}
		first, last := dayOf(from), dayOf(until)
		if first < 0 || last < 0 {
			return 0, part.fault("%q is no day; valid: daily, mon, tue, wed, thu, fri, sat, sun, ranges such as mon-fri, and sat+sun", part.text)
		}
		for i := first; ; i = (i + 1) % len(week) {
			set |= On(week[i])
			if i == last {
				break
			}
		}
		if !more {
			return set, nil
		}
	}
}

// dayOf is the place of a day in the week; -1 if it is none.
func dayOf(w word) int {
	return slices.IndexFunc(week, func(d time.Weekday) bool { return shortName(d) == w.text })
}

// minuteOf reads a time of the day, at most a number of minutes.
func minuteOf(w word, most int) (int, error) {
	t, err := time.Parse("15:04", w.text)
	minute := t.Hour()*60 + t.Minute()
	if w.text == clock(day) {
		minute, err = day, nil
	}
	if err != nil || clock(minute) != w.text || minute > most {
		return 0, w.fault("%q is no time of the day; valid: 00:00 to %s", w.text, clock(most))
	}
	return minute, nil
}

func number(w word) (int, error) {
	n, err := strconv.Atoi(w.text)
	if err != nil || n < 1 || n > MaxLevel || strconv.Itoa(n) != w.text {
		return 0, w.fault("%q is no minimum; valid: a whole number from 1 to %d", w.text, MaxLevel)
	}
	return n, nil
}

func zone(w word) (*time.Location, error) {
	loc, err := time.LoadLocation(w.text)
	// The empty name is UTC to the library, Local the zone of whichever machine it is.
	if err != nil || w.text == "" || w.text == "Local" {
		return nil, w.fault("%q is no time zone; valid: names of the IANA database, such as Europe/Berlin", w.text)
	}
	return loc, nil
}

func lead(w word) (time.Duration, error) {
	n, err := strconv.Atoi(strings.TrimSuffix(w.text, "m"))
	if err != nil || n < 0 || n > int(MaxLead.Minutes()) || w.text != minutesText(n) {
		return 0, w.fault("%q is no lead time; valid: 0m to %s", w.text, minutesText(int(MaxLead.Minutes())))
	}
	return time.Duration(n) * time.Minute, nil
}

func minutesText(n int) string { return strconv.Itoa(n) + "m" }

func clock(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

// String writes the days as Parse reads them: daily, mon-fri, sat+sun.
func (d Days) String() string {
	if d == Daily {
		return "daily"
	}
	var parts []string
	for i := 0; i < len(week); i++ {
		if !d.Has(week[i]) {
			continue
		}
		last := i
		for last+1 < len(week) && d.Has(week[last+1]) {
			last++
		}
		if last-i >= 2 {
			parts = append(parts, shortName(week[i])+"-"+shortName(week[last]))
			i = last
		} else {
			parts = append(parts, shortName(week[i]))
		}
	}
	return strings.Join(parts, "+")
}

// String writes the rule as Parse reads it: mon-fri@11:30-14:00=50.
func (r Rule) String() string {
	return fmt.Sprintf("%s@%s-%s=%d", r.Days, clock(r.From), clock(r.Until), r.Level)
}

// String writes the schedule as Parse reads it, in its shortest form.
func (s Schedule) String() string {
	parts := []string{fmt.Sprintf("base=%d", s.Base)}
	if name := s.zone().String(); name != time.UTC.String() {
		parts = append(parts, "tz="+name)
	}
	if s.Lead != DefaultLead {
		parts = append(parts, "lead="+minutesText(int(s.Lead.Minutes())))
	}
	for _, r := range s.normal().Rules {
		parts = append(parts, r.String())
	}
	return strings.Join(parts, " ")
}

// Validate reports whether the schedule can be a tag: what String writes is what Parse reads.
func (s Schedule) Validate() error {
	read, err := Parse(s.String())
	if err == nil && read.String() != s.String() {
		err = errors.New("it cannot be written as the value of a tag")
	}
	return err
}

// Return is how a timed raise ends: the text of the tag ReturnTag. It is arranged before the raise.
type Return struct {
	Target   int       // the minimum to return to
	From     int       // the minimum before the raise: Target, or higher if it was raised for a time already
	Raised   int       // the minimum it was raised to, higher than Target and not lower than From
	Due      time.Time // when to return; UTC, whole seconds
	Arranged time.Time // when it was arranged, just before the raise; UTC, whole seconds
}

const returnForm = "to=%d from=%d raised=%d due=%s arranged=%s"

// ParseReturn reads what String writes, and nothing else. The error is an *Error.
func ParseReturn(text string) (Return, error) {
	var r Return
	var due, arranged string
	_, err := fmt.Sscanf(text, returnForm, &r.Target, &r.From, &r.Raised, &due, &arranged)
	r.Due, _ = time.Parse(time.RFC3339, due)
	r.Arranged, _ = time.Parse(time.RFC3339, arranged)
	switch {
	case err != nil || r.String() != text || len(text) > MaxLength || r.Target < 1 || r.Raised > MaxLevel:
		return Return{}, &Error{1, fmt.Sprintf("%.*q is no return; valid: such as %s", MaxLength, text,
			Return{5, 5, 50, time.Date(2026, 3, 4, 14, 0, 0, 0, time.UTC), time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)})}
	case r.Raised <= r.Target || r.From < r.Target || r.From > r.Raised:
		return Return{}, &Error{1, fmt.Sprintf("from %d to %d, and back to %d, is no raise", r.From, r.Raised, r.Target)}
	}
	return r, nil
}

// String writes the return as ParseReturn reads it.
func (r Return) String() string {
	return fmt.Sprintf(returnForm, r.Target, r.From, r.Raised, r.Due.UTC().Format(time.RFC3339), r.Arranged.UTC().Format(time.RFC3339))
}
