package writer_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

// noMetrics is a meter to which CloudWatch shows nothing.
type noMetrics struct{}

func (noMetrics) Measure(_ context.Context, queries []model.Query, _ func(done, total int)) (model.Readings, []model.Problem) {
	readings := model.Readings{}
	for _, q := range queries {
		readings[q] = model.Series{Complete: true}
	}
	return readings, nil
}

// process is a process with a budget of five removals of its own, to which CloudWatch shows nothing.
type process struct{ *writer.Budget }

func (w *world) process(change ...func(*writer.Options)) process {
	a, _ := w.Writer(change...)
	return process{writer.NewBudget(a, noMetrics{}, 5)}
}

var homeCampaign = model.NewARN("aws", "personalize", home, awsbed.Account, "campaign/c")

// reserve reserves an action, and returns whether that was allowed, and why not.
func (b process) reserve(verdict rules.Verdict) (allowed bool, why string) {
	_, why = b.Reserve(ctxAll, homeCampaign, verdict)
	return why == "", why
}

// tags are those of the topic.
func (w *world) tags() writer.Tags {
	w.T.Helper()
	a, _ := w.Writer()
	tags, err := a.ReadTags(ctxAll, home, awsbed.TopicIn(home).String())
	w.Must(err)
	return tags
}

func (w *world) tag(tags map[string]string) {
	w.T.Helper()
	in := &sns.TagResourceInput{ResourceArn: aws.String(awsbed.TopicIn(home).String())}
	for key, value := range tags {
		in.Tags = append(in.Tags, types.Tag{Key: &key, Value: &value})
	}
	_, err := w.Raw.SNS(home).TagResource(ctxAll, in)
	w.Must(err)
}

// left asks what is left of both budgets, of five removals.
func (b process) left(stepDowns, leaving int) map[rules.Budgeted]rules.Left {
	return b.Left(ctxAll, writer.BudgetQuestion{
		Region: home, Topic: awsbed.TopicIn(home), Leaving: leaving,
		Limits: map[rules.Budgeted]int{rules.Removals: 5, rules.StepDowns: stepDowns},
	})
}

// Processes that know nothing of each other, and see no metric, share the budget.
func TestProcessesShareTheBudget(t *testing.T) {
	for name, tt := range map[string]struct {
		verdicts []rules.Verdict
		want     int
		why      string
	}{
		"removals":   {[]rules.Verdict{rules.Stop, rules.Delete}, 5, "5 of at most 5 stops and deletes an hour in " + home + " are used up (MaxStopsOrDeletesPerHour)"},
		"step-downs": {[]rules.Verdict{rules.StepDown}, 10, "10 of at most 10 step-downs an hour in " + home + " are used up (a fifth of the endpoints, at least 10)"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.CreateTopic(home)
			for i := range tt.want + 3 {
				allowed, why := w.process().reserve(tt.verdicts[i%len(tt.verdicts)])
				if allowed != (i < tt.want) || !allowed && why != tt.why {
					t.Errorf("process %d: %t, %s", i, allowed, why)
				}
			}
			if n := len(w.tags()); n != tt.want { // who is refused withdraws
				t.Errorf("%d tags: %v", n, w.tags())
			}
			w.Clock.Advance(64 * time.Minute)
			if allowed, _ := w.process().reserve(tt.verdicts[0]); allowed {
				t.Error("allowed within the hour")
			}
			w.Clock.Advance(10 * time.Minute)
			if allowed, why := w.process().reserve(tt.verdicts[0]); !allowed {
				t.Errorf("after the hour: %s", why)
			}
			if n := len(w.tags()); n != tt.want+1 { // a process whose clock is behind may still write them
				t.Errorf("%d tags shortly after the hour", n)
			}
			w.Clock.Advance(10 * time.Minute)
			if allowed, why := w.process().reserve(tt.verdicts[0]); !allowed || len(w.tags()) != 2 {
				t.Errorf("%s, tags that are over stay: %v", why, w.tags())
			}
		})
	}
}

// Whoever comes at the same moment, no more than the budget is allowed.
func TestABudgetAtOnce(t *testing.T) {
	w := newWorld(t)
	w.CreateTopic(home)
	var mu sync.Mutex
	allowed := 0
	var group sync.WaitGroup
	for range 5 {
		process := w.process()
		for range 4 {
			group.Go(func() {
				if ok, _ := process.reserve(rules.Delete); ok {
					mu.Lock()
					defer mu.Unlock()
					allowed++
				}
			})
		}
	}
	group.Wait()
	if left := w.process().left(10, 0)[rules.Removals]; allowed > 5 || left.N != 5-allowed {
		t.Errorf("%d allowed, %d left", allowed, left.N)
	}
	for {
		ok, why := w.process().reserve(rules.Delete)
		if !ok {
			if !strings.HasPrefix(why, "5 of at most 5") || allowed != 5 {
				t.Errorf("after %d: %s", allowed, why)
			}
			return
		}
		allowed++
	}
}

// A process keeps one tag of each kind while its counts last.
func TestOneTagAProcess(t *testing.T) {
	w := newWorld(t)
	w.CreateTopic(home)
	b := w.process()
	for _, wait := range []time.Duration{0, time.Minute, 10 * time.Minute} {
		w.Clock.Advance(wait)
		if allowed, why := b.reserve(rules.Stop); !allowed {
			t.Error(why)
		}
	}
	release, why := b.Reserve(ctxAll, homeCampaign, rules.StepDown)
	if why != "" {
		t.Error(why)
	}
	var kinds []string
	for key, value := range w.tags() {
		kinds = append(kinds, key[:strings.LastIndex(key, "/")]+" "+value)
	}
	got := strings.Join(kinds, ", ")
	for _, want := range []string{"Removals/cli 20260301T1000:2 20260301T1010:1", "StepDowns/cli 20260301T1010:1"} {
		if len(kinds) != 2 || !strings.Contains(got, want) {
			t.Errorf("tags %s, want %s", got, want)
		}
	}
	release(ctxAll)
	if tags := w.tags(); len(tags) != 1 {
		t.Errorf("after the release: %v", tags)
	}
	w.Clock.Advance(74 * time.Minute) // others may remove the first tag by now: it is not written again
	if allowed, why := b.reserve(rules.Stop); !allowed || len(w.tags()) != 2 {
		t.Errorf("%s, tags %v", why, w.tags())
	}
}

// Each action costs one write and one read, and a cycle one read for both budgets of a region.
func TestCallsOfTheBudget(t *testing.T) {
	w := newWorld(t)
	w.CreateTopic(home)
	b := w.process()
	for _, tt := range []struct {
		do   func()
		want map[string]int
	}{
		{func() { b.reserve(rules.StepDown) }, map[string]int{"sns.TagResource": 1, "sns.ListTagsForResource": 1}},
		{func() { b.reserve(rules.Delete) }, map[string]int{"sns.TagResource": 1, "sns.ListTagsForResource": 1, "cloudwatch.PutMetricData": 1}},
		{func() { b.left(10, 0) }, map[string]int{"sns.ListTagsForResource": 1}},
	} {
		w.Server.ResetCalls()
		tt.do()
		if calls := w.Server.Calls(); !maps.Equal(calls, tt.want) {
			t.Errorf("calls %v, want %v", calls, tt.want)
		}
	}
}

// What cannot be counted where all can read it is not done.
func TestAnActionThatIsNotCountedIsRefused(t *testing.T) {
	full := map[string]string{}
	for i := range 50 {
		full[fmt.Sprintf("mine-%02d", i)] = "x"
	}
	over := map[string]string{}
	for i := range 50 {
		over[fmt.Sprintf("Removals/cli/%02d", i)] = "20260301T0800:5"
	}
	for name, tt := range map[string]struct {
		noTopic bool
		tags    map[string]string
		fault   localaws.Fault
		want    string // empty: it is allowed
	}{
		"nothing is wrong":       {want: ""},
		"there is no topic":      {noTopic: true, want: "there is no topic " + writer.TopicName + " in " + home + "; the next cycle of the monitor creates it"},
		"it cannot be written":   {fault: localaws.Fault{Service: "sns", Operation: "TagResource", Code: "AuthorizationError"}, want: "TagResource of the topic"},
		"it cannot be read":      {fault: localaws.Fault{Service: "sns", Operation: "ListTagsForResource", Code: "AuthorizationError"}, want: "ListTagsForResource of the topic"},
		"others write, too":      {fault: localaws.Fault{Service: "sns", Operation: "TagResource", Code: "ConcurrentAccess", Times: 3}, want: ""},
		"others do not stop":     {fault: localaws.Fault{Service: "sns", Operation: "TagResource", Code: "ConcurrentAccess"}, want: "ConcurrentAccess"},
		"no room for a tag":      {tags: full, want: "tag quota"},
		"tags that are over":     {tags: over, want: ""},
		"a tag that is no count": {tags: map[string]string{"Removals/x": "many"}, want: "the tag Removals/x of the topic holds \"many\", which is no count of the last hour; remove it"},
		"a count below 1":        {tags: map[string]string{"Removals/x": "20260301T1000:-3"}, want: "which is no count"},
		"a count that is ahead":  {tags: map[string]string{"Removals/x": "20260301T1010:5"}, want: "5 of at most 5"},
		"a count of tomorrow":    {tags: map[string]string{"Removals/x": "20260302T1000:1"}, want: "no count of the last hour"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if !tt.noTopic {
				w.CreateTopic(home)
			}
			if tt.tags != nil {
				w.tag(tt.tags)
			}
			if tt.fault.Operation != "" {
				w.Server.AddFault(tt.fault)
			}
			allowed, why := w.process().reserve(rules.Stop)
			if allowed != (tt.want == "") || !strings.Contains(why, tt.want) {
				t.Errorf("%t: %s, want %s", allowed, why, tt.want)
			}
			w.Server.ClearFaults()
			if !allowed && !tt.noTopic && len(w.tags()) != len(tt.tags) {
				t.Errorf("it stays counted: %v", w.tags())
			}
		})
	}
}

// A count that SNS accepts and does not show is not relied upon.
func TestACountThatIsNotShownIsRefused(t *testing.T) {
	for _, hidden := range []int{0, 2, 3} { // reads in which it is not shown
		w := newWorld(t)
		w.CreateTopic(home)
		reads := 0
		shy := worldAround(t, w.Clock, w.Server, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			w.Must(err)
			if bytes.Contains(body, []byte("Action=ListTagsForResource")) {
				if reads++; reads <= hidden { // it shows the tags of another topic
					body = bytes.Replace(body, []byte(awsbed.TopicName), []byte("another"), 1)
				}
			}
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			w.Server.ServeHTTP(out, r)
		}))
		_, err := w.Raw.SNS(home).CreateTopic(ctxAll, &sns.CreateTopicInput{Name: aws.String("another")})
		w.Must(err)
		allowed, why := shy.process().reserve(rules.StepDown)
		if allowed != (hidden < 3) || !allowed && !strings.Contains(why, "cannot be read back") {
			t.Errorf("hidden in %d reads: %t, %s", hidden, allowed, why)
		}
		if tags := w.tags(); !allowed && len(tags) > 0 {
			t.Errorf("it stays counted: %v", tags)
		}
	}
}

func TestLeft(t *testing.T) {
	w := newWorld(t)
	w.CreateTopic(home)
	b := w.process()
	want := func(removals, stepDowns int, left map[rules.Budgeted]rules.Left) {
		t.Helper()
		if left[rules.Removals].N != removals || left[rules.StepDowns].N != stepDowns {
			t.Errorf("left %+v, want %d and %d", left, removals, stepDowns)
		}
	}
	want(5, 10, b.left(10, 0))
	want(2, 10, b.left(10, 3))
	want(0, 10, b.left(10, 9))
	for range 2 {
		w.process().reserve(rules.Delete)
	}
	w.process().reserve(rules.StepDown)
	want(3, 9, b.left(10, 0))
	want(3, 9, b.left(10, 2)) // they may be the same
	want(2, 9, b.left(10, 3))

	// What was requested counts until others have counted it.
	arn := homeCampaign.String()
	b.CountRequested([]events.Event{
		{Resources: []string{arn}, Detail: events.IdleDetail{ARN: arn}},
		{Resources: []string{arn}, Detail: events.IdleDetail{ARN: arn}},
		{Resources: []string{arn}, Detail: events.IdleDetail{ARN: arn}},
		{Resources: []string{arn}, Detail: events.UpdateDetail{ARN: arn}},
		{Resources: []string{arn}, Detail: events.UpdateDetail{ARN: arn}},
		{Detail: events.BuildDetail{}},
	})
	want(2, 8, b.left(10, 0))
	w.Clock.Advance(10 * time.Minute)
	want(3, 9, b.left(10, 0))

	// The limit of step-downs is for all processes of the deployment.
	w.process(awsbed.DryRun).left(12, 0)
	want(3, 11, b.left(12, 0))
	for i := range 12 {
		allowed, why := w.process().reserve(rules.StepDown)
		if allowed != (i < 11) {
			t.Errorf("%d: %s", i, why)
		}
	}
	want(3, 0, b.left(10, 0))
	other := w.process(func(o *writer.Options) { o.Deployment = "other" })
	if allowed, why := other.reserve(rules.StepDown); allowed || !strings.HasPrefix(why, "10 of at most 10") {
		t.Errorf("another deployment: %s", why)
	}

	nowhere := b.Left(ctxAll, writer.BudgetQuestion{Region: home, Limits: map[rules.Budgeted]int{rules.StepDowns: 10}})[rules.StepDowns]
	if nowhere.N != 0 || !strings.Contains(nowhere.Why, "no topic "+writer.TopicName) {
		t.Errorf("without a topic: %+v", nowhere)
	}
}

// A dry run decides as the real one would, and writes nothing; the topic may not exist yet.
func TestTheBudgetOfADryRun(t *testing.T) {
	w := newWorld(t)
	dry := w.process(awsbed.DryRun)
	if left := dry.left(60, 0); left[rules.Removals].N != 5 || left[rules.StepDowns].N != 60 {
		t.Errorf("left %+v", left)
	}
	w.CreateTopic(home)
	for range 4 {
		w.process().reserve(rules.Delete)
	}
	w.Writes()
	for range 2 {
		if allowed, why := dry.reserve(rules.Delete); !allowed {
			t.Error(why)
		}
	}
	dry.left(60, 0)
	w.WantWrites(map[string]int{})
	w.process().reserve(rules.Delete)
	if allowed, why := dry.reserve(rules.Delete); allowed {
		t.Errorf("allowed: %s", why)
	}
}
