// Package yamldoc reads YAML files strictly, node by node, so that every fault has a line of its
// own, with line and column, and in the words of the file. All faults are reported together.
package yamldoc

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Document is a YAML file that is being read.
type Document struct {
	// Name is that of the file, What it is called in faults, such as "a price file", and Keys
	// are its keys, as in "date, source and regions".
	Name, What, Keys string
	MaxBytes         int // more is a fault
	// MaxBrackets bounds nesting and lists, as deep nesting would cost the parser its stack.
	MaxBrackets int

	faults []fault
}

type fault struct {
	line, column int // 0 if there is no place
	text         string
}

// maxFaults is how many faults an error lists.
const maxFaults = 20

// Bad adds a fault at a node; at the file as a whole if the node is nil.
func (d *Document) Bad(n ast.Node, format string, args ...any) {
	f := fault{text: fmt.Sprintf(format, args...)}
	if m, ok := n.(ast.MapNode); ok {
		if iter := m.MapRange(); iter.Next() {
			n = iter.Key()
		}
	}
	if n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
		f.line, f.column = n.GetToken().Position.Line, n.GetToken().Position.Column
	}
	d.faults = append(d.faults, f)
}

// err is nil without faults, else an error with one line for each, by position.
func (d *Document) err() error {
	slices.SortFunc(d.faults, func(a, b fault) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column), cmp.Compare(a.text, b.text))
	})
	var list []error
	for _, f := range d.faults[:min(len(d.faults), maxFaults)] {
		place := d.Name
		if f.line > 0 {
			place = fmt.Sprintf("%s:%d:%d", d.Name, f.line, f.column)
		}
		list = append(list, fmt.Errorf("%s: %s", place, f.text))
	}
	if more := len(d.faults) - maxFaults; more > 0 {
		list = append(list, fmt.Errorf("%s: and %d more", d.Name, more))
	}
	return errors.Join(list...)
}

// Read reads the only document from its root, and returns an error with one line for each fault.
func (d *Document) Read(data []byte, read func(root ast.Node)) (err error) {
	// The parser is a library, and a file may contain anything: a panic in it means that the
	// file cannot be read.
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("%s: not readable as YAML", d.Name)
		}
	}()
	if root := d.parse(data); root != nil {
		read(root)
	}
	return d.err()
}

// parse returns the root of the only document, nil with a fault if it cannot be read.
func (d *Document) parse(data []byte) ast.Node {
	switch {
	case len(data) > d.MaxBytes:
		d.Bad(nil, "has more than %d bytes", d.MaxBytes)
		return nil
	case bytes.Count(data, []byte("{"))+bytes.Count(data, []byte("["))+bytes.Count(data, []byte("- ")) > d.MaxBrackets:
		d.Bad(nil, "has more brackets than %s needs", d.What)
		return nil
	}
	parsed, err := parser.ParseBytes(data, 0)
	if err != nil {
		f := fault{text: "not readable as YAML"}
		var at yaml.Error
		if errors.As(err, &at) {
			f.text += ": " + at.GetMessage()
			if token := at.GetToken(); token != nil && token.Position != nil {
				f.line, f.column = token.Position.Line, token.Position.Column
			}
		}
		d.faults = append(d.faults, f)
		return nil
	}
	var root ast.Node
	for _, doc := range parsed.Docs {
		if doc.Body != nil && root != nil {
			d.Bad(doc.Body, "has more than one document")
			return nil
		}
		root = cmp.Or(doc.Body, root)
	}
	if root == nil {
		d.Bad(nil, "is empty; %s has the keys %s", d.What, d.Keys)
		return nil
	}
	if n := reference(root); n != nil {
		d.Bad(n, "anchors (&), aliases (*) and merge keys (<<) are not accepted; write the value out")
		return nil
	}
	return root
}

// reference is the first node that is an anchor, an alias or a merge key; nil if there is none.
func reference(root ast.Node) ast.Node {
	var found ast.Node
	for _, t := range []ast.NodeType{ast.AnchorType, ast.AliasType, ast.MergeKeyType} {
		for _, n := range ast.Filter(t, root) {
			if at := n.GetToken(); found == nil || at.Position.Offset < found.GetToken().Position.Offset {
				found = n
			}
		}
	}
	return found
}

// Entries calls f for every key of a mapping and returns how many there are. If the node is no
// mapping it is a fault, and the result is -1.
func (d *Document) Entries(n ast.Node, what string, f func(key ast.Node, name string, value ast.Node)) int {
	m, ok := n.(ast.MapNode)
	if !ok {
		d.Bad(n, "%s is not a mapping of keys to values", what)
		return -1
	}
	count := 0
	for iter := m.MapRange(); iter.Next(); count++ {
		f(iter.Key(), iter.Key().GetToken().Value, iter.Value())
	}
	return count
}

// Fields calls the function of each key of a mapping, and returns the keys that it has. It returns
// nil if that is not known: if it is no mapping, or if it has a key without a function, which is a
// fault and may be a key that is misspelt.
func (d *Document) Fields(n ast.Node, what string, known map[string]func(ast.Node)) map[string]bool {
	given, misspelt := map[string]bool{}, false
	count := d.Entries(n, what, func(key ast.Node, name string, value ast.Node) {
		if known[name] == nil {
			d.Bad(key, "%q is not a key of %s: %s", name, what, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			misspelt = true
			return
		}
		given[name] = true
		known[name](value)
	})
	if count < 0 || misspelt {
		return nil
	}
	return given
}

// Scalar is a plain or quoted value as text; ok is false for anything else.
func Scalar(n ast.Node) (text string, ok bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return v.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NanNode, *ast.InfinityNode:
		return v.GetToken().Value, true
	}
	return "", false
}

// Numeric is the value of a number; ok is false for anything else, infinity included.
func Numeric(n ast.Node) (v float64, ok bool) {
	switch v := n.(type) {
	case *ast.IntegerNode:
		switch whole := v.Value.(type) {
		case int64:
			return float64(whole), true
		case uint64:
			return float64(whole), true
		}
	case *ast.FloatNode:
		return v.Value, true
	}
	return 0, false
}

// Shown is a value as it is named in a fault.
func Shown(n ast.Node) string {
	const most = 40
	text, ok := Scalar(n)
	_, number := Numeric(n)
	_, null := n.(*ast.NullNode)
	_, list := n.(*ast.SequenceNode)
	_, mapping := n.(ast.MapNode)
	switch {
	case number:
		return text
	case null:
		return "an empty value"
	case list:
		return "a list"
	case mapping:
		return "a mapping"
	case !ok:
		return "that"
	case len(text) > most:
		text = text[:most] + "…"
	}
	return strconv.Quote(text)
}
