package web

import (
	"maps"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func percent(v float64) string { return model.Figure(v) + "%" }

// percentOf is a share in percent; 0 of nothing.
func percentOf(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return part / whole * 100
}

// stamp is a time for people and for programs; empty for the zero time.
type stamp struct{ Machine, Human, Ago string }

func stampOf(t, now time.Time) stamp {
	if t.IsZero() {
		return stamp{}
	}
	t = t.UTC()
	return stamp{Machine: t.Format(time.RFC3339), Human: t.Format("2006-01-02 15:04 UTC"), Ago: ago(t, now)}
}

// ago is an age up to a day, rounded down, and then a date; or how long until a time in the future.
func ago(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d <= -time.Minute:
		return "in " + model.Span(-d)
	case d < time.Minute:
		return "just now"
	case d < 24*time.Hour:
		return model.Span(d) + " ago"
	case d < 300*24*time.Hour:
		return t.Format("2 Jan 15:04")
	}
	return t.Format("2 Jan 2006")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
