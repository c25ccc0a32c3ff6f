// Command mutate breaks the guards of the rules one at a time and tells which tests
// notice. It fails if one is not noticed, if a guard is no longer where the list says, or
// if what was broken does not build. Files are replaced by means of go test -overlay, so
// nothing is written to the source tree, save the table that -out names.
//
//	go run ./test/mutate -out docs/safety-mutations.md
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
)

func main() {
	var j job
	flag.StringVar(&j.root, "root", ".", "the root of the repository")
	flag.StringVar(&j.only, "only", "", "a regular expression; only guards or files that it fits are broken")
	flag.StringVar(&j.out, "out", "", "where the table goes besides stdout")
	flag.IntVar(&j.jobs, "jobs", 2, "how many are tried at the same time")
	flag.IntVar(&j.histories, "histories", 10_000, "random histories in each property test")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := j.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func (j job) run(ctx context.Context) error {
	only, err := regexp.Compile(j.only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	var list []mutation
	for _, m := range mutations() {
		if only.MatchString(m.guard) || only.MatchString(m.file) {
			list = append(list, m)
		}
	}
	if j.jobs < 1 || len(list) == 0 {
		return fmt.Errorf("nothing to do: %d guards, -jobs %d", len(list), j.jobs)
	}
	verdicts, faults := j.tryAll(ctx, list)
	var table bytes.Buffer
	survivors := printTable(&table, verdicts)
	if _, err := os.Stdout.Write(table.Bytes()); err != nil || faults != nil {
		return errors.Join(faults, err)
	}
	if j.out != "" {
		if err := os.WriteFile(j.out, table.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if survivors > 0 {
		return fmt.Errorf("%d of %d broken guards are not noticed by any test", survivors, len(list))
	}
	return nil
}
