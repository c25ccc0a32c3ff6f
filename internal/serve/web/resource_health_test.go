package web_test

import (
	"html"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/test/webstory"
)

// The page of a resource says how much of its demand is known, that its minimum is contested, and
// how calls fared before and after each step-down.
func TestTheEvidenceOfAResourceIsShown(t *testing.T) {
	h := page(t, "shop", nil)
	body := func(target string) string { return html.UnescapeString(get(t, h, target).Body.String()) }
	contested := body("/resource?arn=" + webstory.ForYou)
	for _, want := range []string{
		`</svg>Contested</span>`,
		"Demand known: 330 of 336 h; 6 h unknown: 6 not watched (from 2026-03-01 04:00). Nothing is decided by unknown hours.",
	} {
		if !strings.Contains(contested, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if stepped := body("/resource?arn=" + webstory.SimilarItems); !strings.Contains(stepped, "Up to 24 h before → after: failed calls ") ||
		!strings.Contains(stepped, ", cold steps ") || strings.Contains(stepped, ">Contested<") {
		t.Errorf("what followed the step-down is not shown:\n%s", stepped[strings.Index(stepped, `id="history"`):])
	}
	overview := body("/")
	for _, want := range []string{"Data health: the demand of 98.2% of 336 hours is known. Nothing is decided by the unknown hours of 1 endpoint.", `</svg>Contested</span>`} {
		if !strings.Contains(overview, want) {
			t.Errorf("the overview does not say %q", want)
		}
	}
}
