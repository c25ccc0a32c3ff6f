package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// maxPattern bounds an event pattern, in characters ("Amazon EventBridge quotas"; the API
// model has 4096, but clients should keep to the lower bound).
const maxPattern = 2048

// pattern is an event pattern (EventBridge user guide, "Event patterns"): a field is an
// object of fields, or a list of the values it may have. A value is exact, or an object with
// the key prefix. The rest of the language is refused.
type pattern map[string]any

func parsePattern(text string) (pattern, error) {
	if len([]rune(text)) > maxPattern {
		return nil, fmt.Errorf("the pattern has more than %d characters", maxPattern)
	}
	tree, err := api.JSONObject([]byte(text))
	if err != nil {
		return nil, err
	}
	return tree, checkPattern("", tree)
}

func checkPattern(path string, tree map[string]any) error {
	if len(tree) == 0 {
		return fmt.Errorf("the pattern %s is empty", path)
	}
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		var err error
		switch node := tree[name].(type) {
		case map[string]any:
			err = checkPattern(at, node)
		case []any:
			err = checkValues(at, node)
		default:
			err = fmt.Errorf("%s must be an object or an array", at)
		}
		if strings.HasPrefix(name, "$") {
			err = fmt.Errorf("%s is not supported by this endpoint", at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkValues(path string, values []any) error {
	if len(values) == 0 {
		return fmt.Errorf("%s is an empty array", path)
	}
	for _, v := range values {
		switch v := v.(type) {
		case []any:
			return fmt.Errorf("%s has an array within its array", path)
		case map[string]any:
			if prefix, ok := v["prefix"].(string); !ok || prefix == "" || len(v) != 1 {
				return fmt.Errorf("%s: this endpoint supports no match expression other than prefix with a text", path)
			}
		}
	}
	return nil
}

// matches reports whether a decoded event, or a part of it, has every field of the pattern.
func (p pattern) matches(event any) bool {
	if list, ok := event.([]any); ok {
		return slices.ContainsFunc(list, p.matches)
	}
	fields, _ := event.(map[string]any) // anything else has no fields
	for name, want := range p {
		v, present := fields[name]
		if inner, ok := want.(map[string]any); ok {
			if !pattern(inner).matches(v) {
				return false
			}
			continue
		}
		values, isList := v.([]any)
		if !isList && present {
			values = []any{v}
		}
		if !slices.ContainsFunc(values, func(v any) bool { return isOneOf(v, want.([]any)) }) {
			return false
		}
	}
	return true
}

// isOneOf compares one value with a list. Numbers are compared as written: 300 is not 300.0.
func isOneOf(v any, list []any) bool {
	for _, want := range list {
		if expression, ok := want.(map[string]any); ok {
			text, isText := v.(string)
			if isText && strings.HasPrefix(text, expression["prefix"].(string)) {
				return true
			}
			continue
		}
		switch v.(type) {
		case nil, string, bool, json.Number:
			if v == want {
				return true
			}
		}
	}
	return false
}

// transformer makes a target's input out of an event ("Amazon EventBridge input
// transformation" in the user guide). Its template is one or more quoted strings, each on a
// line of its own. JSON documents and the reserved variables are refused.
type transformer struct {
	paths    map[string]api.JSONPath
	template string
}

var (
	placeholder  = api.Lazy(`<([A-Za-z0-9_.\-]+)>`)
	transformKey = api.Lazy(`^[A-Za-z0-9_\-]{1,256}$`)
	quotedString = api.Lazy(`"(?:[^"\\]|\\.)*"`)
)

const (
	maxPaths    = 100
	maxTemplate = 8192
)

func newTransformer(paths map[string]string, template string) (*transformer, error) {
	t := &transformer{paths: map[string]api.JSONPath{}}
	if len(paths) > maxPaths {
		return nil, fmt.Errorf("InputPathsMap has %d entries; at most %d are allowed", len(paths), maxPaths)
	}
	for name, path := range paths {
		if !transformKey().MatchString(name) {
			return nil, fmt.Errorf("InputPathsMap has the invalid key %s", api.Quoted(name))
		}
		var err error
		if t.paths[name], err = parsePath(path); err != nil {
			return nil, err
		}
	}
	if template == "" || len(template) > maxTemplate {
		return nil, fmt.Errorf("InputTemplate has %d characters; it has 1 to %d", len(template), maxTemplate)
	}
	return t, t.parse(template)
}

// parse checks the template, which consists of quoted strings.
func (t *transformer) parse(template string) error {
	t.template = template
	if strings.TrimSpace(quotedString().ReplaceAllString(template, "")) != "" {
		return errors.New("InputTemplate has text that is not in double quotes; each line of text is a quoted string")
	}
	for _, quoted := range quotedString().FindAllString(template, -1) {
		if !json.Valid([]byte(quoted)) {
			return fmt.Errorf("InputTemplate has the invalid string %s", quoted)
		}
	}
	for _, found := range placeholder().FindAllStringSubmatch(template, -1) {
		if t.paths[found[1]] == nil {
			return fmt.Errorf("InputTemplate has the placeholder <%s>, which InputPathsMap does not define", found[1])
		}
	}
	return nil
}

// apply makes the input for one event. A missing value is an empty text. Strings keep their quotes, but not their escapes.
func (t *transformer) apply(tree map[string]any) string {
	return quotedString().ReplaceAllStringFunc(t.template, func(quoted string) string {
		filled := placeholder().ReplaceAllStringFunc(quoted, func(name string) string {
			v, _ := t.paths[name[1:len(name)-1]].Of(tree)
			text, isText := v.(string)
			if v != nil && !isText {
				text = renderJSON(v)
			}
			escaped := renderJSON(text)
			return escaped[1 : len(escaped)-1]
		})
		var text string
		if err := json.Unmarshal([]byte(filled), &text); err != nil {
			return quoted // cannot happen: parse has checked it
		}
		return `"` + text + `"`
	})
}

func parsePath(text string) (api.JSONPath, error) {
	path, rest, ok := api.CutJSONPath(text)
	if !ok || rest != "" || len(text) > 256 {
		return nil, fmt.Errorf("%s is not a JSON path in dot notation such as $.detail.name", api.Quoted(text))
	}
	return path, nil
}

// renderJSON renders a value without escaping for HTML. A missing one is an empty text.
func renderJSON(v any) string {
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
