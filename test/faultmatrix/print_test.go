package faultmatrix

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// matrix collects the verdicts of all cells.
type matrix struct {
	operations []operation

	mu       sync.Mutex
	calledBy map[operation][]string
	verdicts map[square]map[string]int // counts by verdict
	reasons  map[square]string         // why a square has no cells
	byJob    map[string]map[string]int // counts by verdict
	broken   []string                  // failed cells

	seen     int             // cells that could be tested
	included map[string]bool // operations and kinds in the sample
}

// square is the place of the cells of an operation and a kind.
type square struct{ operation, kind string }

func newMatrix(operations []operation) *matrix {
	return &matrix{
		operations: operations, calledBy: map[operation][]string{}, verdicts: map[square]map[string]int{}, reasons: map[square]string{},
		byJob: map[string]map[string]int{}, included: map[string]bool{},
	}
}

func (m *matrix) addCall(o operation, s scenario) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.calledBy[o], s.name) {
		m.calledBy[o] = append(m.calledBy[o], s.name)
	}
}

func (m *matrix) addReason(o operation, k kind, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reasons[square{o.String(), k.name}] = reason
}

func (m *matrix) add(c cell, verdict string, broken bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if broken || verdict == "" {
		verdict = failed
		m.broken = append(m.broken, c.String())
	}
	at := square{c.operation.String(), c.kind.name}
	if m.verdicts[at] == nil {
		m.verdicts[at] = map[string]int{}
	}
	m.verdicts[at][verdict]++
	if m.byJob[c.scenario.name] == nil {
		m.byJob[c.scenario.name] = map[string]int{}
	}
	m.byJob[c.scenario.name][verdict]++
}

// sampled reports whether a cell is tested: with -short one in 48, and those with an operation or kind that the sample lacks.
func (m *matrix) sampled(o operation, k kind) bool {
	m.seen++
	if testing.Short() && m.seen%48 != 0 && m.included[o.String()] && m.included[k.name] {
		return false
	}
	m.included[o.String()], m.included[k.name] = true, true
	return true
}

// verdictNames are the verdicts and their signs, in the order of the table.
var verdictNames = []struct{ name, sign string }{{recovered, "R"}, {named, "N"}, {unseen, "U"}, {failed, "FAILED"}}

// text returns the matrix as a table, with the meaning of the verdicts, the reasons for empty squares, the counts of each job, and the
// failed cells.
func (m *matrix) text() string {
	var b strings.Builder
	m.table(&b)
	b.WriteString("\nR n: in n cells the result was that of a run without the fault. N n: in n cells the result named the failure, with operation and region or resource.\n" +
		"U n: in n cells the result was another, of data that look complete.\n" +
		"In each cell: no wrong action, all other resources have their metrics, and the runs that follow repair the rest.\n\nn/a:\n")
	byReason := map[string][]string{}
	for at, reason := range m.reasons {
		text := at.kind + ": " + reason
		byReason[text] = append(byReason[text], at.operation)
	}
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		fmt.Fprintf(&b, "  %s\n      %s\n", reason, strings.Join(slices.Sorted(slices.Values(byReason[reason])), ", "))
	}
	m.jobs(&b)
	fmt.Fprintf(&b, "\nfailed: %d\n", len(m.broken))
	for _, c := range slices.Sorted(slices.Values(m.broken)) {
		fmt.Fprintf(&b, "  %s\n", c)
	}
	return b.String()
}

// table writes a line for each operation, with a column for each kind.
func (m *matrix) table(b *strings.Builder) {
	rows := [][]string{{"operation"}}
	for _, k := range kinds() {
		rows[0] = append(rows[0], k.name)
	}
	for _, o := range m.operations {
		row := []string{o.String()}
		for _, k := range kinds() {
			row = append(row, m.square(square{o.String(), k.name}))
		}
		rows = append(rows, row)
	}
	writeRows(b, rows)
}

// jobs writes the counts of each job.
func (m *matrix) jobs(b *strings.Builder) {
	rows := [][]string{{"job", "cells", "recovered", "named", "unseen", "FAILED"}}
	sums := map[string]int{}
	row := func(name string, verdicts map[string]int) {
		list, all := []string{name, ""}, 0
		for _, verdict := range verdictNames {
			n := verdicts[verdict.name]
			all += n
			list = append(list, strconv.Itoa(n))
		}
		list[1] = strconv.Itoa(all)
		rows = append(rows, list)
	}
	for _, s := range scenarios() {
		verdicts := m.byJob[s.name]
		for verdict, n := range verdicts {
			sums[verdict] += n
		}
		row(s.name, verdicts)
	}
	row("all", sums)
	b.WriteString("\n")
	writeRows(b, rows)
}

// writeRows writes rows in aligned columns.
func writeRows(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], len(text))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, text := range row {
			fmt.Fprintf(&line, "%-*s  ", widths[i], text)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// square returns the text for an operation and a kind.
func (m *matrix) square(at square) string {
	if m.reasons[at] != "" {
		return "n/a"
	}
	var parts []string
	for _, verdict := range verdictNames {
		if n := m.verdicts[at][verdict.name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", verdict.sign, n))
		}
	}
	return strings.Join(parts, ", ")
}
