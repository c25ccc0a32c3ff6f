package model

import (
	"strings"
	"unicode"
)

// OneLine puts a text on one line: each run of spaces and control characters, which could
// upset a terminal, becomes one space.
func OneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// Plural is a number with its noun, whose plural ends in s.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Number(float64(n), 0) + " " + noun + "s"
}
