package main

import (
	"fmt"
	"io"
	"strings"
)

// preface stands above the table.
const preface = `# Every guard, broken

Each line is a guard that keeps something from being stopped, deleted, stepped down or overwritten. The guard was broken, alone,
in the way the middle column shows, and the tests on the right failed. A guard whose loss no test notices cannot be in
this list: ` + "`go run ./test/mutate -out docs/safety-mutations.md`" + ` makes it, and fails then.

| Guard | Broken | Noticed by |
|---|---|---|
`

// printTable prints the verdicts as Markdown and counts the mutations that survived.
func printTable(w io.Writer, verdicts []verdict) (survivors int) {
	fmt.Fprint(w, preface)
	file := ""
	for _, v := range verdicts {
		if v.file != file {
			file = v.file
			fmt.Fprintf(w, "| **%s** | | |\n", file)
		}
		noticed := strings.Join(v.tests, ", ")
		if noticed == "" {
			noticed = "**nothing**"
			survivors++
		}
		fmt.Fprintf(w, "| %s | %s → %s | %s |\n", cell(v.guard), code(v.old), code(v.new), noticed)
	}
	return survivors
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// code prints source in one line.
func code(source string) string {
	line := strings.Join(strings.Fields(source), " ")
	if line == "" {
		return "nothing"
	}
	return "`" + cell(line) + "`"
}
