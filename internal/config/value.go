package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// form is how a value was written. Flags and variables are text; events have them all.
type form int

const (
	formText form = iota
	formBoolean
	formNumber
	formList
)

// value is a parameter as a source gave it, not yet judged.
type value struct {
	form form
	text string   // of a text without surrounding space; else the JSON
	list []string // the items of a list
}

// textValue is a value from a flag, a variable or a default.
func textValue(s string) value { return value{form: formText, text: strings.TrimSpace(s)} }

// eventValue reads a value out of an event; ok is false if it is not given there. A
// value that can be no parameter's is an error.
func eventValue(raw json.RawMessage) (v value, ok bool, err error) {
	if len(raw) == 0 {
		return value{}, false, nil
	}
	if !json.Valid(raw) {
		return value{}, false, fmt.Errorf("%s is not valid JSON", quote(string(raw)))
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // 24 must not become 24.000000 in a message
	var decoded any
	if err := decoder.Decode(&decoded); err != nil {
		return value{}, false, fmt.Errorf("%s is not valid JSON: %w", quote(string(raw)), err)
	}
	switch d := decoded.(type) {
	case nil:
		return value{}, false, nil
	case string:
		v = textValue(d)
		return v, v.text != "", nil
	case bool:
		return value{form: formBoolean, text: strconv.FormatBool(d)}, true, nil
	case json.Number:
		return value{form: formNumber, text: d.String()}, true, nil
	case []any:
		v = value{form: formList, text: compact(raw)}
		for _, item := range d {
			text, isText := item.(string)
			if !isText {
				return value{}, false, fmt.Errorf("the JSON list %s is not accepted: not all its items are strings", quote(v.text))
			}
			v.list = append(v.list, text)
		}
		return v, true, nil
	}
	return value{}, false, fmt.Errorf("the JSON object %s is not accepted", quote(compact(raw)))
}

// compact takes the space out of valid JSON.
func compact(raw json.RawMessage) string {
	var buffer bytes.Buffer
	if err := json.Compact(&buffer, raw); err != nil {
		return string(raw)
	}
	return buffer.String()
}

// scalar is the text of a value written in one of the given forms, of which plain text
// is always one.
func (v value) scalar(forms ...form) (string, error) {
	for _, f := range forms {
		if v.form == f {
			return v.text, nil
		}
	}
	switch v.form {
	case formBoolean:
		return "", fmt.Errorf("the JSON boolean %s is not accepted", v.text)
	case formNumber:
		return "", fmt.Errorf("the JSON number %s is not accepted", shorten(v.text))
	}
	return "", fmt.Errorf("the JSON list %s is not accepted", quote(v.text))
}

// items splits a list at its commas; a JSON list comes apart already. Spaces and empty
// items are dropped, but a list must not be empty then.
func (v value) items() ([]string, error) {
	parts := v.list
	if v.form != formList {
		text, err := v.scalar(formText)
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

// maxQuoted is how many characters of a refused value a message repeats.
const maxQuoted = 300

// shorten cuts what is too long for a message.
func shorten(s string) string {
	runes := []rune(s)
	if len(runes) <= maxQuoted {
		return s
	}
	return string(runes[:maxQuoted]) + "…"
}

// quote repeats a refused value in a message: on one line, of bearable length, and
// without the user name and password that a URL may carry.
func quote(s string) string {
	if scheme, rest, isURL := strings.Cut(s, "://"); isURL {
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			s = scheme + "://***" + rest[at:]
		}
	}
	return fmt.Sprintf("%q", shorten(strings.ToValidUTF8(s, string(unicode.ReplacementChar))))
}
