package faultmatrix

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// matrix gathers the verdicts on all cells.
type matrix struct {
	operations []Operation

	mu       sync.Mutex
	calledBy map[Operation][]string
	verdicts map[square]map[string]int // how often which
	reasons  map[square]string         // why there are none
	byJob    map[string]map[string]int // how often which verdict
	broken   []string                  // cells that are not held

	seen     int             // cells that could be tried
	included map[string]bool // operations and kinds of which there is a cell in the sample
}

// square is where the cells of an operation and a kind stand.
type square struct{ operation, kind string }

func newMatrix(operations []Operation) *matrix {
	return &matrix{
		operations: operations, calledBy: map[Operation][]string{}, verdicts: map[square]map[string]int{}, reasons: map[square]string{},
		byJob: map[string]map[string]int{}, included: map[string]bool{},
	}
}

func (m *matrix) hit(o Operation, s scenario) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.calledBy[o], s.name) {
		m.calledBy[o] = append(m.calledBy[o], s.name)
	}
}

func (m *matrix) none(o Operation, k kind, reason string) {
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

// sampled tells whether a cell is tried: one in so many is, and what would not occur else.
func (m *matrix) sampled(o Operation, k kind) bool {
	m.seen++
	if m.seen%oneIn != 0 && m.included[o.String()] && m.included[k.name] {
		return false
	}
	m.included[o.String()], m.included[k.name] = true, true
	return true
}

// verdictNames are the verdicts, in the order in which they are told, and their signs.
var verdictNames = []struct{ name, sign string }{{recovered, "R"}, {named, "N"}, {failed, "FAILED"}}

// text is the matrix as a table, with what the verdicts mean, why there are no cells where
// there are none, how many each job has, and which are not held.
func (m *matrix) text() string {
	var b strings.Builder
	m.table(&b)
	b.WriteString("\nR n: in n cells the result was that of an undisturbed run. N n: in n cells the failure was named, with operation and region or resource.\n" +
		"Held in each: no wrong action, all other resources have their metrics, and the runs that follow heal.\n\nn/a:\n")
	byReason := map[string][]string{}
	for at, reason := range m.reasons {
		text := at.kind + ": " + reason
		byReason[text] = append(byReason[text], at.operation)
	}
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		fmt.Fprintf(&b, "  %s\n      %s\n", reason, strings.Join(slices.Sorted(slices.Values(byReason[reason])), ", "))
	}
	m.jobs(&b)
	fmt.Fprintf(&b, "\nnot held: %d\n", len(m.broken))
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

// jobs writes how many cells each job has, and what became of them.
func (m *matrix) jobs(b *strings.Builder) {
	rows := [][]string{{"job", "cells", "recovered", "named", "FAILED"}}
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

// writeRows writes rows in columns as wide as need be.
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

// square is the text for an operation and a kind.
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
