package localaws

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const refusedEstate = `
account: "123456789012"
denied: [personalize:listCampaigns, "cloudwatch:Describe*", sns:ListTopics, sts:GetCallerIdentity, iam:SimulateX]
accounts: [{id: "123456789012", role: Monitor}]
regions:
  us-east-1: {keys: [{id: key-1, alias: alias/own, policy: '{"Statement": []}'}, {id: key-2, policy: '{}', state: Disabled}]}
  ap-south-1: {disabled: true}
`

func refusedConfig(t *testing.T) aws.Config {
	t.Helper()
	estate, err := ParseEstate([]byte(refusedEstate), "estate.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	return newWorld(t, estate).config("us-east-1")
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Each service words a denial, and a region that is not enabled, in its own way.
func TestDeniedActionsAndDisabledRegions(t *testing.T) {
	ctx, cfg := context.Background(), refusedConfig(t)
	in := func(region string) aws.Config {
		c := cfg.Copy()
		c.Region = region
		return c
	}
	list := func(region string) error {
		_, err := personalize.NewFromConfig(in(region)).ListCampaigns(ctx, &personalize.ListCampaignsInput{})
		return err
	}
	alarms := func(region string) error {
		_, err := cloudwatch.NewFromConfig(in(region)).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{})
		return err
	}
	topics := func(region string) error {
		_, err := sns.NewFromConfig(in(region)).ListTopics(ctx, &sns.ListTopicsInput{})
		return err
	}
	identity := func(region string) error {
		_, err := sts.NewFromConfig(in(region)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return err
	}
	for _, tt := range []struct {
		name             string
		call             func(region string) error
		denied, disabled string
	}{
		{"personalize", list, "AccessDeniedException", "UnrecognizedClientException"},
		{"cloudwatch", alarms, "AccessDenied", "InvalidClientTokenId"},
		{"sns", topics, "AuthorizationError", "InvalidClientTokenId"},
		{"sts, which needs no permission", identity, "", "InvalidClientTokenId"},
	} {
		if got := codeOf(tt.call("us-east-1")); got != tt.denied {
			t.Errorf("%s denied: %q, want %q", tt.name, got, tt.denied)
		}
		if got := codeOf(tt.call("ap-south-1")); got != tt.disabled {
			t.Errorf("%s in a disabled region: %q, want %q", tt.name, got, tt.disabled)
		}
	}
}

func TestSimulatePrincipalPolicy(t *testing.T) {
	client := iam.NewFromConfig(refusedConfig(t))
	simulate := func(principal string, in iam.SimulatePrincipalPolicyInput) (string, error) {
		in.PolicySourceArn = &principal
		out, err := client.SimulatePrincipalPolicy(context.Background(), &in)
		text := ""
		if err == nil {
			for _, r := range out.EvaluationResults {
				text += aws.ToString(r.EvalActionName) + " " + string(r.EvalDecision) + " " + aws.ToString(r.EvalResourceName) + ";"
				for _, one := range r.ResourceSpecificResults {
					text += string(one.EvalResourceDecision) + " " + aws.ToString(one.EvalResourceName) + ";"
				}
			}
		}
		return text, err
	}
	const user, role = "arn:aws:iam::123456789012:user/localaws", "arn:aws:iam::123456789012:role/Monitor"
	actions := []string{"personalize:ListCampaigns", "cloudwatch:DescribeAlarms", "sns:Publish"}
	got, err := simulate(role, iam.SimulatePrincipalPolicyInput{ActionNames: actions})
	if want := "personalize:ListCampaigns implicitDeny *;cloudwatch:DescribeAlarms implicitDeny *;sns:Publish allowed *;"; got != want || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	topic := "arn:aws:sns:us-east-1:123456789012:x"
	got, err = simulate(user, iam.SimulatePrincipalPolicyInput{
		ActionNames: actions[2:], ResourceArns: []string{topic, "*"}, ContextEntries: []iamtypes.ContextEntry{
			{ContextKeyName: aws.String("events:source"), ContextKeyType: iamtypes.ContextKeyTypeEnumString, ContextKeyValues: []string{"x"}},
		},
	})
	if want := "sns:Publish allowed " + topic + ";allowed " + topic + ";allowed *;"; got != want || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for _, tt := range []struct {
		principal, code string
		in              iam.SimulatePrincipalPolicyInput
	}{
		{"arn:aws:iam::123456789012:user/other", "NoSuchEntity", iam.SimulatePrincipalPolicyInput{ActionNames: actions}},
		{"arn:aws:iam::999999999999:user/localaws", "AccessDenied", iam.SimulatePrincipalPolicyInput{ActionNames: actions}},
		{"arn:aws:sts::123456789012:assumed-role/Monitor/x", "InvalidInput", iam.SimulatePrincipalPolicyInput{ActionNames: actions}},
		{user, "ValidationError", iam.SimulatePrincipalPolicyInput{ActionNames: []string{"Publish"}}},
		{user, "ValidationError", iam.SimulatePrincipalPolicyInput{ActionNames: actions, ResourceArns: []string{"x"}}},
		{user, "ValidationError", iam.SimulatePrincipalPolicyInput{ActionNames: actions, MaxItems: aws.Int32(1)}},
	} {
		if _, err := simulate(tt.principal, tt.in); codeOf(err) != tt.code {
			t.Errorf("%s %v: %v, want %s", tt.principal, tt.in, err, tt.code)
		}
	}
}

func TestKeys(t *testing.T) {
	ctx, client := context.Background(), kms.NewFromConfig(refusedConfig(t))
	const arn = "arn:aws:kms:us-east-1:123456789012:"
	for id, want := range map[string]string{
		"alias/own": "key-1 CUSTOMER Enabled", arn + "key/key-1": "key-1 CUSTOMER Enabled", "key-2": "key-2 CUSTOMER Disabled", arn + "alias/own": "key-1 CUSTOMER Enabled",
	} {
		out, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
		if err != nil {
			t.Fatal(id, err)
		}
		m := out.KeyMetadata
		if got := *m.KeyId + " " + string(m.KeyManager) + " " + string(m.KeyState); got != want || *m.Arn != arn+"key/"+*m.KeyId {
			t.Errorf("%s: got %s, %s", id, got, *m.Arn)
		}
	}
	aws1, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/aws/sns")})
	if err != nil || aws1.KeyMetadata.KeyManager != "AWS" {
		t.Errorf("the key of AWS: %v", err)
	}
	policy, err := client.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: aws.String("key-1"), PolicyName: aws.String("default")})
	if err != nil || *policy.Policy != `{"Statement": []}` {
		t.Errorf("policy: %v", err)
	}
	for _, id := range []string{"alias/own", "other"} {
		if _, err := client.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &id}); codeOf(err) != "NotFoundException" {
			t.Errorf("policy of %s: %v", id, err)
		}
	}
	if _, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/other")}); codeOf(err) != "NotFoundException" {
		t.Error(err)
	}
}
