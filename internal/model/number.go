package model

import (
	"math"
	"strconv"
	"strings"
)

// Number is v with so many decimals and commas between thousands.
func Number(v float64, decimals int) string {
	text := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole, rest, found := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		whole += "." + rest
	}
	if v < 0 && strings.Trim(text, "0.") != "" {
		return "-" + whole
	}
	return whole
}

// Trimmed is v with at most so many decimals.
func Trimmed(v float64, decimals int) string {
	text := Number(v, decimals)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// Figure is a number as short as it is still of use: 12,345; 123; 12.3; 1.23.
func Figure(v float64) string {
	switch abs := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case abs >= 99.95:
		return Number(math.Round(v), 0)
	case abs >= 9.995:
		return Trimmed(v, 1)
	default:
		return Trimmed(v, 2)
	}
}
