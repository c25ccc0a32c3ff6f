package permissions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/personalize-monitor/personalize-monitor/test/iam"
)

// everything is a policy with all that can be added to it.
var everything = Options{
	Region: "eu-west-1", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}, AllowActions: true, LivePrices: true, Chat: true,
	LogGroups: []string{"/aws/lambda/personalize-monitor-*", "/monitor/a"}, Roles: []string{"arn:aws:iam::123456789012:role/a"},
	Organization: true, RoleName: "PersonalizeMonitor",
}

func TestParse(t *testing.T) {
	for _, use := range Uses() {
		if got, err := Parse(string(use)); got != use || err != nil {
			t.Errorf("%s: %q, %v", use, got, err)
		}
	}
	for _, name := range []string{"", "Plan", "MonitorFunction"} {
		if _, err := Parse(name); err == nil || err.Error() != fmt.Sprintf("%q is not one of plan, report, run, act, serve, cleanup", name) {
			t.Error(err)
		}
	}
	if got := For("other", everything); got != nil {
		t.Errorf("an unknown use has %v", got)
	}
}

// Each action of the table has a mark for each use, and stands once on a target.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, target := range targets {
		for _, a := range target.actions {
			uses := strings.ReplaceAll(a.uses, " ", "")
			if len(uses) != len(columns) || strings.Trim(uses, ".xalgfroc") != "" || strings.Trim(uses, ".") == "" || !strings.Contains(a.name, ":") {
				t.Errorf("a wrong row on %s: %v", target.sid, a)
			}
			name := target.sid + " " + a.name
			if seen[name] {
				t.Errorf("two rows: %s", name)
			}
			seen[name] = true
		}
	}
}

// What plans and reports reads only, and every write names what it writes to.
func TestWritesNameTheirResources(t *testing.T) {
	for _, use := range slices.Concat(Uses(), Functions()) {
		for _, s := range For(use, everything) {
			for _, action := range s.Actions {
				switch reads := iam.Reads(action); {
				case !reads && action != "sts:AssumeRole" && (use == Plan || use == Report):
					t.Errorf("%s: %s does not only read", use, action)
				case !reads && slices.Contains(s.Resources, "*") && len(s.Conditions["StringEquals"]["cloudwatch:namespace"]) == 0:
					t.Errorf("%s: %s is allowed on anything", use, action)
				case strings.Contains(action, "*"):
					t.Errorf("%s: %s", use, action)
				}
			}
		}
	}
	if iam.Reads("personalize:UpdateCampaign") || iam.Reads("sts:AssumeRole") || !iam.Reads("logs:FilterLogEvents") {
		t.Error("wrong about what reads")
	}
}

func TestOptions(t *testing.T) {
	actions := func(use Use, o Options) string {
		var all []string
		for _, s := range For(use, o) {
			all = append(all, s.Actions...)
		}
		return strings.Join(all, " ")
	}
	for _, tt := range []struct {
		use    Use
		o      Options
		action string
		want   bool
	}{
		{Serve, Options{}, "personalize:CreateCampaign", false},
		{Serve, Options{AllowActions: true}, "personalize:CreateCampaign", true},
		{Act, Options{AllowActions: true}, "personalize:CreateCampaign", false},
		{Plan, Options{}, "pricing:GetProducts", false},
		{Plan, Options{LivePrices: true}, "pricing:GetProducts", true},
		{Report, Options{}, "logs:FilterLogEvents", false},
		{Report, Options{LogGroups: []string{"a"}}, "logs:FilterLogEvents", true},
		{Report, Options{LogGroups: []string{"a"}}, "logs:DescribeLogGroups", false},
		{Report, Options{LogGroups: []string{"a*"}}, "logs:DescribeLogGroups", true},
		{Run, Options{}, "sts:AssumeRole", false},
		{Run, Options{Roles: []string{"arn:aws:iam::123456789012:role/a"}}, "sts:AssumeRole", true},
		{Run, Options{RoleName: "a", Organization: true}, "organizations:ListAccounts", true},
		{Cleanup, everything, "sts:AssumeRole", false},
		{Report, everything, "sns:GetTopicAttributes", false},
	} {
		if got := strings.Contains(actions(tt.use, tt.o), tt.action); got != tt.want {
			t.Errorf("%s with %+v has %s: %t", tt.use, tt.o, tt.action, got)
		}
	}
	for _, s := range For(Report, everything) {
		limited := len(s.Conditions["StringEquals"]["aws:RequestedRegion"]) == 3
		if global := slices.Contains([]string{"Prices", "Roles", "Organization"}, s.Sid); limited == global {
			t.Errorf("%s is limited to regions: %t", s.Sid, limited)
		}
	}
}

func TestSizes(t *testing.T) {
	o := everything
	o.Partition, o.Account = "aws-us-gov", "123456789012"
	for _, use := range Uses() {
		if size := Size(For(use, o)); size > MaxPolicy {
			t.Errorf("%s has %d characters", use, size)
		}
	}
}

// The three formats have the same statements.
func TestFormatsAgree(t *testing.T) {
	for _, use := range Uses() {
		var want document
		if err := json.Unmarshal([]byte(JSON(use, everything)), &want); err != nil {
			t.Fatal(err)
		}
		filled := strings.NewReplacer(stackPartition, "aws", stackAccount, "*")

		var stack struct {
			AWSTemplateFormatVersion, Description string
			Resources                             map[string]struct {
				Type       string
				Properties struct {
					Description    string
					PolicyDocument document
				}
			}
			Outputs map[string]struct{ Description, Value string }
		}
		text := CloudFormation(use, everything)
		for line := range strings.Lines(text) {
			if strings.Contains(line, "${") != strings.Contains(line, "!Sub '") {
				t.Errorf("%s: nothing is filled in: %s", use, line)
			}
		}
		tagless := filled.Replace(strings.NewReplacer("!Sub ", "", "!Ref ", "").Replace(text))
		converted, err := yaml.YAMLToJSON([]byte(tagless))
		if err != nil {
			t.Fatalf("%s: %v", use, err)
		}
		strict := json.NewDecoder(bytes.NewReader(converted))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&stack); err != nil {
			t.Fatalf("%s: %v", use, err)
		}
		name := "PersonalizeMonitor" + strings.ToUpper(string(use[:1])) + string(use[1:]) + "Policy"
		resource := stack.Resources[name]
		if len(stack.Resources) != 1 || resource.Type != "AWS::IAM::ManagedPolicy" || stack.Outputs["PolicyArn"].Value != name ||
			stack.AWSTemplateFormatVersion != "2010-09-09" || len(resource.Properties.Description) > 1000 {
			t.Errorf("%s: %+v", use, stack)
		}
		if diff := cmp.Diff(want, resource.Properties.PolicyDocument); diff != "" {
			t.Errorf("%s (-JSON +CloudFormation):\n%s", use, diff)
		}
		if diff := cmp.Diff(want.Statement, readTerraform(t, Terraform(use, everything))); diff != "" {
			t.Errorf("%s (-JSON +Terraform):\n%s", use, diff)
		}
	}
}

// readTerraform reads the statements of a policy in the language of Terraform, with the data of a partition and an
// account filled in.
func readTerraform(t *testing.T, text string) []Statement {
	t.Helper()
	file, problems := hclsyntax.ParseConfig([]byte(text), "policy.tf", hcl.InitialPos)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	caller := cty.ObjectVal(map[string]cty.Value{"account_id": cty.StringVal("*")})
	partition := cty.ObjectVal(map[string]cty.Value{"partition": cty.StringVal("aws")})
	current := func(v cty.Value) cty.Value { return cty.ObjectVal(map[string]cty.Value{"current": v}) }
	data := cty.ObjectVal(map[string]cty.Value{"aws_caller_identity": current(caller), "aws_partition": current(partition)})
	var read struct {
		Data []struct {
			Type       string `hcl:"type,label"`
			Name       string `hcl:"name,label"`
			Statements []struct {
				Sid        string   `hcl:"sid"`
				Actions    []string `hcl:"actions"`
				Resources  []string `hcl:"resources"`
				Conditions []struct {
					Operator string   `hcl:"test"`
					Key      string   `hcl:"variable"`
					Values   []string `hcl:"values"`
				} `hcl:"condition,block"`
			} `hcl:"statement,block"`
		} `hcl:"data,block"`
		Policies []struct {
			Type string   `hcl:"type,label"`
			Name string   `hcl:"name,label"`
			Rest hcl.Body `hcl:",remain"` // refers to the data
		} `hcl:"resource,block"`
	}
	if problems := gohcl.DecodeBody(file.Body, &hcl.EvalContext{Variables: map[string]cty.Value{"data": data}}, &read); problems.HasErrors() {
		t.Fatal(problems)
	}
	var list []Statement
	for _, one := range read.Data {
		for _, got := range one.Statements {
			s := Statement{Sid: got.Sid, Effect: "Allow", Actions: got.Actions, Resources: got.Resources}
			for _, c := range got.Conditions {
				if s.Conditions == nil {
					s.Conditions = map[string]map[string][]string{}
				}
				if s.Conditions[c.Operator] == nil {
					s.Conditions[c.Operator] = map[string][]string{}
				}
				s.Conditions[c.Operator][c.Key] = c.Values
			}
			list = append(list, s)
		}
	}
	return list
}

// Terraform would write each policy as it is, with and without what can be given.
func TestTerraformIsFormatted(t *testing.T) {
	given := everything
	given.Partition, given.Account = "aws-cn", "123456789012"
	for _, use := range Uses() {
		for _, o := range []Options{{}, everything, given} {
			text := Terraform(use, o)
			if diff := cmp.Diff(string(hclwrite.Format([]byte(text))), text); diff != "" {
				t.Errorf("%s (-want +got):\n%s", use, diff)
			}
		}
	}
}

// cfn-lint accepts the snippets, where it is installed.
func TestSnippets(t *testing.T) {
	if _, err := exec.LookPath("cfn-lint"); err != nil {
		t.Skip("cfn-lint is not installed, and CI has no package of it to install: what it accepts is not tested")
	}
	var files []string
	for i, o := range []Options{{}, everything} {
		for _, use := range Uses() {
			file := filepath.Join(t.TempDir(), fmt.Sprint(use, i, ".yaml"))
			if err := os.WriteFile(file, []byte(CloudFormation(use, o)), 0o600); err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
	}
	if out, err := exec.Command("cfn-lint", files...).CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}
