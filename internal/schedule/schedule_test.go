package schedule_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

func parse(t *testing.T, text string) schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestAt(t *testing.T) {
	const lunch = "base=5 tz=Europe/Berlin mon-fri@11:30-14:00=50 fri@13:00-15:00=80 sat@22:00-02:00=20" // Berlin: UTC+1 in March
	tests := []struct {
		name, when string
		want       int
	}{
		{"before the lead", "2026-03-04T10:14:59Z", 5},
		{"from the lead on", "2026-03-04T10:15:00Z", 50},
		{"at the end", "2026-03-04T13:00:00Z", 5},
		{"a second before", "2026-03-04T12:59:59Z", 50},
		{"the highest of two", "2026-03-06T12:30:00Z", 80},
		{"the longer of two", "2026-03-06T13:30:00Z", 80},
		{"not on Saturdays", "2026-03-07T11:00:00Z", 5},
		{"over midnight", "2026-03-08T00:30:00Z", 20},
		{"its end on the next day", "2026-03-08T01:00:00Z", 5},
		{"not in the night before", "2026-03-07T00:30:00Z", 5},
	}
	s := parse(t, lunch)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.At(at(tt.when)); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
}

// Hours are those of the local clock: also on the days on which it is changed, in both hemispheres
// and where it is changed by half an hour.
func TestClockChanges(t *testing.T) {
	tests := []struct {
		name, schedule, from, until string // the only span above the base within two days of from
	}{
		{"Berlin before it is set forward", "tz=Europe/Berlin daily@09:00-10:00=9", "2026-03-28T08:00:00Z", "2026-03-28T09:00:00Z"},
		{"Berlin the day it is", "tz=Europe/Berlin sun@09:00-10:00=9", "2026-03-29T07:00:00Z", "2026-03-29T08:00:00Z"},
		{"a start that is skipped", "tz=Europe/Berlin sun@02:30-04:00=9", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"},
		{"an end that is skipped", "tz=Europe/Berlin sun@01:30-02:30=9", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"},
		{"a start that comes twice", "tz=Europe/Berlin sun@02:30-04:00=9", "2026-10-25T00:30:00Z", "2026-10-25T03:00:00Z"},
		{"an end that comes twice", "tz=Europe/Berlin sun@01:00-02:30=9", "2026-10-24T23:00:00Z", "2026-10-25T01:30:00Z"},
		{"over the night it is set back", "tz=Europe/Berlin sat@23:00-06:00=9", "2026-10-24T21:00:00Z", "2026-10-25T05:00:00Z"},
		{"New York the day it is set forward", "tz=America/New_York sun@09:00-10:00=9", "2026-03-08T13:00:00Z", "2026-03-08T14:00:00Z"},
		{"New York the day it is set back", "tz=America/New_York sun@09:00-10:00=9", "2026-11-01T14:00:00Z", "2026-11-01T15:00:00Z"},
		{"New York, both hours", "tz=America/New_York sun@01:00-02:00=9", "2026-11-01T05:00:00Z", "2026-11-01T07:00:00Z"},
		{"Lord Howe, by half an hour", "tz=Australia/Lord_Howe sun@01:45-02:15=9", "2026-10-03T15:15:00Z", "2026-10-03T15:30:00Z"},
		{"Lord Howe, back again", "tz=Australia/Lord_Howe sun@01:30-03:00=9", "2026-04-04T14:30:00Z", "2026-04-04T16:30:00Z"},
		{"UTC has none", "sun@02:30-04:00=9", "2026-03-29T02:30:00Z", "2026-03-29T04:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := parse(t, "base=1 lead=0m "+tt.schedule)
			start := at(tt.from)
			var raised []string
			for _, span := range s.Spans(start.Add(-12*time.Hour), start.Add(12*time.Hour)) {
				if span.Level > 1 {
					raised = append(raised, span.From.Format(time.RFC3339)+" "+span.Until.Format(time.RFC3339))
				}
			}
			if got, want := strings.Join(raised, ", "), tt.from+" "+tt.until; got != want {
				t.Errorf("raised %s, want %s", got, want)
			}
		})
	}
	gap := parse(t, "base=1 lead=0m tz=Europe/Berlin sun@02:10-02:50=9")
	for _, span := range gap.Spans(at("2026-03-28T12:00:00Z"), at("2026-03-29T12:00:00Z")) {
		if span.Level != 1 {
			t.Errorf("an hour that does not exist is raised: %v", span)
		}
	}
}

func TestNext(t *testing.T) {
	s := parse(t, "base=5 tz=Asia/Tokyo mon@09:00-10:00=50") // UTC+9
	now := at("2026-03-04T12:00:00Z")                        // a Wednesday
	when, level, ok := s.Next(now)
	if !ok || level != 50 || !when.Equal(at("2026-03-08T23:45:00Z")) {
		t.Errorf("%v %d %v", when, level, ok)
	}
	if when, level, ok = s.Next(when); !ok || level != 5 || !when.Equal(at("2026-03-09T01:00:00Z")) {
		t.Errorf("then %v %d %v", when, level, ok)
	}
	if when, _, ok := parse(t, "base=5 daily@00:00-24:00=50").Next(now); ok {
		t.Errorf("what never changes changes at %v", when)
	}
}

func TestAboveBase(t *testing.T) {
	s := parse(t, "base=5 lead=30m mon-fri@12:00-14:00=25")
	from := at("2026-03-02T00:00:00Z")
	if got := s.AboveBase(from, from.AddDate(0, 0, 7)); got != 5*2.5*20 {
		t.Errorf("%v TPS-hours, want 250", got)
	}
}

// At any time, spans and At agree, spans leave no gap, and Next is where At first differs.
func TestSpansAgreeWithAt(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		text := fmt.Sprintf("base=3 tz=%s lead=%dm", zones[random.IntN(len(zones))], 5*random.IntN(7))
		for range 1 + random.IntN(3) {
			from, length := 15*random.IntN(96), 15+15*random.IntN(95)
			until := (from + length) % 1440
			if until == 0 {
				until = 1440
			}
			day := time.Weekday(random.IntN(7))
			text += fmt.Sprintf(" %s@%02d:%02d-%02d:%02d=%d", strings.ToLower(day.String()[:3]), from/60, from%60, until/60, until%60, 4+random.IntN(9))
		}
		s := parse(t, text)
		begin := at("2026-03-26T00:00:00Z").AddDate(0, random.IntN(9), random.IntN(5))
		end := begin.AddDate(0, 0, 4)
		spans := s.Spans(begin, end)
		for i, span := range spans {
			last := i == len(spans)-1
			if i == 0 && !span.From.Equal(begin) || last && !span.Until.Equal(end) || !last && !span.Until.Equal(spans[i+1].From) {
				t.Fatalf("%s: a gap in %v", text, spans)
			}
			if next, _, ok := s.Next(span.From); !last && (!ok || !next.Equal(span.Until)) {
				t.Errorf("%s: after %v next is %v, want %v", text, span.From, next, span.Until)
			}
			for x := span.From; x.Before(span.Until); x = x.Add(7 * time.Minute) {
				if got := s.At(x); got != span.Level {
					t.Fatalf("%s: at %v %d, in the span %v", text, x, got, span)
				}
			}
		}
	}
}

func TestOwns(t *testing.T) {
	s := parse(t, "base=5 daily@09:00-10:00=50")
	for minimum, want := range map[int]bool{5: true, 50: true, 6: false, 49: false} {
		if s.Owns(minimum) != want {
			t.Errorf("%d: %v", minimum, !want)
		}
	}
	if s.Highest() != 50 {
		t.Errorf("highest %d", s.Highest())
	}
}
