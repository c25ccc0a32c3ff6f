package proof

import (
	"fmt"
	"maps"
	"slices"
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
	broken   []string                  // cells that are not held
}

// square is where the cells of an operation and a kind stand.
type square struct{ operation, kind string }

func newMatrix(operations []Operation) *matrix {
	return &matrix{
		operations: operations, calledBy: map[Operation][]string{}, verdicts: map[square]map[string]int{}, reasons: map[square]string{},
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

func (m *matrix) add(c cell, verdict string, failed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if failed || verdict == "" {
		verdict = "FAILED"
		m.broken = append(m.broken, c.String())
	}
	at := square{c.operation.String(), c.kind.name}
	if m.verdicts[at] == nil {
		m.verdicts[at] = map[string]int{}
	}
	m.verdicts[at][verdict]++
}

// text is the matrix as a table, with what the verdicts mean, why there are no cells where
// there are none, and which are not held.
func (m *matrix) text() string {
	var b strings.Builder
	width := 0
	for _, o := range m.operations {
		width = max(width, len(o.String()))
	}
	fmt.Fprintf(&b, "%-*s", width, "operation")
	for _, k := range kinds() {
		fmt.Fprintf(&b, "  %-17s", k.name)
	}
	cells := 0
	for _, o := range m.operations {
		fmt.Fprintf(&b, "\n%-*s", width, o)
		for _, k := range kinds() {
			text, n := m.square(square{o.String(), k.name})
			cells += n
			fmt.Fprintf(&b, "  %-17s", text)
		}
	}
	fmt.Fprintf(&b, "\n\n%d cells: each operation in every job that calls it, in either region, once, on its second call and on every call.\n", cells)
	b.WriteString("R n: in n cells the result was that of an undisturbed run. N n: in n cells the failure was named, with operation and region or resource.\n")
	b.WriteString("Held in each: no wrong action, all other resources have their metrics, and the runs that follow heal.\n\nn/a:\n")
	byReason := map[string][]string{}
	for at, reason := range m.reasons {
		if !slices.Contains(byReason[reason], at.operation) {
			byReason[reason] = append(byReason[reason], at.operation)
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		fmt.Fprintf(&b, "  %s: %s\n", reason, strings.Join(slices.Sorted(slices.Values(byReason[reason])), ", "))
	}
	b.WriteString("\njobs:\n")
	for _, o := range m.operations {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, o, strings.Join(slices.Sorted(slices.Values(m.calledBy[o])), ", "))
	}
	fmt.Fprintf(&b, "\nnot held: %d\n", len(m.broken))
	for _, c := range slices.Sorted(slices.Values(m.broken)) {
		fmt.Fprintf(&b, "  %s\n", c)
	}
	return b.String()
}

func (m *matrix) square(at square) (text string, cells int) {
	if m.reasons[at] != "" {
		return "n/a", 0
	}
	var parts []string
	for _, verdict := range []struct{ name, short string }{{recovered, "R"}, {named, "N"}, {"FAILED", "FAILED"}} {
		if n := m.verdicts[at][verdict.name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", verdict.short, n))
			cells += n
		}
	}
	return strings.Join(parts, ", "), cells
}
