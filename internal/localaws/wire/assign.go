package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

func serialization(format string, args ...any) *Error {
	return &Error{Code: "SerializationException", Message: fmt.Sprintf(format, args...)}
}

// unhandled is the error for a member that the target struct does not declare.
func unhandled(p Protocol, path string) *Error {
	e := &Error{Code: "ValidationException", Message: fmt.Sprintf("this endpoint does not handle the member %q of the input", path)}
	switch p {
	case CBOR, JSON10:
		e.Query = "ValidationError"
	case Query:
		e.Code = "ValidationError"
	}
	return e
}

// assigner fills structs from a tree of maps, slices and scalars, as read from JSON, CBOR
// and forms. Forms have only strings for scalars and write lists as maps.
type assigner struct{ protocol Protocol }

func (a assigner) form() bool { return a.protocol == Query }

var timeType = reflect.TypeFor[time.Time]()

// assign puts a node of the tree into a value. The path is for messages.
func (a assigner) assign(path string, node any, into reflect.Value) error {
	if node == nil {
		return nil
	}
	if into.Type() == timeType {
		return a.assignTime(path, node, into)
	}
	switch into.Kind() {
	case reflect.Pointer:
		if into.IsNil() {
			into.Set(reflect.New(into.Type().Elem()))
		}
		return a.assign(path, node, into.Elem())
	case reflect.Struct:
		return a.assignStruct(path, node, into)
	case reflect.Slice:
		return a.assignSlice(path, node, into)
	case reflect.Map:
		return a.assignMap(path, node, into)
	default:
		return a.assignScalar(path, node, into)
	}
}

func (a assigner) assignStruct(path string, node any, into reflect.Value) error {
	members, ok := node.(map[string]any)
	if !ok {
		return wrongType(path, "a structure", node)
	}
	fields := fieldsOf(into.Type())
	for _, name := range slices.Sorted(maps.Keys(members)) {
		index, ok := fields[name]
		if !ok {
			return unhandled(a.protocol, join(path, name))
		}
		if err := a.assign(join(path, name), members[name], into.FieldByIndex(index)); err != nil {
			return err
		}
	}
	return nil
}

// fieldCache holds the results of fieldsOf by reflect.Type.
var fieldCache sync.Map

// fieldsOf maps the names of members to the indexes of a struct's fields.
func fieldsOf(t reflect.Type) map[string][]int {
	if known, ok := fieldCache.Load(t); ok {
		return known.(map[string][]int)
	}
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = f.Index
		}
	}
	fieldCache.Store(t, fields)
	return fields
}

func (a assigner) assignSlice(path string, node any, into reflect.Value) error {
	items, ok := node.([]any)
	if a.form() {
		var err error
		if items, err = numbered(path, "member", node); err != nil {
			return err
		}
	} else if !ok {
		return wrongType(path, "a list", node)
	}
	out := reflect.MakeSlice(into.Type(), len(items), len(items))
	for i, item := range items {
		at := join(path, strconv.Itoa(i+1))
		if item == nil {
			return wrongType(at, "a value", item)
		}
		if err := a.assign(at, item, out.Index(i)); err != nil {
			return err
		}
	}
	into.Set(out)
	return nil
}

// numbered returns the items wrapper.1, wrapper.2, … of a form, in this order. An empty
// value is an empty list.
func numbered(path, wrapper string, node any) ([]any, error) {
	if node == "" {
		return []any{}, nil
	}
	outer, ok := node.(map[string]any)
	inner, ok2 := outer[wrapper].(map[string]any)
	if !ok || !ok2 || len(outer) != 1 {
		return nil, serialization("the parameter %s is not of the form %s.%s.N", path, path, wrapper)
	}
	items := make([]any, len(inner))
	for key, item := range inner {
		n, err := strconv.Atoi(key)
		if err != nil || n < 1 || n > len(inner) || strconv.Itoa(n) != key {
			return nil, serialization("the parameters %s.%s.N are not numbered 1 to %d", path, wrapper, len(inner))
		}
		items[n-1] = item
	}
	return items, nil
}

func (a assigner) assignMap(path string, node any, into reflect.Value) error {
	entries, ok := node.(map[string]any)
	if a.form() {
		var err error
		if entries, err = formEntries(path, node); err != nil {
			return err
		}
	} else if !ok {
		return wrongType(path, "a map", node)
	}
	out := reflect.MakeMapWithSize(into.Type(), len(entries))
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		if entries[key] == nil {
			continue
		}
		value := reflect.New(into.Type().Elem()).Elem()
		if err := a.assign(join(path, key), entries[key], value); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(key).Convert(into.Type().Key()), value)
	}
	into.Set(out)
	return nil
}

// formEntries reads Name.entry.N.key and .value.
func formEntries(path string, node any) (map[string]any, error) {
	items, err := numbered(path, "entry", node)
	if err != nil {
		return nil, err
	}
	entries := make(map[string]any, len(items))
	for i, item := range items {
		pair, _ := item.(map[string]any)
		key, ok := pair["key"].(string)
		value, ok2 := pair["value"]
		_, twice := entries[key]
		if !ok || !ok2 || len(pair) != 2 || twice {
			return nil, serialization("the parameter %s.entry.%d is not a unique key and its value", path, i+1)
		}
		entries[key] = value
	}
	return entries, nil
}

func (a assigner) assignScalar(path string, node any, into reflect.Value) error {
	var want string
	var ok bool
	switch into.Kind() {
	case reflect.String:
		want = "a string"
		var text string
		if text, ok = node.(string); ok {
			into.SetString(text)
		}
	case reflect.Bool:
		want = "a boolean"
		var b bool
		if b, ok = a.boolean(node); ok {
			into.SetBool(b)
		}
	case reflect.Int32, reflect.Int64, reflect.Int:
		want = "an integer"
		n, err := strconv.ParseInt(a.number(node), 10, into.Type().Bits())
		if ok = err == nil; ok {
			into.SetInt(n)
		}
	case reflect.Float64:
		want = "a number"
		f, err := strconv.ParseFloat(a.number(node), 64)
		if ok = err == nil; ok {
			into.SetFloat(f)
		}
	default:
		return fmt.Errorf("decode %s: fields of type %s are not supported", path, into.Type())
	}
	if !ok {
		return wrongType(path, want, node)
	}
	return nil
}

func (a assigner) boolean(node any) (b, ok bool) {
	if a.form() {
		return node == "true", node == "true" || node == "false"
	}
	b, ok = node.(bool)
	return b, ok
}

// number returns the digits of a number, empty for anything else. A fraction has an exponent, so
// that it is no integer.
func (a assigner) number(node any) string {
	switch v := node.(type) {
	case uint64, int64:
		return fmt.Sprint(v)
	case float64:
		return strconv.FormatFloat(v, 'e', -1, 64)
	case json.Number:
		return v.String()
	case string:
		if a.form() {
			return v
		}
	}
	return ""
}

// assignTime reads seconds since the epoch (JSON), a tagged time (CBOR) or ISO 8601 (forms).
func (a assigner) assignTime(path string, node any, into reflect.Value) error {
	switch v := node.(type) {
	case time.Time:
		into.Set(reflect.ValueOf(v.UTC()))
		return nil
	case json.Number:
		if seconds, err := v.Float64(); err == nil && math.Abs(seconds) < 1e11 {
			into.Set(reflect.ValueOf(time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()))
			return nil
		}
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil && a.form() {
			into.Set(reflect.ValueOf(t))
			return nil
		}
	}
	return wrongType(path, "a timestamp", node)
}

func wrongType(path, want string, node any) *Error {
	got := "a value of another type"
	switch v := node.(type) {
	case nil:
		got = "null"
	case string:
		got = strconv.Quote(v)
	case json.Number, bool:
		got = fmt.Sprint(v)
	}
	return serialization("the member %q is %s, not %s", path, got, want)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
