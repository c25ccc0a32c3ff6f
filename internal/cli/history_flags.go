package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/audit/history"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// usualSince is how far back log groups are read without --since: a page of them costs a
// call, and there may be years.
const usualSince = 24 * time.Hour

// filter is which records are wanted, now being the time that durations count from. The error
// has all that is wrong with the flags.
func (o *historyOptions) filter(now time.Time) (history.Filter, error) {
	var f history.Filter
	var faults []error
	note := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	if len(o.files)+len(o.groups) == 0 {
		note(errors.New("nothing to read: name files, - for stdin, or log groups with --log-group"))
	}
	note(o.checkOutput())
	var err error
	f.Since, err = parseTime("--since", o.since, now, false)
	note(err)
	f.Until, err = parseTime("--until", o.until, now, true)
	note(err)
	if o.since == "" && len(o.groups) > 0 {
		f.Since = sinceUsual(now, f.Until)
	}
	if len(faults) == 0 && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		note(fmt.Errorf("--since (%s) is not before --until (%s)", f.Since.UTC().Format(time.RFC3339), f.Until.UTC().Format(time.RFC3339)))
	}
	for _, text := range o.arns {
		_, err := events.ParseSubject(text)
		if note(err); err == nil {
			f.ARNs = append(f.ARNs, text)
		}
	}
	for _, text := range o.outcomes {
		outcome := strings.ReplaceAll(text, "-", " ")
		note(oneOf("--outcome", outcome, auditOutcomes))
		f.Outcomes = append(f.Outcomes, outcome)
	}
	for _, text := range o.actions {
		note(oneOf("--action", text, auditActions))
		f.Actions = append(f.Actions, model.Action(text))
	}
	return f, errors.Join(faults...)
}

// sinceUsual is since when log groups are read without --since: a day before now, or before an
// earlier end.
func sinceUsual(now, until time.Time) time.Time {
	since := now.Add(-usualSince)
	if !until.IsZero() && !until.After(since) {
		since = until.Add(-usualSince)
	}
	return since
}

// daysPattern matches days and weeks, which time.ParseDuration does not have.
var daysPattern = regexp.MustCompile(`^([0-9]{1,5})([dw])$`)

// parseTime reads a date, a time, or how long ago; empty is the zero time. A date is the
// beginning of the day in UTC or, if end is true, the end of it.
func parseTime(flag, text string, now time.Time, end bool) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago := daysPattern.FindStringSubmatch(text); ago != nil {
		days, err := strconv.Atoi(ago[1])
		if ago[2] == "w" {
			days *= 7
		}
		return now.UTC().AddDate(0, 0, -days), err
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 { // such as 1h30m
		return now.Add(-d), nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		if end {
			day = day.AddDate(0, 0, 1)
		}
		return day, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf(
		"%s %q is not a time: give how long ago (90m, 24h, 7d), a date (2026-07-01) or a time (2026-07-01T09:30)", flag, text)
}
