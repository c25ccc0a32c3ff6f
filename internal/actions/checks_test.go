package actions

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
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
			w.Server.AddFault(tt.fault)
			var records []events.Audit
			a, _ := w.actor(recorder(&records), confirming(rules.Stop))
			w.Writes()
			answer, err := a.Do(ctxAll, model.ActionStop, automatic(t, model.ActionStop, "recommender/for-you", 0, 0))
			w.wantAnswer(answer, err, writer.Refused, "is not executed: ")
			if !strings.Contains(answer.Why, tt.want) || len(records) != 1 || records[0].Outcome != events.OutcomeRefused {
				t.Errorf("why %q, records %+v", answer.Why, records)
			}
			if calls := w.actions(); calls["personalize.StopRecommender"] > 0 || calls["events.PutEvents"] > 0 {
				t.Errorf("writes %v", calls)
			}
			// A person is obeyed all the same.
			answer, err = a.Do(ctxAll, model.ActionStop, ask(t, "recommender/for-you", 0))
			w.wantAnswer(answer, err, writer.Done, "is being stopped")
		})
	}
}

// noRemovals is a meter that has seen no removals.
type noRemovals struct{}

func (noRemovals) Measure(_ context.Context, queries []model.Query, _ func(done, total int)) (model.Readings, []model.Problem) {
	readings := model.Readings{}
	for _, q := range queries {
		readings[q] = model.Series{Complete: true}
	}
	return readings, nil
}

// left is what is left of the removals of a region with the limit 1.
func (a *Actions) left() rules.Left {
	question := writer.BudgetQuestion{Region: other, Topic: awsbed.TopicIn(other), Limits: map[rules.Budgeted]int{rules.Removals: 1}}
	return a.o.Budget.Left(ctxAll, question)[rules.Removals]
}

// A failed action returns its share of the budget.
func TestAFailedActionReturnsItsShare(t *testing.T) {
	w := newShop(t)
	a, _ := w.actor(func(o *testOptions) { o.Meter = noRemovals{} }, confirming(rules.Delete))
	req := automatic(t, model.ActionDelete, "campaign/home", 0, 0)
	w.Server.AddFault(localaws.Fault{Service: "personalize", Operation: "DeleteCampaign", Code: "AccessDeniedException", Times: 1})
	if _, err := a.Do(ctxAll, model.ActionDelete, req); err == nil {
		t.Error("no error")
	}
	if left := a.left(); left.N != 1 {
		t.Error(left.Why)
	}
	answer, err := a.Do(ctxAll, model.ActionDelete, req)
	w.wantAnswer(answer, err, writer.Done, "is being deleted")
	if left := a.left(); left.N != 0 || !strings.Contains(left.Why, "1 of at most 1") {
		t.Errorf("left %+v", left)
	}
}

// An action whose answer is lost may have been executed: unless it is known that it was not, it
// keeps its share.
func TestAnActionWhoseAnswerIsLostKeepsItsShare(t *testing.T) {
	for _, unreadable := range []bool{true, false} {
		w := newShop(t)
		a, _ := w.actor(func(o *testOptions) { o.Meter = noRemovals{} }, confirming(rules.Delete))
		w.Server.AddFault(localaws.Fault{Service: "personalize", Operation: "DeleteCampaign", Kind: localaws.Reset})
		if unreadable {
			w.Server.AddFault(localaws.Fault{Service: "personalize", Operation: "DescribeCampaign", Skip: 1, Code: "AccessDeniedException"})
		}
		_, err := a.Do(ctxAll, model.ActionDelete, automatic(t, model.ActionDelete, "campaign/home", 0, 0))
		if err == nil || !strings.Contains(err.Error(), "may have been accepted") {
			t.Errorf("unreadable %v: %v", unreadable, err)
		}
		if left := a.left(); left.N != 0 || !strings.Contains(left.Why, "1 of at most 1") {
			t.Errorf("unreadable %v: left %+v", unreadable, left)
		}
	}
}

// That someone else's update is in progress by then does not show that it was not executed.
func TestALostAnswerDuringAnUpdateKeepsItsShare(t *testing.T) {
	inner := newShop(t)
	w := worldAround(t, inner.Clock, inner.Server, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == "AmazonPersonalize.DeleteCampaign" {
			in := &personalize.UpdateCampaignInput{CampaignArn: aws.String(ask(t, "campaign/home", 0).ARN.String()), MinProvisionedTPS: aws.Int32(7)}
			_, _ = inner.Raw.Personalize(other).UpdateCampaign(ctxAll, in) // the second time it is in progress
			panic(http.ErrAbortHandler)
		}
		inner.Server.ServeHTTP(out, r)
	}))
	a, _ := w.actor(func(o *testOptions) { o.Meter = noRemovals{} }, confirming(rules.Delete))
	_, err := a.Do(ctxAll, model.ActionDelete, automatic(t, model.ActionDelete, "campaign/home", 0, 0))
	if err == nil || !strings.Contains(err.Error(), "in progress") {
		t.Error(err)
	}
	if left := a.left(); left.N != 0 {
		t.Errorf("left %+v", left)
	}
}

// A budget is shared by all that act, and what the metric shows counts although the action failed.
func TestTheBudgetIsShared(t *testing.T) {
	w := newShop(t)
	one := func(o *testOptions) { o.MaxEndings = 1 }
	a, _ := w.actor(one, confirming(rules.Delete))
	w.Server.AddFault(localaws.Fault{Service: "personalize", Operation: "DeleteCampaign", Code: "AccessDeniedException", Times: 1})
	if _, err := a.Do(ctxAll, model.ActionDelete, automatic(t, model.ActionDelete, "campaign/home", 0, 0)); err == nil {
		t.Error("no error")
	}
	// It was made known before it was tried, so that the hour counts it as spent all the same.
	b, _ := w.actor(one, confirming(rules.Stop))
	answer, err := b.Do(ctxAll, model.ActionStop, automatic(t, model.ActionStop, "recommender/for-you", 0, 0))
	w.wantAnswer(answer, err, writer.Refused, "1 of at most 1 stops and deletes an hour in "+other+" are used up")

	alone, _ := w.actor(func(o *testOptions) { o.Meter = nil }, confirming(rules.Stop))
	answer, err = alone.Do(ctxAll, model.ActionStop, automatic(t, model.ActionStop, "recommender/for-you", 0, 0))
	w.wantAnswer(answer, err, writer.Refused, "could not be read")
}
