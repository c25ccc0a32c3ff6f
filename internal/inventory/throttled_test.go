package inventory_test

import (
	"fmt"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// However often AWS throttles descriptions, no campaign is left out while that gets further:
// the calls of the SDK, three with its retries, are not all that there is time for.
func TestThrottledDescriptionsAreTriedAgain(t *testing.T) {
	s := newService(t)
	for i := range 150 {
		s.addCampaign(region, fmt.Sprintf("c%d", i), nil)
	}
	accepted, calls := 0, 0
	s.change(func() {
		s.fault = func(op, _, _ string, _ int) string {
			if op != "DescribeCampaign" && op != "DescribeSolutionVersion" {
				return ""
			}
			if calls++; calls%3 != 0 { // two of three calls are too many
				return "ThrottlingException"
			}
			accepted++
			return ""
		}
	})
	inv, _ := s.inventory()
	began := s.clk.Now()
	got := inv.Discover(t.Context(), everything(region), nil, nil)
	if len(got.Resources) != 150 || len(got.Problems) > 0 {
		t.Errorf("%d resources, problems %v", len(got.Resources), got.Problems)
	}
	if got, problems := inv.Refresh(t.Context(), got.Resources[:min(40, len(got.Resources))]); len(got) != 40 || len(problems) > 0 {
		t.Errorf("described again: %d, problems %v", len(got), problems)
	}
	t.Logf("%d calls, %d accepted, %v", calls, accepted, s.clk.Now().Sub(began))

	// In vain it ends, with the problem as AWS reports it.
	s.change(func() { s.fault = func(string, string, string, int) string { return "ThrottlingException" } })
	if _, problems := inv.Refresh(t.Context(), []model.Resource{got.Resources[0]}); len(problems) != 1 {
		t.Errorf("problems %v", problems)
	}
}
