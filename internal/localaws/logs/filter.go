package logs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// Bounds of FilterLogEvents (API reference), and how many events a page searches here: AWS
// documents no such bound, only that it makes pages partly full or empty.
const (
	maxPage      = 10_000
	maxPageBytes = 1 << 20
	maxSearched  = 10_000
)

type filterInput struct {
	Name       *string `json:"logGroupName" check:"group"`
	Identifier *string `json:"logGroupIdentifier" check:"..2048 identifier"`
	Start      *int64  `json:"startTime"`
	End        *int64  `json:"endTime"`
	Pattern    *string `json:"filterPattern" check:"..1024"`
	Token      *string `json:"nextToken"`
	Limit      *int32  `json:"limit" check:"1..10000"`
}

type filteredEvent struct {
	Stream    string `json:"logStreamName"`
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
	Ingested  int64  `json:"ingestionTime"`
	ID        string `json:"eventId"`
}

func (s *Service) filterLogEvents(c *api.Call, in *filterInput) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	match, err := parsePattern(api.Value(in.Pattern))
	if err != nil {
		return nil, api.Refuse(codeParameter, "Invalid filter pattern: %v", err)
	}
	g, err := s.filteredGroup(c, in)
	if err != nil {
		return nil, err
	}
	after, next := "", ""
	if in.Token != nil {
		token, err := c.ReadToken(*in.Token)
		if err != nil {
			return nil, err
		}
		after = token.After
	}
	events := []filteredEvent{}
	if c.EmptyPage {
		next = c.WriteToken(api.Token{After: after})
	} else if last := g.search(in, match, after, &events); last != "" {
		next = c.WriteToken(api.Token{After: last})
	}
	out := api.Listing("events", events, "nextToken", next)
	out["searchedLogStreams"] = []string{}
	return out, nil
}

// check refuses members that break the API model or contradict each other.
func (in *filterInput) check() error {
	switch {
	case (in.Name == nil) == (in.Identifier == nil):
		return api.Refuse(codeParameter, "Exactly one of logGroupName and logGroupIdentifier must be given.")
	case api.Value(in.Start) < 0 || api.Value(in.End) < 0:
		return api.Refuse(codeParameter, "startTime and endTime must be greater than or equal to 0.")
	case in.Start != nil && in.End != nil && *in.Start > *in.End:
		return api.Refuse(codeParameter, "End time should not be less than start time.")
	}
	return nil
}

func (s *Service) filteredGroup(c *api.Call, in *filterInput) (*group, error) {
	if in.Name != nil {
		return s.find(c, *in.Name)
	}
	name := strings.TrimPrefix(*in.Identifier, c.ARN("logs", "log-group:"))
	return s.find(c, name)
}

// search adds the events after a key that match to a page. It returns the key to continue
// after, empty if all events were searched.
func (g *group) search(in *filterInput, match pattern, after string, page *[]filteredEvent) string {
	limit := int(cmp.Or(api.Value(in.Limit), maxPage))
	g.sort()
	from := sort.Search(len(g.events), func(i int) bool {
		return g.events[i].key > after && g.events[i].timestamp >= api.Value(in.Start)
	})
	size := 0
	for i := from; i < len(g.events); i++ {
		e := g.events[i]
		if in.End != nil && e.timestamp > *in.End {
			break
		}
		if i-from == maxSearched || len(*page) == limit {
			return g.events[i-1].key
		}
		if !match(e.message) {
			continue
		}
		if size += len(e.message) + eventOverhead; size > maxPageBytes && len(*page) > 0 {
			return g.events[i-1].key
		}
		*page = append(*page, filteredEvent{e.stream, e.timestamp, e.message, e.ingested, e.id})
	}
	return ""
}

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
