package cli_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/cli"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// safeBuffer is written by one goroutine and read by another.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// cleanupWorld is an endpoint after a run in two regions.
func cleanupWorld(t *testing.T) (server *localaws.Server, command func(ctx context.Context, args ...string) (code int, out, errs string)) {
	t.Helper()
	server, err := localaws.New(localaws.ExampleEstate())
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(server)
	t.Cleanup(endpoint.Close)
	return server, cleanupCommand(t, endpoint.URL)
}

// cleanupCommand runs commands against an endpoint, in which it runs a cycle first.
func cleanupCommand(t *testing.T, url string) (command func(ctx context.Context, args ...string) (code int, out, errs string)) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1",
		"AWS_MAX_ATTEMPTS": "1", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	command = func(ctx context.Context, args ...string) (int, string, string) {
		var out, errs safeBuffer
		streams := cli.Streams{Out: &out, Err: &errs, Env: func(string) (string, bool) { return "", false }}
		code := cli.Run(ctx, append(args, "--endpoint-url", url), "test", streams)
		return code, out.String(), errs.String()
	}
	run := []string{"run", "--regions", "us-east-1,eu-west-1", "--auto-create-utilization-alarms", "no", "--auto-create-idle-alarms", "no"}
	if code, _, errs := command(t.Context(), run...); code != cli.ExitDone {
		t.Fatal(errs)
	}
	return command
}

// What a cycle makes while a person reads what would go was not shown to anybody: it stays
// with the topic that it sends to, and is reported.
func TestCleanupRemovesOnlyWhatItShowed(t *testing.T) {
	server, err := localaws.New(localaws.ExampleEstate())
	if err != nil {
		t.Fatal(err)
	}
	var command func(ctx context.Context, args ...string) (code int, out, errs string)
	armed := false
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server.ServeHTTP(w, r)
		// Dashboards are looked for last.
		if armed && server.Calls()["cloudwatch.ListDashboards"] == 1 {
			armed = false
			for _, args := range [][]string{{"run", "--regions", "eu-west-1"}, {"dashboard", "build"}} {
				if code, _, errs := command(t.Context(), args...); code != cli.ExitDone {
					t.Error(errs)
				}
			}
		}
	}))
	t.Cleanup(endpoint.Close)
	command = cleanupCommand(t, endpoint.URL)
	server.ResetCalls()
	armed = true
	code, out, errs := command(t.Context(), "cleanup", "--yes", "--output", "csv")
	if code != cli.ExitDone || !strings.Contains(errs, "4 would be removed") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	const appeared = ",kept,it did not exist when the things to remove were listed; another clean-up removes it\n"
	for _, want := range []string{
		"eu-west-1,alarm,PersonalizeMonitor-IdleCampaign-video-home-rows,arn:aws:cloudwatch:eu-west-1:123456789012:alarm:PersonalizeMonitor-IdleCampaign-video-home-rows" + appeared,
		"eu-west-1,topic,PersonalizeMonitorNotifications,arn:aws:sns:eu-west-1:123456789012:PersonalizeMonitorNotifications,kept,alarms that were created meanwhile send to it\n",
		"us-east-1,dashboard,Amazon-Personalize-Monitor,arn:aws:cloudwatch::123456789012:dashboard/Amazon-Personalize-Monitor" + appeared,
		"us-east-1,topic,PersonalizeMonitorNotifications,arn:aws:sns:us-east-1:123456789012:PersonalizeMonitorNotifications,removed,of the deployment cli\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not reported:\n%s", want, out)
		}
	}
	if strings.Count(out, ",removed,") != 3 { // target, rule and the one topic
		t.Errorf("removed:\n%s", out)
	}
	if code, out, _ := command(t.Context(), "cleanup", "--yes"); code != cli.ExitDone || strings.Contains(out, " kept ") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

func TestCleanupSkipsClosedRegions(t *testing.T) {
	server, command := cleanupWorld(t)
	server.AddFault(localaws.Fault{Region: "ap-south-1", Code: "UnrecognizedClientException", Status: 403})
	code, out, _ := command(t.Context(), "cleanup", "--yes")
	if code != cli.ExitDone || !strings.Contains(out, "Skipped    ap-south-1 (alarm): the region ap-south-1 is not enabled for this account (Unrec") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	code, _, errs := command(t.Context(), "cleanup", "--yes", "--output", "csv")
	if code != cli.ExitDone || !strings.Contains(errs, "skipped ap-south-1 (alarm): the region ap-south-1 is not enabled for this account (Unrec") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}

func TestCleanupReportsWhatRemains(t *testing.T) {
	server, command := cleanupWorld(t)
	server.AddFault(localaws.Fault{Service: "sns", Operation: "DeleteTopic", Region: "eu-west-1", Code: "AuthorizationError"})
	code, out, errs := command(t.Context(), "cleanup", "--yes", "--output", "csv")
	if code != cli.ExitPartial || strings.Count(out, ",remains,AuthorizationError: injected fault") != 1 ||
		!strings.Contains(errs, "DeleteTopic arn:aws:sns:eu-west-1:123456789012:PersonalizeMonitorNotifications: remove the topic") {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
	server.ClearFaults()
	if code, out, _ := command(t.Context(), "cleanup", "--yes"); code != cli.ExitDone || !strings.Contains(out, "1 removed in 11 regions") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// What could not be listed is not removed, nor the topic that it may send to, and the exit code
// says so, even if only the search failed and the removal after it could list everything.
func TestCleanupKeepsWhatItCouldNotList(t *testing.T) {
	for name, tt := range map[string]struct {
		fault   localaws.Fault
		code    int
		removed string
	}{
		"alarms are denied": {localaws.Fault{Service: "cloudwatch", Operation: "DescribeAlarms", Code: "AccessDenied"}, cli.ExitPartial, "3 removed"},
		"alarms are denied once": {
			localaws.Fault{Service: "cloudwatch", Operation: "DescribeAlarms", Code: "AccessDenied", Times: 1}, cli.ExitPartial, "3 removed",
		},
		"the rule is denied":   {localaws.Fault{Service: "events", Operation: "DescribeRule", Code: "AccessDeniedException"}, cli.ExitPartial, "3 removed"},
		"everything is listed": {localaws.Fault{Service: "cloudwatch", Operation: "none"}, cli.ExitDone, "4 removed"},
	} {
		t.Run(name, func(t *testing.T) {
			server, command := cleanupWorld(t)
			tt.fault.Region = "eu-west-1"
			server.AddFault(tt.fault)
			code, out, errs := command(t.Context(), "cleanup", "--yes")
			if code != tt.code || !strings.Contains(out, tt.removed) {
				t.Errorf("exit code %d\n%s\n%s", code, out, errs)
			}
			if deleted := server.Calls()["sns.DeleteTopic"]; (deleted == 2) != (tt.code == cli.ExitDone) {
				t.Errorf("%d topics were deleted", deleted)
			}
			server.ClearFaults()
			if code, out, _ := command(t.Context(), "cleanup", "--yes"); code != cli.ExitDone {
				t.Errorf("exit code %d\n%s", code, out)
			}
			if n := server.Calls()["sns.DeleteTopic"]; n != 2 {
				t.Errorf("%d topics were deleted in the end", n)
			}
		})
	}
}

// The sample's leftovers that no deployment has tagged are listed and stay, unless requested.
func TestCleanupIncludesUntaggedIfRequested(t *testing.T) {
	server, command := cleanupWorld(t)
	if code, _, errs := command(t.Context(), "cleanup", "--yes"); code != cli.ExitDone {
		t.Fatal(errs)
	}
	endpoint := httptest.NewServer(server)
	defer endpoint.Close()
	topics := sns.NewFromConfig(awsapi.LocalConfig("us-east-1", endpoint.URL, "LOCAL", nil))
	topic, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("PersonalizeMonitorNotifications")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = topics.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: topic.TopicArn, AttributeName: aws.String("Policy"),
		AttributeValue: aws.String(`{"Version":"2008-10-17","Id":"PublishPolicy","Statement":[{"Effect":"Allow","Principal":{"Service":` +
			`["cloudwatch.amazonaws.com","events.amazonaws.com"]},"Action":["sns:Publish"],"Resource":"` + *topic.TopicArn + `"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"cleanup", "--yes", "--output", "csv"}, ",kept,"},
		{[]string{"cleanup", "--dry-run", "--include-untagged", "--output", "csv"}, ",would be removed,the upstream sample's\n"},
		{[]string{"cleanup", "--yes", "--include-untagged", "--output", "csv"}, ",removed,the upstream sample's\n"},
	} {
		want := "us-east-1,topic,PersonalizeMonitorNotifications," + *topic.TopicArn + tt.want
		if code, out, errs := command(t.Context(), tt.args...); code != cli.ExitDone || !strings.Contains(out, want) {
			t.Errorf("%v: exit code %d\n%s\n%s", tt.args, code, out, errs)
		}
	}
}

func TestCleanupWithoutAnAccountFails(t *testing.T) {
	server, command := cleanupWorld(t)
	server.AddFault(localaws.Fault{Service: "sts", Code: "ExpiredToken"})
	if code, out, errs := command(t.Context(), "cleanup", "--yes"); code != cli.ExitFailed || out != "" || !strings.Contains(errs, "ExpiredToken") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}

func TestCleanupInterrupted(t *testing.T) {
	tests := []struct {
		name      string
		operation string // during which
		want      string
	}{
		{"while it looks", "GetTopicAttributes", "interrupted: nothing was removed: canceled"},
		{"while it removes", "DeleteTopic", "things were removed; run it again to go on"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server, command := cleanupWorld(t)
			server.AddFault(localaws.Fault{Service: "sns", Operation: tt.operation, Region: "us-east-1", Kind: localaws.Hang})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server.ResetCalls()
			go func() {
				for ctx.Err() == nil && server.Calls()["sns."+tt.operation] == 0 {
					time.Sleep(time.Millisecond)
				}
				time.Sleep(100 * time.Millisecond) // the other regions are done by then
				cancel()
			}()
			code, out, errs := command(ctx, "cleanup", "--yes")
			if code != cli.ExitFailed || !strings.Contains(errs, tt.want) {
				t.Errorf("exit code %d\n%s\n%s", code, out, errs)
			}
			if reported := strings.Contains(out, "ended before it was removed"); reported != (tt.operation == "DeleteTopic") {
				t.Errorf("what remains is reported: %v\n%s", reported, out)
			}
			server.ClearFaults()
			if code, out, errs := command(t.Context(), "cleanup", "--yes"); code != cli.ExitDone {
				t.Errorf("exit code %d\n%s\n%s", code, out, errs)
			}
			if code, out, _ := command(t.Context(), "cleanup", "--dry-run"); code != cli.ExitDone || !strings.Contains(out, "Nothing was found") {
				t.Errorf("exit code %d\n%s", code, out)
			}
		})
	}
}
