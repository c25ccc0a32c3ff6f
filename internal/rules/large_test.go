package rules

import (
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func TestLargeMinimum(t *testing.T) {
	for _, tt := range []struct {
		name             string
		kind             model.Kind
		minimum, present int
		want             string
	}{
		{"ten times the present", model.Campaign, 200, 20, ""},
		{"more than that", model.Campaign, 201, 20, "201 TPS is more than 10 times the present minimum of 20 TPS"},
		{"of a recommender", model.Recommender, 11, 1, "11 RPS is more than 10 times the present minimum of 1 RPS"},
		{"a lower one", model.Campaign, 1, 20, ""},
		{"compared with none", model.Campaign, 5000, 0, ""},
		{"at the limit", model.Campaign, 10_000, 9000, ""},
		{"above the limit", model.Campaign, 10_001, 9000, "10,001 TPS is more than 10,000 TPS"},
		{"above the limit, compared with none", model.Recommender, 10_001, 0, "10,001 RPS is more than 10,000 RPS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := LargeMinimum(tt.kind, tt.minimum, tt.present); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
