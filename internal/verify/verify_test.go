package verify

import (
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
)

var now = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

const (
	home  = "us-east-1"
	topic = "arn:aws:sns:us-east-1:123456789012:PersonalizeMonitorNotifications"
	stack = "us-east-1/shop"
)

// sound are the facts of an account in which a stack works as it should.
func sound() Facts {
	return Facts{
		Now: now, Use: "run", Version: "1.2.3", Home: home,
		Identity: Identity{Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/ops"}, Clock: Clock{Known: true},
		Regions: []Region{{
			Name: home, Listed: true, Watched: true, Concerned: true, Resources: Count{N: 3}, Alarms: Count{N: 6},
			Metrics: Arrival{Latest: now.Add(-5 * time.Minute)},
			Topic: Topic{
				ARN: topic, Policy: true, Document: topicPolicy(""), Subscribers: []Subscriber{{config.Endpoint{Protocol: "email", Address: "ml@example.com"}, Confirmed}},
			},
			Rule: Rule{ARN: "arn:aws:events:us-east-1:123456789012:rule/PersonalizeMonitor-NotificationsRule", Known: true, Targets: []Target{{topic, MessageText}}},
		}},
		Chat:        Topic{Failure: Failure{Kind: Missing}},
		Permissions: []Permission{{Action: "sns:Subscribe", Region: home, Resource: topic, Answer: Allowed}},
		Deployments: []Deployment{{Name: stack, Traces: []string{"the topic in us-east-1"}, Version: "1.2.3"}},
	}
}

// denied is a failure of each kind of read.
var denied = Failure{Kind: Denied, Text: "AccessDenied: no", Remedy: "allow it"}

func TestFindings(t *testing.T) {
	region := func(change func(*Region)) func(*Facts) { return func(f *Facts) { change(&f.Regions[0]) } }
	nothing := func(f *Facts) {
		f.Deployments, f.Regions[0].Topic, f.Regions[0].Rule = nil, Topic{Failure: Failure{Kind: Missing}}, Rule{Failure: Failure{Kind: Missing}}
		f.Regions[0].Metrics.Latest = time.Time{}
	}
	chat := func(change func(*Facts)) func(*Facts) {
		return func(f *Facts) {
			const arn = topic + "-chat"
			f.Chat = Topic{ARN: arn, Policy: true, Document: topicPolicy(""), Subscribers: []Subscriber{{config.Endpoint{Protocol: "https", Address: "https://global.sns-api.chatbot.amazonaws.com"}, Confirmed}}}
			f.ChatWanted, f.Regions[0].Rule.Targets = true, []Target{{topic, MessageText}, {arn, MessageChat}}
			change(f)
		}
	}
	tests := []struct {
		name   string
		change func(*Facts)
		want   string // the findings that are not OK: "STATUS check: text", joined by |
	}{
		{"all is well", func(*Facts) {}, ""},
		{"nothing is deployed yet", nothing, ""},
		{"it is not known whether something is deployed", func(f *Facts) {
			nothing(f)
			f.TracesFailure, f.ChatWanted = denied, true
		}, "WARN metrics: no metrics of ours in the last 3 hours|WARN topic: the notification topic does not exist|" +
			"WARN topic: the topic for chats does not exist|WARN rule: the notification rule does not exist|not checked monitor: whether there are other monitors"},

		{
			"no credentials", func(f *Facts) { f.Identity.Failure = Failure{Credentials, "no AWS credentials found", "log in"} },
			"FAIL credentials: no AWS credentials found|not checked credentials: everything else",
		},
		{
			"credentials that could not be looked up", func(f *Facts) { f.Identity.Failure = Failure{Busy, "Throttling: no", "x"} },
			"not checked credentials: Throttling: no|not checked credentials: everything else",
		},
		{"credentials that a wrong clock spoils", func(f *Facts) {
			f.Identity.Failure, f.Clock.Offset = Failure{Credentials, "Signature expired", "log in"}, -6*time.Minute
		}, "FAIL credentials: Signature expired|FAIL clock: the clock of this host is 6 min behind|not checked credentials: everything else"},

		{"a clock 2 minutes ahead", func(f *Facts) { f.Clock.Offset = 2 * time.Minute }, ""},
		{"a clock further ahead", func(f *Facts) { f.Clock.Offset = 2*time.Minute + time.Second }, "FAIL clock: the clock of this host is 2 min ahead"},
		{"a clock that could not be compared", func(f *Facts) { f.Clock.Known = false }, "not checked clock: the clock of this host could not be compared"},

		{
			"a region that is not enabled", region(func(r *Region) {
				*r = Region{Name: home, Listed: true, Watched: true, Reach: Failure{Disabled, "unknown token", "x"}}
			}),
			"FAIL region: the region is not enabled for this account",
		},
		{
			"a region without a host", region(func(r *Region) { *r = Region{Name: home, Watched: true, Reach: Failure{NoHost, "no such host", "x"}} }),
			"FAIL region: Personalize is not offered here",
		},
		{
			"a region that does not answer", region(func(r *Region) {
				*r = Region{Name: home, Listed: true, Watched: true, Reach: Failure{Unreachable, "no response in time", "x"}}
			}),
			"FAIL region: no response in time",
		},
		{
			"a region that throttles", region(func(r *Region) {
				*r = Region{Name: home, Listed: true, Watched: true, Reach: Failure{Busy, "Throttling: no", "x"}}
			}),
			"not checked region: the region and all in it: Throttling: no",
		},
		{"a deployment region in which nothing is monitored", region(func(r *Region) { r.Listed, r.Watched, r.Resources = false, false, Count{} }), ""},
		{"a region that is not on the list", region(func(r *Region) { r.Listed = false }), "WARN region: AWS answers, but this version knows of no Personalize here"},
		{"a region that may not be listed is reached", region(func(r *Region) { r.Reach, r.Resources = denied, Count{Failure: denied} }), ""},

		{"an action that is refused", func(f *Facts) { f.Permissions[0].Answer = Refused }, "FAIL permission: sns:Subscribe is not allowed"},
		{
			"an action that a boundary refuses", func(f *Facts) {
				f.Permissions[0].Answer, f.Permissions[0].Why = Refused, Failure{Denied, "the permissions boundary refuses it", "allow it there"}
			},
			"FAIL permission: sns:Subscribe is not allowed: the permissions boundary refuses it",
		},
		{
			"an action that a boundary refuses in one region and the policy in another", func(f *Facts) {
				f.Permissions[0].Answer = Refused
				f.Permissions = append(f.Permissions, f.Permissions[0])
				f.Permissions[1].Region, f.Permissions[1].Why = "eu-west-1", Failure{Denied, "the permissions boundary refuses it", "allow it there"}
			},
			"FAIL permission: sns:Subscribe is not allowed|FAIL permission: sns:Subscribe is not allowed: the permissions boundary refuses it",
		},
		{
			"an action that is not known", func(f *Facts) { f.Permissions[0].Answer, f.Permissions[0].Why = Unknown, denied },
			"not checked permission: sns:Subscribe: AccessDenied: no",
		},
		{"an action that one of two regions refuses", func(f *Facts) {
			f.Permissions = append(f.Permissions, Permission{Action: "sns:Subscribe", Region: "eu-west-1", Resource: "*", Answer: Refused})
		}, "FAIL permission: sns:Subscribe is not allowed"},

		{"room for a stack's rules", func(f *Facts) { f.Rules.N = 269 }, ""},
		{"nine tenths of the quota of rules", func(f *Facts) { f.Rules.N = 270 }, "WARN quota: 270 of 300 EventBridge rules"},
		{"rules that may not be listed", func(f *Facts) { f.Rules.Failure = denied }, "not checked quota: number of EventBridge rules: AccessDenied: no"},
		{"dashboards that may not be listed", func(f *Facts) { f.Dashboards.Failure = denied }, "not checked quota: number of dashboards"},
		{"alarms that may not be listed", region(func(r *Region) { r.Alarms.Failure = denied }), "not checked quota: number of alarms"},

		{"metrics just in time", region(func(r *Region) { r.Metrics.Latest = now.Add(-20*time.Minute + time.Second) }), ""},
		{"metrics of a stack 20 minutes ago", region(func(r *Region) { r.Metrics.Latest = now.Add(-20 * time.Minute) }), "FAIL metrics: our latest metrics are 20 min old"},
		{"no metrics of a stack", region(func(r *Region) { r.Metrics.Latest = time.Time{} }), "FAIL metrics: no metrics of ours in the last 3 hours"},
		{"no metrics of what runs from time to time", func(f *Facts) {
			f.Regions[0].Metrics.Latest, f.Deployments[0] = time.Time{}, Deployment{Name: "cli", Traces: []string{"the topic in us-east-1"}}
		}, "WARN metrics: no metrics of ours in the last 3 hours"},
		{"metrics of a stack that waits for late counts", func(f *Facts) {
			f.MetricDelay, f.Regions[0].Metrics.Latest = 15*time.Minute, now.Add(-29*time.Minute)
		}, ""},
		{"metrics of it 30 minutes ago", func(f *Facts) {
			f.MetricDelay, f.Regions[0].Metrics.Latest = 15*time.Minute, now.Add(-30*time.Minute)
		}, "FAIL metrics: our latest metrics are 30 min old"},
		{"metrics in time by AWS's clock", func(f *Facts) {
			f.Clock.Offset, f.Regions[0].Metrics.Latest = 15*time.Minute, now.Add(-25*time.Minute)
		}, "FAIL clock: the clock of this host is 15 min ahead"},
		{"metrics that cannot be read", region(func(r *Region) { r.Metrics = Arrival{Failure: denied} }), "not checked metrics: age of our latest metrics"},
		{"nothing to monitor in another region", func(f *Facts) {
			f.Regions = append(f.Regions, Region{Name: "us-west-2", Listed: true, Watched: true, Topic: Topic{Failure: Failure{Kind: Missing}}})
		}, ""},

		{
			"no topic", region(func(r *Region) { r.Topic = Topic{ARN: topic, Failure: Failure{Kind: Missing}} }),
			"WARN topic: the notification topic does not exist",
		},
		{"a topic that cannot be read", region(func(r *Region) { r.Topic = Topic{ARN: topic, Failure: denied} }), "not checked topic: notification topic: AccessDenied: no"},
		{"a policy that is changed", region(func(r *Region) { r.Topic.Policy = false }), "FAIL topic: the topic's policy does not let alarms and events publish"},
		{"the sample's policy", region(func(r *Region) { r.Topic.Policy, r.Topic.Sample = false, true }), "WARN topic: the topic has the upstream sample's policy"},
		{
			"a denial of everyone", region(func(r *Region) { r.Topic.Document = topicPolicy(`"Principal":"*"`) }),
			"not checked topic: a statement of the topic's policy may keep cloudwatch.amazonaws.com from publishing",
		},
		{
			"a denial of EventBridge", region(func(r *Region) { r.Topic.Document = topicPolicy(`"Principal":{"Service":"events.amazonaws.com"}`) }),
			"FAIL topic: a statement of the topic's policy keeps events.amazonaws.com from publishing",
		},
		{"a denial without TLS", region(func(r *Region) {
			r.Topic.Document = topicPolicy(`"Principal":"*","Condition":{"Bool":{"aws:SecureTransport":false}}`)
		}), ""},
		{
			"a policy that is no JSON", region(func(r *Region) { r.Topic.PolicyFailure = Failure{Kind: Other, Text: "no JSON"} }),
			"FAIL topic: the topic's policy cannot be understood: no JSON",
		},

		{"a key of AWS", region(func(r *Region) { r.Topic.Key = Key{Name: "alias/aws/sns", AWS: true} }), "FAIL key: the topic is encrypted with a key of AWS"},
		{"a key that is off", region(func(r *Region) { r.Topic.Key = Key{Name: "k", Off: true} }), "FAIL key: the key of the topic is disabled"},
		{
			"a key that does not exist", region(func(r *Region) { r.Topic.Key = Key{Name: "k", Failure: Failure{Kind: Missing}} }),
			"FAIL key: the key that the topic is encrypted with does not exist",
		},
		{"a key that cannot be read", region(func(r *Region) { r.Topic.Key = Key{Name: "k", Failure: denied} }), "not checked key: key of the topic"},
		{"a key that both may use", region(func(r *Region) { r.Topic.Key = Key{Name: "k", Policy: keyPolicy(publishers...)} }), ""},
		{
			"a key that EventBridge may not use", region(func(r *Region) { r.Topic.Key = Key{Name: "k", Policy: keyPolicy(publishers[0])} }),
			"FAIL key: the policy of the topic's key does not let events.amazonaws.com use it",
		},

		{"no subscriber", region(func(r *Region) { r.Topic.Subscribers = nil }), "WARN subscriber: the topic has no subscriber"},
		{"subscribers that cannot be read", region(func(r *Region) { r.Topic.ListFailure = denied }), "not checked subscriber: subscribers of the topic"},
		{
			"a subscriber who has not confirmed", region(func(r *Region) { r.Topic.Subscribers[0].State = Pending }),
			"WARN subscriber: ml@example.com has not confirmed",
		},
		{
			"a subscriber who has unsubscribed", region(func(r *Region) { r.Topic.Subscribers[0].State = Deleted }),
			"WARN subscriber: ml@example.com has unsubscribed",
		},
		{
			"a webhook that waits", region(func(r *Region) {
				r.Topic.Subscribers[0] = Subscriber{config.Endpoint{Protocol: "https", Address: "https://hooks.slack.com/services/x"}, Pending}
			}),
			"FAIL subscriber: https://hooks.slack.com/… is a webhook of Slack",
		},
		{"a chat that drops texts", region(func(r *Region) {
			r.Topic.Subscribers[0] = Subscriber{config.Endpoint{Protocol: "https", Address: "https://global.sns-api.chatbot.amazonaws.com"}, Confirmed}
		}), "WARN subscriber: Amazon Q Developer shows the alarms"},
		{"an address that is not subscribed", func(f *Facts) {
			f.Wanted = []config.Endpoint{{Protocol: config.Email, Address: "ML@example.com"}, {Protocol: config.HTTPS, Address: "https://x.example.com/s3cret"}}
			f.Regions[0].Topic.Subscribers = append(f.Regions[0].Topic.Subscribers, Subscriber{config.Endpoint{Protocol: config.HTTPS, Address: "https://x.example.com/S3CRET"}, Confirmed})
		}, "WARN subscriber: https://x.example.com/… is not subscribed"},

		{"a topic for chats that a channel shows", chat(func(*Facts) {}), ""},
		{"a channel that shows both topics", chat(func(f *Facts) { f.Regions[0].Topic.Subscribers = f.Chat.Subscribers }), ""},
		{"no topic for chats", chat(func(f *Facts) { f.Chat = Topic{Failure: Failure{Kind: Missing}} }), "WARN topic: the topic for chats does not exist"},
		{"a topic for chats that cannot be read", chat(func(f *Facts) { f.Chat = Topic{Failure: denied} }), "not checked topic: topic for chats"},
		{"a topic for chats that no channel shows", chat(func(f *Facts) { f.Chat.Subscribers = nil }), "WARN subscriber: no channel shows the topic for chats"},
		{"channels that cannot be read", chat(func(f *Facts) { f.Chat.ListFailure = denied }), "not checked subscriber: channels of the topic for chats"},
		{
			"a topic for chats that no rule sends to", chat(func(f *Facts) { f.Regions[0].Rule.Targets = []Target{{topic, MessageText}} }),
			"WARN rule: the topic for chats is no target of the notification rule",
		},
		{"a key of the topic for chats", chat(func(f *Facts) { f.Chat.Key = Key{Name: "k", Off: true} }), "FAIL key: the key of the topic is disabled"},

		{"no rule", region(func(r *Region) { r.Rule = Rule{Failure: Failure{Kind: Missing}} }), "WARN rule: the notification rule does not exist"},
		{"a rule that cannot be read", region(func(r *Region) { r.Rule = Rule{Failure: denied} }), "not checked rule: notification rule"},
		{"a rule that is disabled", region(func(r *Region) { r.Rule.Disabled = true }), "WARN rule: the notification rule is disabled"},
		{
			"a rule without our target", region(func(r *Region) { r.Rule.Targets = []Target{{"arn:aws:sns:us-east-1:123456789012:other", MessageText}} }),
			"FAIL rule: none of the 1 targets of the notification rule is the topic",
		},
		{"targets that cannot be read", region(func(r *Region) { r.Rule.TargetsFailure = denied }), "not checked rule: targets of the notification rule"},
		{"a pattern of a person", region(func(r *Region) { r.Rule.Known = false }), "WARN rule: the notification rule has a pattern that a person set"},
		{"raw JSON", region(func(r *Region) { r.Rule.Targets[0].Sends = MessageRaw }), "WARN rule: the notification rule sends raw JSON"},
		{"raw JSON beside the text", region(func(r *Region) { r.Rule.Targets = append(r.Rule.Targets, Target{topic, MessageRaw}) }), ""},
		{"a text of a person", region(func(r *Region) { r.Rule.Targets[0].Sends = MessageOther }), "WARN rule: the notification rule sends a text that a person set"},
		{
			"a text to the topic for chats", chat(func(f *Facts) { f.Regions[0].Rule.Targets[1].Sends = MessageText }),
			"WARN rule: the notification rule sends to the topic for chats what a person set",
		},

		{"a daemon beside the stack", func(f *Facts) {
			f.Deployments = append(f.Deployments, Deployment{Name: "cli", Served: now.Add(-10 * time.Minute), Version: "1.2.3"})
		}, "WARN monitor: 2 monitors in the account: stack us-east-1/shop (the topic in us-east-1); deployment cli (a daemon that runs)"},
		{"a stack that shares everything with another", func(f *Facts) {
			f.Deployments = append(f.Deployments, Deployment{Name: "us-east-1/other", Version: "1.2.3"})
		}, "WARN monitor: 2 monitors in the account: stack us-east-1/shop (the topic in us-east-1); stack us-east-1/other (its version in the tags of a topic)"},
		{"a daemon that ended an hour ago", func(f *Facts) {
			f.Deployments = append(f.Deployments, Deployment{Name: "cli", Served: now.Add(-time.Hour), Version: "1.0.0"})
		}, ""},
		{
			"the upstream sample", func(f *Facts) { f.Deployments = []Deployment{{Traces: []string{"alarms in us-east-1"}}} },
			"WARN monitor: the upstream sample is deployed here: alarms in us-east-1",
		},
		{"the upstream sample beside a stack", func(f *Facts) {
			f.Deployments = append(f.Deployments, Deployment{Traces: []string{"the notification rule"}})
		}, "WARN monitor: 2 monitors in the account: stack us-east-1/shop (the topic in us-east-1); the upstream sample (the notification rule)"},
		{"tags that cannot be read", func(f *Facts) { f.TracesFailure = denied }, "not checked monitor: whether there are other monitors: AccessDenied: no"},
		{"another version", func(f *Facts) { f.Deployments[0].Version = "1.0.0" }, "WARN version: stack us-east-1/shop is of version 1.0.0, this program of 1.2.3"},
		{"no version recorded", func(f *Facts) { f.Deployments[0].Version = "" }, "WARN version: stack us-east-1/shop has recorded no version"},
		{"a program without a version", func(f *Facts) { f.Version = "" }, "not checked version: stack us-east-1/shop is of version 1.2.3"},
		{"what runs once has no version to compare", func(f *Facts) { f.Deployments[0] = Deployment{Name: "cli", Traces: []string{"x"}} }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := sound()
			tt.change(&f)
			wants := strings.Split(tt.want, "|")
			for _, got := range Findings(f) {
				if got.Status == OK {
					if got.Remedy != "" {
						t.Errorf("a remedy for what is OK: %+v", got)
					}
					continue
				}
				text := string(got.Status) + " " + string(got.Check) + ": " + got.Text
				if wants[0] == "" || !strings.HasPrefix(text, wants[0]) {
					t.Fatalf("found %q, want %q", text, wants)
				}
				if wants = append(wants[1:], ""); got.Remedy == "" && got.Status != Unchecked {
					t.Errorf("no remedy: %+v", got)
				}
			}
			if wants[0] != "" {
				t.Errorf("not found: %q", wants)
			}
		})
	}
}

// A remedy is of what it is for: a mail has a link, and an endpoint has to open one.
func TestRemedies(t *testing.T) {
	f := sound()
	subscribers := &f.Regions[0].Topic.Subscribers
	(*subscribers)[0].State, f.Regions[0].Rule.Disabled = Pending, true
	*subscribers = append(*subscribers, Subscriber{config.Endpoint{Protocol: config.HTTPS, Address: "https://x.example.com/s3cret"}, Pending})
	var got []string
	for _, finding := range Findings(f) {
		if finding.Status != OK {
			got = append(got, finding.Remedy)
		}
	}
	want := []string{"follow the link in the mail", "the endpoint must open the SubscribeURL", "aws events enable-rule --region us-east-1 --name"}
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i, remedy := range got {
		if !strings.HasPrefix(remedy, want[i]) {
			t.Errorf("got %q, want %q", remedy, want[i])
		}
	}
}

// What is allowed is one line; an action is counted once, by its best proof.
func TestAllowedPermissionsAreCountedOnce(t *testing.T) {
	f := sound()
	f.Permissions = []Permission{
		{Action: "sns:Subscribe", Region: "us-east-1", Answer: Allowed},
		{Action: "sns:Subscribe", Region: "eu-west-1", Answer: Allowed},
		{Action: "sns:GetTopicAttributes", Region: "us-east-1", Answer: Allowed, Called: true},
		{Action: "sns:GetTopicAttributes", Region: "eu-west-1", Answer: Allowed},
		{Action: "sns:Publish", Region: "us-east-1", Answer: Allowed},
		{Action: "sns:Publish", Region: "eu-west-1", Answer: Refused, Resource: "*"},
		{Action: "sns:TagResource", Region: "us-east-1", Answer: Allowed},
		{Action: "sns:TagResource", Region: "eu-west-1", Answer: Unknown, Why: denied},
	}
	var got []string
	for _, finding := range f.permissions() {
		got = append(got, finding.Region+" "+finding.Text)
	}
	want := "eu-west-1 sns:Publish is not allowed| sns:TagResource: AccessDenied: no| 2 actions of run are allowed: 1 by calling them, 1 by simulation"
	if strings.Join(got, "|") != want {
		t.Errorf("got %q", got)
	}
}

// topicPolicy is the policy of the topic, with a denial of whom it names; of no one if that is empty.
func topicPolicy(denied string) string {
	denial := ""
	if denied != "" {
		denial = `,{"Effect":"Deny","Action":"SNS:Publish","Resource":"` + topic + `",` + denied + `}`
	}
	return `{"Statement":[{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"sns:Publish","Resource":"` + topic + `",` +
		`"Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}},` +
		`{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish","Resource":"` + topic + `"}` + denial + `]}`
}

// keyPolicy lets services use a key.
func keyPolicy(services ...string) string {
	return `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"},` +
		`{"Effect":"Allow","Principal":{"Service":["` + strings.Join(services, `","`) + `"]},"Action":["kms:GenerateDataKey*","kms:Decrypt"],"Resource":"*"}]}`
}

func TestPolicyLets(t *testing.T) {
	const service = "events.amazonaws.com"
	statement := func(rest string) string {
		return `{"Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Resource":"*",` + rest + `}}`
	}
	tests := []struct {
		name, policy string
		want         Answer
	}{
		{"both actions", keyPolicy(service), Allowed},
		{"all actions of KMS, in another case", statement(`"Action":"KMS:*"`), Allowed},
		{"all actions", statement(`"Action":"*"`), Allowed},
		{"one of two actions", statement(`"Action":"kms:Decrypt"`), Refused},
		{"only the action without plain text", statement(`"Action":["kms:Decrypt","kms:GenerateDataKeyWithoutPlaintext"]`), Refused},
		{"another service", keyPolicy("s3.amazonaws.com"), Refused},
		{"our account", statement(`"Action":"kms:*","Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}`), Allowed},
		{"another account", statement(`"Action":"kms:*","Condition":{"StringEquals":{"aws:SourceAccount":"999999999999"}}`), Unknown},
		{"other conditions", statement(`"Action":"kms:*","Condition":{"ArnLike":{"aws:SourceArn":"x"}}`), Unknown},
		{"a denial", `{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"kms:*"},` +
			`{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt"}]}`, Unknown},
		{"a denial of the service", `{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"kms:*"},` +
			`{"Effect":"Deny","Principal":{"Service":"events.amazonaws.com"},"Action":"kms:Decrypt"}]}`, Refused},
		{"a denial of the service in some cases", `{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"kms:*"},` +
			`{"Effect":"Deny","Principal":{"Service":"events.amazonaws.com"},"Action":"kms:Decrypt","Condition":{"Bool":{"aws:ViaAWSService":"true"}}}]}`, Unknown},
		{"a denial of all but services", `{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"kms:*"},` +
			`{"Effect":"Deny","Principal":"*","Action":"kms:*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}]}`, Allowed},
		{"everyone", `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*"}]}`, Unknown},
		{"all but some actions", statement(`"NotAction":"kms:Encrypt"`), Unknown},
		{"patterns", statement(`"Action":["kms:D?crypt","kms:*DataKey*"]`), Allowed},
		{"a denial by a pattern", `{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"kms:*"},` +
			`{"Effect":"Deny","Principal":"*","Action":"kms:*Decrypt"}]}`, Unknown},
		{"no statement", `{}`, Unknown},
		{"an empty list", `{"Statement":[]}`, Refused},
		{"no JSON", `{`, Unknown},
		{"a statement that is no object", `{"Statement":["x"]}`, Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := policyLets(tt.policy, service, "123456789012", keyActions...); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func FuzzPolicyLets(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"Statement":{}}`, `{"Statement":[{"Principal":7}]}`, keyPolicy("events.amazonaws.com")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, policy string) {
		if policyLets(policy, "events.amazonaws.com", "1", keyActions...) == Allowed && !strings.Contains(policy, "events") && !strings.Contains(policy, `\u`) {
			t.Errorf("a policy that does not name the service lets it: %s", policy)
		}
	})
}
