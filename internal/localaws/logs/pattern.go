package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// pattern is a filter pattern of CloudWatch Logs (user guide, "Filter pattern syntax"), in
// braces: conditions on properties of a JSON message, $.a.b = "text*", also with !=, joined by
// && and ||. The rest of the language is refused.
type pattern func(message string) bool

// parsePattern reads a pattern. An empty one matches everything.
func parsePattern(text string) (pattern, error) {
	text = strings.TrimSpace(text)
	inner, opened := strings.CutPrefix(text, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	switch {
	case text == "":
		return func(string) bool { return true }, nil
	case !utf8.ValidString(text):
		return nil, errors.New("it is not UTF-8")
	case !opened || !closed:
		return nil, errors.New("it is not a JSON pattern in { and }, the only patterns of this endpoint")
	}
	p := &jsonParser{rest: inner}
	match, err := p.any()
	if err == nil && p.rest != "" {
		err = fmt.Errorf("%s is not expected", api.Quoted(p.rest))
	}
	if err != nil {
		return nil, err
	}
	return func(message string) bool {
		tree, err := api.JSONObject([]byte(message))
		return err == nil && match(tree)
	}, nil
}

const whitespace = " \t\r\n"

// cutQuoted reads the phrase in quotation marks that a text begins with. A backslash escapes
// the next character.
func cutQuoted(text string) (phrase, rest string, err error) {
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return out.String(), text[i+1:], nil
		case text[i] == '\\' && i+1 < len(text):
			i++
		}
		out.WriteByte(text[i])
	}
	return "", "", errors.New("a phrase without its second quotation mark")
}

// condition is a condition on a JSON message.
type condition func(tree map[string]any) bool

// jsonParser reads the conditions of a JSON pattern; && binds more tightly than ||.
type jsonParser struct {
	rest  string
	depth int
}

// accept consumes a word, if the rest begins with it.
func (p *jsonParser) accept(word string) bool {
	p.rest = strings.TrimLeft(p.rest, whitespace)
	rest, ok := strings.CutPrefix(p.rest, word)
	if ok {
		p.rest = strings.TrimLeft(rest, whitespace)
	}
	return ok
}

func (p *jsonParser) any() (condition, error) {
	left, err := p.all()
	if err != nil || !p.accept("||") {
		return left, err
	}
	right, err := p.any()
	return func(tree map[string]any) bool { return left(tree) || right(tree) }, err
}

func (p *jsonParser) all() (condition, error) {
	left, err := p.one()
	if err != nil || !p.accept("&&") {
		return left, err
	}
	right, err := p.all()
	return func(tree map[string]any) bool { return left(tree) && right(tree) }, err
}

const maxDepth = 32

func (p *jsonParser) one() (condition, error) {
	if !p.accept("(") {
		return p.comparison()
	}
	if p.depth++; p.depth > maxDepth {
		return nil, errors.New("it is nested too deeply")
	}
	c, err := p.any()
	if err == nil && !p.accept(")") {
		err = errors.New("a ( without its )")
	}
	p.depth--
	return c, err
}

var bareValue = api.Lazy(`^[A-Za-z0-9_.*-]+`)

// comparison reads a property, = or !=, and a value in which * stands for any text. It does
// not hold if the message does not have the property.
func (p *jsonParser) comparison() (condition, error) {
	path, rest, ok := api.CutJSONPath(p.rest)
	if !ok || len(path) == 0 {
		return nil, fmt.Errorf("%s does not begin with a property such as $.a.b", api.Quoted(p.rest))
	}
	p.rest = rest
	equal := !p.accept("!")
	if !p.accept("=") {
		return nil, fmt.Errorf("%s does not begin with = or !=, the operators of this endpoint", api.Quoted(p.rest))
	}
	var text string
	if strings.HasPrefix(p.rest, `"`) {
		var err error
		if text, p.rest, err = cutQuoted(p.rest); err != nil {
			return nil, err
		}
	} else if text = bareValue().FindString(p.rest); text == "" || !p.accept(text) {
		return nil, fmt.Errorf("%s does not begin with a value", api.Quoted(p.rest))
	}
	expression := strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, ".*")
	value, err := regexp.Compile("(?s)^" + expression + "$")
	if err != nil {
		return nil, err
	}
	return func(tree map[string]any) bool {
		switch v, _ := path.Of(tree); v := v.(type) {
		case string:
			return value.MatchString(v) == equal
		case json.Number:
			return value.MatchString(v.String()) == equal
		}
		return false
	}, nil
}
