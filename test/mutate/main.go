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
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"regexp"
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
