package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

// Every guard in the list is still where the list says, exactly once, and is changed.
func TestGuardsAreWhereTheListSays(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range mutations() {
		source, err := os.ReadFile(filepath.Join(root, m.file))
		if err != nil {
			t.Fatal(err)
		}
		broken, err := m.apply(string(source))
		if err != nil {
			t.Errorf("%s: %s: %v", m.file, m.guard, err)
		} else if broken == string(source) {
			t.Errorf("%s: %s: nothing is changed", m.file, m.guard)
		}
		if seen[m.guard] {
			t.Errorf("two guards are called %q", m.guard)
		}
		seen[m.guard] = true
	}
}

// The table in docs holds every guard, and as it is broken now.
func TestTableIsOfThisList(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "safety-mutations.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), preface) || strings.Contains(string(text), "**nothing**") {
		t.Error("docs/safety-mutations.md is not as mutate writes it")
	}
	for _, m := range mutations() {
		line := "| " + cell(m.guard) + " | " + code(m.old) + " → " + code(m.new) + " | "
		if strings.Count(string(text), "\n"+line) != 1 {
			t.Errorf("docs/safety-mutations.md lacks this line; run the command it names:\n%s", line)
		}
	}
}

func TestApplyWantsTheTextOnce(t *testing.T) {
	m := mutation{old: "a < b", new: "a <= b"}
	if got, err := m.apply("if a < b {"); err != nil || got != "if a <= b {" {
		t.Errorf("%q, %v", got, err)
	}
	for _, source := range []string{"", "a < c", "a < b || a < b"} {
		if got, err := m.apply(source); err == nil {
			t.Errorf("%q became %q", source, got)
		}
	}
}

func TestFailuresAreTopLevelTests(t *testing.T) {
	output := "--- FAIL: TestB (0.00s)\n    --- FAIL: TestB/part (0.00s)\n        x.go:1: wrong\n--- FAIL: TestA (0.10s)\nFAIL\n"
	if diff := cmp.Diff([]string{"rules.TestA", "rules.TestB"}, failures("internal/rules", output)); diff != "" {
		t.Error(diff)
	}
	if got := failures("internal/rules", "ok\n"); got != nil {
		t.Errorf("%v", got)
	}
}

func TestTableCountsSurvivors(t *testing.T) {
	var b strings.Builder
	got := printTable(&b, []verdict{
		{mutation{"one", "a.go", "x || y {\n\tz", ""}, []string{"rules.TestA", "rules.TestB"}},
		{mutation{"two", "a.go", "x", "y"}, nil},
	})
	want := preface + "| **a.go** | | |\n| one | `x \\|\\| y { z` → nothing | rules.TestA, rules.TestB |\n| two | `x` → `y` | **nothing** |\n"
	if diff := cmp.Diff(want, b.String()); got != 1 || diff != "" {
		t.Errorf("%d survivors\n%s", got, diff)
	}
}
