package model

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// OneLine puts a text on one line: each run of spaces, control characters, which could upset a
// terminal, and marks of text direction, which could make a text look like another, becomes one
// space.
func OneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || deceptive(r) }), " ")
}

// deceptive reports whether a character can make a text look like another: a control character, or a
// mark that overrides the direction of text (Unicode, Bidi_Control: U+202A to U+202E, U+2066 to
// U+2069 and others).
func deceptive(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// Visible is a page whose deceptive characters, other than tabs and ends of lines, are replaced by
// U+FFFD.
func Visible(page []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if deceptive(r) && !unicode.IsSpace(r) {
			return unicode.ReplacementChar
		}
		return r
	}, page)
}

// Plural is a number with its noun, whose plural ends in s.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Number(float64(n), 0) + " " + noun + "s"
}

// Thousands puts commas into the whole part of a number.
func Thousands(number string) string {
	whole, rest, _ := strings.Cut(number, ".")
	if len(whole) < len(number) {
		rest = "." + rest
	}
	for i := len(whole) - 3; i > 0 && whole[i-1] >= '0' && whole[i-1] <= '9'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return whole + rest
}

// Number is v with so many decimals and commas between thousands.
func Number(v float64, decimals int) string {
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(text, "-0.") == "" {
		text = strings.TrimPrefix(text, "-")
	}
	return Thousands(text)
}

// trimmed is v with at most so many decimals, of which there is at least one.
func trimmed(v float64, decimals int) string {
	return strings.TrimRight(strings.TrimRight(Number(v, decimals), "0"), ".")
}

// Figure is a number as short as it is still of use: 12,345; 123; 12.3; 1.23.
func Figure(v float64) string {
	switch abs := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case abs >= 99.95:
		return Number(math.Round(v), 0)
	case abs >= 9.995:
		return trimmed(v, 1)
	default:
		return trimmed(v, 2)
	}
}

// Span is a duration for people: minutes below two hours, hours below four days, days beyond, always
// rounded down. A negative one means that a clock is wrong.
func Span(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Span(-d)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 96*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
