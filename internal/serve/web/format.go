package web

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// figure prints a number as short as it is still of use: 12,345; 123; 12.3; 1.23.
func figure(v float64) string {
	switch abs := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case abs >= 99.95:
		return thousands(math.Round(v))
	case abs >= 9.995:
		return trimmed(v, 1)
	default:
		return trimmed(v, 2)
	}
}

// trimmed prints v with at most so many decimals.
func trimmed(v float64, decimals int) string {
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}

// thousands prints a whole number with commas.
func thousands(v float64) string {
	digits := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if v < 0 && digits != "0" {
		return "-" + digits
	}
	return digits
}

func percent(v float64) string { return figure(v) + "%" }

// percentOf is a share in percent; 0 of nothing.
func percentOf(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return part / whole * 100
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return thousands(float64(n)) + " " + word + "s"
}

// stamp is a time for people and for programs; empty for none.
type stamp struct{ Machine, Human, Ago string }

func stampOf(t, now time.Time) stamp {
	if t.IsZero() {
		return stamp{}
	}
	t = t.UTC()
	return stamp{Machine: t.Format(time.RFC3339), Human: t.Format("2006-01-02 15:04 UTC"), Ago: ago(now.Sub(t))}
}

// ago is how long something is past, rounded down; what lies ahead is told as such.
func ago(d time.Duration) string {
	switch {
	case d <= -time.Minute:
		return "in " + lasting(-d)
	case d < time.Minute:
		return "just now"
	}
	return lasting(d) + " ago"
}

func lasting(d time.Duration) string {
	switch {
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 96*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
