package localaws

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// parseYAML gives the root of the file's one document, or nil if it has none or cannot
// be read as YAML, which it then reports.
func parseYAML(data []byte, found *faultList) (root ast.Node) {
	// The parser is not ours, and an estate file may be anything: a panic in it is a
	// file that cannot be read.
	defer func() {
		if r := recover(); r != nil {
			found.add(0, "not readable as YAML")
			root = nil
		}
	}()
	if len(data) > maxEstateFile {
		found.add(0, "the file has %d bytes; an estate has at most %d", len(data), maxEstateFile)
		return nil
	}
	if line := tooDeep(data); line > 0 {
		found.add(line, "the file is nested more than %d deep", maxNesting)
		return nil
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) && syntax.GetToken() != nil && syntax.GetToken().Position != nil {
			found.add(syntax.GetToken().Position.Line, "not readable as YAML: %s", syntax.GetMessage())
		} else {
			found.add(0, "not readable as YAML: %s", firstLine(err.Error()))
		}
		return nil
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			found.add(lineOf(doc.Body), "a second YAML document; an estate is one")
			return nil
		}
		root = doc.Body
	}
	if root == nil {
		found.add(0, "the estate is empty; it needs at least the key regions")
	}
	return root
}

// maxNesting bounds the brackets and the dashes within each other. An estate needs eight.
const maxNesting = 64

// tooDeep returns the line on which the nesting passes the bound, 0 if none does. The
// parser takes time in the square of the depth. Brackets in texts are counted too, which
// does no harm: nobody writes that many.
func tooDeep(data []byte) int {
	line, depth, dashes := 1, 0, 0
	for i, b := range data {
		indicator := i+1 < len(data) && data[i+1] == ' '
		switch b {
		case '\n':
			line, dashes = line+1, 0
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		case '-', '?', ':':
			if indicator {
				dashes++
			}
		case ' ':
		default:
			dashes = 0
		}
		if depth > maxNesting || dashes > maxNesting {
			return line
		}
	}
	return 0
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

// yamlMap is a mapping being read: each key is taken once, and what is left at the end is
// unknown.
type yamlMap struct {
	found *faultList
	where place
	order []string
	nodes map[string]ast.Node
	what  string // for errors: a campaign
	valid []string
}

// readMap opens a node as a mapping. The result is never nil; it is empty if the node is
// something else, which is reported.
func readMap(n ast.Node, what string, found *faultList) *yamlMap {
	m := &yamlMap{found: found, what: what, nodes: map[string]ast.Node{}}
	m.where = place{line: lineOf(n), keys: map[string]int{}}
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		found.add(lineOf(n), "%s is written as keys and values, not as %s", what, describe(n))
		return m
	}
	for i, pair := range pairs {
		line := lineOf(pair.Key)
		if i == 0 {
			m.where.line = line
		}
		key, ok := scalarText(pair.Key)
		if !ok {
			found.add(line, "%s cannot stand as a key", describe(pair.Key))
			continue
		}
		if _, twice := m.nodes[key]; twice {
			found.add(line, "%q is given twice; it is first in line %d", key, m.where.keys[key])
			continue
		}
		m.nodes[key], m.where.keys[key] = pair.Value, line
		m.order = append(m.order, key)
	}
	return m
}

// take returns the value of a key and marks the key as known. A key without a value, or
// with null, counts as not given.
func (m *yamlMap) take(key string) (ast.Node, bool) {
	m.valid = append(m.valid, key)
	n, ok := m.nodes[key]
	if !ok {
		return nil, false
	}
	delete(m.nodes, key)
	if _, null := n.(*ast.NullNode); null || n == nil {
		return nil, false
	}
	return n, true
}

// close reports the keys that nobody took.
func (m *yamlMap) close() {
	for _, key := range m.order {
		if _, left := m.nodes[key]; left {
			m.found.add(m.where.keys[key], "unknown key %q in %s; valid are %s", key, m.what, strings.Join(m.valid, ", "))
		}
	}
}

func (m *yamlMap) wrong(key, want string, n ast.Node) {
	m.found.add(m.where.keys[key], "%s of %s is %s, not %s", key, m.what, want, describe(n))
}

func (m *yamlMap) text(key string) string {
	n, ok := m.take(key)
	if !ok {
		return ""
	}
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	m.wrong(key, "text", n)
	return ""
}

// digits reads text that may look like a number, such as an account.
func (m *yamlMap) digits(key string) string {
	n, ok := m.take(key)
	if !ok {
		return ""
	}
	text, ok := scalarText(n)
	if !ok {
		m.wrong(key, "text", n)
	}
	return text
}

func (m *yamlMap) whole(key string) int64 {
	n, ok := m.take(key)
	if !ok {
		return 0
	}
	if number, ok := n.(*ast.IntegerNode); ok {
		if v, err := strconv.ParseInt(number.Token.Value, 10, 64); err == nil {
			return v
		}
	}
	m.wrong(key, "a whole number", n)
	return 0
}

func (m *yamlMap) number(key string) float64 {
	n, ok := m.take(key)
	if !ok {
		return 0
	}
	if v, ok := numberOf(n); ok {
		return v
	}
	m.wrong(key, "a number", n)
	return 0
}

func (m *yamlMap) truth(key string) bool {
	n, ok := m.take(key)
	if !ok {
		return false
	}
	if b, ok := n.(*ast.BoolNode); ok {
		return b.Value
	}
	m.wrong(key, "true or false", n)
	return false
}

// span reads a length of time such as 30d, 2d12h or 20m.
func (m *yamlMap) span(key string) time.Duration {
	n, ok := m.take(key)
	if !ok {
		return 0
	}
	text, _ := scalarText(n)
	d, err := parseSpan(text)
	if err != nil {
		m.found.add(m.where.keys[key], "%s of %s: %v", key, m.what, err)
	}
	return d
}

func (m *yamlMap) moment(key string) time.Time {
	n, ok := m.take(key)
	if !ok {
		return time.Time{}
	}
	text, _ := scalarText(n)
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		m.wrong(key, "a time such as 2026-01-02T15:04:05Z", n)
	}
	return t.UTC()
}

func (m *yamlMap) list(key string) []ast.Node {
	n, ok := m.take(key)
	if !ok {
		return nil
	}
	if list, ok := n.(*ast.SequenceNode); ok {
		return list.Values
	}
	m.wrong(key, "a list", n)
	return nil
}

// texts reads a mapping from text to text; numbers and truth values are taken as they
// are written.
func (m *yamlMap) texts(key string) map[string]string {
	return readEntries(m, key, scalarText, "text")
}

func (m *yamlMap) numbers(key string) map[string]float64 {
	return readEntries(m, key, numberOf, "a number")
}

func (m *yamlMap) textLists(key string) map[string][]string {
	return readEntries(m, key, func(n ast.Node) ([]string, bool) {
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			return nil, false
		}
		texts := make([]string, 0, len(list.Values))
		for _, v := range list.Values {
			text, ok := scalarText(v)
			if !ok {
				return nil, false
			}
			texts = append(texts, text)
		}
		return texts, true
	}, "a list of texts")
}

func readEntries[T any](m *yamlMap, key string, value func(ast.Node) (T, bool), want string) map[string]T {
	n, ok := m.take(key)
	if !ok {
		return nil
	}
	entries := readMap(n, key, m.found)
	out := make(map[string]T, len(entries.order))
	for _, name := range entries.order {
		v, ok := value(entries.nodes[name])
		if !ok {
			entries.wrong(name, want, entries.nodes[name])
			continue
		}
		out[name] = v
	}
	return out
}

// scalarText is a plain value as it stands in the file.
func scalarText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func numberOf(n ast.Node) (float64, bool) {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		v, err := strconv.ParseFloat(n.GetToken().Value, 64)
		return v, err == nil
	}
	return 0, false
}

func describe(n ast.Node) string {
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.StringNode:
		return quoted(n.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys and values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "a YAML anchor or alias (for many alike there is copies)"
	}
	return "something else"
}
