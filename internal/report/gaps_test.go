package report_test

import (
	"slices"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// What a result lacks is what could not be listed, and what could not be described and of which there is no copy.
func TestGaps(t *testing.T) {
	const arn = "arn:aws:personalize:us-east-1:111122223333:campaign/"
	shop := model.Account{ID: "111122223333", Name: "shop"}
	r := report.Result{
		Resources: []report.Resource{{Subject: report.Subject{ARN: arn + "known", Kind: model.Campaign, Region: "us-east-1"}}},
		Problems: []model.Problem{
			{Region: "eu-west-1", Operation: "ListRecommenders", Account: shop},
			{Region: "eu-west-1", Operation: "ListRecommenders", Account: shop},
			{Region: "eu-west-1", Operation: "ListSolutions"},
			{Region: "us-east-1", ARN: arn + "known", Operation: "DescribeCampaign"},
			{Region: "us-east-1", ARN: arn + "known", Operation: "UpdateCampaign"},
			{Region: "us-west-2", ARN: arn + "unknown", Operation: "DescribeCampaign"},
		},
	}
	var got []string
	for _, gap := range r.Gaps() {
		got = append(got, gap.String())
	}
	if want := []string{"some recommenders in eu-west-1 of shop (111122223333)", "some campaigns in us-west-2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
