package act

import (
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// When in doubt about how much was stopped lately, or when it cannot be made known, nothing is.
func TestABudgetInDoubtIsSpent(t *testing.T) {
	for name, tt := range map[string]struct {
		fault localaws.Fault
		want  string
	}{
		"it cannot be read":            {localaws.Fault{Service: "cloudwatch", Operation: "GetMetricData", Code: "AccessDenied"}, "within the last hour could not be read"},
		"it is read in part":           {localaws.Fault{Service: "cloudwatch", Operation: "GetMetricData", Kind: localaws.Partial}, "within the last hour could not be read"},
		"ours could not be made known": {localaws.Fault{Service: "cloudwatch", Operation: "PutMetricData", Code: "AccessDenied", Times: 1}, "could not be counted against"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newShop(t)
			w.server.AddFault(tt.fault)
			var records []events.Audit
			a, _ := w.actor(recorder(&records), bearingOut(rules.Stop))
			w.writes()
			answer, err := a.StopRecommender(ctxAll, automatic(t, model.ActionStop, "recommender/for-you", 0, 0))
			w.wantAnswer(answer, err, Refused, "is not carried out: ")
			if !strings.Contains(answer.Why, tt.want) || len(records) != 1 || records[0].Outcome != events.OutcomeRefused {
				t.Errorf("why %q, records %+v", answer.Why, records)
			}
			if calls := w.actions(); calls["personalize.StopRecommender"] > 0 || calls["events.PutEvents"] > 0 {
				t.Errorf("writes %v", calls)
			}
			// A person is obeyed all the same.
			answer, err = a.StopRecommender(ctxAll, ask(t, "recommender/for-you", 0))
			w.wantAnswer(answer, err, Done, "is being stopped")
		})
	}
}

// A budget is shared by all that act, and a failed action gives its share back.
func TestTheBudgetIsShared(t *testing.T) {
	w := newShop(t)
	one := func(o *Options) { o.MaxEndings = 1 }
	a, _ := w.actor(one, bearingOut(rules.Delete))
	w.server.AddFault(localaws.Fault{Service: "personalize", Operation: "DeleteCampaign", Code: "AccessDeniedException", Times: 1})
	if _, err := a.DeleteCampaign(ctxAll, automatic(t, model.ActionDelete, "campaign/home", 0, 0)); err == nil {
		t.Error("no error")
	}
	if len(a.budget.made[other]) != 0 {
		t.Errorf("kept %v", a.budget.made)
	}
	// It was made known before it was tried, so that the hour counts it as spent all the same.
	b, _ := w.actor(one, bearingOut(rules.Stop))
	answer, err := b.StopRecommender(ctxAll, automatic(t, model.ActionStop, "recommender/for-you", 0, 0))
	w.wantAnswer(answer, err, Refused, "1 of at most 1 stops and deletes an hour in "+other+" are used up")

	alone, _ := w.actor(func(o *Options) { o.Meter = nil }, bearingOut(rules.Stop))
	answer, err = alone.StopRecommender(ctxAll, automatic(t, model.ActionStop, "recommender/for-you", 0, 0))
	w.wantAnswer(answer, err, Refused, "could not be read")
}
