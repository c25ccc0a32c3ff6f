package iam

import (
	"slices"
	"strconv"
	"testing"
)

const home = "us-east-1"

func TestPolicy(t *testing.T) {
	const topic, other = "arn:aws:sns:us-east-1:123456789012:ours", "arn:aws:sns:eu-west-1:123456789012:ours"
	fresh := func() *Policy {
		return &Policy{Grants: []*Grant{
			{Sid: "A", Action: "sns:Subscribe", Pattern: "arn:aws:sns:*:123456789012:ours"},
			{Sid: "B", Action: "sns:Subscribe", Pattern: topic},
			{Sid: "C", Action: "cloudwatch:PutMetricData", Pattern: "*", Conditions: map[string][]string{"cloudwatch:namespace": {"Ours", "Mine"}}},
			{Sid: "D", Action: "sns:CreateTopic", Pattern: "arn:aws:sns:*:123456789012:o?rs*"},
		}}
	}
	put := func(namespace string) Need {
		return Need{"cloudwatch:PutMetricData", "*", map[string]string{"cloudwatch:namespace": namespace}}
	}
	for _, tt := range []struct {
		name    string
		need    Need
		allowed bool
		alone   string
	}{
		{"by two", Need{"sns:Subscribe", topic, nil}, true, ""},
		{"by one", Need{"SNS:subscribe", other, nil}, true, "A"},
		{"another account", Need{"sns:Subscribe", "arn:aws:sns:eu-west-1:210987654321:ours", nil}, false, ""},
		{"another resource", Need{"sns:Subscribe", topic + "2", nil}, false, ""},
		{"another action", Need{"sns:SubscribeAll", topic, nil}, false, ""},
		{"no resource where one is required", Need{"sns:Subscribe", "*", nil}, false, ""},
		{"condition met", put("Ours"), true, "C"},
		{"condition not met", put("AWS/Personalize"), false, ""},
		{"condition on a value that the call lacks", Need{"cloudwatch:PutMetricData", "*", nil}, false, ""},
		{"wildcards", Need{"sns:CreateTopic", topic, nil}, true, "D"},
	} {
		p := fresh()
		if got := p.allow(tt.need); got != tt.allowed {
			t.Errorf("%s: allowed %v", tt.name, got)
		}
		for _, g := range p.Grants {
			if (len(g.alone) > 0) != (g.Sid == tt.alone) {
				t.Errorf("%s: %s is needed by %v", tt.name, g.Sid, g.alone)
			}
		}
	}
	p := fresh()
	for _, n := range []Need{{"sns:Subscribe", topic, nil}, {"sns:Subscribe", other, nil}, put("Ours"), {"sns:CreateTopic", topic, nil}} {
		p.allow(n)
	}
	want := []string{
		"B: nothing needs sns:Subscribe on " + topic,
		"D: sns:CreateTopic is needed in the home region only, not on arn:aws:sns:*:123456789012:o?rs*",
	}
	if got := p.Excess(home); !slices.Equal(got, want) {
		t.Errorf("excess %q", got)
	}
}

// A guard that reads the wire wrongly would compare nothing correctly.
func TestNeedsOf(t *testing.T) {
	const topic = "arn:aws:sns:eu-west-1:123456789012:ours"
	tests := []struct {
		call Call
		want []string
	}{
		{
			Call{"sns.CreateTopic", "AKIA", "eu-west-1", map[string]any{"Name": "ours", "Tags": []any{"k"}}},
			[]string{"sns:CreateTopic on " + topic, "sns:TagResource on " + topic},
		},
		{Call{"sns.CreateTopic", "AKIA", "eu-west-1", map[string]any{"Name": "ours"}}, []string{"sns:CreateTopic on " + topic}},
		{Call{"sns.TagResource", "AKIA", "eu-west-1", map[string]any{"ResourceArn": topic, "Tags": []any{"k"}}}, []string{"sns:TagResource on " + topic}},
		{Call{"cloudwatch.DeleteAlarms", "AKIA", "eu-west-1", map[string]any{"AlarmNames": []any{"a", "b"}}}, []string{
			"cloudwatch:DeleteAlarms on arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a", "cloudwatch:DeleteAlarms on arn:aws:cloudwatch:eu-west-1:123456789012:alarm:b",
		}},
		{Call{"events.PutEvents", "AKIA", home, map[string]any{"Entries": []any{
			map[string]any{"Source": "s", "DetailType": "d"}, map[string]any{"Source": "s", "DetailType": "e"},
		}}}, []string{
			"events:PutEvents on arn:aws:events:us-east-1:123456789012:event-bus/default, events:detail-type=d, events:source=s",
			"events:PutEvents on arn:aws:events:us-east-1:123456789012:event-bus/default, events:detail-type=e, events:source=s",
		}},
		{Call{"personalize.CreateCampaign", "AKIA", home, map[string]any{
			"name": "c", "solutionVersionArn": "arn:aws:personalize:us-east-1:123456789012:solution/s/1", "tags": []any{"k"},
		}}, []string{
			"personalize:CreateCampaign on arn:aws:personalize:us-east-1:123456789012:campaign/c",
			"personalize:TagResource on arn:aws:personalize:us-east-1:123456789012:campaign/c",
			"personalize:CreateCampaign on arn:aws:personalize:us-east-1:123456789012:solution/s/1",
		}},
		{Call{"sts.GetCallerIdentity", "AKIA", home, nil}, nil},
		{Call{"cloudwatch.DeleteAlarms", "AKIA", home, map[string]any{}}, []string{"error"}},
		{Call{"personalize.DescribeCampaign", "AKIA", home, map[string]any{}}, []string{"error"}},
		{Call{"personalize.CreateCampaign", "AKIA", home, map[string]any{}}, []string{"error"}},
	}
	for i, tt := range tests {
		needs, err := needsOf(tt.call)
		var got []string
		for _, n := range needs {
			got = append(got, n.String())
		}
		if err != nil {
			got = []string{"error"}
		}
		if !slices.Equal(got, tt.want) {
			t.Error(strconv.Itoa(i)+" "+tt.call.name, got, err)
		}
	}
}
