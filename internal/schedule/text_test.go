package schedule_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

func TestParse(t *testing.T) {
	tests := []struct{ text, want string }{
		{"base=5 mon-fri@11:30-14:00=50", "base=5 mon-fri@11:30-14:00=50"},
		{"  mon-fri@11:30-14:00=50   base=5 tz=UTC lead=15m ", "base=5 mon-fri@11:30-14:00=50"},
		{"base=5 sat@10:00-12:00=9 mon@10:00-12:00=9", "base=5 mon@10:00-12:00=9 sat@10:00-12:00=9"},
		{"base=5 fri-mon@10:00-24:00=9", "base=5 mon+fri-sun@10:00-24:00=9"},
		{"base=5 mon+tue@22:00-02:00=9 mon-tue@22:00-02:00=9", "base=5 mon+tue@22:00-02:00=9"},
		{"base=1 mon-sun@00:00-24:00=2147483647 lead=0m tz=Asia/Kolkata", "base=1 tz=Asia/Kolkata lead=0m daily@00:00-24:00=2147483647"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			s, err := schedule.Parse(tt.text)
			if err != nil || s.String() != tt.want || s.Validate() != nil {
				t.Errorf("%q, %v, %v, want %q", s, err, s.Validate(), tt.want)
			}
		})
	}
	if _, err := schedule.Parse(schedule.Syntax); err != nil {
		t.Errorf("the example is none: %v", err)
	}
}

func TestParseErrorsNameTheColumn(t *testing.T) {
	tests := []struct {
		text   string
		column int
		why    string
	}{
		{"", 1, "the base is missing"},
		{"base=5", 7, "a rule is missing"},
		{"daily@09:00-10:00=9", 1, "the base is missing"},
		{"base=5 base=6 daily@09:00-10:00=9", 8, "base is given twice"},
		{"base=0 daily@09:00-10:00=9", 6, `"0" is no minimum`},
		{"base=05 daily@09:00-10:00=9", 6, `"05" is no minimum`},
		{"base=5 tz=Mars/Olympus daily@09:00-10:00=9", 11, "is no time zone"},
		{"base=5 tz=Local daily@09:00-10:00=9", 11, "is no time zone"},
		{"base=5 tz= daily@09:00-10:00=9", 11, "is no time zone"},
		{"base=5 lead=4h daily@09:00-10:00=9", 13, "valid: 0m to 180m"},
		{"base=5 lead=181m daily@09:00-10:00=9", 13, "is no lead time"},
		{"base=5 weekly@09:00-10:00=9", 8, `"weekly" is no day`},
		{"base=5 mon+@09:00-10:00=9", 12, `"" is no day`},
		{"base=5 daily@09:00=9", 14, "is no range of hours"},
		{"base=5 daily@9:00-10:00=9", 14, "is no time of the day"},
		{"base=5 daily@09:00-24:01=9", 20, "is no time of the day"},
		{"base=5 daily@24:00-10:00=9", 14, "is no time of the day"},
		{"base=5 daily@09:00-09:00=9", 14, "is empty"},
		{"base=5 daily@09:00-00:00=9", 14, "the end of the day is 24:00"},
		{"base=5 daily@09:00-10:00=5", 26, "not above the base of 5"},
		{"base=5 daily@09:00-10:00", 8, "has no level"},
		{"base=5 daily@09:00-10:00=2147483648", 26, "is no minimum"},
		{"base=5 daily,09:00-10:00=9", 13, "has no meaning"},
		{"base=5 every day", 8, "is neither"},
		{"base=5 daily@09:00-10:00=9" + strings.Repeat(" ", 240), 257, "longer than the 256"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			_, err := schedule.Parse(tt.text)
			var fault *schedule.Error
			if !errors.As(err, &fault) || fault.Column != tt.column || !strings.Contains(fault.Why, tt.why) {
				t.Errorf("%v, want column %d: %s", err, tt.column, tt.why)
			}
		})
	}
}

func TestReturnText(t *testing.T) {
	r := schedule.Return{Target: 5, From: 5, Raised: 50, Due: at("2026-03-04T14:00:00Z"), Arranged: at("2026-03-04T12:00:00Z")}
	const want = "to=5 from=5 raised=50 due=2026-03-04T14:00:00Z arranged=2026-03-04T12:00:00Z"
	if r.String() != want {
		t.Errorf("%q", r)
	}
	if read, err := schedule.ParseReturn(want); err != nil || read != r {
		t.Errorf("%+v, %v", read, err)
	}
	for _, text := range []string{
		"", "to=5", "to=5 from=5 raised=5 due=2026-03-04T14:00:00Z arranged=2026-03-04T12:00:00Z", want + " more=1", want + " to=5", want + " x",
		"to=5 from=5 raised=50 due=2026-03-04T14:00:00+01:00 arranged=2026-03-04T12:00:00Z", "to=5 from=5 raised=50 due=tomorrow arranged=2026-03-04T12:00:00Z",
		"to=5 from=4 raised=50 due=2026-03-04T14:00:00Z arranged=2026-03-04T12:00:00Z", "to=5 from=51 raised=50 due=2026-03-04T14:00:00Z arranged=2026-03-04T12:00:00Z",
		"to=x from=5 raised=50 due=2026-03-04T14:00:00Z arranged=2026-03-04T12:00:00Z",
	} {
		if r, err := schedule.ParseReturn(text); err == nil {
			t.Errorf("%q is %+v", text, r)
		}
	}
}

// tagValue is what Personalize accepts as the value of a tag (TagValue in its API model), without
// the letters of other alphabets.
var tagValue = regexp.MustCompile(`^[a-zA-Z0-9 _.:/=+\-@]{0,256}$`)

func FuzzParse(f *testing.F) {
	f.Add(schedule.Syntax)
	f.Add("base=5 sat+sun@22:00-02:00=9 lead=0m")
	f.Add("base=1 tz=Australia/Lord_Howe fri-mon@00:00-24:00=2147483647 daily@09:00-10:00=2")
	f.Add("base=5 mon-@09:00-10:00=")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := schedule.Parse(text)
		if err != nil {
			var fault *schedule.Error
			if !errors.As(err, &fault) || fault.Column < 1 || fault.Column > len(text)+1 && fault.Column > schedule.MaxLength+1 {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		again, err := schedule.Parse(s.String())
		if err != nil || again.String() != s.String() || !tagValue.MatchString(s.String()) {
			t.Fatalf("%q became %q, %q, %v", text, s, again, err)
		}
		for _, hours := range []time.Duration{0, 24 * 31 * 7, 24 * 31 * 3} {
			now := at("2026-03-28T23:30:00Z").Add(hours * time.Hour)
			if got := s.At(now); got < s.Base || got > s.Highest() || got != again.At(now) || !s.Owns(got) {
				t.Errorf("%q is %d at %v", text, got, now)
			}
		}
	})
}

func FuzzParseReturn(f *testing.F) {
	f.Add("to=5 from=5 raised=50 due=2026-03-04T14:00:00Z arranged=2026-03-04T12:00:00Z")
	f.Add("to=5 from=5 raised=50 due=0000-00-00T00:00:00Z arranged=")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := schedule.ParseReturn(text)
		if err != nil {
			return
		}
		if again, err := schedule.ParseReturn(r.String()); err != nil || again != r || r.Raised <= r.Target || r.From < r.Target || !tagValue.MatchString(r.String()) {
			t.Errorf("%q became %q, %+v, %v", text, r, again, err)
		}
	})
}
