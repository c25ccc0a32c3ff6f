package inventory_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func TestTags(t *testing.T) {
	s := newService(t)
	inv, _ := s.inventory()
	web, bare := s.addCampaign(region, "web", object{"tags": []object{{"tagKey": "team", "tagValue": "web"}, {"tagKey": "size", "tagValue": ""}}}), s.addRecommender("us-east-1", "bare", nil)
	refused := s.addCampaign(region, "refused", nil)
	s.fail("ListTagsForResource", refused, "AccessDeniedException")
	tags, problems := inv.Tags(t.Context(), []model.Resource{{ARN: web}, {ARN: bare}, {ARN: refused}})
	want := map[model.ARN]map[string]string{web: {"team": "web", "size": ""}, bare: {}}
	if diff := cmp.Diff(want, tags); diff != "" {
		t.Error(diff)
	}
	if len(problems) != 1 || problems[0].ARN != refused.String() || problems[0].Operation != "ListTagsForResource" {
		t.Errorf("problems %v", problems)
	}
	if n := s.count("ListTagsForResource"); n != 3 {
		t.Errorf("%d calls for 3 resources", n)
	}
}
