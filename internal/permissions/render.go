package permissions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// MaxPolicy is how many characters a managed policy has at most, without its spaces (IAM User Guide,
// "IAM and AWS STS quotas").
const MaxPolicy = 6144

// Options for policies whose partition and account the tool that creates them fills in.
const (
	stackPartition, stackAccount         = "${AWS::Partition}", "${AWS::AccountId}"
	terraformPartition, terraformAccount = "${data.aws_partition.current.partition}", "${data.aws_caller_identity.current.account_id}"
)

// statement is a Statement as IAM reads it.
type statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string `json:",omitempty"`
}

type document struct {
	Version   string
	Statement []statement
}

func documentOf(list []Statement) document {
	d := document{Version: "2012-10-17"}
	for _, s := range list {
		d.Statement = append(d.Statement, statement{s.Sid, "Allow", s.Actions, s.Resources, s.Conditions})
	}
	return d
}

// encode never fails: texts and lists of them have no value that JSON lacks.
func encode(value any, indent string) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	_ = e.Encode(value)
	return out.String()
}

// Size is how many characters a policy has, as IAM counts them.
func Size(list []Statement) int { return len(strings.TrimSpace(encode(documentOf(list), ""))) }

// JSON is the policy document for a use.
func JSON(use Use, o Options) string { return encode(documentOf(For(use, o)), "  ") }

// title is the name of a use, as part of a name.
func title(use Use) string { return strings.ToUpper(string(use[:1])) + string(use[1:]) }

// CloudFormation is a template with a managed policy for a use. The stack fills in its partition and
// account where the options have none.
func CloudFormation(use Use, o Options) string {
	if o.Partition == "" {
		o.Partition = stackPartition
	}
	if o.Account == "" {
		o.Account = stackAccount
	}
	var b strings.Builder
	fmt.Fprintf(&b, "AWSTemplateFormatVersion: '2010-09-09'\nDescription: What personalize-monitor may do, for the use %s\n\nResources:\n", use)
	fmt.Fprintf(&b, "  PersonalizeMonitor%sPolicy:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n", title(use))
	fmt.Fprintf(&b, "      Description: What personalize-monitor may do, for the use %s\n", use)
	b.WriteString("      PolicyDocument:\n        Version: '2012-10-17'\n        Statement:\n")
	list := func(indent, key string, values []string) {
		fmt.Fprintf(&b, "%s%s:\n", indent, key)
		for _, value := range values {
			fmt.Fprintf(&b, "%s  - %s\n", indent, yamlText(value))
		}
	}
	for _, s := range For(use, o) {
		fmt.Fprintf(&b, "          - Sid: %s\n            Effect: Allow\n", s.Sid)
		list("            ", "Action", s.Actions)
		list("            ", "Resource", s.Resources)
		if s.Conditions == nil {
			continue
		}
		b.WriteString("            Condition:\n")
		for _, operator := range slices.Sorted(maps.Keys(s.Conditions)) {
			fmt.Fprintf(&b, "              %s:\n", operator)
			for _, key := range slices.Sorted(maps.Keys(s.Conditions[operator])) {
				list("                ", key, s.Conditions[operator][key])
			}
		}
	}
	fmt.Fprintf(&b, "\nOutputs:\n  PolicyArn:\n    Description: ARN of the policy, to be attached to a role\n    Value: !Ref PersonalizeMonitor%sPolicy\n", title(use))
	return b.String()
}

// yamlText is a text in quotes, in which CloudFormation replaces ${…}.
func yamlText(text string) string {
	quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.Contains(text, "${") {
		return "!Sub " + quoted
	}
	return quoted
}

// Terraform is a policy for a use in HCL, formatted as terraform fmt does. The provider fills in its
// partition and account where the options have none.
func Terraform(use Use, o Options) string {
	var b strings.Builder
	if o.Account == "" {
		o.Account = terraformAccount
		b.WriteString("data \"aws_caller_identity\" \"current\" {}\n\n")
	}
	if o.Partition == "" {
		o.Partition = terraformPartition
		b.WriteString("data \"aws_partition\" \"current\" {}\n\n")
	}
	name := "personalize_monitor_" + string(use)
	list := func(key string, values []string) {
		fmt.Fprintf(&b, "    %s = [\n", key)
		for _, value := range values {
			fmt.Fprintf(&b, "      %s,\n", hclText(value))
		}
		b.WriteString("    ]\n")
	}
	fmt.Fprintf(&b, "data \"aws_iam_policy_document\" %q {\n", name)
	for i, s := range For(use, o) {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "  statement {\n    sid = %q\n\n", s.Sid)
		list("actions", s.Actions)
		b.WriteString("\n")
		list("resources", s.Resources)
		for _, operator := range slices.Sorted(maps.Keys(s.Conditions)) {
			for _, key := range slices.Sorted(maps.Keys(s.Conditions[operator])) {
				var values []string
				for _, value := range s.Conditions[operator][key] {
					values = append(values, hclText(value))
				}
				fmt.Fprintf(&b, "\n    condition {\n      test     = %q\n      variable = %q\n      values   = [%s]\n    }\n",
					operator, key, strings.Join(values, ", "))
			}
		}
		b.WriteString("  }\n")
	}
	fmt.Fprintf(&b, "}\n\nresource \"aws_iam_policy\" %q {\n  name   = \"PersonalizeMonitor-%s\"\n  policy = data.aws_iam_policy_document.%s.json\n}\n",
		name, title(use), name)
	return b.String()
}

// hclText is a text in quotes; references to data remain.
func hclText(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
