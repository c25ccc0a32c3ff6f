package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fake stands in for the AWS CLI: it notes each call and answers by the beginning of it.
type fake struct {
	answers map[string]string
	errs    map[string]error
	calls   []string
}

func (f *fake) aws(_ context.Context, args ...string) (string, error) {
	call := strings.Join(args, " ")
	f.calls = append(f.calls, call)
	operation := strings.Join(args[:2], " ")
	return f.answers[operation], f.errs[operation]
}

// first gives the first call of an operation; empty if there was none.
func (f *fake) first(operation string) string {
	i := slices.IndexFunc(f.calls, func(call string) bool { return strings.HasPrefix(call, operation) })
	if i < 0 {
		return ""
	}
	return f.calls[i]
}

const describe = "cloudformation describe-stacks"

// newAccount is an account with nothing in it.
func newAccount() *fake {
	return &fake{
		answers: map[string]string{
			"configure get": "eu-west-1", "sts get-caller-identity": "123456789012", "lambda get-account-settings": "1000",
		},
		errs: map[string]error{
			describe:            errors.New("Stack with id personalize-monitor does not exist"),
			"s3api head-bucket": errors.New("An error occurred (404) when calling the HeadBucket operation: Not Found"),
		},
	}
}

// withStack gives the account a bucket and a stack with these parameters, as JSON.
func (f *fake) withStack(parameters string) *fake {
	f.answers[describe] = parameters
	delete(f.errs, describe)
	delete(f.errs, "s3api head-bucket")
	return f
}

// deploy deploys the project's own template.
func (f *fake) deploy(t *testing.T, params string, change ...func(*deployment)) error {
	t.Helper()
	template, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dist := t.TempDir()
	if err := os.WriteFile(filepath.Join(dist, "template.yaml"), template, 0o600); err != nil {
		t.Fatal(err)
	}
	d := deployment{stack: "personalize-monitor", dist: dist, aws: f.aws, say: func(string) {}}
	for _, c := range change {
		c(&d)
	}
	return d.run(t.Context(), params)
}

// wants looks for parts of the first call of an operation.
func (f *fake) wants(t *testing.T, operation string, parts ...string) {
	t.Helper()
	call := f.first(operation)
	if call == "" {
		t.Fatalf("no call of %s in %q", operation, f.calls)
	}
	for _, part := range parts {
		if !strings.Contains(call+" ", part+" ") {
			t.Errorf("%q is not in %q", part, call)
		}
	}
}

func TestFirstDeployment(t *testing.T) {
	f := newAccount()
	if err := f.deploy(t, "IdleThresholdHours=48 NotificationEndpoint=a@example.com"); err != nil {
		t.Fatal(err)
	}
	const bucket = "personalize-monitor-123456789012-eu-west-1"
	f.wants(t, "s3api head-bucket", "--bucket "+bucket, "--expected-bucket-owner 123456789012")
	f.wants(t, "s3api create-bucket", "--bucket "+bucket, "LocationConstraint=eu-west-1")
	f.wants(t, "cloudformation package", "--s3-bucket "+bucket, "--region eu-west-1")
	f.wants(t, "cloudformation deploy", "--capabilities CAPABILITY_IAM", "--region eu-west-1",
		"--parameter-overrides IdleThresholdHours=48 NotificationEndpoint=a@example.com ReserveMonitorConcurrency=Yes")
}

func TestUpdateKeepsWhatIsNotGiven(t *testing.T) {
	f := newAccount().withStack(`[{"ParameterKey":"ReserveMonitorConcurrency","ParameterValue":"No"},{"ParameterKey":"Former","ParameterValue":"x"}]`)
	if err := f.deploy(t, ""); err != nil {
		t.Fatal(err)
	}
	for _, operation := range []string{"s3api create-bucket", "lambda"} {
		if call := f.first(operation); call != "" {
			t.Errorf("called %s", call)
		}
	}
	if call := f.first("cloudformation deploy"); strings.Contains(call, "--parameter-overrides") {
		t.Errorf("called %s", call)
	}
}

func TestWhereTheMonitorGetsAPlaceOfItsOwn(t *testing.T) {
	for places, want := range map[string]string{"10": "No", "100": "No", "101": "Yes", "None": "No", "": "No"} {
		// A stack of the original application does not have the parameter.
		f := newAccount().withStack(`[{"ParameterKey":"CampaignARNs","ParameterValue":"all"}]`)
		f.answers["lambda get-account-settings"] = places
		if err := f.deploy(t, ""); err != nil {
			t.Fatal(err)
		}
		f.wants(t, "cloudformation deploy", "--parameter-overrides ReserveMonitorConcurrency="+want)
	}
	f := newAccount()
	f.errs["lambda get-account-settings"] = errors.New("AccessDenied")
	if err := f.deploy(t, ""); err != nil {
		t.Fatal(err)
	}
	f.wants(t, "cloudformation deploy", "ReserveMonitorConcurrency=No")
	f = newAccount()
	if err := f.deploy(t, "ReserveMonitorConcurrency=No"); err != nil || f.first("lambda") != "" {
		t.Errorf("%v, calls %q", err, f.calls)
	}
}

func TestWhereTheCodeGoes(t *testing.T) {
	f := newAccount()
	if err := f.deploy(t, "", func(d *deployment) { d.bucket, d.region, d.stack = "mine", "us-east-1", "second" }); err != nil {
		t.Fatal(err)
	}
	f.wants(t, "cloudformation package", "--s3-bucket mine", "--s3-prefix second", "--region us-east-1")
	f.wants(t, "cloudformation deploy", "--stack-name second")
	if f.first("s3api") != "" || f.first("configure") != "" {
		t.Errorf("calls %q", f.calls)
	}

	// us-east-1 is no location constraint.
	f = newAccount()
	if err := f.deploy(t, "", func(d *deployment) { d.region = "us-east-1" }); err != nil {
		t.Fatal(err)
	}
	if call := f.first("s3api create-bucket"); call == "" || strings.Contains(call, "LocationConstraint") {
		t.Errorf("called %q", call)
	}

	f = newAccount()
	f.errs["s3api head-bucket"] = errors.New("An error occurred (403) when calling the HeadBucket operation: Forbidden")
	if err := f.deploy(t, ""); err == nil || !strings.Contains(err.Error(), "BUCKET=") || f.first("cloudformation package") != "" {
		t.Errorf("%v, calls %q", err, f.calls)
	}
}

func TestWhatIsRefusedBeforeAWSIsAsked(t *testing.T) {
	arns := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf("arn:aws:personalize:eu-west-1:123456789012:campaign/campaign-%03d", i)
		}
		return strings.Join(list, ",")
	}
	tests := []struct{ name, params, want string }{
		{"not a pair", "IdleThresholdHours", "is not Key=Value"},
		{"a space in a value", "Regions=eu-west-1, us-east-1", `"us-east-1" is not Key=Value`},
		{"unknown", "IdleHours=3", `there is no parameter "IdleHours"; the parameters are AutoAdjustMinTPS, `},
		{"twice", "Regions=eu-west-1 Regions=us-east-1", "twice"},
		{"invalid", "IdleThresholdHours=169 CampaignARNs=home", "2 invalid parameters: CampaignARNs: "},
		{"too many ARNs", "CampaignARNs=" + arns(60), "CampaignARNs=all"},
		{"too many of both", "CampaignARNs=" + arns(35) + " RecommenderARNs=" + strings.ReplaceAll(arns(35), ":campaign/", ":recommender/"), "holds 4096"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newAccount()
			err := f.deploy(t, tt.params)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if len(f.calls) > 1 || f.first("configure get") == "" {
				t.Errorf("calls %q", f.calls)
			}
		})
	}
	if err := newAccount().deploy(t, "CampaignARNs="+arns(45)); err != nil {
		t.Errorf("45 ARNs: %v", err)
	}
	// What is in the stack counts as well.
	f := newAccount().withStack(`[{"ParameterKey":"CampaignARNs","ParameterValue":"` + arns(45) + `"}]`)
	if err := f.deploy(t, "RecommenderARNs="+strings.ReplaceAll(arns(20), ":campaign/", ":recommender/")); err == nil {
		t.Error("accepted beside what is in the stack")
	}
	f = newAccount()
	f.answers["configure get"] = ""
	if err := f.deploy(t, ""); err == nil || !strings.Contains(err.Error(), "REGION=") {
		t.Errorf("no region: %v", err)
	}
	f = newAccount()
	f.errs[describe] = errors.New("AccessDenied")
	if err := f.deploy(t, ""); err == nil || f.first("cloudformation package") != "" {
		t.Errorf("%v, calls %q", err, f.calls)
	}
}
