package chart

import "testing"

func TestPathLeavesGaps(t *testing.T) {
	one, two := 1.0, 2.0
	s := scale{n: 5, max: 2, width: 4, height: 2}
	if got := s.path([]*float64{&one, &two, nil, &one, nil}, false); got != "M0 1L1 0M3 1h1" {
		t.Errorf("path %q", got)
	}
	if got := s.path([]*float64{&one, &two}, true); got != "M0 1H1V0" {
		t.Errorf("steps %q", got)
	}
}

// The area between two lines is drawn where both are known, and nothing where demand is above the minimum.
func TestAreaIsBetweenKnownValues(t *testing.T) {
	one, two := 1.0, 2.0
	s := scale{n: 5, max: 2, width: 4, height: 2}
	got := s.area([]*float64{&two, &two, nil, &one, &one}, []*float64{&one, &one, &one, &two, &two})
	if want := "M0 0L1 0L1 1L0 1ZM3 0L4 0L4 0L3 0Z"; got != want {
		t.Errorf("area %q, want %q", got, want)
	}
}
