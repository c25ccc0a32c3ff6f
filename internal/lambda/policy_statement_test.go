package lambda

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// need is one thing that a call takes: an action on a resource, or on nothing in
// particular ("*"), with what conditions are compared with.
type need struct {
	action, resource string
	context          map[string]string
}

// region is that of the resource; empty if it has none.
func (n need) region() string { return regionOf(n.resource) }

func (n need) String() string {
	parts := []string{n.action + " on " + n.resource}
	for _, key := range slices.Sorted(maps.Keys(n.context)) {
		parts = append(parts, key+"="+n.context[key])
	}
	return strings.Join(parts, ", ")
}

// regionOf is the region in an ARN or a pattern of ARNs.
func regionOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[3]
	}
	return ""
}

// grant is one action on one pattern of resources, as a statement of a policy allows it.
type grant struct {
	sid, action, pattern string
	conditions           map[string]string // keys that must equal a value
	alone                []need            // what no other grant allows
}

func (g *grant) allows(n need) bool {
	for key, value := range g.conditions {
		if got, given := n.context[key]; !given || got != value {
			return false
		}
	}
	return strings.EqualFold(g.action, n.action) && matches(g.pattern, n.resource)
}

// matches compares as IAM does: * stands for any text, ? for one character. A call that
// is about no resource in particular is allowed by * only.
func matches(pattern, resource string) bool {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\*`, `.*`), `\?`, `.`)
	return regexp.MustCompile(`^` + quoted + `$`).MatchString(resource)
}

// policy is what one function may do.
type policy struct{ grants []*grant }

// allow tells whether a call may be made, and remembers which grants are needed for it.
func (p *policy) allow(n need) bool {
	var by []*grant
	for _, g := range p.grants {
		if g.allows(n) {
			by = append(by, g)
		}
	}
	if len(by) == 1 {
		by[0].alone = append(by[0].alone, n)
	}
	return len(by) > 0
}

// excess says which grants nothing was seen to need, and which are wider than needed: for
// every region, and needed in that of the stack only.
func (p *policy) excess() []string {
	var found []string
	for _, g := range p.grants {
		elsewhere := func(n need) bool { return n.region() != home }
		switch {
		case len(g.alone) == 0:
			found = append(found, fmt.Sprintf("%s: nothing needs %s on %s", g.sid, g.action, g.pattern))
		case regionOf(g.pattern) == "*" && !slices.ContainsFunc(g.alone, elsewhere):
			found = append(found, fmt.Sprintf("%s: %s is needed in the region of the stack only, not on %s", g.sid, g.action, g.pattern))
		}
	}
	return found
}

// statement is one of a policy in the template. The reader of YAML passes over the tag
// !Sub, so that the text with its ${…} is left.
type statement struct {
	Sid       string                    `yaml:"Sid"`
	Effect    string                    `yaml:"Effect"`
	Action    any                       `yaml:"Action"`
	Resource  any                       `yaml:"Resource"`
	Condition map[string]map[string]any `yaml:"Condition"`
}

// policyOf reads the policy of a function from the deployment template, as it is in a
// stack of the default name in the home region.
func policyOf(t *testing.T, f Function) *policy {
	t.Helper()
	source, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string `yaml:"Type"`
			Properties struct {
				Handler  string `yaml:"Handler"`
				Policies []struct {
					Statement []statement `yaml:"Statement"`
				} `yaml:"Policies"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(source, &template); err != nil {
		t.Fatal(err)
	}
	p := &policy{}
	for _, resource := range template.Resources {
		if resource.Type != "AWS::Serverless::Function" || resource.Properties.Handler != string(f) {
			continue
		}
		for _, document := range resource.Properties.Policies {
			for _, s := range document.Statement {
				p.grants = append(p.grants, grantsOf(t, s)...)
			}
		}
	}
	if len(p.grants) == 0 {
		t.Fatalf("the template has no policy of a function with the handler %s", f)
	}
	return p
}

func grantsOf(t *testing.T, s statement) []*grant {
	t.Helper()
	if s.Effect != "Allow" {
		t.Fatalf("%s: this test does not understand the effect %q", s.Sid, s.Effect)
	}
	conditions := map[string]string{}
	for operator, keys := range s.Condition {
		if operator != "StringEquals" {
			t.Fatalf("%s: this test does not understand the condition %s", s.Sid, operator)
		}
		for key, value := range keys {
			conditions[key] = substituted(t, fmt.Sprint(value))
		}
	}
	var grants []*grant
	for _, action := range oneOrMore(s.Action) {
		for _, pattern := range oneOrMore(s.Resource) {
			grants = append(grants, &grant{sid: s.Sid, action: action, pattern: substituted(t, pattern), conditions: conditions})
		}
	}
	return grants
}

func oneOrMore(value any) []string {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var texts []string
	for _, item := range list {
		texts = append(texts, fmt.Sprint(item))
	}
	return texts
}

// stackName is that of make deploy.
const stackName = "personalize-monitor"

// substituted fills in what CloudFormation does.
func substituted(t *testing.T, text string) string {
	t.Helper()
	text = strings.NewReplacer("${AWS::Partition}", "aws", "${AWS::Region}", home, "${AWS::AccountId}", account,
		"${AWS::StackName}", stackName, "${DashboardName}", boards).Replace(text)
	if strings.Contains(text, "${") {
		t.Fatalf("this test does not know what stands for %s", text)
	}
	return text
}

func TestPolicyJudgement(t *testing.T) {
	const topic, other = "arn:aws:sns:us-east-1:123456789012:ours", "arn:aws:sns:eu-west-1:123456789012:ours"
	fresh := func() *policy {
		return &policy{grants: []*grant{
			{sid: "A", action: "sns:Subscribe", pattern: "arn:aws:sns:*:123456789012:ours"},
			{sid: "B", action: "sns:Subscribe", pattern: topic},
			{sid: "C", action: "cloudwatch:PutMetricData", pattern: "*", conditions: map[string]string{"cloudwatch:namespace": "Ours"}},
			{sid: "D", action: "sns:CreateTopic", pattern: "arn:aws:sns:*:123456789012:o?rs*"},
		}}
	}
	put := func(namespace string) need {
		return need{"cloudwatch:PutMetricData", "*", map[string]string{"cloudwatch:namespace": namespace}}
	}
	for _, tt := range []struct {
		name    string
		need    need
		allowed bool
		alone   string
	}{
		{"by two", need{"sns:Subscribe", topic, nil}, true, ""},
		{"by one", need{"SNS:subscribe", other, nil}, true, "A"},
		{"another account", need{"sns:Subscribe", "arn:aws:sns:eu-west-1:210987654321:ours", nil}, false, ""},
		{"another resource", need{"sns:Subscribe", topic + "2", nil}, false, ""},
		{"another action", need{"sns:SubscribeAll", topic, nil}, false, ""},
		{"no resource where one is asked for", need{"sns:Subscribe", "*", nil}, false, ""},
		{"condition met", put("Ours"), true, "C"},
		{"condition not met", put("AWS/Personalize"), false, ""},
		{"condition about what is not told", need{"cloudwatch:PutMetricData", "*", nil}, false, ""},
		{"wildcards", need{"sns:CreateTopic", topic, nil}, true, "D"},
	} {
		p := fresh()
		if got := p.allow(tt.need); got != tt.allowed {
			t.Errorf("%s: allowed %v", tt.name, got)
		}
		for _, g := range p.grants {
			if (len(g.alone) > 0) != (g.sid == tt.alone) {
				t.Errorf("%s: %s is needed by %v", tt.name, g.sid, g.alone)
			}
		}
	}
	p := fresh()
	for _, n := range []need{{"sns:Subscribe", topic, nil}, {"sns:Subscribe", other, nil}, put("Ours"), {"sns:CreateTopic", topic, nil}} {
		p.allow(n)
	}
	want := []string{
		"B: nothing needs sns:Subscribe on " + topic,
		"D: sns:CreateTopic is needed in the region of the stack only, not on arn:aws:sns:*:123456789012:o?rs*",
	}
	if got := p.excess(); !slices.Equal(got, want) {
		t.Errorf("excess %q", got)
	}
}
