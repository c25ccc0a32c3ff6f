package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Bounds of query strings.
const (
	maxQuery  = 2048 // bytes
	maxSearch = 100  // characters; maxlength in forms counts UTF-16 units, never fewer
)

// maxPage is the highest number of a page or dashboard.
const maxPage = 100_000

// The keys of query strings.
const (
	keyAccount = "account"
	keyARN     = "arn"
	keyBoard   = "board"
	keyBy      = "by"
	keyDir     = "dir"
	keyDone    = "done"
	keyFormat  = "format"
	keyKind    = "kind"
	keyPage    = "page"
	keyRegion  = "region"
	keySearch  = "q"
	keyShow    = "show"
	keySort    = "sort"
	keySpan    = "range"
	keyTable   = "table"
	keyWidget  = "widget"
)

// fields are the values of a query string or form by their keys, and the first fault in them.
type fields struct {
	values map[string]string
	fault  error
}

// parseFields reads a query string strictly: no unknown key, none twice, only UTF-8.
func parseFields(raw string, known ...string) *fields {
	if len(raw) > maxQuery {
		return &fields{fault: fmt.Errorf("the query is %d bytes long (at most %d)", len(raw), maxQuery)}
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return &fields{fault: fmt.Errorf("the query cannot be read: %w", err)}
	}
	return newFields(values, known...)
}

func newFields(values url.Values, known ...string) *fields {
	f := &fields{values: map[string]string{}}
	for key, list := range values {
		switch {
		case !slices.Contains(known, key):
			f.fault = fmt.Errorf("unknown key %q (%s)", key, strings.Join(known, ", "))
		case len(list) != 1:
			f.fault = fmt.Errorf("key %q is given %d times", key, len(list))
		case !utf8.ValidString(list[0]) || strings.ContainsFunc(list[0], unicode.IsControl):
			f.fault = fmt.Errorf("key %q has invalid characters", key)
		default:
			f.values[key] = list[0]
		}
	}
	return f
}

func (f *fields) reject(key, valid string) {
	if f.fault == nil {
		f.fault = fmt.Errorf("%s=%s is not valid (%s)", key, f.values[key], valid)
	}
}

// text is a short text; empty if it is missing.
func (f *fields) text(key string) string {
	value := strings.TrimSpace(f.values[key])
	if utf8.RuneCountInString(value) > maxSearch {
		f.fault = fmt.Errorf("%s is longer than %d characters", key, maxSearch)
		return ""
	}
	return value
}

// choice is one of some words, the first if it is missing.
func (f *fields) choice(key string, words ...string) string {
	value := f.values[key]
	if value == "" {
		return words[0]
	}
	if !slices.Contains(words, value) {
		f.reject(key, strings.Join(words, ", "))
		return words[0]
	}
	return value
}

// number is a whole number from low to high, or def if it is missing.
func (f *fields) number(key string, def, low, high int) int {
	value, given := f.values[key]
	if !given {
		return def
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high || value != strconv.Itoa(n) {
		f.reject(key, fmt.Sprintf("a whole number from %d to %d", low, high))
		return def
	}
	return n
}

// arn is the ARN of a campaign or recommender; the zero ARN if it is missing and not needed.
func (f *fields) arn(key string, needed bool) (model.ARN, model.Kind) {
	if f.values[key] == "" && !needed {
		return model.ARN{}, ""
	}
	arn, kind, err := model.ParseResourceARN(f.values[key])
	if err != nil && f.fault == nil {
		f.fault = fmt.Errorf("%s: %w", key, err)
	}
	return arn, kind
}

// valid is a value of some kind; empty if it is missing.
func (f *fields) valid(key string, is func(string) bool, what string) string {
	value := f.values[key]
	if value != "" && !is(value) {
		f.reject(key, what)
		return ""
	}
	return value
}

// span is a length of time that charts show, with the period of their datapoints. Up to 14
// days these are few enough for one call.
type span struct {
	Name   string // as in query strings
	Label  string
	Length time.Duration
	Period time.Duration
}

// spans are the available ones, shortest first.
var spans = []span{
	{"3h", "3 hours", 3 * time.Hour, 5 * time.Minute},
	{"12h", "12 hours", 12 * time.Hour, 5 * time.Minute},
	{"1d", "1 day", 24 * time.Hour, 5 * time.Minute},
	{"3d", "3 days", 3 * 24 * time.Hour, 15 * time.Minute},
	{"7d", "7 days", 7 * 24 * time.Hour, time.Hour},
	{"14d", "14 days", 14 * 24 * time.Hour, time.Hour},
}

const defaultSpan = "1d"

// span is the requested time span, or def.
func (f *fields) span(key, def string) span {
	names := mapped(spans, func(s span) string { return s.Name })
	name := f.choice(key, append([]string{def}, names...)...)
	return spans[slices.IndexFunc(spans, func(s span) bool { return s.Name == name })]
}

// window is the span that ends with the last period whose counts have arrived.
func (s span) window(now time.Time, delay time.Duration) model.Window {
	end := now.UTC().Add(-delay).Truncate(s.Period)
	return model.NewWindow(end.Add(-s.Length), end)
}

// link is a path with a query of the values that are not empty.
func link(path string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// pager leads from one page of a list to others.
type pager struct {
	Page, Of       int
	Previous, Next string // links; empty on the first and last page
}

// paginate cuts a list into pages and returns the range of one, or of the last.
func paginate(total, size, number int, linkTo func(page string) string) (p pager, from, to int) {
	p.Of = max(1, (total+size-1)/size)
	p.Page = min(number, p.Of)
	if p.Page == 2 {
		p.Previous = linkTo("")
	} else if p.Page > 2 {
		p.Previous = linkTo(strconv.Itoa(p.Page - 1))
	}
	if p.Page < p.Of {
		p.Next = linkTo(strconv.Itoa(p.Page + 1))
	}
	from = (p.Page - 1) * size
	return p, from, min(total, from+size)
}

// option is one choice of a select element.
type option struct{ Value, Label string }

func words(options []option) []string {
	return mapped(options, func(o option) string { return o.Value })
}

// tab is a link to what a page can show, perhaps with the number of that.
type tab struct {
	Label, Link, Icon string
	Count             int
	Current           bool
}

func spanTabs(current span, linkTo func(span) string) []tab {
	return mapped(spans, func(s span) tab { return tab{Label: s.Label, Link: linkTo(s), Current: s.Name == current.Name} })
}
