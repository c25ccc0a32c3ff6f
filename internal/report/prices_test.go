package report

import (
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func TestBuiltinPricesTellThatTheyMayBeOld(t *testing.T) {
	for _, p := range BuiltinPrices().All() {
		if p.PerTPSHour <= 0 || p.Date == "" || !strings.Contains(p.Source, "may be out of date") {
			t.Errorf("%+v", p)
		}
	}
	live := NewPrices(Price{Region: "us-east-1", Product: ProductCampaign, PerTPSHour: 7})
	if p, _ := live.Over(BuiltinPrices()).Of("us-east-1", ProductCampaign); p.PerTPSHour != 7 {
		t.Errorf("the built-in price wins: %+v", p)
	}
}

func TestProducts(t *testing.T) {
	for _, c := range []struct {
		kind   model.Kind
		recipe string
		want   Product
	}{
		{model.Campaign, "aws-user-personalization", ProductCampaign},
		{model.Campaign, "aws-user-personalization-v2", ProductCampaignV2},
		{model.Campaign, "aws-personalized-ranking-v2", ProductCampaignV2},
		{model.Recommender, "aws-ecomm-recommended-for-you", ProductRecommender},
	} {
		if got := ProductOf(c.kind, c.recipe); got != c.want {
			t.Errorf("%s %s: %s", c.kind, c.recipe, got)
		}
	}
}
