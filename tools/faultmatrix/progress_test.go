package main

import (
	"strings"
	"testing"
)

// Cells are counted by their job, what failed is told at the end, and lines that come in
// pieces are put together.
func TestProgress(t *testing.T) {
	const cell = `"Test":"TestFaultMatrix/cells/run_--act/run_--act/sns.Publish/reset`
	events := strings.Join([]string{
		`{"Action":"run","Test":"TestFaultMatrix/cells"}`,
		`{"Action":"run",` + cell + `/a"}`,
		`{"Action":"run",` + cell + `/b"}`,
		`{"Action":"output",` + cell + `/a","Output":"fine\n"}`,
		`{"Action":"output",` + cell + `/b","Output":"not healed\n"}`,
		`no event`,
		`{"Action":"pass",` + cell + `/a"}`,
		`{"Action":"fail",` + cell + `/b"}`,
		`{"Action":"fail"}`, "",
	}, "\n")
	var told strings.Builder
	p := newProgress(&told)
	for _, piece := range []string{events[:50], events[50:]} {
		if n, err := p.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("wrote %d, %v", n, err)
		}
	}
	p.end()
	if want := "run --act: 2 of 2 cells\nno event\nnot healed\n"; told.String() != want {
		t.Errorf("told %q, want %q", told.String(), want)
	}
}
