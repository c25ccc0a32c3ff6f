package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// JSONObject reads a JSON object and nothing after it. Numbers stay as written.
func JSONObject(data []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var tree map[string]any
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the JSON object")
	}
	if tree == nil {
		return nil, errors.New("null is not a JSON object")
	}
	return tree, nil
}

// JSONPath is a path of names and array indexes in dot notation, such as $.detail.list[0].
type JSONPath []any

var pathStep = Lazy(`^(?:\.([A-Za-z0-9_\-/]+)|\[([0-9]{1,6})\])`)

// CutJSONPath reads the path that text begins with and returns what follows it. ok is false
// if text does not begin with $.
func CutJSONPath(text string) (path JSONPath, rest string, ok bool) {
	if text == "" || text[0] != '$' {
		return nil, text, false
	}
	path, rest = JSONPath{}, text[1:]
	for {
		m := pathStep().FindStringSubmatch(rest)
		if m == nil {
			return path, rest, true
		}
		if m[1] != "" {
			path = append(path, m[1])
		} else if i, err := strconv.Atoi(m[2]); err == nil {
			path = append(path, i)
		}
		rest = rest[len(m[0]):]
	}
}

// Of returns the value at the path. ok is false if there is none.
func (p JSONPath) Of(tree any) (v any, ok bool) {
	for _, step := range p {
		switch step := step.(type) {
		case string:
			fields, _ := tree.(map[string]any)
			if tree, ok = fields[step]; !ok {
				return nil, false
			}
		case int:
			list, _ := tree.([]any)
			if step >= len(list) {
				return nil, false
			}
			tree = list[step]
		}
	}
	return tree, true
}
