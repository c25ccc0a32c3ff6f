package model

import (
	"math"
	"testing"
)

func TestFigure(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.004: "0", 0.126: "0.13", 1.5: "1.5", 9.996: "10", 12.34: "12.3", 99.94: "99.9", 99.96: "100", 1234.6: "1,235", 1234567: "1,234,567", -1234: "-1,234", -0.001: "0",
	} {
		if got := Figure(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
	if got := Figure(math.NaN()) + Figure(math.Inf(1)); got != "––" {
		t.Errorf("no numbers: %q", got)
	}
}
