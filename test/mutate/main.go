// Command mutate breaks the marked guards of the program, one at a time, and reports which tests fail. It fails if the tests do
// not notice a broken guard, or if a broken guard does not compile. It replaces files by go test -overlay: it writes nothing to
// the source tree except the table that -out names. A test program has all guards of its package broken, each in a copy of the
// function around it, and chooses one when it runs; those outside of functions have programs of their own.
//
//	go run ./test/mutate -out docs/safety-mutations.md
//	go run ./test/mutate -only 'late data|rules/budget.go' -out docs/safety-mutations.md
//
// A guard is marked by a comment at the end of its line, or on the line above it:
//
//	if a := age(r, m); a < s.IdleTime() { // guard: age; never, boundary
//
// The text after the semicolon lists the operators that break the guard; each:2 and each:2-3 choose from the changes of an operator.
// Without it, the kind of the line decides. The operators are in mutants.go.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

func main() {
	var r runner
	flag.StringVar(&r.root, "root", ".", "root of the repository")
	only := flag.String("only", "", "regular expression; break only guards or files that it matches")
	out := flag.String("out", "", "write the table to this file, too; lines of guards that -only leaves out stay as they are")
	flag.IntVar(&r.parallel, "parallel", 2, "how many mutants are tested at the same time")
	flag.IntVar(&r.histories, "histories", 10_000, "random histories in each property test")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := r.run(ctx, *only, *out); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func (r runner) run(ctx context.Context, only, out string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	all, err := findMutants(r.root)
	if err != nil {
		return err
	}
	var list []mutant
	isChosen := func(m mutant) bool { return pattern.MatchString(m.guard) || pattern.MatchString(m.file) }
	for _, m := range all {
		if isChosen(m) {
			list = append(list, m)
		}
	}
	if r.parallel < 1 || len(list) == 0 {
		return fmt.Errorf("nothing to do: %d changes, -parallel %d", len(list), r.parallel)
	}
	results, faults := r.testAll(ctx, list)
	if out != "" {
		if results, err = merge(out, all, results, isChosen); err != nil {
			return err
		}
	}
	var table bytes.Buffer
	survivors := printTable(&table, results)
	if _, err := os.Stdout.Write(table.Bytes()); err != nil || faults != nil {
		return errors.Join(faults, err)
	}
	if out != "" {
		if err := os.WriteFile(out, table.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if survivors > 0 {
		return fmt.Errorf("no test notices %d of %d changes", survivors, len(results))
	}
	return nil
}

// merge are the results of all mutants: those of the file, and the new ones of the chosen mutants, in order.
func merge(file string, all []mutant, results []result, isChosen func(mutant) bool) ([]result, error) {
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	merged := tested(string(old), all)
	for i, m := range all {
		if isChosen(m) {
			merged[i], results = results[0], results[1:]
		}
	}
	return merged, nil
}

type runner struct {
	root                string
	parallel, histories int
}

type result struct {
	mutant
	tests []string // top-level tests that failed before the others were left out, with their package; none if it survived
}

// suite is a selection of the tests of a package.
type suite struct {
	dir  string
	skip string // regular expression of the tests that do not run
}

// Tests that take long. Those that count the calls of many resources guard nothing.
const (
	counting = "^(TestCallsOfACycle|TestAlarmsAreCarriedOver|TestDashboardsOfLargeEstates)$"
	random   = "^TestRandom"
	trials   = "^(TestAMinimumThatASecondToolSetsBack|TestARecommenderJustStartedIsNotStoppedByANewMonitor|TestMissingDataAreNotLowDemand|" +
		"TestFailuresAfterAStepHoldTheMinimum|TestLateCountsEndNothing|TestTimeInWhichItWasStoppedIsNotLowDemand|TestAnHourSeesAFifthSteppedDown)$"
)

// suites are the tests that run, one suite after the other until one fails: those of the package of the file, and those of the
// packages whose tests go through it. Tables come before random histories and trials of days: they take a fraction of the time.
func suites(file string) []suite {
	const rules, cycle = "internal/rules", "internal/cycle"
	dir := filepath.ToSlash(filepath.Dir(file))
	var list []suite
	if dir != rules && dir != cycle {
		list = append(list, suite{dir, counting})
	}
	if dir == rules || dir == "internal/model" { // the packages that the rules consist of
		list = append(list, suite{rules, random}, suite{rules, counting})
	}
	return append(list, suite{cycle, counting + "|" + trials}, suite{cycle, counting})
}

// variable is the environment variable with the number of the guard that is broken.
const variable = "BROKEN_GUARD"

// testAll tests the mutants; the results are in their order.
func (r runner) testAll(ctx context.Context, list []mutant) ([]result, error) {
	temp, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	b, err := newBench(r, temp, list)
	if err != nil {
		return nil, err
	}
	results, faults := make([]result, len(list)), make([]error, len(list))
	var group errgroup.Group
	group.SetLimit(r.parallel)
	for i, m := range list {
		group.Go(func() error {
			tests, err := b.test(ctx, i, m)
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

// bench has the test programs. One for each package has all mutants that can be chosen while it runs, as most of the time would
// go into the compiler otherwise. A mutant that cannot, or that keeps them from being compiled, has programs of its own.
type bench struct {
	runner
	temp    string
	sources map[string][]byte // by file
	overlay string            // with all that can be chosen
	mu      sync.Mutex
	shared  map[string]func() (string, error) // programs by directory
}

func newBench(r runner, temp string, list []mutant) (*bench, error) {
	b := &bench{runner: r, temp: temp, sources: map[string][]byte{}, shared: map[string]func() (string, error){}}
	byFile := map[string]map[int]mutant{}
	replacements := map[string][]byte{}
	for i, m := range list {
		if _, ok := b.sources[m.file]; !ok {
			source, err := os.ReadFile(filepath.Join(r.root, m.file))
			if err != nil {
				return nil, err
			}
			b.sources[m.file], byFile[m.file] = source, map[int]mutant{}
		}
		if m.switchable() {
			byFile[m.file][i+1] = m
			replacements[filepath.Dir(m.file)+"/mutate_choice.go"] = choice(m.pkg)
		}
	}
	for file, mutants := range byFile {
		replacements[file] = combine(b.sources[file], mutants)
	}
	var err error
	b.overlay, err = b.write(filepath.Join(temp, "all"), replacements)
	return b, err
}

// write writes an overlay that replaces files, and returns its path.
func (b *bench) write(dir string, replacements map[string][]byte) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	replace := map[string]string{}
	for file, text := range replacements {
		path, err := filepath.Abs(filepath.Join(b.root, file))
		if err != nil {
			return "", err
		}
		replace[path] = filepath.Join(dir, strconv.Itoa(len(replace))+".go")
		if err := os.WriteFile(replace[path], text, 0o600); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// test breaks one guard and returns the tests that fail.
func (b *bench) test(ctx context.Context, i int, m mutant) ([]string, error) {
	own := filepath.Join(b.temp, strconv.Itoa(i))
	defer func() { _ = os.RemoveAll(own) }()
	for _, s := range suites(m.file) {
		program, err := "", errors.ErrUnsupported
		if m.switchable() {
			program, err = b.sharedProgram(ctx, s.dir)
		}
		if err != nil {
			program, err = b.ownProgram(ctx, own, s.dir, m)
		}
		if err != nil {
			return nil, err
		}
		if failed, err := b.runSuite(ctx, program, s, i+1); err != nil || len(failed) > 0 {
			return failed, err
		}
	}
	return nil, nil
}

// sharedProgram returns the program of a package with all mutants that can be chosen. It is built once.
func (b *bench) sharedProgram(ctx context.Context, dir string) (string, error) {
	b.mu.Lock()
	program := b.shared[dir]
	if program == nil {
		program = sync.OnceValues(func() (string, error) {
			return b.build(ctx, b.overlay, dir, filepath.Join(b.temp, "all", filepath.Base(dir)+".test"))
		})
		b.shared[dir] = program
	}
	b.mu.Unlock() // others need not wait while this one is built
	return program()
}

func (b *bench) ownProgram(ctx context.Context, own, dir string, m mutant) (string, error) {
	overlay, err := b.write(own, map[string][]byte{m.file: m.apply(b.sources[m.file])})
	if err != nil {
		return "", err
	}
	return b.build(ctx, overlay, dir, filepath.Join(own, filepath.Base(dir)+".test"))
}

func (b *bench) build(ctx context.Context, overlay, dir, program string) (string, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay="+overlay, "-o="+program, "./"+dir)
	cmd.Dir = b.root
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s does not compile: %w\n%s", dir, err, output)
	}
	return program, nil
}

// runSuite runs one suite. It is an error if no test fails and the program does.
func (b *bench) runSuite(ctx context.Context, program string, s suite, number int) ([]string, error) {
	cmd := exec.CommandContext(ctx, program, "-test.short", "-test.failfast", "-test.timeout=5m", "-test.skip="+s.skip)
	cmd.Dir = filepath.Join(b.root, s.dir)
	cmd.Env = append(os.Environ(), "PERSONALIZE_MONITOR_HISTORIES="+strconv.Itoa(b.histories), variable+"="+strconv.Itoa(number))
	output, err := cmd.CombinedOutput()
	if err == nil {
		return nil, nil
	}
	failed := failures(s.dir, string(output))
	if len(failed) == 0 {
		return nil, fmt.Errorf("%s: %w\n%s", s.dir, err, output)
	}
	return failed, nil
}

func failures(dir, output string) (names []string) {
	for line := range strings.Lines(output) {
		if rest, ok := strings.CutPrefix(line, "--- FAIL: "); ok {
			name, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			names = append(names, filepath.Base(dir)+"."+name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// tested returns the results that a table has of the mutants. A mutant that it does not have counts as not noticed.
func tested(table string, list []mutant) []result {
	noticed := map[string]string{} // by the first two columns
	for line := range strings.Lines(table) {
		if at := strings.LastIndex(line, " | "); at >= 0 {
			noticed[line[:at]] = strings.TrimSuffix(line[at+len(" | "):], " |\n")
		}
	}
	results := make([]result, len(list))
	for i, m := range list {
		results[i].mutant = m
		if tests := noticed["| "+cell(m.guard)+" | "+m.change]; tests != "" && tests != nothing {
			results[i].tests = strings.Split(tests, ", ")
		}
	}
	return results
}

const nothing = "**nothing**"

const preface = `# Every guard, broken

Each line is a guard that keeps something from being stopped, deleted, stepped down or overwritten. The guard was broken, alone, in
the way that the middle column shows, and the test on the right failed first. A comment ` + "`// guard: name`" + ` marks each guard in the code.
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
			tests = nothing
			survivors++
		}
		fmt.Fprintf(w, "| %s | %s | %s |\n", cell(r.guard), r.change, tests)
	}
	return survivors
}
