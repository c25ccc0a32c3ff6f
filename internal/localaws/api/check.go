package api

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Model is how a service reports inputs that break its API model. Inputs declare what the model
// demands of a member in the tag check, a list of:
//
//	required  it is present, and not empty if it is a text that is not a pointer
//	some      the list has items
//	1..255    the length of a text or list, or the value of a number; either bound may be missing
//	A|B       the valid values
//	name      the name of a pattern in Patterns
//
// Values and patterns of a list are those of its items. An absent member passes all but required.
type Model struct {
	Missing  func(member string) error
	Invalid  func(member, value, rule string) error
	BadTags  func(text string, tooMany bool) error
	BadToken error // for an invalid token of a listing
	Patterns map[string]Pattern
}

// NewModel makes the model of a service with one error code for invalid inputs, and another one
// for too many tags.
func NewModel(invalid, tooManyTags string, badToken error, patterns map[string]Pattern) Model {
	return Model{
		Missing: func(member string) error { return Refuse(invalid, "%s is missing; it is required", member) },
		Invalid: func(member, value, rule string) error { return Constraint(invalid, member, value, rule) },
		BadTags: func(text string, tooMany bool) error {
			if tooMany {
				return Refuse(tooManyTags, "%s", text)
			}
			return Refuse(invalid, "%s", text)
		},
		BadToken: badToken, Patterns: patterns,
	}
}

// Pattern is a regular expression for members, and what it means: "Member must …"; or a check with errors of its own.
type Pattern struct {
	Expression func() *regexp.Regexp
	Rule       string
	Check      func(path, value string) error
}

// checked is a member of an input with rules, or with members that may have some.
type checked struct {
	name  string
	index []int
	rules []string
}

var checkedCache sync.Map

// checkedOf returns what to check in the values of a type, itself without pointers and lists.
func checkedOf(t reflect.Type) []checked {
	if t.Kind() != reflect.Struct {
		return nil
	}
	if known, ok := checkedCache.Load(t); ok {
		return known.([]checked)
	}
	var list []checked
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		rules := strings.Fields(f.Tag.Get("check"))
		if name != "" && (rules != nil || len(checkedOf(baseOf(f.Type))) > 0) {
			list = append(list, checked{name, f.Index, rules})
		}
	}
	checkedCache.Store(t, list)
	return list
}

func baseOf(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

// check checks a struct at a path, which ends with a dot or is empty.
func (m *Model) check(path string, v reflect.Value) error {
	for _, member := range checkedOf(v.Type()) {
		if err := m.checkMember(path+member.name, v.FieldByIndex(member.index), member.rules); err != nil {
			return err
		}
	}
	return nil
}

func (m *Model) checkMember(path string, v reflect.Value, rules []string) error {
	text := v.Kind() == reflect.String
	if text && v.Len() == 0 || !text && v.IsZero() {
		if slices.Contains(rules, "required") || slices.Contains(rules, "some") {
			return m.Missing(path)
		}
		return nil
	}
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	for _, rule := range rules {
		if err := m.checkRule(path, v, rule); err != nil {
			return err
		}
	}
	if v.Kind() == reflect.Struct {
		return m.check(path+".", v)
	}
	if v.Kind() == reflect.Slice && len(checkedOf(baseOf(v.Type()))) > 0 {
		for i := range v.Len() {
			if err := m.check(fmt.Sprintf("%s.member.%d.", path, i+1), v.Index(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *Model) checkRule(path string, v reflect.Value, rule string) error {
	if low, high, isRange := strings.Cut(rule, ".."); isRange {
		return m.checkRange(path, v, low, high)
	}
	switch {
	case rule == "required":
		return nil
	case rule == "some":
		if v.Len() == 0 {
			return m.Missing(path)
		}
		return nil
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			if err := m.checkRule(fmt.Sprintf("%s.member.%d", path, i+1), v.Index(i), rule); err != nil {
				return err
			}
		}
		return nil
	}
	if pattern, named := m.Patterns[rule]; named {
		if pattern.Check != nil {
			return pattern.Check(path, v.String())
		}
		if !pattern.Expression().MatchString(v.String()) {
			return m.Invalid(path, v.String(), pattern.Rule)
		}
		return nil
	}
	if values := strings.Split(rule, "|"); !slices.Contains(values, v.String()) {
		return m.Invalid(path, v.String(), "satisfy enum value set: ["+strings.Join(values, ", ")+"]")
	}
	return nil
}

func (m *Model) checkRange(path string, v reflect.Value, low, high string) error {
	var value string
	var got int
	of := "length"
	switch v.Kind() {
	case reflect.Int32:
		got, of = int(v.Int()), "value"
		value = strconv.Itoa(got)
	case reflect.String:
		value, got = v.String(), utf8.RuneCountInString(v.String())
	default:
		got = v.Len()
	}
	least, err := strconv.Atoi(low)
	if err != nil {
		least = math.MinInt
	}
	most, err := strconv.Atoi(high)
	if err != nil {
		most = math.MaxInt
	}
	if got < least || got > most {
		return m.Invalid(path, value, fmt.Sprintf("have a %s in the range %s..%s", of, low, high))
	}
	return nil
}
