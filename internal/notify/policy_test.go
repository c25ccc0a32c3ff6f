package notify

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// Statements as they stand in policies; TOPIC is the topic's ARN.
const (
	ownerStatement = `{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},
		"Action":["SNS:GetTopicAttributes","SNS:Publish"],"Resource":"TOPIC","Condition":{"StringEquals":{"AWS:SourceOwner":"123456789012"}}}`
	othersStatement = `{"Sid":"theirs","Effect":"Allow","Principal":{"Service":"budgets.amazonaws.com"},"Action":"SNS:Publish","Resource":"TOPIC"}`
	alarmsStatement = `{"Sid":"PersonalizeMonitorAlarms","Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},
		"Action":"sns:Publish","Resource":"TOPIC","Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}}`
	eventsStatement = `{"Sid":"PersonalizeMonitorEvents","Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish","Resource":"TOPIC"}`
	formerStatement = `{"Effect":"Allow","Principal":{"Service":["cloudwatch.amazonaws.com","events.amazonaws.com"]},"Action":["sns:Publish"],"Resource":"TOPIC"}`
)

func policyOf(statements ...string) string {
	return strings.ReplaceAll(`{"Version":"2008-10-17","Id":"x","Statement":[`+strings.Join(statements, ",")+`]}`, "TOPIC", testTopic.String())
}

func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMergePolicy(t *testing.T) {
	respelt := strings.NewReplacer(`"sns:Publish"`, `["SNS:Publish"]`, `"123456789012"`, `["123456789012"]`,
		`"cloudwatch.amazonaws.com"`, `["cloudwatch.amazonaws.com"]`)
	tests := []struct {
		name, current string
		want          string // empty: unchanged
	}{
		{"the owner's statement stays, ours are added", policyOf(ownerStatement), policyOf(ownerStatement, alarmsStatement, eventsStatement)},
		{"other people's statements stay", policyOf(othersStatement, ownerStatement), policyOf(othersStatement, ownerStatement, alarmsStatement, eventsStatement)},
		{"the upstream sample's statement is replaced", policyOf(formerStatement), policyOf(alarmsStatement, eventsStatement)},
		{
			"the sample's in another order of services too",
			policyOf(strings.Replace(formerStatement, `"cloudwatch.amazonaws.com","events.amazonaws.com"`, `"events.amazonaws.com","cloudwatch.amazonaws.com"`, 1)),
			policyOf(alarmsStatement, eventsStatement),
		},
		{
			"what only resembles the sample's is a person's",
			policyOf(strings.Replace(formerStatement, `"Effect"`, `"Sid":"mine","Effect"`, 1)),
			policyOf(strings.Replace(formerStatement, `"Effect"`, `"Sid":"mine","Effect"`, 1), alarmsStatement, eventsStatement),
		},
		{"both there: unchanged", policyOf(ownerStatement, alarmsStatement, eventsStatement), ""},
		{"both there in another order: unchanged", policyOf(eventsStatement, ownerStatement, alarmsStatement), ""},
		{"both there in another spelling: unchanged", policyOf(respelt.Replace(alarmsStatement), eventsStatement), ""},
		{"both there, and the sample's: it goes", policyOf(formerStatement, alarmsStatement, eventsStatement), policyOf(alarmsStatement, eventsStatement)},
		{"one missing: added", policyOf(alarmsStatement), policyOf(alarmsStatement, eventsStatement)},
		{"one twice: once", policyOf(alarmsStatement, eventsStatement, eventsStatement), policyOf(alarmsStatement, eventsStatement)},
		{
			"one for another account: put right",
			policyOf(strings.ReplaceAll(alarmsStatement, testAccount, "999999999999"), eventsStatement), policyOf(alarmsStatement, eventsStatement),
		},
		{
			"one with a condition it should not have: put right",
			policyOf(alarmsStatement, strings.Replace(eventsStatement, `"Effect"`, `"Condition":{"Bool":{"aws:SecureTransport":"true"}},"Effect"`, 1)),
			policyOf(alarmsStatement, eventsStatement),
		},
		{
			"a single statement that is no list",
			strings.ReplaceAll(`{"Version":"2012-10-17","Statement":`+ownerStatement+`}`, "TOPIC", testTopic.String()),
			strings.ReplaceAll(`{"Version":"2012-10-17","Statement":[`+ownerStatement+","+alarmsStatement+","+eventsStatement+`]}`, "TOPIC", testTopic.String()),
		},
		{
			"no policy", "",
			strings.ReplaceAll(`{"Version":"2012-10-17","Statement":[`+alarmsStatement+","+eventsStatement+`]}`, "TOPIC", testTopic.String()),
		},
		{
			"no statement", `{"Version":"2012-10-17","Statement":null}`,
			strings.ReplaceAll(`{"Version":"2012-10-17","Statement":[`+alarmsStatement+","+eventsStatement+`]}`, "TOPIC", testTopic.String()),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			next, changed, err := mergePolicy(tt.current, testTopic, testAccount)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if changed || next != tt.current {
					t.Errorf("changed %v to %s", changed, next)
				}
				return
			}
			if !changed {
				t.Error("not changed")
			}
			sameJSON(t, next, tt.want)
			if _, again, err := mergePolicy(next, testTopic, testAccount); again || err != nil {
				t.Errorf("a second merge: changed %v, %v", again, err)
			}
		})
	}
}

func TestMergePolicyLeavesAloneWhatItCannotRead(t *testing.T) {
	for _, current := range []string{`{`, `null`, `[]`, `"x"`, `{"Statement":"x"}`, `{"Statement":["x"]}`, `{"Statement":[1]}`} {
		if next, changed, err := mergePolicy(current, testTopic, testAccount); err == nil || changed || next != "" {
			t.Errorf("%s: got %q, %v, %v", current, next, changed, err)
		}
	}
}

func FuzzMergePolicy(f *testing.F) {
	for _, seed := range []string{
		"", "null", "{}", `{"Statement":[null]}`, policyOf(), policyOf(ownerStatement, formerStatement), policyOf(alarmsStatement, eventsStatement),
		`{"Statement":{"Sid":"PersonalizeMonitorAlarms","Action":[1,"a"]}}`, `{"Statement":[{"Action":null,"<":">"}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, current string) {
		next, changed, err := mergePolicy(current, testTopic, testAccount)
		if err != nil {
			return
		}
		if changed == (next == current) {
			t.Fatalf("changed %v, but %q became %q", changed, current, next)
		}
		if again, changed, err := mergePolicy(next, testTopic, testAccount); changed || err != nil || again != next {
			t.Fatalf("a second merge of %q: %q, %v, %v", next, again, changed, err)
		}
	})
}
