package cli_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/cli"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

const boardName = "Amazon-Personalize-Monitor"

// boardBed is an endpoint with a dashboard of both regions, and its contents.
type boardBed struct {
	t       *testing.T
	server  *localaws.Server
	command func(want int, args ...string) string
	client  *cloudwatch.Client
}

func newBoardBed(t *testing.T) *boardBed {
	t.Helper()
	server, err := localaws.New(localaws.ExampleEstate())
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(server)
	t.Cleanup(endpoint.Close)
	run := cleanupCommand(t, endpoint.URL)
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig("us-east-1", endpoint.URL, "LOCAL", nil)})
	t.Cleanup(clients.Close)
	return &boardBed{t: t, server: server, client: clients.CloudWatch("us-east-1"), command: func(want int, args ...string) string {
		t.Helper()
		code, out, errs := run(t.Context(), args...)
		if code != want {
			t.Errorf("%v: exit code %d\n%s%s", args, code, out, errs)
		}
		return out
	}}
}

func (b *boardBed) body() string {
	b.t.Helper()
	out, err := b.client.GetDashboard(b.t.Context(), &cloudwatch.GetDashboardInput{DashboardName: aws.String(boardName)})
	if err != nil {
		b.t.Fatal(err)
	}
	return *out.DashboardBody
}

// written counts how often the dashboard was written, and asked counts the events that ask for it.
func (b *boardBed) wantRebuilt(written, asked int) {
	b.t.Helper()
	events := 0
	for _, e := range b.server.Events() {
		if e.DetailType == "BuildPersonalizeMonitorDashboard" {
			events++
		}
	}
	if got := b.server.Calls()["cloudwatch.PutDashboard"]; got != written || events != asked {
		b.t.Errorf("written %d times, asked for %d times, want %d and %d", got, events, written, asked)
	}
}

// wantShown checks that the dashboard shows these resources and not those.
func (b *boardBed) wantShown(shown, hidden []string) {
	b.t.Helper()
	body := b.body()
	missing := func(name string) bool { return !strings.Contains(body, "/"+name+`"`) }
	if slices.ContainsFunc(shown, missing) || !slices.ContainsFunc(hidden, missing) {
		b.t.Errorf("shown are not all of %v, or some of %v: %s", shown, hidden, body)
	}
}

// A run that acts rebuilds the dashboard of the command line once, however much it does.
func TestARunThatActsRebuildsTheDashboardOnce(t *testing.T) {
	b := newBoardBed(t)
	b.command(cli.ExitDone, "dashboard", "build", "--regions", "us-east-1,eu-west-1")
	b.wantShown([]string{"shop-spring-sale", "video-top-picks"}, []string{"nobody"})
	b.server.ResetCalls()
	args := []string{"run", "--act", "--auto-delete-or-stop-idle", "yes", "--yes", "--output", "json"}
	b.command(cli.ExitDone, append(args, "--dry-run")...)
	b.wantRebuilt(0, 0)
	out := b.command(cli.ExitDone, args...)
	if !strings.Contains(out, `"cloudwatch.PutDashboard": 1`) {
		t.Errorf("result:\n%s", out)
	}
	b.wantRebuilt(1, 0)
	// The region that this run was not about stays.
	b.wantShown([]string{"shop-home-page", "video-top-picks"}, []string{"shop-spring-sale"})

	// A dashboard that cannot be written is a problem; the rest is done.
	b.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "PutDashboard", Code: "AccessDenied"})
	out = b.command(cli.ExitPartial, "run", "--act", "--regions", "eu-west-1", "--output", "json")
	if !strings.Contains(out, `"operation": "BuildDashboard"`) {
		t.Errorf("result:\n%s", out)
	}
}

// A command that takes a resource out of service rebuilds the dashboard of the command
// line itself, and asks by an event for everybody else's.
func TestACommandRebuildsTheDashboardOfTheCommandLine(t *testing.T) {
	const sale = "arn:aws:personalize:us-east-1:123456789012:campaign/shop-spring-sale"
	tests := []struct {
		name           string
		deployment     string // whose dashboard there is; none if empty
		fault          string // an operation that is denied
		written, asked int
	}{
		{name: "none", asked: 1},
		{name: "ours", deployment: "cli", written: 1},
		{name: "a stack's", deployment: "us-east-1/stack", asked: 1},
		{name: "it cannot be seen whose", deployment: "cli", fault: "ListDashboards", asked: 1},
		{name: "nor read", deployment: "cli", fault: "GetDashboard", asked: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBoardBed(t)
			if tt.deployment != "" {
				b.command(cli.ExitDone, "dashboard", "build", "--regions", "us-east-1,eu-west-1")
				_, err := b.client.TagResource(t.Context(), &cloudwatch.TagResourceInput{
					ResourceARN: aws.String("arn:aws:cloudwatch::123456789012:dashboard/" + boardName),
					Tags:        []types.Tag{{Key: aws.String("Deployment"), Value: aws.String(tt.deployment)}},
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			b.server.ResetCalls()
			if tt.fault != "" {
				b.server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: tt.fault, Code: "AccessDenied"})
			}
			b.command(cli.ExitDone, "delete-campaign", sale, "--dry-run")
			b.wantRebuilt(0, 0)
			b.command(cli.ExitDone, "update-tps", strings.Replace(sale, "spring-sale", "home-page", 1), "30")
			b.wantRebuilt(0, 0)
			b.command(cli.ExitDone, "delete-campaign", sale, "--yes")
			b.wantRebuilt(tt.written, tt.asked)
			b.server.ClearFaults()
			if tt.written > 0 {
				b.wantShown([]string{"shop-home-page", "video-top-picks"}, []string{"shop-spring-sale"})
			}
		})
	}
}
