package web

import "testing"

func TestMemoIsMadeOncePerKey(t *testing.T) {
	var m memo[int, string]
	made := 0
	give := func(text string) func() string { return func() string { made++; return text } }
	for _, one := range []struct {
		key  int
		text string
		want string
	}{{0, "first", "first"}, {0, "not made", "first"}, {1, "second", "second"}, {0, "third", "third"}} {
		if got := m.get(one.key, give(one.text)); got != one.want {
			t.Errorf("of %d: %q, want %q", one.key, got, one.want)
		}
	}
	if made != 3 {
		t.Errorf("made %d times", made)
	}
}
