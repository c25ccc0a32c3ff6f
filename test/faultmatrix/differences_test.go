package faultmatrix

import (
	"fmt"
	"slices"
	"testing"
)

// differences returns where two snapshots differ, one line each, sorted.
func differences(got, want map[string]string) []string {
	var list []string
	for name, text := range want {
		switch other, ok := got[name]; {
		case !ok:
			list = append(list, "missing: "+name)
		case other != text:
			list = append(list, fmt.Sprintf("differs: %s\n   is %s\n  not %s", name, other, text))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			list = append(list, "too much: "+name)
		}
	}
	slices.Sort(list)
	return list
}

func TestDifferences(t *testing.T) {
	before := map[string]string{"a": "1", "b": "1"}
	after := map[string]string{"b": "2", "c": "1"}
	want := []string{"differs: b\n   is 2\n  not 1", "missing: a", "too much: c"}
	if got := differences(after, before); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := differences(after, after); got != nil {
		t.Errorf("%q", got)
	}
}
