package permissions

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
	"text/template"
)

// MaxPolicy is how many characters a managed policy has at most, without its spaces (IAM User Guide,
// "IAM and AWS STS quotas").
const MaxPolicy = 6144

// Options for policies whose partition and account the tool that creates them fills in.
const (
	stackPartition, stackAccount         = "${AWS::Partition}", "${AWS::AccountId}"
	terraformPartition, terraformAccount = "${data.aws_partition.current.partition}", "${data.aws_caller_identity.current.account_id}"
)

type document struct {
	Version   string
	Statement []Statement
}

// encode never fails: texts and lists of them have no value that JSON lacks.
func encode(list []Statement, indent string) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	_ = e.Encode(document{"2012-10-17", list})
	return out.String()
}

// Size is how many characters a policy has, as IAM counts them.
func Size(list []Statement) int { return len(strings.TrimSpace(encode(list, ""))) }

// JSON is the policy document for a use.
func JSON(use Use, o Options) string { return encode(For(use, o), "  ") }

// CloudFormation is a template with a managed policy for a use. The stack fills in its partition and
// account where the options have none.
func CloudFormation(use Use, o Options) string {
	o.Partition, o.Account = cmp.Or(o.Partition, stackPartition), cmp.Or(o.Account, stackAccount)
	return render(cloudFormation, use, o, o)
}

// Terraform is a policy for a use in HCL, formatted as terraform fmt does. The provider fills in its
// partition and account where the options have none.
func Terraform(use Use, o Options) string {
	given := o
	o.Partition, o.Account = cmp.Or(o.Partition, terraformPartition), cmp.Or(o.Account, terraformAccount)
	return render(terraform, use, o, given)
}

// render fills in a template, which cannot fail: the tests render each.
func render(t *template.Template, use Use, o, given Options) string {
	var out strings.Builder
	_ = t.Execute(&out, struct {
		Use        Use
		Given      Options
		Statements []Statement
	}{use, given, For(use, o)})
	return out.String()
}

var functions = template.FuncMap{
	// title is the name of a use, as part of a name.
	"title": func(use Use) string { return strings.ToUpper(string(use[:1])) + string(use[1:]) },
	// yaml is a text in quotes, in which CloudFormation replaces ${…}.
	"yaml": func(text string) string {
		quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
		if strings.Contains(text, "${") {
			return "!Sub " + quoted
		}
		return quoted
	},
	// hcl is a text in quotes; references to data remain.
	"hcl": func(text string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"` },
}

var cloudFormation = template.Must(template.New("CloudFormation").Funcs(functions).Parse(`AWSTemplateFormatVersion: '2010-09-09'
Description: What personalize-monitor may do, for the use {{.Use}}

Resources:
  PersonalizeMonitor{{title .Use}}Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Description: What personalize-monitor may do, for the use {{.Use}}
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
{{range .Statements}}          - Sid: {{.Sid}}
            Effect: Allow
            Action:
{{range .Actions}}              - {{yaml .}}
{{end}}            Resource:
{{range .Resources}}              - {{yaml .}}
{{end}}{{with .Conditions}}            Condition:
{{range $operator, $keys := .}}              {{$operator}}:
{{range $key, $values := $keys}}                {{$key}}:
{{range $values}}                  - {{yaml .}}
{{end}}{{end}}{{end}}{{end}}{{end}}
Outputs:
  PolicyArn:
    Description: ARN of the policy, to be attached to a role
    Value: !Ref PersonalizeMonitor{{title .Use}}Policy
`))

var terraform = template.Must(template.New("Terraform").Funcs(functions).Parse(`{{if not .Given.Account -}}
data "aws_caller_identity" "current" {}

{{end}}{{if not .Given.Partition -}}
data "aws_partition" "current" {}

{{end}}data "aws_iam_policy_document" "personalize_monitor_{{.Use}}" {
{{range $i, $statement := .Statements}}{{if $i}}
{{end}}  statement {
    sid = "{{.Sid}}"

    actions = [
{{range .Actions}}      {{hcl .}},
{{end}}    ]

    resources = [
{{range .Resources}}      {{hcl .}},
{{end}}    ]
{{range $operator, $keys := .Conditions}}{{range $key, $values := $keys}}
    condition {
      test     = "{{$operator}}"
      variable = "{{$key}}"
      values   = [{{range $n, $value := $values}}{{if $n}}, {{end}}{{hcl $value}}{{end}}]
    }
{{end}}{{end}}  }
{{end}}}

resource "aws_iam_policy" "personalize_monitor_{{.Use}}" {
  name   = "PersonalizeMonitor-{{title .Use}}"
  policy = data.aws_iam_policy_document.personalize_monitor_{{.Use}}.json
}
`))
