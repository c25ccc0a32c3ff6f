package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

// Every mark in the code is understood, and the table in the documents has the changes of today's marks, none of them unnoticed.
func TestTableHasEveryGuard(t *testing.T) {
	mutants, err := findMutants(root)
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(filepath.Join(root, "docs", "safety-mutations.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(table), preface) || strings.Contains(string(table), "**nothing**") {
		t.Error("docs/safety-mutations.md is not as mutate writes it")
	}
	want := map[string]int{}
	for _, m := range mutants {
		want["| "+cell(m.guard)+" |"]++
	}
	if len(want) < 100 {
		t.Errorf("only %d guards are marked", len(want))
	}
	for guard, n := range want {
		if got := strings.Count(string(table), "\n"+guard); got != n {
			t.Errorf("docs/safety-mutations.md has %d lines %s, want %d; run the command it names", got, guard, n)
		}
	}
	for line := range strings.Lines(string(table)) {
		name, _, _ := strings.Cut(line, " | ")
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| **") && !strings.HasPrefix(line, "| Guard") && want[name+" |"] == 0 {
			t.Errorf("docs/safety-mutations.md has a guard that is not marked: %s", name)
		}
	}
}

// One line of each kind, with the lines that its changes make of it.
func TestMutants(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		want []string
	}{
		"if":              {"if a < b { // guard: x", []string{"if (a < b) && false {"}},
		"if with a value": {"if v := a; v < b { // guard: x; always", []string{"if v := a; (v < b) || true {"}},
		"if, boundary":    {"if a < b && !(c >= d) { // guard: x; boundary", []string{"if a <= b && !(c >= d) {", "if a < b && !(c > d) {"}},
		"if, both":        {"if a < b { // guard: x; never, boundary", []string{"if (a < b) && false {", "if a <= b {"}},
		"operands": {"if p && q && (r || s) { // guard: x; each", []string{
			"if p && q && ((r || s) || true) {", "if (p || true) && q && (r || s) {", "if p && (q || true) && (r || s) {",
			"if p && q && ((r && false) || s) {", "if p && q && (r || (s && false)) {",
		}},
		"arguments":        {"n := max(a, b, 1) // guard: x", []string{"_ = a; n := max(b, 1)", "_ = b; n := max(a, 1)", "_ = 1; n := max(a, b)"}},
		"methods":          {"n := t.Add(d).Truncate(h) // guard: x", []string{"n := t.Add(d)", "n := t.Truncate(h)"}},
		"elements":         {"for _, s := range []string{a, b} { // guard: x; each", []string{"for _, s := range ([]string{a, b})[:1] {", "for _, s := range []string{b} {", "for _, s := range []string{a} {"}},
		"rounding":         {"n := math.Floor(f) // guard: x", []string{"n := math.Ceil(f)"}},
		"case of letters":  {"if strings.EqualFold(a, b) { // guard: x; each", []string{"if (a == b) {"}},
		"call":             {"f(a) // guard: x", []string{"if false { f(a)\n}"}},
		"assignment":       {"a = b // guard: x", []string{"if false { a = b\n}"}},
		"return":           {"return a < b // guard: x", []string{"return (a < b) || true"}},
		"return, zero":     {"return a < b // guard: x; zero", []string{"return *new(bool); return a < b"}},
		"chosen":           {"if p && q && r { // guard: x; each:2-3", []string{"if (p || true) && q && r {", "if p && (q || true) && r {"}},
		"first argument":   {"return f(g(a), b) // guard: x; first", []string{"return g(a)"}},
		"beside a comment": {"if a < b { // why // guard: x", []string{"if (a < b) && false {"}},
		"return, boundary": {"return a < b // guard: x; boundary", []string{"return a <= b"}},
	} {
		before, after := "package p\n\nfunc f() bool {\n\t", "\n"
		if strings.Contains(c.line, "{ //") {
			after = "\n\t}\n"
		}
		after += "\treturn true\n}\n"
		guards, err := findGuards("p.go", []byte(before+c.line+after))
		if err != nil || len(guards) != 1 {
			t.Errorf("%s: %d guards, %v", name, len(guards), err)
			continue
		}
		mutants, err := guards[0].mutants()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, m := range mutants {
			text := strings.TrimSuffix(strings.TrimPrefix(string(m.apply(guards[0].source)), before), after)
			text, _, _ = strings.Cut(text, " // ")
			got = append(got, text)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Marks outside of functions, in cases and on a line of their own.
func TestMarks(t *testing.T) {
	source := `package p

const (
	limit = 24 * hour // guard: limit; half, boundary
	other = 1
)

func f() (string, error) {
	switch {
	// guard: old
	case late > limit:
		return "late", nil // guard: reason
	}
	return g(T{
		On: a || b, // guard: on
	}, p &&
		q) // guard: operand; never
}
`
	guards, err := findGuards("p.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range guards {
		mutants, err := g.mutants()
		if err != nil {
			t.Error(err)
		}
		for _, m := range mutants {
			got = append(got, m.guard+": "+m.change)
		}
	}
	want := []string{
		"limit: `24 * hour` → half of it", "limit: `24 * hour` → 1/24 less", "old: `late > limit` → false",
		"reason: `return \"late\", nil` → zero values", `on: ` + "`a \\|\\| b`" + ` → true`, "operand: `q` → false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMarksThatMeanNothing(t *testing.T) {
	for name, line := range map[string]string{
		"nothing there":      "// guard: x\n\n\tf()",
		"unknown operator":   "f() // guard: x; sometimes",
		"nothing to change":  "f() // guard: x; boundary",
		"zero outside of it": "f() // guard: x; zero",
		"no such change":     "f(a && b) // guard: x; each:3",
	} {
		guards, err := findGuards("p.go", []byte("package p\n\nfunc f() {\n\t"+line+"\n}\n"))
		for _, g := range guards {
			_, err = g.mutants()
		}
		if err == nil {
			t.Errorf("%s: no error", name)
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
	got := printTable(&b, []result{
		{mutant{guard: "one", file: "a.go", change: code("x || y {\n\tz") + " → false"}, []string{"rules.TestA", "rules.TestB"}},
		{mutant{guard: "two", file: "a.go", change: "without `x`"}, nil},
	})
	want := preface + "| **a.go** | | |\n| one | `x \\|\\| y { z` → false | rules.TestA, rules.TestB |\n| two | without `x` | **nothing** |\n"
	if diff := cmp.Diff(want, b.String()); got != 1 || diff != "" {
		t.Errorf("%d survivors\n%s", got, diff)
	}
}

// A combined file has a copy of the function for each mutant, and the function as it was.
func TestCombine(t *testing.T) {
	source := "package p\n\nfunc f(a, b int) bool {\n\tif a < b { // guard: x; never, boundary\n\t\treturn true\n\t}\n\treturn false\n}\n\nfunc g() {\n\tf(1, 2) // guard: y\n}\n"
	guards, err := findGuards("p.go", []byte(source))
	if err != nil || len(guards) != 2 {
		t.Fatalf("%d guards, %v", len(guards), err)
	}
	numbered := map[int]mutant{}
	for _, g := range guards {
		mutants, err := g.mutants()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mutants {
			numbered[len(numbered)+1] = m
		}
	}
	got := string(combine([]byte(source), numbered))
	rest := ""
	for _, want := range []string{
		"if brokenGuard == 1 {\n\tif (a < b) && false {", "if brokenGuard == 2 {\n\tif a <= b {", "\tif a < b {", "func g() {",
		"if brokenGuard == 3 {\n\tif false { f(1, 2)\n}", "return\n}", "\tf(1, 2) // guard: y\n}\n",
	} {
		_, after, ok := strings.Cut(got, want)
		if !ok || rest != "" && !strings.Contains(rest, want) {
			t.Errorf("no %q in its place in\n%s", want, got)
		}
		rest = after
	}
	if _, err := parser.ParseFile(token.NewFileSet(), "p.go", got, 0); err != nil {
		t.Error(err)
	}
}

// What was tested before stays in the table; what is new counts as not noticed.
func TestLinesThatStay(t *testing.T) {
	list := []mutant{{guard: "one", file: "a.go", change: "`x` → false"}, {guard: "two|three", file: "a.go", change: "without `y`"}}
	table := preface + "| **a.go** | | |\n| one | `x` → false | rules.TestA, rules.TestB |\n| two\\|three | without `z` | rules.TestC |\n"
	got := tested(table, list)
	if diff := cmp.Diff([][]string{{"rules.TestA", "rules.TestB"}, nil}, [][]string{got[0].tests, got[1].tests}); diff != "" {
		t.Error(diff)
	}
}
