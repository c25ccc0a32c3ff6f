package localaws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

const (
	anyPattern  = `{"source":["personalize.monitor"]}`
	lambdaARN   = "arn:aws:lambda:eu-west-1:123456789012:function:delete"
	topicForSNS = "arn:aws:sns:eu-west-1:123456789012:alerts"
)

func entryOf(detailType, detail string) types.PutEventsRequestEntry {
	return types.PutEventsRequestEntry{Source: aws.String("personalize.monitor"), DetailType: &detailType, Detail: &detail}
}

func (r *rig) putRule(t testing.TB, name, pattern string, targets ...types.Target) {
	t.Helper()
	eb := r.eventBridge()
	ok[*eventbridge.PutRuleOutput](t)(eb.PutRule(background, &eventbridge.PutRuleInput{Name: &name, EventPattern: &pattern}))
	if len(targets) > 0 {
		ok[*eventbridge.PutTargetsOutput](t)(eb.PutTargets(background, &eventbridge.PutTargetsInput{Rule: &name, Targets: targets}))
	}
}

func target(id, arn string) types.Target { return types.Target{Id: &id, Arn: &arn} }

func TestPutEventsRefusesEntriesOneByOne(t *testing.T) {
	r := newWorld(t, shopEstate())
	with := func(change func(*types.PutEventsRequestEntry)) types.PutEventsRequestEntry {
		e := entryOf("T", `{"a":1}`)
		change(&e)
		return e
	}
	tests := []struct {
		name  string
		entry types.PutEventsRequestEntry
		code  string
	}{
		{"a good entry", entryOf("T", `{"a":1}`), ""},
		{"no source", with(func(e *types.PutEventsRequestEntry) { e.Source = nil }), "InvalidArgument"},
		{"no detail type", with(func(e *types.PutEventsRequestEntry) { e.DetailType = nil }), "InvalidArgument"},
		{"no detail", with(func(e *types.PutEventsRequestEntry) { e.Detail = nil }), "InvalidArgument"},
		{"a detail type of 128 characters", entryOf(strings.Repeat("x", 128), `{}`), ""},
		{"a detail type of 129 characters", entryOf(strings.Repeat("x", 129), `{}`), "InvalidArgument"},
		{"a detail that is no JSON", entryOf("T", `{`), "MalformedDetail"},
		{"a detail that is no object", entryOf("T", `[1]`), "MalformedDetail"},
		{"a source of AWS's own", with(func(e *types.PutEventsRequestEntry) { e.Source = aws.String("aws.ec2") }), "NotAuthorizedForSourceException"},
		{"an unknown bus", with(func(e *types.PutEventsRequestEntry) { e.EventBusName = aws.String("mine") }), "InvalidArgument"},
	}
	in := &eventbridge.PutEventsInput{}
	failed := int32(0)
	for _, tt := range tests {
		in.Entries = append(in.Entries, tt.entry)
		if tt.code != "" {
			failed++
		}
	}
	out := ok[*eventbridge.PutEventsOutput](t)(r.eventBridge().PutEvents(background, in))
	if out.FailedEntryCount != failed {
		t.Errorf("%d failed, want %d", out.FailedEntryCount, failed)
	}
	for i, tt := range tests {
		got := out.Entries[i]
		if aws.ToString(got.ErrorCode) != tt.code || (got.EventId != nil) != (tt.code == "") {
			t.Errorf("%s: code %q, id %v", tt.name, aws.ToString(got.ErrorCode), got.EventId)
		}
	}
	if n := len(r.Events()); n != 2 {
		t.Errorf("the bus took %d events", n)
	}
}

func TestPutEventsRefusesCalls(t *testing.T) {
	eb := newWorld(t, shopEstate()).eventBridge()
	put := func(n, size int) error {
		in := &eventbridge.PutEventsInput{}
		for range n {
			// Source 19, type 1, detail 8 + filling.
			in.Entries = append(in.Entries, entryOf("T", `{"a":"`+strings.Repeat("x", size-28)+`"}`))
		}
		return errOf(eb.PutEvents(background, in))
	}
	tests := []struct {
		name    string
		n, size int
		want    string
	}{
		{"ten entries", 10, 100, ""},
		{"eleven entries", 11, 100, "ValidationException"},
		{"exactly 256 KB", 8, 32 * 1024, ""},
		{"a byte more", 1, 256*1024 + 1, "ValidationException"},
	}
	for _, tt := range tests {
		if got := apiCode(t, put(tt.n, tt.size)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	bad := errOf(eb.PutEvents(background, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{Source: aws.String("x")}}}))
	if apiCode(t, bad) != "ValidationException" {
		t.Errorf("no complete entry: %v", bad)
	}
}

func TestEventsReachFunctionsThroughDeliver(t *testing.T) {
	r := newWorld(t, shopEstate())
	var got []string
	r.RegisterTarget(lambdaARN, func(_ context.Context, event []byte) error {
		var e struct {
			DetailType string         `json:"detail-type"`
			Time       time.Time      `json:"time"`
			Region     string         `json:"region"`
			Account    string         `json:"account"`
			Resources  []string       `json:"resources"`
			Detail     map[string]any `json:"detail"`
		}
		if err := json.Unmarshal(event, &e); err != nil {
			return err
		}
		got = append(got, fmt.Sprintf("%s %s %s %s %v %v", e.DetailType, e.Time.Format(time.RFC3339), e.Region, e.Account, e.Resources, e.Detail["n"]))
		if e.DetailType == "First" { // a function may put events itself
			return errOf(r.eventBridge().PutEvents(background, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entryOf("Third", `{"n":3}`)}}))
		}
		return errors.New("no good")
	})
	r.putRule(t, "one", anyPattern, target("a", lambdaARN))
	first := entryOf("First", `{"n":1}`)
	first.Resources = []string{"arn:x"}
	first.Time = aws.Time(noon.Add(-time.Hour))
	ok[*eventbridge.PutEventsOutput](t)(r.eventBridge().PutEvents(background, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{first, entryOf("Second", `{"n":2}`)}}))
	if len(got) != 0 {
		t.Fatal("delivered before Deliver")
	}
	err := r.Deliver(background)
	want := []string{
		"First 2026-03-02T11:00:00Z eu-west-1 123456789012 [arn:x] 1",
		"Second 2026-03-02T12:00:00Z eu-west-1 123456789012 [] 2",
		"Third 2026-03-02T12:00:00Z eu-west-1 123456789012 [] 3",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("delivered\n%s", strings.Join(got, "\n"))
	}
	if err == nil || strings.Count(err.Error(), "no good") != 2 || !strings.Contains(err.Error(), lambdaARN) {
		t.Errorf("error %v", err)
	}
	if err := r.Deliver(background); err != nil || len(got) != 3 {
		t.Errorf("a second Deliver: %v, %d deliveries", err, len(got))
	}
}

func TestEventsReachOnlyRulesOfTheirRegionThatMatch(t *testing.T) {
	r := newWorld(t, shopEstate())
	var got []string
	r.RegisterTarget(lambdaARN, func(_ context.Context, event []byte) error {
		got = append(got, string(event))
		return nil
	})
	text := func(s string) types.Target {
		return types.Target{Id: aws.String("a"), Arn: aws.String(lambdaARN), Input: aws.String(`"` + s + `"`)}
	}
	r.putRule(t, "matching", `{"detail-type":["T"]}`, text("matching"))
	r.putRule(t, "another-type", `{"detail-type":["U"]}`, text("another type"))
	r.putRule(t, "switched-off", anyPattern, text("switched off"))
	ok[*eventbridge.DisableRuleOutput](t)(r.eventBridge().DisableRule(background, &eventbridge.DisableRuleInput{Name: aws.String("switched-off")}))
	elsewhere := eventbridge.NewFromConfig(r.config("us-east-1"))
	for _, client := range []*eventbridge.Client{elsewhere, r.eventBridge()} {
		ok[*eventbridge.PutEventsOutput](t)(client.PutEvents(background, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entryOf("T", `{}`)}}))
	}
	if err := r.Deliver(background); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0] != `"matching"` {
		t.Errorf("delivered %q", got)
	}
	if e := r.Events(); len(e) != 2 || e[0].Region != "us-east-1" || e[1].Region != testRegion {
		t.Errorf("events %+v", e)
	}
	r.RegisterTarget(lambdaARN, nil)
	ok[*eventbridge.PutEventsOutput](t)(r.eventBridge().PutEvents(background, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entryOf("T", `{}`)}}))
	if err := r.Deliver(background); err != nil {
		t.Fatal(err)
	}
	if d := r.Dropped(); len(d) != 1 || d[0].Rule != "matching" || d[0].Target != lambdaARN || d[0].Region != testRegion {
		t.Errorf("dropped %+v", d)
	}
}

func TestDeliverEndsWithItsContext(t *testing.T) {
	r := newWorld(t, shopEstate())
	calls := 0
	r.RegisterTarget(lambdaARN, func(context.Context, []byte) error { calls++; return nil })
	r.putRule(t, "one", anyPattern, target("a", lambdaARN))
	ok[*eventbridge.PutEventsOutput](t)(r.eventBridge().PutEvents(background, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entryOf("T", `{}`)}}))
	ctx, cancel := context.WithCancel(background)
	cancel()
	if err := r.Deliver(ctx); !errors.Is(err, context.Canceled) || calls != 0 {
		t.Errorf("cancelled: %v, %d calls", err, calls)
	}
	if err := r.Deliver(background); err != nil || calls != 1 {
		t.Errorf("afterwards: %v, %d calls", err, calls)
	}
}

func TestRulesAreReplacedAsAWhole(t *testing.T) {
	r := newWorld(t, shopEstate())
	eb := r.eventBridge()
	tags := []types.Tag{{Key: aws.String("CreatedBy"), Value: aws.String("PersonalizeMonitor")}}
	put := func(in eventbridge.PutRuleInput) {
		in.Name = aws.String("one")
		if out := ok[*eventbridge.PutRuleOutput](t)(eb.PutRule(background, &in)); *out.RuleArn != "arn:aws:events:eu-west-1:123456789012:rule/one" {
			t.Errorf("ARN %s", *out.RuleArn)
		}
	}
	describe := func() *eventbridge.DescribeRuleOutput {
		return ok[*eventbridge.DescribeRuleOutput](t)(eb.DescribeRule(background, &eventbridge.DescribeRuleInput{Name: aws.String("one"), EventBusName: aws.String("default")}))
	}
	put(eventbridge.PutRuleInput{EventPattern: aws.String(anyPattern), Description: aws.String("d"), State: types.RuleStateDisabled, Tags: tags})
	ok[*eventbridge.PutTargetsOutput](t)(eb.PutTargets(background, &eventbridge.PutTargetsInput{Rule: aws.String("one"), Targets: []types.Target{target("a", lambdaARN)}}))
	if d := describe(); d.State != types.RuleStateDisabled || *d.Description != "d" || *d.EventPattern != anyPattern || *d.EventBusName != "default" {
		t.Errorf("at first: %+v", d)
	}
	put(eventbridge.PutRuleInput{ScheduleExpression: aws.String("rate(5 minutes)"), Tags: []types.Tag{{Key: aws.String("x"), Value: aws.String("y")}}})
	if d := describe(); d.State != types.RuleStateEnabled || d.Description != nil || d.EventPattern != nil || *d.ScheduleExpression != "rate(5 minutes)" {
		t.Errorf("replaced: %+v", d)
	}
	list := ok[*eventbridge.ListTagsForResourceOutput](t)(eb.ListTagsForResource(background, &eventbridge.ListTagsForResourceInput{ResourceARN: describe().Arn}))
	if len(list.Tags) != 1 || *list.Tags[0].Key != "CreatedBy" {
		t.Errorf("tags: %+v", list.Tags)
	}
	targets := ok[*eventbridge.ListTargetsByRuleOutput](t)(eb.ListTargetsByRule(background, &eventbridge.ListTargetsByRuleInput{Rule: aws.String("one")}))
	if len(targets.Targets) != 1 {
		t.Errorf("targets: %+v", targets.Targets)
	}
	rules := ok[*eventbridge.ListRulesOutput](t)(eb.ListRules(background, &eventbridge.ListRulesInput{NamePrefix: aws.String("on"), Limit: aws.Int32(1)}))
	if len(rules.Rules) != 1 || rules.NextToken != nil {
		t.Errorf("rules: %+v", rules)
	}
	ok[*eventbridge.TagResourceOutput](t)(eb.TagResource(background, &eventbridge.TagResourceInput{ResourceARN: describe().Arn, Tags: []types.Tag{{Key: aws.String("x"), Value: aws.String("y")}}}))
	ok[*eventbridge.UntagResourceOutput](t)(eb.UntagResource(background, &eventbridge.UntagResourceInput{ResourceARN: describe().Arn, TagKeys: []string{"CreatedBy"}}))
	ok[*eventbridge.DisableRuleOutput](t)(eb.DisableRule(background, &eventbridge.DisableRuleInput{Name: aws.String("one")}))
	ok[*eventbridge.EnableRuleOutput](t)(eb.EnableRule(background, &eventbridge.EnableRuleInput{Name: aws.String("one")}))
	if d := describe(); d.State != types.RuleStateEnabled {
		t.Errorf("enabled: %+v", d)
	}
}

func TestDeletionOfRulesAndTargets(t *testing.T) {
	r := newWorld(t, shopEstate())
	eb := r.eventBridge()
	name := aws.String("one")
	r.putRule(t, "one", anyPattern, target("a", lambdaARN), target("b", lambdaARN))
	remove := func() error {
		return errOf(eb.DeleteRule(background, &eventbridge.DeleteRuleInput{Name: name}))
	}
	if got := apiCode(t, remove()); got != "ValidationException" {
		t.Errorf("a rule with targets: %q", got)
	}
	out := ok[*eventbridge.RemoveTargetsOutput](t)(eb.RemoveTargets(background, &eventbridge.RemoveTargetsInput{Rule: name, Ids: []string{"a", "b", "c"}}))
	if out.FailedEntryCount != 1 || *out.FailedEntries[0].TargetId != "c" || *out.FailedEntries[0].ErrorCode != "ResourceNotFoundException" {
		t.Errorf("removed: %+v", out)
	}
	for range 2 {
		if err := remove(); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	gone := errOf(eb.RemoveTargets(background, &eventbridge.RemoveTargetsInput{Rule: name, Ids: []string{"a"}}))
	if apiCode(t, gone) != "ResourceNotFoundException" {
		t.Errorf("targets of a rule that is gone: %v", gone)
	}
}

func TestEventBridgeRefuses(t *testing.T) {
	r := newWorld(t, shopEstate())
	eb := r.eventBridge()
	r.putRule(t, "one", anyPattern)
	rule := func(in eventbridge.PutRuleInput) error {
		if in.Name == nil {
			in.Name = aws.String("new")
		}
		return errOf(eb.PutRule(background, &in))
	}
	put := func(targets ...types.Target) error {
		return errOf(eb.PutTargets(background, &eventbridge.PutTargetsInput{Rule: aws.String("one"), Targets: targets}))
	}
	many := func(n int) (targets []types.Target) {
		for i := range n {
			targets = append(targets, target(strconv.Itoa(i), lambdaARN))
		}
		return targets
	}
	transform := func(template string) types.Target {
		x := target("a", topicForSNS)
		x.InputTransformer = &types.InputTransformer{InputTemplate: &template, InputPathsMap: map[string]string{"arn": "$.detail.ARN"}}
		return x
	}
	both := transform(`"<arn>"`)
	both.InputPath = aws.String("$.detail")
	badInput := target("a", lambdaARN)
	badInput.Input = aws.String("text")
	retrying := func(attempts, age int32) types.Target {
		x := target("a", lambdaARN)
		x.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: &attempts, MaximumEventAgeInSeconds: &age}
		return x
	}
	dead := target("a", lambdaARN)
	dead.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(topicForSNS)}
	const invalid, pattern, missing = "ValidationException", "InvalidEventPatternException", "ResourceNotFoundException"
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"185 attempts within a day", put(retrying(185, 86400)), ""},
		{"186 attempts", put(retrying(186, 86400)), invalid},
		{"attempts for less than a minute", put(retrying(0, 59)), invalid},
		{"a dead-letter queue that is a topic", put(dead), invalid},
		{"a rule without pattern and schedule", rule(eventbridge.PutRuleInput{}), invalid},
		{"a name of 65 characters", rule(eventbridge.PutRuleInput{Name: aws.String(strings.Repeat("x", 65)), EventPattern: aws.String(anyPattern)}), invalid},
		{"a name with a blank", rule(eventbridge.PutRuleInput{Name: aws.String("a b"), EventPattern: aws.String(anyPattern)}), invalid},
		{"a pattern that is none", rule(eventbridge.PutRuleInput{EventPattern: aws.String(`{"source":"x"}`)}), pattern},
		{"a schedule that is none", rule(eventbridge.PutRuleInput{ScheduleExpression: aws.String("rate(5 minute)")}), invalid},
		{"a cron without question mark", rule(eventbridge.PutRuleInput{ScheduleExpression: aws.String("cron(0 5 * * * *)")}), invalid},
		{"a good cron", rule(eventbridge.PutRuleInput{ScheduleExpression: aws.String("cron(0/5 * * * ? *)")}), ""},
		{"an unknown state", rule(eventbridge.PutRuleInput{EventPattern: aws.String(anyPattern), State: "ON"}), invalid},
		{"another bus", rule(eventbridge.PutRuleInput{EventPattern: aws.String(anyPattern), EventBusName: aws.String("mine")}), missing},
		{"a rule that is not there", errOf(eb.DescribeRule(background, &eventbridge.DescribeRuleInput{Name: aws.String("none")})), missing},
		{"enabling one that is not there", errOf(eb.EnableRule(background, &eventbridge.EnableRuleInput{Name: aws.String("none")})), missing},
		{"targets of one that is not there", errOf(eb.ListTargetsByRule(background, &eventbridge.ListTargetsByRuleInput{Rule: aws.String("none")})), missing},
		{"a page of 101", errOf(eb.ListRules(background, &eventbridge.ListRulesInput{Limit: aws.Int32(101)})), invalid},
		{"a token of one's own", errOf(eb.ListRules(background, &eventbridge.ListRulesInput{NextToken: aws.String("x")})), invalid},
		{"a topic of another region", put(target("a", "arn:aws:sns:us-east-1:123456789012:alerts")), invalid},
		{"a topic of another partition", put(target("a", "arn:aws-cn:sns:eu-west-1:123456789012:alerts")), invalid},
		{"a queue, which is not served here", put(target("a", "arn:aws:sqs:eu-west-1:123456789012:q")), invalid},
		{"no ARN", put(target("a", "alerts")), invalid},
		{"an id with a blank", put(target("a b", topicForSNS)), invalid},
		{"an id given twice", put(target("a", topicForSNS), target("a", topicForSNS)), invalid},
		{"a path and a transformer", put(both), invalid},
		{"an input that is no JSON", put(badInput), invalid},
		{"a template without quotes", put(transform("<arn> is gone")), invalid},
		{"a template with an unknown placeholder", put(transform(`"<name> is gone"`)), invalid},
		{"a good template", put(transform(`"<arn> is gone"`)), ""},
		{"eleven targets in a call", put(many(11)...), invalid},
		{"six targets of a rule", put(many(6)...), "LimitExceededException"},
		{"five with the one that is there", put(many(4)...), ""},
		{"one more", put(target("more", lambdaARN)), "LimitExceededException"},
		{"tags of a rule that is not there", errOf(eb.ListTagsForResource(background, &eventbridge.ListTagsForResourceInput{ResourceARN: aws.String("arn:aws:events:eu-west-1:123456789012:rule/none")})), missing},
	}
	for _, tt := range tests {
		if got := apiCode(t, tt.err); got != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, tt.err, tt.want)
		}
	}
}
