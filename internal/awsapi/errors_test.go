package awsapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

// answered is the error of a ListCampaigns call that was answered as given.
func answered(t *testing.T, reply func(w http.ResponseWriter)) (url string, err error) {
	t.Helper()
	server := newAWS(t, func(w http.ResponseWriter, _ string, _ int) { reply(w) })
	cfg := awsapi.LocalConfig("eu-west-1", server.URL, "AKIDEXAMPLE", nil)
	cfg.RetryMaxAttempts = 2
	_, err = server.clients(t, awsapi.Options{Config: cfg, Clock: newClock()}).Personalize("eu-west-1").ListCampaigns(t.Context(), nil)
	return server.URL, err
}

func TestErrorsOverTheWire(t *testing.T) {
	json := func(status int, code, message string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { refuse(w, status, code, message) }
	}
	text := func(status int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	tests := []struct {
		name  string
		reply func(http.ResponseWriter)
		kind  awsapi.Kind
		line  string // URL stands for the server's
		hint  string // part of it
	}{
		{
			"throttled, after all attempts", json(400, "ThrottlingException", "Rate exceeded"), awsapi.Throttled,
			"ThrottlingException: Rate exceeded (request r-1)", "next cycle",
		},
		{
			"not found", json(400, "ResourceNotFoundException", "no such campaign"), awsapi.NotFound,
			"ResourceNotFoundException: no such campaign (request r-1)", "",
		},
		{"in use", json(400, "ResourceInUseException", "busy"), awsapi.InUse, "ResourceInUseException: busy (request r-1)", "in progress"},
		{
			"invalid", json(400, "InvalidInputException", "1 error\n detected"), awsapi.Invalid,
			"InvalidInputException: 1 error detected (request r-1)", "",
		},
		{
			"denied, with what to allow", json(400, "AccessDeniedException", "no"), awsapi.Denied,
			"AccessDeniedException: no (request r-1)", "allow personalize:ListCampaigns",
		},
		{"quota", json(400, "LimitExceededException", "5 of 5"), awsapi.Quota, "LimitExceededException: 5 of 5 (request r-1)", "quota"},
		{
			"bad credentials", json(403, "UnrecognizedClientException", "invalid token"), awsapi.NoCredentials,
			"UnrecognizedClientException: invalid token (request r-1)", "AWS_PROFILE",
		},
		{"a code without a message", json(400, "AccessDeniedException", ""), awsapi.Denied, "AccessDeniedException (request r-1)", "allow"},
		{"a code unknown to us", json(400, "TeapotException", "short"), awsapi.Other, "TeapotException: short (request r-1)", ""},
		{
			"a fault of the service", json(500, "InternalServerException", "oops"), awsapi.Unavailable,
			"InternalServerException: oops (request r-1)", "next cycle",
		},
		{
			"a proxy's page, refused", text(404, "<html>not here</html>"), awsapi.Other,
			"the response is not from an AWS service: HTTP 404 from URL", "",
		},
		{
			"a proxy's page, failed", text(502, "<html>bad gateway</html>"), awsapi.Unavailable,
			"the response is not from an AWS service: HTTP 502 from URL", "",
		},
		{
			"a page where JSON should be", text(200, "<html>welcome</html>"), awsapi.Other,
			"the response cannot be read: HTTP 200 from URL", "",
		},
		{
			"too many requests, says a gateway", text(429, ""), awsapi.Throttled,
			"the response is not from an AWS service: HTTP 429 from URL", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, err := answered(t, tt.reply)
			if got := awsapi.KindOf(err); got != tt.kind {
				t.Errorf("kind %q, want %q", got, tt.kind)
			}
			line := strings.ReplaceAll(tt.line, "URL", url)
			if got := awsapi.Line(err); got != line {
				t.Errorf("line\n%s, want\n%s", got, line)
			}
			if got := awsapi.Line(fmt.Errorf("list campaigns of eu-west-1: %w", err)); got != "list campaigns of eu-west-1: "+line {
				t.Errorf("wrapped line\n%s", got)
			}
			plain := awsapi.Plain(err)
			if plain.Error() != line || awsapi.KindOf(plain) != tt.kind || awsapi.Line(fmt.Errorf("x: %w", plain)) != "x: "+line {
				t.Errorf("plain error %q of kind %q", plain, awsapi.KindOf(plain))
			}
			if got := awsapi.Hint(fmt.Errorf("x: %w", err)); !strings.Contains(got, tt.hint) {
				t.Errorf("hint %q, want one with %q", got, tt.hint)
			}
		})
	}
}

func TestErrorsThatNeverReachedAWS(t *testing.T) {
	call := func(t *testing.T, ctx context.Context, cfg awssdk.Config) error {
		t.Helper()
		clients := awsapi.New(awsapi.Options{Config: cfg, Clock: newClock()})
		defer clients.Close()
		_, err := clients.Personalize("eu-west-1").ListCampaigns(ctx, nil)
		return err
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithTimeout(t.Context(), 0)
	defer cancelLate()
	noCredentials := awsapi.LocalConfig("eu-west-1", "http://127.0.0.1:1", "x", nil)
	noCredentials.Credentials = awssdk.CredentialsProviderFunc(func(context.Context) (awssdk.Credentials, error) {
		return awssdk.Credentials{}, errors.New("the session\nhas expired")
	})
	refused := awsapi.LocalConfig("eu-west-1", "http://127.0.0.1:1", "AKID", nil)
	unknown := awsapi.LocalConfig("eu-west-1", "http://nowhere.invalid", "AKID", nil)
	tests := []struct {
		name string
		err  error
		kind awsapi.Kind
		line string
		hint string
	}{
		{"nothing", nil, awsapi.None, "", ""},
		{"connection refused", call(t, t.Context(), refused), awsapi.Unreachable, "cannot reach http://127.0.0.1:1: connection refused", "--endpoint-url"},
		{"canceled", call(t, ended, refused), awsapi.Canceled, "canceled", ""},
		{"out of time", call(t, late, refused), awsapi.Canceled, "not finished in time", ""},
		{
			"no credentials", call(t, t.Context(), noCredentials), awsapi.NoCredentials,
			"cannot use the AWS credentials: the session has expired", "AWS_PROFILE",
		},
		{"no region", fmt.Errorf("start: %w", awsapi.ErrNoRegion), awsapi.Other, "start: no AWS region is set", "AWS_REGION"},
		{"not ours", errors.New("plain"), awsapi.Other, "plain", ""},
		{"a plain context error", fmt.Errorf("wait: %w", context.Canceled), awsapi.Canceled, "canceled", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := awsapi.KindOf(tt.err); got != tt.kind {
				t.Errorf("kind %q, want %q (%v)", got, tt.kind, tt.err)
			}
			if got := awsapi.Line(tt.err); got != tt.line {
				t.Errorf("line %q, want %q", got, tt.line)
			}
			if got := awsapi.Hint(tt.err); !strings.Contains(got, tt.hint) {
				t.Errorf("hint %q, want one with %q", got, tt.hint)
			}
		})
	}
	t.Run("a host that does not exist", func(t *testing.T) {
		err := call(t, t.Context(), unknown)
		if line := awsapi.Line(err); awsapi.KindOf(err) == awsapi.Other || strings.Contains(line, "operation error") {
			t.Errorf("%q: %s", awsapi.KindOf(err), line)
		}
	})
	if awsapi.Plain(nil) != nil {
		t.Error("Plain(nil) is an error")
	}
}

func TestInvalidInputIsSeenBeforeItIsSent(t *testing.T) {
	server := newAWS(t, func(w http.ResponseWriter, operation string, _ int) { accept(w, operation) })
	clients := server.clients(t, awsapi.Options{})
	_, err := clients.Personalize("eu-west-1").DescribeCampaign(t.Context(), &personalize.DescribeCampaignInput{})
	_, err2 := clients.CloudWatch("eu-west-1").PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{})
	for _, err := range []error{err, err2} {
		if awsapi.KindOf(err) != awsapi.Invalid || strings.Contains(awsapi.Line(err), "\n") || awsapi.Line(err) == "" {
			t.Errorf("%q: %q", awsapi.KindOf(err), awsapi.Line(err))
		}
	}
	if len(clients.Calls()) != 0 {
		t.Errorf("calls: %v", clients.Calls())
	}
}

func TestWhichKindsAreTransient(t *testing.T) {
	for kind, want := range map[awsapi.Kind]bool{
		awsapi.None: false, awsapi.Other: false, awsapi.NotFound: false, awsapi.Denied: false, awsapi.Invalid: false,
		awsapi.Quota: false, awsapi.NoCredentials: false, awsapi.Throttled: true, awsapi.InUse: true,
		awsapi.Unreachable: true, awsapi.Unavailable: true, awsapi.Canceled: true,
	} {
		if kind.Transient() != want {
			t.Errorf("%q: transient %v", kind, kind.Transient())
		}
	}
}

// What AWS was not asked says nothing about a role.
func TestARoleThatCouldNotBeAskedFor(t *testing.T) {
	of := func(err error) string {
		return awsapi.Hint(&awsapi.RoleError{Role: "r", With: "no external id", Err: err})
	}
	if hint := of(&smithyhttp.RequestSendError{Err: errors.New("connection refused")}); hint == "" || strings.Contains(hint, "trust policy") {
		t.Errorf("unreachable: %q", hint)
	}
	for code, want := range map[string]string{
		"ExpiredToken": "log in again", "ThrottlingException": "the next cycle tries again", "InternalFailure": "the next cycle tries again",
	} {
		if hint := of(&smithy.GenericAPIError{Code: code}); !strings.Contains(hint, want) {
			t.Errorf("%s: %q", code, hint)
		}
	}
	if hint := of(context.Canceled); hint != "" {
		t.Errorf("canceled: %q", hint)
	}
	if hint := of(errors.New("denied")); !strings.Contains(hint, "trust policy") {
		t.Errorf("denied: %q", hint)
	}
}
