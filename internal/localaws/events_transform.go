package localaws

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// transformer makes a target's input out of an event ("Amazon EventBridge input
// transformation" in the user guide).
type transformer struct {
	paths    map[string]eventPath
	template string
	pieces   []piece
}

// piece is a part of a template: text as it stands, or a placeholder.
type piece struct {
	text  string
	name  string // of a placeholder
	quote bool   // inside a quoted string of a JSON document: the value is escaped
	bare  bool   // outside of quotes, in a JSON document: the value is JSON
}

var (
	placeholder      = lazy(`<([A-Za-z0-9_.\-]+)>`)
	transformKey     = lazy(`^[A-Za-z0-9_\-]{1,256}$`)
	reservedVariable = map[string]bool{
		"aws.events.rule-arn": true, "aws.events.rule-name": true, "aws.events.event.ingestion-time": true,
		"aws.events.event": true, "aws.events.event.json": true,
	}
)

const (
	maxTransformPaths = 100
	maxTemplate       = 8192
)

// newTransformer checks an input transformer. A template is either one or more quoted
// strings, each on a line of its own, or a JSON document. Placeholders stand in it as they
// are: <name> written with escapes, as some JSON encoders do, is plain text.
func newTransformer(paths map[string]string, template string) (*transformer, error) {
	t := &transformer{paths: map[string]eventPath{}, template: template}
	if len(paths) > maxTransformPaths {
		return nil, fmt.Errorf("InputPathsMap has %d entries; at most %d are allowed", len(paths), maxTransformPaths)
	}
	for name, path := range paths {
		if !transformKey().MatchString(name) || strings.HasPrefix(strings.ToLower(name), "aws.") {
			return nil, fmt.Errorf("InputPathsMap has the invalid key %s", quoted(name))
		}
		parsed, err := parseEventPath(path)
		if err != nil {
			return nil, err
		}
		t.paths[name] = parsed
	}
	if template == "" || len(template) > maxTemplate {
		return nil, fmt.Errorf("InputTemplate has %d characters; it has 1 to %d", len(template), maxTemplate)
	}
	var err error
	if strings.HasPrefix(strings.TrimSpace(template), `"`) {
		err = t.readStrings()
	} else {
		err = t.readDocument()
	}
	if err != nil {
		return nil, err
	}
	return t, t.checkPlaceholders()
}

func (t *transformer) checkPlaceholders() error {
	for _, p := range t.pieces {
		_, defined := t.paths[p.name]
		switch {
		case p.name == "":
		case !defined && !reservedVariable[p.name]:
			return fmt.Errorf("InputTemplate has the placeholder <%s>, which InputPathsMap does not define", p.name)
		case !p.bare && (p.name == "aws.events.event" || p.name == "aws.events.event.json"):
			return fmt.Errorf("<%s> can only be the value of a JSON field", p.name)
		}
	}
	return nil
}

// readStrings reads quoted strings. They keep their quotes in the output; what is escaped
// in them is not escaped there.
func (t *transformer) readStrings() error {
	rest := t.template
	for {
		gap := len(rest) - len(strings.TrimLeft(rest, " \t\r\n"))
		t.pieces = append(t.pieces, piece{text: rest[:gap]})
		rest = rest[gap:]
		if rest == "" {
			return nil
		}
		end := closingQuote(rest)
		if end < 0 {
			return errors.New("InputTemplate is text that is not in double quotes; each line of text is a quoted string")
		}
		t.pieces = append(t.pieces, piece{text: `"`})
		for _, p := range splitPlaceholders(rest[1:end]) {
			if p.name == "" {
				if err := json.Unmarshal([]byte(`"`+p.text+`"`), &p.text); err != nil {
					return fmt.Errorf("InputTemplate has an invalid string: %w", err)
				}
			}
			t.pieces = append(t.pieces, p)
		}
		t.pieces = append(t.pieces, piece{text: `"`})
		rest = rest[end+1:]
	}
}

// closingQuote is the index of the quote that ends the string that text begins with.
func closingQuote(text string) int {
	if !strings.HasPrefix(text, `"`) {
		return -1
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

func splitPlaceholders(text string) []piece {
	var pieces []piece
	last := 0
	for _, m := range placeholder().FindAllStringSubmatchIndex(text, -1) {
		pieces = append(pieces, piece{text: text[last:m[0]]}, piece{name: text[m[2]:m[3]]})
		last = m[1]
	}
	return append(pieces, piece{text: text[last:]})
}

// readDocument reads a JSON document with placeholders inside and outside its strings.
func (t *transformer) readDocument() error {
	rest := t.template
	for rest != "" {
		start := strings.IndexByte(rest, '"')
		if start < 0 {
			start = len(rest)
		}
		for _, p := range splitPlaceholders(rest[:start]) {
			p.bare = p.name != ""
			t.pieces = append(t.pieces, p)
		}
		rest = rest[start:]
		if rest == "" {
			break
		}
		end := closingQuote(rest)
		if end < 0 {
			return errors.New("InputTemplate is not valid JSON: a string does not end")
		}
		pieces := splitPlaceholders(rest[:end+1])
		rest = rest[end+1:]
		if len(pieces) > 1 && strings.HasPrefix(strings.TrimLeft(rest, " \t\r\n"), ":") {
			return errors.New("InputTemplate has a placeholder in the key of an object")
		}
		for _, p := range pieces {
			p.quote = p.name != ""
			t.pieces = append(t.pieces, p)
		}
	}
	trial := t.render(func(piece) any { return nil })
	if !json.Valid([]byte(trial)) {
		return errors.New("InputTemplate is neither a quoted string nor valid JSON")
	}
	return nil
}

// render puts the template together with the placeholders' values.
func (t *transformer) render(value func(piece) any) string {
	var out strings.Builder
	for _, p := range t.pieces {
		switch {
		case p.name == "":
			out.WriteString(p.text)
		case p.bare:
			out.WriteString(jsonOf(value(p)))
		case p.quote:
			inner := jsonOf(plain(value(p)))
			out.WriteString(inner[1 : len(inner)-1])
		default:
			out.WriteString(plain(value(p)))
		}
	}
	return out.String()
}

// plain renders a value as it stands in text; one that is missing is nothing.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return jsonOf(v)
}

// jsonOf renders a value that can be JSON, without escaping for HTML. One that is missing
// is an empty text.
func jsonOf(v any) string {
	if v == nil {
		return `""`
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return `""` // cannot happen: everything here comes from JSON
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// apply makes the input for one event that a rule matched.
func (t *transformer) apply(r *rule, event *Event, tree map[string]any) string {
	return t.render(func(p piece) any {
		switch p.name {
		case "aws.events.rule-arn":
			return r.arn
		case "aws.events.rule-name":
			return r.name
		case "aws.events.event.ingestion-time":
			return event.Received.Format("2006-01-02T15:04:05Z")
		case "aws.events.event.json":
			return tree
		case "aws.events.event":
			without := make(map[string]any, len(tree))
			for key, v := range tree {
				if key != "detail" {
					without[key] = v
				}
			}
			return without
		}
		return t.paths[p.name].of(tree)
	})
}

// eventPath is a JSON path of names and array indices, such as $.detail.ARN.
type eventPath []any

var pathStep = lazy(`^(?:\.([A-Za-z0-9_\-/]+)|\[([0-9]{1,6})\])`)

func parseEventPath(text string) (eventPath, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok || len(text) > 256 {
		return nil, fmt.Errorf("%s is not a JSON path such as $.detail.name", quoted(text))
	}
	path := eventPath{}
	for rest != "" {
		m := pathStep().FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("%s is not a JSON path in dot notation such as $.detail.name", quoted(text))
		}
		if m[1] != "" {
			path = append(path, m[1])
		} else {
			i, err := strconv.Atoi(m[2])
			if err != nil {
				return nil, err
			}
			path = append(path, i)
		}
		rest = rest[len(m[0]):]
	}
	return path, nil
}

// of is the value at the path, nil if there is none.
func (p eventPath) of(tree any) any {
	for _, step := range p {
		switch step := step.(type) {
		case string:
			fields, _ := tree.(map[string]any)
			tree = fields[step]
		case int:
			list, _ := tree.([]any)
			if step >= len(list) {
				return nil
			}
			tree = list[step]
		}
	}
	return tree
}
