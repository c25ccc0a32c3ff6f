package model

import (
	"strings"
	"testing"
)

// FuzzStatus holds that what is not known to be over is not taken to be.
func FuzzStatus(f *testing.F) {
	for _, seed := range []string{"", "ACTIVE", "active", "CREATE FAILED", "CREATE PENDING", "STOP IN PROGRESS", "DELETE IN_PROGRESS", "REBALANCING", "DELETE  PENDING", "ACTIVE "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := Status(text)
		if s.Settled() && (s.InProgress() || s.Deleting()) {
			t.Errorf("%q is over and under way", text)
		}
		if upper := strings.ToUpper(text); s.Settled() && upper != "ACTIVE" && upper != "CREATE FAILED" {
			t.Errorf("%q is taken to be over", text)
		}
		if (s.Deleting() || s.Doing("STOP")) && !s.InProgress() {
			t.Errorf("%q is going on, and nothing is", text)
		}
		r := Resource{Status: s}
		if r.Monitored() != (text == "ACTIVE") {
			t.Errorf("a resource in state %q is monitored: %v", text, r.Monitored())
		}
	})
}

// FuzzRecipe holds that a recipe's requests are only taken to be counted if its name is
// known, and that a region is one of letters, digits and dashes.
func FuzzRecipe(f *testing.F) {
	for _, seed := range []string{"", "arn:aws:personalize:::recipe/aws-sims", "arn:aws-cn:personalize:::recipe/aws-next-best-action", "aws-vod-", ":recipe/", "eu-west-1", "us-gov-west-1", "eu-west-1\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name := RecipeName(text)
		if r := RecipeOf(Campaign, name); r.Metric == "" || (r.Sure && !strings.HasPrefix(name, "aws-")) {
			t.Errorf("%q: %+v", text, r)
		}
		if r := RecipeOf(Recommender, name); !r.Sure || r.Metric != MetricGetRecommendations {
			t.Errorf("a recommender of %q: %+v", text, r)
		}
		if ValidRegion(text) && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("region %q", text)
		}
	})
}
