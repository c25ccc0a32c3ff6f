package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/personalize"

	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
)

// Tags by which an owner arranges minimums.
const (
	scheduleTag = "personalize-monitor:schedule"
	returnTag   = "personalize-monitor:return"
)

// timetable is a schedule as the oracle knows it: a level between two minutes of the day in UTC, from a quarter of an hour before.
type timetable struct {
	base, level, from, until int
	set                      time.Time // when its owner wrote it
	obeyed                   bool      // that the program has changed a minimum by it
}

const (
	dayMinutes  = 24 * 60
	leadMinutes = 15
	// kolkata is how many minutes the clock of the schedules' time zone is ahead of UTC, all year.
	kolkata = 330
)

// wanted is the minimum that the schedule wants at a time.
func (d timetable) wanted(t time.Time) int {
	since := (t.Hour()*60 + t.Minute() - d.from + leadMinutes + dayMinutes) % dayMinutes
	if since < (d.until-d.from+dayMinutes)%dayMinutes+leadMinutes {
		return d.level
	}
	return d.base
}

func (d timetable) text() string {
	local := func(minute int) string {
		minute = (minute + kolkata) % dayMinutes
		return fmt.Sprintf("%02d:%02d", minute/60, minute%60)
	}
	until := local(d.until)
	if until == "00:00" {
		until = "24:00"
	}
	return fmt.Sprintf("base=%d tz=Asia/Kolkata daily@%s-%s=%d", d.base, local(d.from), until, d.level)
}

// back is the return of a timed raise that no one has touched since.
type back struct {
	to, raised int
	due        time.Time
}

// arrange gives a few of the first resources a schedule or a return, and returns their tags.
func (w *world) arrange(r *resource, i int) map[string]string {
	switch i % 10 {
	case 4:
		b := back{to: r.min, raised: r.min + 20, due: begin.Add(time.Duration(1+i%7) * time.Hour)}
		r.min, r.tool, r.back, r.arranged = b.raised, 0, &b, true
		return map[string]string{returnTag: fmt.Sprintf("to=%d from=%d raised=%d due=%s arranged=%s",
			b.to, b.to, b.raised, b.due.Format(time.RFC3339), begin.Add(-2*time.Hour).Format(time.RFC3339))}
	case 5:
		d := timetable{base: r.min, level: r.min + 10, from: 60 * (2 + i%5), until: 60 * (5 + i%5), set: begin}
		r.tool, r.schedule, r.arranged = 0, &d, true
		return map[string]string{scheduleTag: d.text()}
	}
	return nil
}

func arrangeable(r *resource) bool {
	return !r.busy() && r.tool == 0 && r.schedule == nil && r.back == nil
}

func (o *owner) plan() (bool, error) {
	return o.change(arrangeable, func(api *personalize.Client, r *resource) error {
		from := 30 * o.random.IntN(48)
		d := timetable{base: 1 + o.random.IntN(12), from: from, until: (from + 60 + 30*o.random.IntN(9)) % dayMinutes, set: o.clock.Now()}
		d.level = d.base + 1 + o.random.IntN(20)
		r.schedule, r.arranged = &d, true
		return o.tag(api, r, scheduleTag, d.text())
	})
}

func (o *owner) unplan() (bool, error) {
	return o.change(func(r *resource) bool { return !r.busy() && r.schedule != nil }, func(api *personalize.Client, r *resource) error {
		r.schedule = nil
		return o.tag(api, r, scheduleTag, "")
	})
}

// raise has a minimum raised for a time, through the program: higher than any that the owner sets without an end.
func (o *owner) raise() (bool, error) {
	r := o.pick(arrangeable)
	if r == nil || o.monitor.host.ahead != 0 {
		return false, nil
	}
	minimum, minutes := r.min+20+o.random.IntN(20), 15+o.random.IntN(400)
	b := back{to: r.min, raised: minimum, due: o.clock.Now().Add(time.Duration(minutes) * time.Minute)}
	if protects(r.protect, true, b.due) { // the program does not raise what it could not return
		return false, nil
	}
	o.raising = r.arn
	done := o.monitor.invoke(lambda.UpdateTPS, fmt.Appendf(nil, `{"ARN":%q,"NewMinTPS":%d,"ForMinutes":%d}`, r.arn, minimum, minutes))
	o.raising = ""
	if !done || r.newMin != minimum || r.updateEnds.IsZero() {
		o.figures.violate("failed requests", o.clock.Now(), "%s was not raised to %d", r.arn, minimum)
		return false, nil
	}
	r.back, r.arranged = &b, true
	o.figures.add("timed raises")
	return true, nil
}

func (w *world) checkTagging(op string, r *resource, keys []string) []string {
	switch {
	case w.owner.raising == r.arn:
	case op == "TagResource" || !slices.Equal(keys, []string{returnTag}):
		return []string{fmt.Sprintf("the program must never do it: %v", keys)}
	case r.back != nil && r.min != r.back.to:
		return []string{"its return was dropped, and no one had changed it"}
	}
	return nil
}

// checkArranged checks a change of the minimum that a tag may arrange; not ok if none does.
func (w *world) checkArranged(r *resource, in input, now time.Time) (wrong []string, ok bool) {
	to := in.minimum()
	fail := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	switch {
	case r.back != nil && r.min == r.back.raised && to == r.back.to:
		w.figures.add("returns")
		if now.Before(r.back.due) {
			fail("it returns at %s", r.back.due.Format(time.DateTime))
		}
		r.back = nil
	case r.schedule != nil && to == r.schedule.wanted(now) && to > r.min:
		w.figures.add("scheduled raises")
		r.schedule.obeyed = true
	case r.schedule != nil && to == r.schedule.wanted(now) && (r.min == r.schedule.level || r.min == r.schedule.base):
		w.figures.add("scheduled lowerings")
		r.schedule.obeyed = true
		w.monitor.steps[r.region] = append(w.monitor.steps[r.region], now)
	default:
		return nil, false
	}
	w.checkTrust(fail)
	if protects(r.protect, true, now) {
		fail("it is protected: %s", r.protect)
	}
	return wrong, true
}

// floor is the minimum below which the program may not step down, by what is arranged; 0 without that.
func (r *resource) floor(now time.Time) int {
	switch {
	case r.back != nil:
		return r.back.raised
	case r.schedule != nil:
		return r.schedule.wanted(now)
	}
	return 0
}

// How long after the last disturbance what is arranged must have happened: an event may be late, and a schedule is seen within a
// few hours.
const (
	returnWithin   = 45 * time.Minute
	scheduleWithin = 3 * time.Hour
)

// lately is the level that a schedule has wanted for returnWithin; zero if it changed.
func (d timetable) lately(now time.Time) int {
	level := d.wanted(now)
	for ago := time.Duration(0); ago <= returnWithin; ago += stepLength {
		if d.wanted(now.Add(-ago)) != level {
			return 0
		}
	}
	return level
}

// couldSee is when the program could first see the schedule of a resource. One that it has obeyed is known; any other may have been
// set while it did not run, and with many resources their tags are re-read in turns.
func (w *world) couldSee(r *resource) time.Time {
	if r.schedule.obeyed {
		return latest(r.schedule.set, r.tagged)
	}
	return latest(r.schedule.set, r.tagged, w.quietSince)
}

// checkArrangements finds returns and levels of schedules that are overdue.
func (w *world) checkArrangements() {
	now := w.clock.Now()
	for _, r := range w.oracle.sorted() {
		if r.busy() || protects(r.protect, true, now) {
			continue
		}
		history := strings.Join(r.history, "; ")
		if b := r.back; b != nil && now.Sub(latest(b.due, w.quietSince, r.changed)) > returnWithin {
			w.figures.violate("missed returns", now, "%s is at %d, and was to return to %d at %s (%s)",
				r.arn, r.min, b.to, b.due.Format(time.DateTime), history)
		}
		d := r.schedule
		if d == nil || now.Sub(w.couldSee(r)) < scheduleWithin || now.Sub(latest(w.quietSince, r.changed)) < returnWithin {
			continue
		}
		level := d.lately(now)
		lowered := r.min > level && (r.min == d.level || r.min == d.base) && !w.budgetIsShort(r.region)
		if level > 0 && (r.min < level || lowered) {
			w.figures.violate("missed schedules", now, "%s is at %d, and its schedule %s wants %d (%s)", r.arn, r.min, d.text(), level, history)
		}
	}
}
