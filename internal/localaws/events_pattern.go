package localaws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxPattern bounds an event pattern, in characters ("Amazon EventBridge quotas"; the API
// model says 4096, but the lower bound is the one to keep to).
const maxPattern = 2048

// eventPattern decides whether an event matches: every field that it names must.
type eventPattern struct {
	fields []patternField
}

type patternField struct {
	name string
	// One of the two: a field with fields of its own, or a choice of values.
	within *eventPattern
	any    []matcher
}

// matcher is one value of a choice. present is false for a field that the event lacks.
type matcher interface {
	match(value any, present bool) bool
}

// parsePattern reads an event pattern (EventBridge user guide, "Event patterns"): exact
// values, prefix, suffix, equals-ignore-case, anything-but, numeric and exists. What else
// the language has (wildcard, cidr, $or) is refused.
func parsePattern(text string) (*eventPattern, error) {
	if len([]rune(text)) > maxPattern {
		return nil, fmt.Errorf("the pattern has more than %d characters", maxPattern)
	}
	tree, err := decodeObject([]byte(text))
	if err != nil {
		return nil, err
	}
	return buildPattern("", tree, 0)
}

// decodeObject reads a JSON object and nothing after it. Numbers stay as written.
func decodeObject(data []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var tree map[string]any
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the JSON goes on after its object")
	}
	if tree == nil {
		return nil, errors.New("null is not a JSON object")
	}
	return tree, nil
}

const maxPatternDepth = 32

func buildPattern(path string, tree map[string]any, depth int) (*eventPattern, error) {
	switch {
	case len(tree) == 0 && path == "":
		return nil, errors.New("the pattern is empty")
	case len(tree) == 0:
		return nil, fmt.Errorf("%s is an empty object", path)
	case depth > maxPatternDepth:
		return nil, errors.New("the pattern is nested too deeply")
	}
	p := &eventPattern{}
	for _, name := range sortedKeys(tree) {
		at := strings.TrimPrefix(path+"."+name, ".")
		field := patternField{name: name}
		var err error
		switch node := tree[name].(type) {
		case map[string]any:
			field.within, err = buildPattern(at, node, depth+1)
		case []any:
			field.any, err = buildChoice(at, node)
		default:
			err = fmt.Errorf("%s must be an object or an array", at)
		}
		if name == "$or" {
			err = fmt.Errorf("%s is not supported by this endpoint", at)
		}
		if err != nil {
			return nil, err
		}
		p.fields = append(p.fields, field)
	}
	return p, nil
}

func buildChoice(path string, values []any) ([]matcher, error) {
	if len(values) == 0 {
		return nil, fmt.Errorf("%s is an empty array", path)
	}
	choice := make([]matcher, 0, len(values))
	for _, v := range values {
		m, err := buildMatcher(path, v)
		if err != nil {
			return nil, err
		}
		choice = append(choice, m)
	}
	return choice, nil
}

func buildMatcher(path string, v any) (matcher, error) {
	switch v := v.(type) {
	case []any:
		return nil, fmt.Errorf("%s has an array within its array", path)
	case map[string]any:
		if len(v) != 1 {
			return nil, fmt.Errorf("%s has a match expression with %d keys instead of one", path, len(v))
		}
		for name, argument := range v {
			return buildExpression(path, name, argument)
		}
	}
	return exactly{v}, nil
}

func buildExpression(path, name string, argument any) (matcher, error) {
	text, isText := argument.(string)
	switch name {
	case "prefix":
		if isText && text != "" {
			return textMatch(func(s string) bool { return strings.HasPrefix(s, text) }), nil
		}
	case "suffix":
		if isText && text != "" {
			return textMatch(func(s string) bool { return strings.HasSuffix(s, text) }), nil
		}
	case "equals-ignore-case":
		if isText {
			return textMatch(func(s string) bool { return strings.EqualFold(s, text) }), nil
		}
	case "exists":
		if want, ok := argument.(bool); ok {
			return existence(want), nil
		}
	case "anything-but":
		return buildAnythingBut(path, argument)
	case "numeric":
		return buildNumeric(path, argument)
	default:
		return nil, fmt.Errorf("%s: unrecognized or unsupported match type %s", path, quoted(name))
	}
	return nil, fmt.Errorf("%s: the value of %s is not valid", path, name)
}

// buildAnythingBut takes a text or number, a list of them, or a prefix or suffix.
func buildAnythingBut(path string, argument any) (matcher, error) {
	var not []matcher
	switch v := argument.(type) {
	case string, json.Number:
		not = []matcher{exactly{v}}
	case []any:
		for _, item := range v {
			switch item.(type) {
			case string, json.Number:
				not = append(not, exactly{item})
			default:
				return nil, fmt.Errorf("%s: anything-but lists texts and numbers only", path)
			}
		}
	case map[string]any:
		for name, inner := range v {
			if len(v) != 1 || (name != "prefix" && name != "suffix") {
				return nil, fmt.Errorf("%s: anything-but takes a prefix or a suffix", path)
			}
			m, err := buildExpression(path, name, inner)
			if err != nil {
				return nil, err
			}
			not = []matcher{m}
		}
	}
	if len(not) == 0 {
		return nil, fmt.Errorf("%s: the value of anything-but is not valid", path)
	}
	return anythingBut(not), nil
}

// exactly matches one value; numbers as they are written, so 300 is not 300.0.
type exactly struct{ want any }

func (m exactly) match(v any, present bool) bool {
	switch v.(type) {
	case nil, string, bool, json.Number:
		return present && v == m.want
	}
	return false
}

type textMatch func(string) bool

func (m textMatch) match(v any, present bool) bool {
	s, ok := v.(string)
	return present && ok && m(s)
}

// existence asks for a leaf: an object is none.
type existence bool

func (m existence) match(v any, present bool) bool {
	_, object := v.(map[string]any)
	return bool(m) == (present && !object)
}

type anythingBut []matcher

func (not anythingBut) match(v any, present bool) bool {
	switch v.(type) {
	case string, json.Number:
	default:
		return false
	}
	for _, m := range not {
		if m.match(v, present) {
			return false
		}
	}
	return present
}

// match tells whether a decoded event, or a part of it, has every field of the pattern.
func (p *eventPattern) match(event any) bool {
	if list, ok := event.([]any); ok {
		for _, item := range list {
			if p.match(item) {
				return true
			}
		}
		return false
	}
	fields, _ := event.(map[string]any) // anything else has no fields
	for _, f := range p.fields {
		v, present := fields[f.name]
		if f.within != nil {
			if !f.within.match(v) {
				return false
			}
			continue
		}
		if !f.matchAny(v, present) {
			return false
		}
	}
	return true
}

// matchAny tests a value against the choice; of an array, each element.
func (f patternField) matchAny(v any, present bool) bool {
	values := []any{v}
	if list, ok := v.([]any); ok {
		values = list
		present = len(list) > 0
		if !present {
			values = []any{nil}
		}
	}
	for _, value := range values {
		for _, m := range f.any {
			if m.match(value, present) {
				return true
			}
		}
	}
	return false
}
