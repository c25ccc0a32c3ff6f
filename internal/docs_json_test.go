package internal_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/demo"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/test/docs"
)

// The reference of JSON has each key that a command prints, with the comment of its field.
func TestReferenceJSON(t *testing.T) {
	comments := fieldComments(t)
	var page strings.Builder
	for _, one := range []struct {
		title string
		value any
	}{
		{"run and plan", report.Result{}},
		{"report", report.Ledger{}},
		{"what-if and report --what-if", report.WhatIf{}},
		{"report --savings", report.Saved{}},
		{"history", report.History{}},
		{"verify", report.Verification{}},
		{"cleanup", report.Cleanup{}},
		{"dashboard build and dashboard delete", report.Boards{}},
		{"demo", demo.Result{}},
		{"Audit record", events.Audit{}},
	} {
		fmt.Fprintf(&page, "## %s\n\n| Key | Type | Meaning |\n|---|---|---|\n", one.title)
		rows := keys("", reflect.TypeOf(one.value), comments)
		if len(rows) < 3 {
			t.Errorf("%s has only %d keys", one.title, len(rows))
		}
		page.WriteString(strings.Join(rows, "\n") + "\n\n")
	}
	docs.Section(t, "docs/reference/json.md", "json", page.String())
}

// keys are the rows of the keys of a struct, and of those in it.
func keys(prefix string, of reflect.Type, comments map[string]string) []string {
	var rows []string
	asKeys := keyNames(of)
	for i := range of.NumField() {
		field := of.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			rows = append(rows, slices.DeleteFunc(keys(prefix, field.Type, comments), func(row string) bool {
				return slices.ContainsFunc(exported(of), func(f reflect.StructField) bool { // written in its place
					name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
					return strings.HasPrefix(row, fmt.Sprintf("| `%s%s` |", prefix, name))
				})
			})...)
			continue
		case name == "-" || !field.IsExported():
			continue
		case name == "":
			name = field.Name
		}
		kind, inner, suffix := keyType(field.Type)
		meaning := comments[of.PkgPath()+"."+of.Name()+"."+field.Name]
		if strings.Contains(options, "omitempty") {
			meaning = strings.TrimSuffix("optional; "+meaning, "; ")
		}
		rows = append(rows, fmt.Sprintf("| `%s%s` | %s | %s |", prefix, name, kind, docs.Cell(asKeys(meaning))))
		if inner != nil {
			rows = append(rows, keys(prefix+name+suffix, inner, comments)...)
		}
	}
	return rows
}

// keyNames replaces the names of the fields of a struct by its keys, as far as they are no ordinary words.
func keyNames(of reflect.Type) func(string) string {
	key := map[string]string{}
	for i := range of.NumField() {
		if name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			key[of.Field(i).Name] = "`" + name + "`"
		}
	}
	word := regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`)
	return func(text string) string {
		return word.ReplaceAllStringFunc(text, func(w string) string { return cmp.Or(key[w], w) })
	}
}

var marshaler = reflect.TypeFor[json.Marshaler]()

// keyType is how the type of a key is called, and the struct within it, if there is one, with what leads to its keys.
func keyType(of reflect.Type) (kind string, inner reflect.Type, suffix string) {
	switch {
	case of == reflect.TypeFor[time.Time]():
		return "time", nil, ""
	case of == reflect.TypeFor[json.RawMessage]():
		return "object", nil, ""
	case of.Kind() == reflect.Pointer:
		kind, inner, suffix = keyType(of.Elem())
		return kind + " or null", inner, suffix
	case of.Kind() == reflect.Slice:
		kind, inner, suffix = keyType(of.Elem())
		return "list of " + plural(kind), inner, "[]" + suffix
	case of.Kind() == reflect.Map:
		kind, inner, _ = keyType(of.Elem())
		return "object of " + plural(kind), inner, ".*."
	case of.Kind() == reflect.Struct && of.Implements(marshaler), of.Kind() == reflect.Struct && reflect.PointerTo(of).Implements(marshaler):
		return "object", shapeOf(of), "."
	case of.Kind() == reflect.Struct:
		return "object", of, "."
	case of.Kind() == reflect.Bool:
		return "true or false", nil, ""
	case of.Kind() == reflect.String:
		return "text", nil, ""
	default:
		return "number", nil, ""
	}
}

// shapeOf is a struct with the keys that a type with an encoding of its own writes.
func shapeOf(of reflect.Type) reflect.Type {
	data, err := json.Marshal(reflect.New(of).Interface())
	if err != nil {
		panic(err)
	}
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		panic(err)
	}
	var added []reflect.StructField
	for i, key := range slices.Sorted(maps.Keys(object)) {
		if slices.ContainsFunc(reflect.VisibleFields(of), func(f reflect.StructField) bool {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			return name == key
		}) {
			continue
		}
		kind := reflect.TypeOf(object[key])
		if kind == nil { // a number that is not known
			kind = reflect.TypeFor[*float64]()
		}
		added = append(added, reflect.StructField{
			Name: fmt.Sprintf("Key%d", i), Type: kind, Tag: reflect.StructTag(fmt.Sprintf("json:%q", key)),
		})
	}
	return reflect.StructOf(append(exported(of), added...))
}

// exported are the fields of a struct that JSON has.
func exported(of reflect.Type) (fields []reflect.StructField) {
	for i := range of.NumField() {
		if f := of.Field(i); f.IsExported() && f.Tag.Get("json") != "" {
			f.Anonymous, f.Index, f.Offset = false, nil, 0
			fields = append(fields, f)
		}
	}
	return fields
}

func plural(kind string) string {
	switch kind {
	case "true or false":
		return kind
	case "text", "time", "number", "object":
		return kind + "s"
	}
	return kind
}

// fieldComments are the comments of all fields, by package.Type.Field, as a reader of JSON needs them.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	comments, same := map[string]string{}, map[string]string{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		pkg := module + "internal/" + filepath.ToSlash(filepath.Dir(path))
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if other, ok := spec.Type.(*ast.SelectorExpr); ok { // a type of another package without its methods
				same[pkg+"."+spec.Name.Name+"."] = fmt.Sprintf("%sinternal/%s.%s.", module, other.X, other.Sel)
			}
			if structure, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range structure.Fields.List {
					for _, name := range field.Names {
						comments[pkg+"."+spec.Name.Name+"."+name.Name] = forReaders(field, name.Name)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, other := range same {
		for field, text := range maps.Clone(comments) {
			if rest, ok := strings.CutPrefix(field, other); ok {
				comments[name+rest] = text
			}
		}
	}
	return comments
}

var (
	nilWord = regexp.MustCompile(`\bnil\b`)
	seeAlso = regexp.MustCompile(`, see [A-Z][A-Za-z]+`) // of the program
)

func forReaders(field *ast.Field, name string) string {
	text := field.Comment.Text()
	if text == "" {
		text = field.Doc.Text()
	}
	text = strings.Join(strings.Fields(text), " ")
	for _, verb := range []string{" is ", " are "} { // a comment begins with the name of its field
		text = strings.TrimPrefix(text, name+verb)
	}
	return strings.TrimSuffix(nilWord.ReplaceAllString(seeAlso.ReplaceAllString(text, ""), "null"), ".")
}
