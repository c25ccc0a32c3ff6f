package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// value is a parameter as a source gave it, before validation. Flags and variables are
// text; events have other JSON values as well.
type value struct {
	json string   // the kind of a JSON value that is not a string; empty for text
	text string   // of a text without surrounding space; else the JSON. Empty: not given
	list []string // of a JSON list
}

// The kinds of JSON values.
const (
	boolean = "boolean"
	numeric = "number"
	list    = "list"
	object  = "object"
)

func textValue(s string) value { return value{text: strings.TrimSpace(s)} }

// jsonValue makes the value of an event; its text is empty if the event does not give it.
func jsonValue(raw json.RawMessage) (value, error) {
	if len(raw) == 0 {
		return value{}, nil
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return value{}, fmt.Errorf("%s is not valid JSON", quote(string(raw)))
	}
	v := value{text: compact.String()}
	switch v.text[0] {
	case 'n':
		return value{}, nil
	case '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return textValue(text), err
	case 't', 'f':
		v.json = boolean
	case '{':
		v.json = object
	case '[':
		v.json = list
		var items []*string
		if json.Unmarshal(raw, &items) != nil || slices.Contains(items, nil) {
			return v, fmt.Errorf("the JSON list %s is not accepted: not all its items are strings", quote(v.text))
		}
		for _, item := range items {
			v.list = append(v.list, *item)
		}
	default:
		v.json = numeric
	}
	return v, nil
}

// scalar returns the text of a text value or of one of the given JSON kinds.
func (v value) scalar(kinds ...string) (string, error) {
	if v.json == "" || slices.Contains(kinds, v.json) {
		return v.text, nil
	}
	return "", fmt.Errorf("the JSON %s %s is not accepted", v.json, quote(v.text))
}

// items returns the items of a JSON list, or of a text, separated by commas. It drops
// spaces and empty items; a list without items is an error.
func (v value) items() ([]string, error) {
	parts := v.list
	if v.json != list {
		text, err := v.scalar()
		if err != nil {
			return nil, err
		}
		parts = strings.Split(text, ",")
	}
	var items []string
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			items = append(items, part)
		}
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("%s is empty", quote(v.text))
	}
	return items, nil
}

const maxQuoted = 300

// quote repeats an invalid value in a message: on one line, shortened, and without the
// user name and password that a URL may contain.
func quote(s string) string {
	if scheme, rest, isURL := strings.Cut(s, "://"); isURL {
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			s = scheme + "://***" + rest[at:]
		}
	}
	runes := []rune(strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
	if len(runes) > maxQuoted {
		return fmt.Sprintf("%q", string(runes[:maxQuoted])+"…")
	}
	return fmt.Sprintf("%q", string(runes))
}
