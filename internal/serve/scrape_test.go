package serve

import (
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// The metrics of resources are what the library reads again: whatever a label contains, and nothing for what is unknown.
func TestResourcesAreWrittenInTheTextFormat(t *testing.T) {
	half := 50.0
	odd := "a \"quoted\" \\ name\nof two lines"
	lists := []accountResources{
		{`account="1",`, []report.Resource{{Subject: report.Subject{ARN: "one", Name: odd, Kind: "campaign", Region: "eu-west-1", Min: 3}, Utilization: &half}}},
		{`account="2",`, []report.Resource{{Subject: report.Subject{ARN: "two", Kind: "recommender", Min: 1}}}},
	}
	var text strings.Builder
	for _, m := range resourceMetrics {
		m.write(&text, lists)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text.String()))
	if err != nil {
		t.Fatalf("%v\n%s", err, &text)
	}
	minimum, utilization := families[resourcesPrefix+"minimum_requests_per_second"], families[resourcesPrefix+"utilization_ratio"]
	if len(families) != 2 || len(minimum.GetMetric()) != 2 || len(utilization.GetMetric()) != 1 {
		t.Fatalf("%v", families)
	}
	one := utilization.GetMetric()[0]
	labels := map[string]string{}
	for _, l := range one.GetLabel() {
		labels[l.GetName()] = l.GetValue()
	}
	if one.GetGauge().GetValue() != 0.5 || labels["name"] != odd || labels["account"] != "1" || labels["arn"] != "one" || labels["region"] != "eu-west-1" {
		t.Errorf("%v with %q", one.GetGauge(), labels)
	}
}
