package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// runner tests mutants.
type runner struct {
	root                string
	parallel, histories int
}

// result is the outcome of one mutant.
type result struct {
	mutant
	tests []string // top-level tests that failed, with their package; none if it survived
}

// suites are the packages whose tests run, one after the other until one fails.
func suites(file string) []string {
	list := []string{filepath.ToSlash(filepath.Dir(file)), "internal/rules", "internal/cycle"}
	if list[0] == list[1] {
		return list[1:]
	}
	return slices.Compact(list)
}

// slow are tests of many resources that count calls.
const slow = "^(TestCallsOfACycle|TestAlarmsAreCarriedOver|TestDashboardsOfLargeEstates)$"

// testAll tests the mutants; the results are in their order.
func (r runner) testAll(ctx context.Context, list []mutant) ([]result, error) {
	temp, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	results, faults := make([]result, len(list)), make([]error, len(list))
	var group errgroup.Group
	group.SetLimit(r.parallel)
	for i, m := range list {
		group.Go(func() error {
			tests, err := r.test(ctx, m, filepath.Join(temp, strconv.Itoa(i)))
			outcome := "no test fails"
			switch {
			case err != nil:
				outcome = "could not be tested"
				faults[i] = fmt.Errorf("%s (%s), %s: %w", m.guard, m.file, m.change, err)
			case len(tests) > 0:
				outcome = strings.Join(tests, ", ")
			}
			results[i] = result{m, tests}
			fmt.Fprintf(os.Stderr, "%d/%d %s, %s: %s\n", i+1, len(list), m.guard, m.change, outcome)
			return nil
		})
	}
	_ = group.Wait() // faults has the errors
	return results, errors.Join(faults...)
}

// test breaks one guard in an overlay and returns the tests that fail.
func (r runner) test(ctx context.Context, m mutant, dir string) ([]string, error) {
	path, err := filepath.Abs(filepath.Join(r.root, m.file))
	if err != nil {
		return nil, err
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	replacement, overlay := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{path: replacement}})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := errors.Join(os.WriteFile(replacement, m.apply(source), 0o600), os.WriteFile(overlay, text, 0o600)); err != nil {
		return nil, err
	}
	for _, suite := range suites(m.file) {
		if failed, err := r.testPackage(ctx, overlay, suite); err != nil || len(failed) > 0 {
			return failed, err
		}
	}
	return nil, nil
}

// testPackage runs the tests of one package. It is an error if they do not compile or do not run.
func (r runner) testPackage(ctx context.Context, overlay, suite string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-vet=off", "-timeout=5m", "-skip="+slow, "-overlay="+overlay, "./"+suite)
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "PERSONALIZE_MONITOR_HISTORIES="+strconv.Itoa(r.histories))
	output, err := cmd.CombinedOutput()
	if err == nil {
		return nil, nil
	}
	failed := failures(suite, string(output))
	if len(failed) == 0 {
		return nil, fmt.Errorf("%s: %w\n%s", suite, err, output)
	}
	return failed, nil
}

// failures returns the top-level tests that failed, from the output of go test.
func failures(suite, output string) (names []string) {
	for line := range strings.Lines(output) {
		if rest, ok := strings.CutPrefix(line, "--- FAIL: "); ok {
			name, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			names = append(names, filepath.Base(suite)+"."+name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// preface is the text above the table.
const preface = `# Every guard, broken

Each line is a guard that keeps something from being stopped, deleted, stepped down or overwritten. The guard was broken, alone, in
the way that the middle column shows, and the tests on the right failed. A comment ` + "`// guard: name`" + ` marks each guard in the code.
` + "`go run ./test/mutate -out docs/safety-mutations.md`" + ` writes this table, and fails if no test notices a broken guard.

| Guard | Change | Noticed by |
|---|---|---|
`

// printTable prints the results as Markdown and returns the number of survivors.
func printTable(w io.Writer, results []result) (survivors int) {
	fmt.Fprint(w, preface)
	file := ""
	for _, r := range results {
		if r.file != file {
			file = r.file
			fmt.Fprintf(w, "| **%s** | | |\n", file)
		}
		tests := strings.Join(r.tests, ", ")
		if tests == "" {
			tests = "**nothing**"
			survivors++
		}
		fmt.Fprintf(w, "| %s | %s | %s |\n", cell(r.guard), r.change, tests)
	}
	return survivors
}
