package probe

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/permissions"
	"github.com/personalize-monitor/personalize-monitor/internal/verify"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

var check = places{
	owner: writer.Identity{Account: "123456789012", Partition: "aws"}, regions: []string{"eu-west-1", "us-east-1"}, home: "us-east-1",
	watched:   map[string]bool{"eu-west-1": true},
	campaigns: map[string]model.ARN{"eu-west-1": model.NewARN("aws", "personalize", "eu-west-1", "123456789012", "campaign/home")},
}

func TestExamplesOfAResource(t *testing.T) {
	tests := []struct {
		pattern string
		want    [2]string // of the first region and of the deployment region
	}{
		{"*", [2]string{"*", "*"}},
		{"arn:aws:personalize:*:123456789012:campaign/*", [2]string{
			"arn:aws:personalize:eu-west-1:123456789012:campaign/home", "arn:aws:personalize:us-east-1:123456789012:campaign/personalize-monitor-verify",
		}},
		{"arn:aws:sns:eu-west-1:123456789012:topic", [2]string{"arn:aws:sns:eu-west-1:123456789012:topic", ""}},
		{"arn:aws:sns:ap-south-1:123456789012:topic", [2]string{}},
		{"arn:aws:cloudwatch::*:dashboard/x-*", [2]string{"", "arn:aws:cloudwatch::123456789012:dashboard/x-personalize-monitor-verify"}},
	}
	for _, tt := range tests {
		for i, region := range check.regions {
			if got, ok := check.example(tt.pattern, region); ok != (tt.want[i] != "") || ok && got != tt.want[i] {
				t.Errorf("%s in %s: got %q, %t, want %q", tt.pattern, region, got, ok, tt.want[i])
			}
		}
	}
}

// What several statements allow is asked once, and once for each condition.
func TestQuestionsAreAskedOnce(t *testing.T) {
	one := permissions.Statement{Actions: []string{"a:Read"}, Resources: []string{"*"}}
	other := one
	other.Conditions = map[string]map[string][]string{"StringEquals": {"a:key": {"x", "y"}}}
	questions := check.questions([]permissions.Statement{one, one, other})
	if got := len(questions); got != 4 {
		t.Errorf("%d questions, want 2 in each of 2 regions", got)
	}
	one.Actions = []string{"personalize:ListCampaigns"}
	if got := check.questions([]permissions.Statement{one}); len(got) != 1 || got[0].Region != "eu-west-1" {
		t.Errorf("Personalize is asked for where nothing is monitored: %+v", got)
	}
	// A policy may be limited to regions, as permissions --regions prints it.
	for _, q := range questions {
		if first := q.context[0]; *first.ContextKeyName != "aws:RequestedRegion" || !slices.Equal(first.ContextKeyValues, []string{q.Region}) {
			t.Errorf("%s in %s is asked about in the context %v", q.Action, q.Region, first)
		}
	}
}

func TestPrincipalOfACaller(t *testing.T) {
	tests := map[string]string{
		"arn:aws:iam::123456789012:user/ops/me":              "arn:aws:iam::123456789012:user/ops/me",
		"arn:aws-cn:sts::123456789012:assumed-role/R/me":     "arn:aws-cn:iam::123456789012:role/R",
		"arn:aws:iam::123456789012:root":                     "",
		"arn:aws:sts::123456789012:federated-user/me":        "",
		"arn:aws:iam::123456789012:role/aws-service-role/my": "arn:aws:iam::123456789012:role/aws-service-role/my",
		"me": "",
	}
	for caller, want := range tests {
		if got, failure := principalOf(caller); got != want || (failure.Kind == verify.Read) != (want != "") {
			t.Errorf("%s: got %q, %+v", caller, got, failure)
		}
	}
}

// A denial by the call itself, and nothing else, is a refusal; an error for another reason proves nothing.
func TestAnswerOfACall(t *testing.T) {
	api := func(code string) error { return &smithy.GenericAPIError{Code: code} }
	tests := []struct {
		err  error
		want verify.Answer
	}{
		{nil, verify.Allowed},
		{api("ResourceNotFoundException"), verify.Allowed},
		{api("AccessDenied"), verify.Refused},
		{api("AuthorizationError"), verify.Refused},
		{api("InvalidInputException"), verify.Unknown},
		{api("ThrottlingException"), verify.Unknown},
		{errors.New("x"), verify.Unknown},
	}
	for _, tt := range tests {
		if got := called(verify.Permission{Answer: verify.Unknown}, tt.err); got.Answer != tt.want || got.Called != (tt.want != verify.Unknown) {
			t.Errorf("%v: got %+v", tt.err, got)
		}
	}
}

func TestAnswerOfASimulation(t *testing.T) {
	result := func(decision types.PolicyEvaluationDecisionType, missing ...string) types.EvaluationResult {
		return types.EvaluationResult{
			EvalActionName: aws.String("a:Write"), EvalDecision: decision,
			ResourceSpecificResults: []types.ResourceSpecificResult{{MissingContextValues: missing}},
		}
	}
	tests := []struct {
		name   string
		result types.EvaluationResult
		want   verify.Answer
	}{
		{"allowed", result("allowed"), verify.Allowed},
		{"allowed, whatever the value", result("allowed", "aws:SourceIp"), verify.Allowed},
		{"denied", result("explicitDeny"), verify.Refused},
		{"not allowed", result("implicitDeny"), verify.Refused},
		{"not allowed without a value", result("implicitDeny", "aws:SourceIp"), verify.Unknown},
		{"of another action", types.EvaluationResult{EvalActionName: aws.String("a:Other")}, verify.Unknown},
	}
	for _, tt := range tests {
		if got := simulated(verify.Permission{Action: "a:Write", Answer: verify.Unknown}, []types.EvaluationResult{tt.result}); got.Answer != tt.want {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}

// What refuses an action besides the policies of the role is named, so that no one adds to these in vain.
func TestWhatRefusesAnAction(t *testing.T) {
	const user = "User: arn:aws:iam::123456789012:user/me is not authorized to perform: a:Read "
	tests := map[string]string{ // by the message of AWS
		user + "because no identity-based policy allows the a:Read action":         "",
		user + "with an explicit deny in an identity-based policy":                 "a policy denies it explicitly",
		user + "because no permissions boundary allows the a:Read action":          "the permissions boundary of the user or role refuses it",
		user + "with an explicit deny in a service control policy":                 "a service control policy of the organization refuses it",
		user + "due to an explicit deny in a Service Control Policy":               "a service control policy of the organization refuses it",
		user + "because no session policy allows the a:Read action":                "the policy of the session refuses it",
		user + "because no VPC endpoint policy allows the a:Read action":           "the policy of the VPC endpoint refuses it",
		user + "on resource: x with an explicit deny in a resource control policy": "a resource control policy of the organization refuses it",
	}
	for message, want := range tests {
		got := called(verify.Permission{}, &smithy.GenericAPIError{Code: "AccessDenied", Message: message})
		if got.Answer != verify.Refused || got.Why.Text != want || (got.Why.Remedy == "") != (want == "") {
			t.Errorf("%s: got %+v", message, got)
		}
	}
	boundary := &types.PermissionsBoundaryDecisionDetail{}
	for want, result := range map[string]types.EvaluationResult{
		"":                              {EvalDecision: "implicitDeny", PermissionsBoundaryDecisionDetail: &types.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: true}},
		"a policy denies it explicitly": {EvalDecision: "explicitDeny"},
		"the permissions boundary of the user or role refuses it": {EvalDecision: "implicitDeny", PermissionsBoundaryDecisionDetail: boundary},
		"a service control policy of the organization refuses it": {EvalDecision: "explicitDeny", OrganizationsDecisionDetail: &types.OrganizationsDecisionDetail{}},
	} {
		result.EvalActionName = aws.String("a:Write")
		if got := simulated(verify.Permission{Action: "a:Write"}, []types.EvaluationResult{result}); got.Answer != verify.Refused || got.Why.Text != want {
			t.Errorf("%q: got %+v", want, got)
		}
	}
	one := types.EvaluationResult{
		EvalActionName: aws.String("a:Write"), EvalDecision: "implicitDeny",
		ResourceSpecificResults: []types.ResourceSpecificResult{{PermissionsBoundaryDecisionDetail: boundary}},
	}
	if got := simulated(verify.Permission{Action: "a:Write"}, []types.EvaluationResult{one}); !strings.Contains(got.Why.Text, "boundary") {
		t.Errorf("by a resource: got %+v", got)
	}
}

// A daemon whose deployment region was another one has left its former version there, in whichever order the regions are read.
func TestTheVersionOfADaemonThatMoved(t *testing.T) {
	type tags struct {
		leases   map[string]notify.Lease
		versions map[string]string
	}
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	former := tags{map[string]notify.Lease{"cli": {Tick: now.Add(-240 * time.Hour)}}, map[string]string{"cli": "0.9"}}
	present := tags{map[string]notify.Lease{"cli": {Tick: now}}, map[string]string{"cli": "1.0"}}
	for _, regions := range [][]tags{{former, present}, {present, former}, {present, {former.leases, nil}}, {{nil, former.versions}, present}} {
		found := traces{byName: map[string]*verify.Deployment{}}
		for _, region := range regions {
			found.record(region.leases, region.versions)
		}
		if got := found.list(); len(got) != 1 || got[0].Version != "1.0" || !got[0].Served.Equal(now) {
			t.Errorf("%+v: found %+v", regions, got)
		}
	}
}

func TestFailureOf(t *testing.T) {
	tests := []struct {
		err  error
		want verify.FailureKind
	}{
		{nil, verify.Read},
		{&smithy.GenericAPIError{Code: "AccessDenied"}, verify.Denied},
		{&smithy.GenericAPIError{Code: "NoSuchEntity"}, verify.Missing},
		{&awsapi.RegionDisabledError{Region: "x", Err: errors.New("x")}, verify.Disabled},
		{&net.DNSError{IsNotFound: true}, verify.NoHost},
		{&smithy.GenericAPIError{Code: "ThrottlingException"}, verify.Busy},
		{&smithy.GenericAPIError{Code: "InternalFailure"}, verify.Busy},
		{&awsapi.CredentialsError{Err: errors.New("x")}, verify.Credentials},
		{errors.New("x"), verify.Other},
	}
	for _, tt := range tests {
		if got := FailureOf(tt.err); got.Kind != tt.want || (got.Text == "") != (tt.err == nil) {
			t.Errorf("%v: got %+v", tt.err, got)
		}
	}
}
