package localaws

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// faultList gathers what is wrong with a file, so that all of it is told at once.
type faultList struct {
	file   string
	faults []fileFault
}

type fileFault struct {
	line int
	text string
}

func (l *faultList) add(line int, format string, args ...any) {
	l.faults = append(l.faults, fileFault{line: line, text: fmt.Sprintf(format, args...)})
}

// addElsewhere adds the other list's faults, except on lines that have one already: they
// would only follow from it.
func (l *faultList) addElsewhere(other *faultList) {
	taken := map[int]bool{}
	for _, f := range l.faults {
		taken[f.line] = true
	}
	for _, f := range other.faults {
		if f.line == 0 || !taken[f.line] {
			l.faults = append(l.faults, f)
		}
	}
}

// maxFaults is how many faults an error lists; a mistake that is made everywhere is not
// understood better by all of them.
const maxFaults = 20

// err is nil if there are no faults, else an error of one line for each, by line number.
func (l *faultList) err() error {
	if len(l.faults) == 0 {
		return nil
	}
	slices.SortFunc(l.faults, func(a, b fileFault) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.text, b.text))
	})
	lines := make([]string, len(l.faults))
	for i, f := range l.faults {
		switch {
		case l.file == "":
			lines[i] = f.text
		case f.line == 0:
			lines[i] = l.file + ": " + f.text
		default:
			lines[i] = l.file + ":" + strconv.Itoa(f.line) + ": " + f.text
		}
	}
	if more := len(lines) - maxFaults; more > 0 {
		lines = append(lines[:maxFaults], fmt.Sprintf("and %d more", more))
	}
	return errors.New(strings.Join(lines, "\n"))
}
