package estatefile

import (
	"testing"
	"time"
)

// FuzzParseSpan holds the bounds of a length of time, and that it means what it says.
func FuzzParseSpan(f *testing.F) {
	for _, seed := range []string{"", "30d", "2d12h", "31h", "20m", "1s", "0s", "1h1d", "1d1d", "3653d", "3654d", "999999999d", "9999999999s", "1.5h", "-1h", "1h ", "１h", "1µs"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseSpan(text)
		if err != nil {
			if got != 0 {
				t.Errorf("an error, and yet %v", got)
			}
			return
		}
		if got <= 0 || got > maxSpan || got%time.Second != 0 {
			t.Errorf("%q became %v", text, got)
		}
		if plain, err := time.ParseDuration(text); err == nil && plain != got { // all units but the day
			t.Errorf("%q became %v, is %v", text, got, plain)
		}
	})
}
