package estatefile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// position is a place in a file, from 1. The zero value is no place.
type position struct{ line, column int }

func positionOf(n ast.Node) position {
	if m, ok := n.(ast.MapNode); ok {
		if iter := m.MapRange(); iter.Next() {
			n = iter.Key()
		}
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return position{}
	}
	p := n.GetToken().Position
	return position{p.Line, p.Column}
}

// keys returns the keys of a mapping in the order of the file.
func keys(n ast.Node) []string {
	var list []string
	if m, ok := n.(ast.MapNode); ok {
		for iter := m.MapRange(); iter.Next(); {
			key, _ := scalarText(iter.Key())
			list = append(list, key)
		}
	}
	return list
}

// valueOf returns the value of a key, nil if it does not exist.
func valueOf(n ast.Node, key string) ast.Node {
	_, value := entryOf(n, key)
	return value
}

func entryOf(n ast.Node, key string) (k, value ast.Node) {
	if m, ok := n.(ast.MapNode); ok {
		for iter := m.MapRange(); iter.Next(); {
			if name, _ := scalarText(iter.Key()); name == key {
				return iter.Key(), iter.Value()
			}
		}
	}
	return nil, nil
}

// faults collects what is wrong with an estate, to report all of it at once.
type faults struct {
	src  *source // nil for the estate of a program
	list []fault
}

type fault struct {
	position
	text string
}

func (f *faults) add(at position, format string, args ...any) {
	f.list = append(f.list, fault{at, fmt.Sprintf(format, args...)})
}

// addFurther adds the faults of another list, except on lines that have one already: they
// only follow from it.
func (f *faults) addFurther(other *faults) {
	lines := map[int]bool{}
	for _, fault := range f.list {
		lines[fault.line] = true
	}
	for _, fault := range other.list {
		if fault.line == 0 || !lines[fault.line] {
			f.list = append(f.list, fault)
		}
	}
}

// addYAML adds an error of the YAML package.
func (f *faults) addYAML(err error) {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil && at.GetToken().Position != nil {
		p := at.GetToken().Position
		f.add(position{p.Line, p.Column}, "not readable as YAML: %s", at.GetMessage())
		return
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	f.add(position{}, "not readable as YAML: %s", text)
}

// maxFaults is how many faults an error lists.
const maxFaults = 20

// err is nil without faults, else an error with one line for each, by position.
func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	slices.SortFunc(f.list, func(a, b fault) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column), cmp.Compare(a.text, b.text))
	})
	lines := make([]error, len(f.list))
	for i, fault := range f.list {
		switch {
		case f.src == nil:
			lines[i] = errors.New(fault.text)
		case fault.line == 0:
			lines[i] = errors.New(f.src.name + ": " + fault.text)
		default:
			lines[i] = fmt.Errorf("%s:%d:%d: %s", f.src.name, fault.line, fault.column, fault.text)
		}
	}
	if more := len(lines) - maxFaults; more > 0 {
		lines = append(lines[:maxFaults], fmt.Errorf("and %d more", more))
	}
	return errors.Join(lines...)
}

// place is a value of the estate, by its path of keys and indexes in the file.
type place struct {
	found *faults
	path  []any
}

// at is a place within the place.
func (p place) at(steps ...any) place { return place{p.found, slices.Concat(p.path, steps)} }

// bad adds a fault of the place.
func (p place) bad(format string, args ...any) {
	at, _ := p.locate()
	p.found.add(at, format, args...)
}

// forbid adds a fault of a key of the place if it is wrong.
func (p place) forbid(wrong bool, key, format string, args ...any) {
	if wrong {
		p.at(key).bad(format, args...)
	}
}

// given reports whether the file has the place.
func (p place) given() bool {
	_, given := p.locate()
	return given
}

// locate finds the place in the file. If it does not exist, the position is that of the
// innermost place around it.
func (p place) locate() (at position, given bool) {
	if p.found.src == nil {
		return position{}, false
	}
	n := p.found.src.root
	at = positionOf(n)
	for _, step := range p.path {
		switch step := step.(type) {
		case string:
			key, value := entryOf(n, step)
			if key == nil {
				return at, false
			}
			at, n = positionOf(key), value
		case int:
			list, ok := n.(*ast.SequenceNode)
			if !ok || step >= len(list.Values) {
				return at, false
			}
			n = list.Values[step]
			at = positionOf(n)
		}
	}
	return at, true
}
