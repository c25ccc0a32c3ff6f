package localaws

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// jsonPattern matches messages that are JSON objects and meet a condition.
type jsonPattern struct{ condition logCondition }

func (p jsonPattern) match(message string) bool {
	tree, err := decodeObject([]byte(message))
	return err == nil && p.condition.holds(tree)
}

// logCondition is one condition on a JSON message, or several joined.
type logCondition interface {
	holds(tree map[string]any) bool
}

type (
	everyOne []logCondition
	someOne  []logCondition
)

func (a everyOne) holds(tree map[string]any) bool {
	for _, c := range a {
		if !c.holds(tree) {
			return false
		}
	}
	return true
}

func (a someOne) holds(tree map[string]any) bool {
	for _, c := range a {
		if c.holds(tree) {
			return true
		}
	}
	return false
}

// comparison compares one property of a message. It does not hold if there is no such
// property, whatever the operator, but for NOT EXISTS.
type comparison struct {
	path     []any // names and, as int, indexes of arrays
	operator string
	text     *regexp.Regexp // for = and != with a string
	number   float64        // for the operators with a number
}

func (c comparison) holds(tree map[string]any) bool {
	v, ok := propertyOf(tree, c.path)
	switch c.operator {
	case notExists:
		return !ok
	case isNull:
		return ok && v == nil
	case isTrue:
		return v == true
	case isFalse:
		return v == false
	}
	if c.text != nil {
		text, is := textOf(v)
		return is && c.text.MatchString(text) == (c.operator == "=")
	}
	n, is := v.(json.Number)
	f, err := n.Float64()
	if !is || err != nil {
		return false
	}
	switch c.operator {
	case "=":
		return f == c.number
	case "!=":
		return f != c.number
	case "<":
		return f < c.number
	case "<=":
		return f <= c.number
	case ">":
		return f > c.number
	}
	return f >= c.number
}

// textOf is a string, or a number as it is written.
func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

func propertyOf(tree map[string]any, path []any) (any, bool) {
	var node any = tree
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := node.(map[string]any)
			inner, ok := object[step]
			if !ok {
				return nil, false
			}
			node = inner
		case int:
			list, _ := node.([]any)
			if step >= len(list) {
				return nil, false
			}
			node = list[step]
		}
	}
	return node, true
}

const (
	isNull    = "IS NULL"
	isTrue    = "IS TRUE"
	isFalse   = "IS FALSE"
	notExists = "NOT EXISTS"
)

// jsonParser reads the condition of a JSON pattern; && binds more tightly than ||.
type jsonParser struct {
	rest  string
	depth int
}

func parseJSONPattern(text string) (logPattern, error) {
	p := &jsonParser{rest: text}
	condition, err := p.either()
	if err == nil && p.rest != "" {
		err = fmt.Errorf("%s is not expected", quoted(p.rest))
	}
	if err != nil {
		return nil, err
	}
	return jsonPattern{condition}, nil
}

// take takes a word off the rest, if it stands there.
func (p *jsonParser) take(word string) bool {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	rest, ok := strings.CutPrefix(p.rest, word)
	if ok {
		p.rest = strings.TrimLeft(rest, " \t\r\n")
	}
	return ok
}

func (p *jsonParser) either() (logCondition, error) {
	var list someOne
	for {
		c, err := p.both()
		if err != nil {
			return nil, err
		}
		if list = append(list, c); !p.take("||") {
			return list, nil
		}
	}
}

func (p *jsonParser) both() (logCondition, error) {
	var list everyOne
	for {
		c, err := p.one()
		if err != nil {
			return nil, err
		}
		if list = append(list, c); !p.take("&&") {
			return list, nil
		}
	}
}

func (p *jsonParser) one() (logCondition, error) {
	if !p.take("(") {
		return p.comparison()
	}
	if p.depth++; p.depth > maxPatternDepth {
		return nil, errors.New("it is nested too deeply")
	}
	c, err := p.either()
	if err == nil && !p.take(")") {
		err = errors.New("a ( without its )")
	}
	p.depth--
	return c, err
}

var (
	selectorPattern = lazy(`^\$(\.[A-Za-z0-9_-]+|\[[0-9]{1,4}\])+`)
	selectorSteps   = lazy(`\.([A-Za-z0-9_-]+)|\[([0-9]+)\]`)
	bareValue       = lazy(`^[A-Za-z0-9_.*-]+`)
)

func (p *jsonParser) comparison() (logCondition, error) {
	selector := selectorPattern().FindString(p.rest)
	if selector == "" {
		return nil, fmt.Errorf("%s does not begin with a property such as $.a.b", quoted(p.rest))
	}
	p.take(selector)
	c := comparison{}
	for _, step := range selectorSteps().FindAllStringSubmatch(selector, -1) {
		if step[1] != "" {
			c.path = append(c.path, step[1])
			continue
		}
		n, err := strconv.Atoi(step[2])
		if err != nil {
			return nil, err
		}
		c.path = append(c.path, n)
	}
	for _, word := range []string{isNull, isTrue, isFalse, notExists} {
		if p.take(word) {
			c.operator = word
			return c, nil
		}
	}
	for _, operator := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if p.take(operator) {
			c.operator = operator
			return p.value(c)
		}
	}
	return nil, fmt.Errorf("there is no operator after %s", selector)
}

// value reads what a property is compared with: a number, or a string in which * stands
// for any characters.
func (p *jsonParser) value(c comparison) (logCondition, error) {
	var text string
	isText := strings.HasPrefix(p.rest, `"`)
	if isText {
		var err error
		if text, p.rest, err = cutQuoted(p.rest); err != nil {
			return nil, err
		}
	} else if text = bareValue().FindString(p.rest); !p.take(text) || text == "" {
		return nil, fmt.Errorf("there is no value where %s stands", quoted(p.rest))
	}
	if !isText {
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			c.number = n
			return c, nil
		}
	}
	if c.operator != "=" && c.operator != "!=" {
		return nil, fmt.Errorf("%s compares numbers, and %s is none", c.operator, quoted(text))
	}
	parts := strings.Split(text, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	var err error
	c.text, err = regexp.Compile(`(?s)^` + strings.Join(parts, ".*") + `$`)
	return c, err
}
