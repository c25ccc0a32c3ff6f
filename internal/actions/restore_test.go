package actions

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// recorder keeps the audit records, except those that precede a stop or deletion.
func recorder(into *[]events.Audit) func(*testOptions) {
	return func(o *testOptions) {
		o.AuditLog = func(_ context.Context, record events.Audit) error {
			if record.Outcome != events.OutcomeBegun {
				*into = append(*into, record)
			}
			return nil
		}
	}
}

// confirming confirms whatever the event requests.
func confirming(action rules.Verdict) func(*testOptions) {
	return func(o *testOptions) {
		o.Recheck = recheckFunc(func(_ context.Context, req events.Request) (rules.Decision, error) {
			return rules.Decision{
				Resource: model.Resource{ARN: req.ARN, Kind: req.Kind, MinTPS: max(1, req.CurrentMinTPS), Created: testTime.Add(-30 * day)},
				Verdict:  action, NewMinTPS: req.NewMinTPS, Reason: "by the numbers",
				By: rules.Settings{IdleHours: 24, StopIdle: model.On, AdjustMinTPS: model.On},
				At: rules.EvaluationTime{Now: testTime, Window: model.NewWindow(testTime.Add(-5*time.Minute), testTime)},
			}, nil
		})
	}
}

func (w *world) tagResource(resource string, tags map[string]string) {
	w.T.Helper()
	in := &personalize.TagResourceInput{ResourceArn: aws.String(ask(w.T, resource, 0).ARN.String())}
	for key, value := range tags {
		in.Tags = append(in.Tags, types.Tag{TagKey: aws.String(key), TagValue: aws.String(value)})
	}
	_, err := w.Raw.Personalize(other).TagResource(ctxAll, in)
	w.Must(err)
}

func (w *world) tags(resource string) map[string]string {
	w.T.Helper()
	tags, err := writer.New(writer.Options{Clients: w.Raw}).ReadTags(ctxAll, other, ask(w.T, resource, 0).ARN.String())
	w.Must(err)
	return tags
}

// What the notification says brings a deleted campaign back as it was.
func TestADeletedCampaignIsRestored(t *testing.T) {
	w := newShop(t)
	tags := map[string]string{"team": "search", "cost center": "12 / 7"}
	w.tagResource("campaign/home", tags)
	before := w.campaign()
	var records []events.Audit
	a, _ := w.actor(recorder(&records), confirming(rules.Delete))
	answer, err := a.Do(ctxAll, model.ActionDelete, automatic(t, model.ActionDelete, "campaign/home", 0, 0))
	w.wantAnswer(answer, err, writer.Done, "is being deleted")

	// The one command is in the notification, the answer and the record alike.
	var detail events.NotificationDetail
	w.Must(json.Unmarshal(w.Server.Events()[0].Detail, &detail))
	sent, err := events.DecodeAudit(w.Server.Events()[0].Detail)
	w.Must(err)
	token, ok := strings.CutPrefix(sent.Restore, "personalize-monitor restore --record ")
	if !ok || answer.Restore != sent.Restore || records[0].Restore != sent.Restore {
		t.Fatalf("sent %q, answered %q, recorded %q", sent.Restore, answer.Restore, records[0].Restore)
	}
	if in := sent.Inputs; in == nil || in.IdleThresholdHours != 24 || in.MinTPS != 1 || !sent.Automatic {
		t.Errorf("sent %+v", sent)
	}
	record, err := events.FromToken(token)
	w.Must(err)

	// It is still on its way out: that is waited for, even if it cannot be seen for a while.
	w.Server.AddFault(localaws.Fault{Service: "personalize", Operation: "DescribeCampaign", Skip: 2, Times: 7, Code: "ThrottlingException"})
	var waits []string
	answer, err = a.Restore(ctxAll, record, RestoreOptions{Progress: func(what string) { waits = append(waits, what) }})
	w.wantAnswer(answer, err, writer.Done, "created again, with a minimum of 10 TPS; it is in service.")
	if len(waits) < 2 || !strings.Contains(waits[0], "home: its status is DELETE") {
		t.Errorf("waited %q", waits)
	}
	after := w.campaign()
	if *after.Name != "home" || *after.SolutionVersionArn != *before.SolutionVersionArn || *after.MinProvisionedTPS != 10 ||
		!reflect.DeepEqual(after.CampaignConfig, before.CampaignConfig) || *after.Status != "ACTIVE" {
		t.Errorf("became %+v, was %+v", after, before)
	}
	if got := w.tags("campaign/home"); !reflect.DeepEqual(got, tags) {
		t.Errorf("tags %v", got)
	}
	if last := records[len(records)-1]; last.Action != model.ActionRestore || last.Outcome != events.OutcomeDone || last.Restore != "" {
		t.Errorf("record %+v", last)
	}

	// Again: there is nothing to do.
	answer, err = a.Restore(ctxAll, record, RestoreOptions{})
	w.wantAnswer(answer, err, writer.AlreadySo, "exists")
}

func TestAStoppedRecommenderAndAMinimumAreRestored(t *testing.T) {
	w := newShop(t)
	var records []events.Audit
	a, _ := w.actor(recorder(&records), confirming(rules.Stop))
	before := w.recommender()
	_, err := a.Do(ctxAll, model.ActionStop, automatic(t, model.ActionStop, "recommender/for-you", 0, 0))
	w.Must(err)
	if records[0].Restore != "personalize-monitor start-recommender "+*before.RecommenderArn {
		t.Errorf("restored by %q", records[0].Restore)
	}
	answer, err := a.Restore(ctxAll, records[0], RestoreOptions{})
	w.wantAnswer(answer, err, writer.Done, "is being started; it is in service.")
	if after := w.recommender(); *after.Status != "ACTIVE" || !reflect.DeepEqual(after.RecommenderConfig, before.RecommenderConfig) {
		t.Errorf("became %+v", after)
	}

	records = nil
	_, err = a.Do(ctxAll, model.ActionUpdate, ask(t, "recommender/for-you", 3))
	w.Must(err)
	if records[0].Restore != "personalize-monitor update-tps "+*before.RecommenderArn+" 8" {
		t.Errorf("restored by %q", records[0].Restore)
	}
	var waits []string
	answer, err = a.Restore(ctxAll, records[0], RestoreOptions{Progress: func(what string) { waits = append(waits, what) }})
	if len(waits) == 0 || !strings.Contains(waits[0], "complete: for-you: an update to 3 is in progress (") {
		t.Errorf("progress %q, want what is waited for", waits)
	}
	w.wantAnswer(answer, err, writer.Done, "is being updated from 3 to 8 RPS; it is in service.")
	if after := w.recommender(); !reflect.DeepEqual(after.RecommenderConfig, before.RecommenderConfig) {
		t.Errorf("became %+v", after)
	}
}

// A change that is in progress may fail: what is restored then is confirmed, too.
func TestARestorationIsConfirmedBesideTheSameChangeInProgress(t *testing.T) {
	w := newShop(t)
	var records []events.Audit
	a, _ := w.actor(recorder(&records))
	for _, minimum := range []int{3, 8} {
		_, err := a.Do(ctxAll, model.ActionUpdate, ask(t, "recommender/for-you", minimum))
		w.Must(err)
		if minimum == 3 {
			w.Clock.Advance(time.Hour)
		}
	}
	asked := ""
	declined := errors.New("declined")
	_, err := a.Restore(ctxAll, records[0], RestoreOptions{Confirm: func(_ context.Context, what string) error { asked = what; return declined }})
	if !errors.Is(err, declined) || !strings.HasPrefix(asked, "set the minimum of recommender ") || !strings.HasSuffix(asked, " to 8 RPS") {
		t.Errorf("asked %q: %v", asked, err)
	}
	w.Clock.Advance(time.Hour)
	asked = ""
	answer, err := a.Restore(ctxAll, records[0], RestoreOptions{Confirm: func(_ context.Context, what string) error { asked = what; return declined }})
	w.wantAnswer(answer, err, writer.AlreadySo, "has a minimum of 8 RPS already")
	if asked != "" {
		t.Errorf("asked %q, although there is nothing to do", asked)
	}
}

func TestRestoreRefuses(t *testing.T) {
	w := newShop(t)
	a, _ := w.actor()
	home := ask(t, "campaign/home", 0).ARN.String()
	good := events.Audit{
		Time: testTime, ARN: strings.Replace(home, "home", "gone", 1), Kind: model.Campaign, Region: other,
		Action: model.ActionDelete, Outcome: events.OutcomeDone,
		Before: &events.Before{Name: "gone", MinTPS: 2, SolutionVersion: *w.campaign().SolutionVersionArn},
	}
	w.Writes()
	for name, tt := range map[string]struct {
		change func(*events.Audit)
		want   string
	}{
		"was not done":             {func(r *events.Audit) { r.Outcome = events.OutcomeRefused }, "an action that was not done (refused)"},
		"nothing to undo":          {func(r *events.Audit) { r.Action = model.ActionStart }, "cannot be undone"},
		"nothing known":            {func(r *events.Audit) { r.Before = nil }, "does not have the state of the resource"},
		"no solution version":      {func(r *events.Audit) { r.Before.SolutionVersion = "" }, "does not have its solution version"},
		"a setting of tomorrow":    {func(r *events.Audit) { r.Before.Config = json.RawMessage(`{"dreams":true}`) }, "does not know (dreams)"},
		"settings of a wrong form": {func(r *events.Audit) { r.Before.Config = json.RawMessage(`{"syncWithLatestSolutionVersion":"x"}`) }, "read its settings"},
		"another account": {func(r *events.Audit) {
			r.ARN = strings.Replace(r.ARN, testAccount, "999999999999", 1)
			r.Before.SolutionVersion = strings.Replace(r.Before.SolutionVersion, testAccount, "999999999999", 1)
		}, "belongs to the account 999999999999"},
		"another partition": {func(r *events.Audit) {
			r.ARN = "arn:aws-cn:personalize:cn-north-1:" + testAccount + ":campaign/gone"
			r.Before.SolutionVersion = "arn:aws-cn:personalize:cn-north-1:" + testAccount + ":solution/s/1"
		}, "another partition"},
		"another resource's state": {func(r *events.Audit) { r.Before.Name = "home" }, `has the state of another resource, "home"`},
		"another account's solution": {func(r *events.Audit) {
			r.Before.SolutionVersion = strings.Replace(r.Before.SolutionVersion, testAccount, "999999999999", 1)
		}, "in the same account and region"},
		"another region's solution": {func(r *events.Audit) {
			r.Before.SolutionVersion = strings.Replace(r.Before.SolutionVersion, other, "eu-central-1", 1)
		}, "in the same account and region"},
		"no minimum":                  {func(r *events.Audit) { r.Before.MinTPS = 0 }, "has a minimum of 0"},
		"a minimum that is too large": {func(r *events.Audit) { r.Before.MinTPS = 10_001 }, "10,001 TPS is more than 10,000 TPS; if that is meant, allow it (--allow-large"},
		"ten times the present, and 1": {func(r *events.Audit) {
			r.ARN, r.Action, r.Before.Name, r.Before.MinTPS = home, model.ActionUpdate, "home", 101
		}, "101 TPS is more than 10 times the present minimum of 10 TPS"},
		"a recommender, deleted":     {func(r *events.Audit) { r.ARN = strings.Replace(r.ARN, "campaign/", "recommender/", 1) }, "deletes campaigns"},
		"a solution version is gone": {func(r *events.Audit) { r.Before.SolutionVersion += "x" }, "create the campaign"},
	} {
		t.Run(name, func(t *testing.T) {
			record := good
			before := *good.Before
			record.Before = &before
			tt.change(&record)
			_, err := a.Restore(ctxAll, record, RestoreOptions{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	calls := w.actions()
	delete(calls, "personalize.CreateCampaign") // refused for want of the solution version
	if len(calls) > 0 {
		t.Errorf("writes %v", calls)
	}
}

func TestRestoreIsGivenUpWithItsContext(t *testing.T) {
	w := newShop(t)
	var records []events.Audit
	a, _ := w.actor(recorder(&records))
	_, err := a.Do(ctxAll, model.ActionDelete, ask(t, "campaign/home", 0))
	w.Must(err)
	ctx, cancel := context.WithCancel(ctxAll)
	_, err = a.Restore(ctx, records[0], RestoreOptions{Progress: func(string) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A campaign that followed its solution does so again, whichever way it was described.
func TestCreationFollowsAgain(t *testing.T) {
	const solution = "arn:aws:personalize:us-east-1:123456789012:solution/s"
	for _, version := range []string{solution + "/0a1b2c3d", solution + "/$LATEST"} {
		in, err := creation(events.Before{
			Name: "c", MinTPS: 1, SolutionVersion: version, Config: json.RawMessage(`{"syncWithLatestSolutionVersion":true}`),
			Tags: map[string]string{"aws:cloudformation:stack-name": "s", "b": "2", "a": "1"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if *in.SolutionVersionArn != solution+"/$LATEST" {
			t.Errorf("%s: %s", version, *in.SolutionVersionArn)
		}
		if len(in.Tags) != 2 || *in.Tags[0].TagKey != "a" { // AWS sets its own tags by itself
			t.Errorf("tags %+v", in.Tags)
		}
	}
}

// A deletion whose record would lack the tags is not made by itself; a person's is.
func TestTagsThatCannotBeRead(t *testing.T) {
	w := newShop(t)
	w.Server.AddFault(localaws.Fault{Service: "personalize", Operation: "ListTagsForResource", Code: "AccessDeniedException"})
	var records []events.Audit
	a, log := w.actor(recorder(&records), confirming(rules.Delete))
	w.Writes()
	if _, err := a.Do(ctxAll, model.ActionDelete, automatic(t, model.ActionDelete, "campaign/home", 0, 0)); err == nil || !strings.Contains(err.Error(), "read its tags") {
		t.Errorf("error %v", err)
	}
	w.wantActions(map[string]int{})
	if records[0].Outcome != events.OutcomeFailed {
		t.Errorf("record %+v", records[0])
	}
	_, err := a.Do(ctxAll, model.ActionDelete, ask(t, "campaign/home", 0))
	w.Must(err)
	if log.Count("level=WARN", "its tags are not recorded") != 1 || records[1].Before.Tags != nil {
		t.Errorf("record %+v\nlog:\n%s", records[1], log.String())
	}
}
