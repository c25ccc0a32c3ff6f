package estatefile

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
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

func (p place) at(steps ...any) place { return place{p.found, slices.Concat(p.path, steps)} }

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

var (
	spanType = reflect.TypeFor[time.Duration]()
	timeType = reflect.TypeFor[time.Time]()
)

// normalize prepares a document for the decoder. It reports unknown keys and wrong types, all
// of them, and removes them, so that the rest can be decoded and checked: the decoder stops at
// the first. It makes lengths of time those of Go, and numbers where text belongs text.
func normalize(root ast.Node, found *faults) {
	v := verifier{found, map[reflect.Type]structKeys{}}
	at, given := positionOf(root), valueOf(root, "regions")
	_, isMap := given.(ast.MapNode)
	empty := given != nil && (isMap || isA[*ast.NullNode](given)) && len(keys(given)) == 0
	_, ok := v.verify(root, reflect.TypeFor[document](), "the estate", at)
	if accounts, listed := valueOf(root, "accounts").(*ast.SequenceNode); !ok || !empty && given != nil || listed && len(accounts.Values) > 0 {
		return
	}
	if empty {
		at = positionOf(given)
	}
	found.add(at, "the estate has no regions; write regions: with at least one region name under it")
}

type verifier struct {
	found *faults
	known map[reflect.Type]structKeys
}

// structKeys are the keys of a struct with their types, and in order.
type structKeys struct {
	types map[string]reflect.Type
	order []string
}

// verify checks a node against the type it is decoded into, normalizes what is in it and returns
// it, or what is to be decoded in its place. ok is false if the node itself is wrong. The name
// is for messages: "minTPS of a campaign". A node with null counts as absent.
func (v verifier) verify(n ast.Node, t reflect.Type, name string, at position) (out ast.Node, ok bool) {
	if isA[*ast.NullNode](n) || n == nil {
		return n, true
	}
	text, scalar := scalarText(n)
	list, listed := n.(*ast.SequenceNode)
	switch kind := t.Kind(); {
	case kind == reflect.Pointer:
		return v.verify(n, t.Elem(), name, at)
	case (kind == reflect.Struct || kind == reflect.Map) && t != timeType:
		return n, v.entries(n, t, name, at)
	case kind == reflect.Slice && listed:
		return n, v.elements(list, t.Elem(), name)
	case kind == reflect.String && scalar:
		return textNode(n, text), true
	case t == spanType:
		d, err := parseSpan(text)
		if err != nil {
			v.found.add(at, "%s: %v", name, err)
		}
		return textNode(n, d.String()), err == nil
	}
	want, fits := accepted(n, t, text)
	if !fits {
		v.found.add(at, "%s is %s, not %s", name, want, describe(n))
	}
	return n, fits
}

func (v verifier) elements(list *ast.SequenceNode, t reflect.Type, name string) bool {
	for i, item := range list.Values {
		var ok bool
		if list.Values[i], ok = v.verify(item, t, elementName(t, name), positionOf(item)); !ok {
			return false
		}
	}
	return true
}

// accepted is what a value of a type is written as, and whether the node, or its text, is.
func accepted(n ast.Node, t reflect.Type, text string) (want string, fits bool) {
	whole := isA[*ast.IntegerNode](n)
	switch t.Kind() {
	case reflect.Struct:
		_, err := time.Parse(time.RFC3339, text)
		return "a time such as 2026-01-02T15:04:05Z", err == nil
	case reflect.Slice:
		return "a list", false
	case reflect.String:
		return "text", false
	case reflect.Bool:
		return "true or false", isA[*ast.BoolNode](n)
	case reflect.Float64:
		return "a number", whole || isA[*ast.FloatNode](n)
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(text, 10, 64)
		return "a whole number", whole && err == nil && strconv.FormatInt(i, 10) == text
	}
	return "", true
}

func textNode(n ast.Node, text string) ast.Node {
	return &ast.StringNode{BaseNode: &ast.BaseNode{}, Token: n.GetToken(), Value: text}
}

func isA[T ast.Node](n ast.Node) bool {
	_, ok := n.(T)
	return ok
}

// elementName names the elements of a list: those of structs by their type.
func elementName(t reflect.Type, list string) string {
	switch t {
	case reflect.TypeFor[DatasetGroup]():
		return "a dataset group"
	case reflect.TypeFor[accountDocument]():
		return "an account"
	case reflect.TypeFor[AccountFault]():
		return "a fault of an account"
	case reflect.TypeFor[DataFault]():
		return "a data fault"
	case reflect.TypeFor[Solution]():
		return "a solution"
	case reflect.TypeFor[BatchJob]():
		return "a batch job"
	case reflect.TypeFor[EventTracker]():
		return "an event tracker"
	case reflect.TypeFor[Campaign]():
		return "a campaign"
	case reflect.TypeFor[Recommender]():
		return "a recommender"
	}
	return "an entry of " + list
}

// entries checks and normalizes the entries of a mapping that is decoded into a struct or map.
func (v verifier) entries(n ast.Node, t reflect.Type, name string, at position) (ok bool) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		v.found.add(at, "%s is written as keys and values, not as %s", name, describe(n))
		return false
	}
	fields := v.keysOf(t)
	m.Values = slices.DeleteFunc(m.Values, func(entry *ast.MappingValueNode) bool {
		at := positionOf(entry.Key)
		key, ok := scalarText(entry.Key)
		if !ok {
			v.found.add(at, "%s cannot be a key", describe(entry.Key))
			return true
		}
		of, elem := key+" of "+name, fields.types[key]
		if t.Kind() == reflect.Map {
			elem = t.Elem()
		}
		if elem == nil {
			v.found.add(at, "unknown key %q in %s; valid are %s", key, name, strings.Join(fields.order, ", "))
			return true
		}
		if elem == reflect.TypeFor[Region]() {
			of = "region " + key
		}
		entry.Value, ok = v.verify(entry.Value, elem, of, at)
		return !ok
	})
	return true
}

// keysOf returns the keys of a struct. A map has none.
func (v verifier) keysOf(t reflect.Type) structKeys {
	if known, ok := v.known[t]; ok || t.Kind() != reflect.Struct {
		return known
	}
	k := structKeys{types: map[string]reflect.Type{}}
	for _, f := range reflect.VisibleFields(t) {
		if key := f.Tag.Get("yaml"); key != "" && key != "-" && key[0] != ',' {
			k.types[key] = f.Type
			k.order = append(k.order, key)
		}
	}
	v.known[t] = k
	return k
}

// scalarText is a scalar as written.
func scalarText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func describe(n ast.Node) string {
	switch n := n.(type) {
	case *ast.NullNode:
		return "nothing"
	case *ast.StringNode:
		return api.Quoted(n.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value
	case ast.MapNode:
		return "keys and values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "a YAML anchor or alias (for many alike there is copies)"
	}
	return "something else"
}
