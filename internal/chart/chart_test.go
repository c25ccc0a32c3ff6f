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
