package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// job is one run of the tool.
type job struct {
	root, only, out string
	jobs, histories int
}

// verdict is what came of one mutation.
type verdict struct {
	mutation
	tests []string // top-level tests that failed, with their package; none if it survived
}

// suites are the packages whose tests are asked, one after the other until one notices.
func suites(file string) []string {
	switch filepath.ToSlash(filepath.Dir(file)) {
	case "internal/cycle":
		return []string{"internal/cycle"}
	case "internal/model":
		return []string{"internal/model", "internal/rules"}
	}
	return []string{"internal/rules", "internal/cycle"}
}

// large are tests of large estates that are about calls, and slow.
const large = "^(TestCallsOfACycle|TestAlarmsAreCarriedOver|TestDashboardsOfLargeEstates)$"

// tryAll tries the mutations, some at the same time; the verdicts are in their order.
func (j job) tryAll(ctx context.Context, list []mutation) ([]verdict, error) {
	temp, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	verdicts, faults := make([]verdict, len(list)), make([]error, len(list))
	free := make(chan struct{}, j.jobs)
	var group sync.WaitGroup
	for i, m := range list {
		group.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			tests, err := j.try(ctx, m, filepath.Join(temp, strconv.Itoa(i)))
			if err != nil {
				faults[i] = fmt.Errorf("%s (%s): %w", m.guard, m.file, err)
			}
			verdicts[i] = verdict{m, tests}
			fmt.Fprintf(os.Stderr, "%s: %s\n", m.guard, told(tests, err))
		})
	}
	group.Wait()
	return verdicts, errors.Join(faults...)
}

// told is a verdict in a few words.
func told(tests []string, err error) string {
	switch {
	case err != nil:
		return "could not be tried"
	case len(tests) == 0:
		return "survived"
	}
	return "noticed by " + strings.Join(tests, ", ")
}

// try breaks one guard in an overlay and gives the tests that notice.
func (j job) try(ctx context.Context, m mutation, dir string) ([]string, error) {
	path, err := filepath.Abs(filepath.Join(j.root, m.file))
	if err != nil {
		return nil, err
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	broken, err := m.apply(string(source))
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
	if err := errors.Join(os.WriteFile(replacement, []byte(broken), 0o600), os.WriteFile(overlay, text, 0o600)); err != nil {
		return nil, err
	}
	for _, suite := range suites(m.file) {
		if failed, err := j.test(ctx, overlay, suite); err != nil || len(failed) > 0 {
			return failed, err
		}
	}
	return nil, nil
}

// apply replaces the text, which must be there exactly once.
func (m mutation) apply(source string) (string, error) {
	if n := strings.Count(source, m.old); n != 1 {
		return "", fmt.Errorf("%q stands %d times in the file, not once", m.old, n)
	}
	return strings.Replace(source, m.old, m.new, 1), nil
}

// test runs one package's tests over the overlay. It is an error if they could not be
// built or run.
func (j job) test(ctx context.Context, overlay, suite string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-vet=off", "-timeout=5m", "-skip="+large, "-overlay="+overlay, "./"+suite)
	cmd.Dir = j.root
	cmd.Env = append(os.Environ(), "PERSONALIZE_MONITOR_HISTORIES="+strconv.Itoa(j.histories))
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

// failures finds the top-level tests that failed in what go test printed.
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
