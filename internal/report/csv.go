package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// rowsOf are the rows of a CSV: the names of its columns, then the records. A column is its name and the
// path of JSON keys to its value, as in used=usage.tpsHours.used, or the one key that it is named after.
// What is null or left out in the JSON is an empty field.
func rowsOf[T any](columns string, records []T) [][]string {
	names := strings.Fields(columns)
	paths := make([][]key, len(names))
	for i, column := range names {
		name, path, named := strings.Cut(column, "=")
		if !named {
			path = name
		}
		names[i], paths[i] = name, pathOf(reflect.TypeFor[T](), path)
	}
	rows := [][]string{names}
	for _, record := range records {
		row := make([]string, len(paths))
		for i, path := range paths {
			row[i] = field(valueAt(reflect.ValueOf(record), path))
		}
		rows = append(rows, row)
	}
	return rows
}

// key is the field of a struct that has a key in JSON.
type key struct {
	index []int
	omit  bool // its zero value is left out
}

// pathOf panics if there is no such path.
func pathOf(t reflect.Type, path string) []key {
	var keys []key
	for name := range strings.SplitSeq(path, ".") {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		fields := reflect.VisibleFields(t)
		i := slices.IndexFunc(fields, func(f reflect.StructField) bool { return jsonKey(f) == name })
		if i < 0 {
			panic(fmt.Sprintf("%v has no JSON key %s", t, name))
		}
		keys = append(keys, key{fields[i].Index, strings.Contains(fields[i].Tag.Get("json"), ",omit")})
		t = fields[i].Type
	}
	return keys
}

func jsonKey(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// valueAt is the value at a path; nil if it is null or left out.
func valueAt(v reflect.Value, path []key) any {
	for _, k := range path {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return nil
			}
			v = v.Elem()
		}
		if v = v.FieldByIndex(k.index); k.omit && v.IsZero() {
			return nil
		}
	}
	return v.Interface()
}

// Fields are values as a CSV holds them: numbers with all their digits, times in UTC, and
// nothing for nil.
func Fields(values ...any) []string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = field(value)
	}
	return texts
}

func field(value any) string {
	if v := reflect.ValueOf(value); v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		value = v.Elem().Interface()
	}
	switch v := value.(type) {
	case nil:
		return ""
	case float64:
		return digits(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	}
	return fmt.Sprint(value)
}

func digits(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// WriteCSV writes rows as CSV. They are made inert in place.
func WriteCSV(w io.Writer, rows [][]string) error { return csv.NewWriter(w).WriteAll(inert(rows)) }

// inert makes texts that came from others harmless where a CSV is opened: on one line, without
// control characters and, if a spreadsheet would take it for a formula, after an apostrophe. Numbers
// stay, negative ones included.
func inert(rows [][]string) [][]string {
	for _, row := range rows {
		for i, text := range row {
			row[i] = model.OneLine(text)
			if _, err := strconv.ParseFloat(row[i], 64); err != nil && strings.IndexAny(row[i], "=+-@＝＋－＠") == 0 {
				row[i] = "'" + row[i]
			}
		}
	}
	return rows
}
