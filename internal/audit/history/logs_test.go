package history_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/personalize-monitor/personalize-monitor/internal/audit/history"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

const region = "eu-west-1"

var monitor = history.Group{Region: region, Name: "/aws/lambda/pm-Monitor"}

// bed is an embedded AWS with a log group, read through the real SDK.
type bed struct {
	*localaws.Server
	clock   *model.VirtualClock
	clients *awsapi.Clients
	reader  *history.Reader
}

func newBed(t *testing.T, rates map[string]float64) *bed {
	t.Helper()
	b := &bed{clock: model.NewVirtualClock(noon.Add(time.Hour))}
	server, err := localaws.New(localaws.Estate{}, localaws.WithClock(b.clock))
	if err != nil {
		t.Fatal(err)
	}
	for operation, rate := range rates {
		server.AddFault(localaws.Fault{Operation: operation, Rate: rate})
	}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	b.Server = server
	b.clients = awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(region, web.URL, "LOCAL", nil), Clock: b.clock})
	t.Cleanup(b.clients.Close)
	b.reader = history.NewReader(b.clients)
	b.create(t, monitor.Name)
	return b
}

func (b *bed) create(t *testing.T, group string) {
	t.Helper()
	client := cloudwatchlogs.NewFromConfig(b.clients.ConfigFor(region))
	if _, err := client.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
}

// put puts lines into the log group, at a time after noon.
func (b *bed) put(t *testing.T, after time.Duration, lines ...string) {
	t.Helper()
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &monitor.Name, LogStreamName: aws.String("s")}
	for _, line := range lines {
		in.LogEvents = append(in.LogEvents, types.InputLogEvent{Timestamp: aws.Int64(noon.Add(after).UnixMilli()), Message: aws.String(line)})
	}
	if _, err := cloudwatchlogs.NewFromConfig(b.clients.ConfigFor(region)).PutLogEvents(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func noProgress(int) {}

func TestReadLogGroup(t *testing.T) {
	b := newBed(t, nil)
	other := record(2*time.Minute, "refused")
	other.ARN, other.Action = strings.Replace(home, "home", "sale", 1), model.ActionDelete
	b.put(t, -time.Hour, logged(record(-time.Hour, "done")))
	b.put(t, time.Minute, "START RequestId: 1", logged(record(0, "done")), `{"msg":"written"}`)
	b.put(t, 3*time.Minute, logged(other), logged(record(3*time.Minute, "dry run")))
	b.put(t, 20*time.Minute, logged(record(20*time.Minute, "done")))
	tests := []struct {
		name   string
		filter history.Filter
		want   string
	}{
		{"everything", history.Filter{}, "-1h0m0s done, 0s done, 2m0s refused, 3m0s dry run, 20m0s done"},
		{"a span, whose last record stands in the log after its end", history.Filter{Since: noon, Until: noon.Add(time.Second)}, "0s done"},
		{"an outcome", history.Filter{Outcomes: []string{"dry run", "refused"}}, "2m0s refused, 3m0s dry run"},
		{"a resource", history.Filter{ARNs: []string{other.ARN}}, "2m0s refused"},
		{"an action", history.Filter{Actions: []model.Action{model.ActionDelete}}, "2m0s refused"},
		{"all of it", history.Filter{Since: noon, ARNs: []string{home}, Outcomes: []string{"done"}, Actions: []model.Action{model.ActionUpdate}}, "0s done, 20m0s done"},
		{"more resources than a pattern holds", history.Filter{ARNs: append(slices.Repeat([]string{home + "x"}, 40), home), Outcomes: []string{"dry run"}}, "3m0s dry run"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, faults := gathered(tt.filter)
			if err := b.reader.Read(t.Context(), monitor, h, noProgress); err != nil {
				t.Fatal(err)
			}
			if got := told(h); got != tt.want || len(*faults) > 0 {
				t.Errorf("%s, want %s; faults %v", got, tt.want, *faults)
			}
		})
	}
}

func TestReadFollowsEmptyPages(t *testing.T) {
	b := newBed(t, nil)
	b.put(t, 0, slices.Repeat([]string{"nothing"}, 10_000)...)
	b.put(t, time.Second, slices.Repeat([]string{"nothing"}, 10_000)...)
	b.put(t, time.Minute, logged(record(0, "done")))
	b.AddFault(localaws.Fault{Operation: "FilterLogEvents", Kind: localaws.EmptyPage, Times: 2})
	h, _ := gathered(history.Filter{})
	var told []int
	if err := b.reader.Read(t.Context(), monitor, h, func(pages int) { told = append(told, pages) }); err != nil {
		t.Fatal(err)
	}
	if h.Len() != 1 || !slices.Equal(told, []int{1, 2, 3, 4, 5}) {
		t.Errorf("%d records, pages %v", h.Len(), told)
	}
	b.AddFault(localaws.Fault{Operation: "FilterLogEvents", Kind: localaws.EmptyPage})
	if err := b.reader.Read(t.Context(), monitor, h, noProgress); err == nil || !strings.Contains(err.Error(), "the listing repeats itself") {
		t.Errorf("pages without an end: %v", err)
	}
}

func TestReadNamesDamagedRecords(t *testing.T) {
	b := newBed(t, nil)
	b.put(t, 0, `{"msg":"audit","audit":{"arn":"x"}}`, logged(record(0, "done")))
	h, faults := gathered(history.Filter{})
	if err := b.reader.Read(t.Context(), monitor, h, noProgress); err != nil {
		t.Fatal(err)
	}
	if h.Len() != 1 || len(*faults) != 1 || !strings.HasPrefix((*faults)[0], "/aws/lambda/pm-Monitor s 2026-07-01T12:00:00Z: ") {
		t.Errorf("%d records, faults %v", h.Len(), *faults)
	}
}

func TestReadFails(t *testing.T) {
	tests := []struct {
		name  string
		group history.Group
		fault localaws.Fault
		kind  awsapi.Kind
		text  string
	}{
		{"unknown", history.Group{Region: region, Name: "none"}, localaws.Fault{Service: "sns"}, awsapi.NotFound, "read log group none: ResourceNotFoundException: "},
		{"denied", monitor, localaws.Fault{Code: "AccessDeniedException", Message: "no"}, awsapi.Denied, "read log group /aws/lambda/pm-Monitor: AccessDeniedException: no"},
		{"throttled for ever", monitor, localaws.Fault{}, awsapi.Throttled, "ThrottlingException"},
		{"broken", monitor, localaws.Fault{Code: "ServiceUnavailableException"}, awsapi.Unavailable, "ServiceUnavailableException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t, nil)
			b.put(t, 0, logged(record(0, "done")))
			b.AddFault(tt.fault)
			h, _ := gathered(history.Filter{})
			err := b.reader.Read(t.Context(), tt.group, h, noProgress)
			if awsapi.KindOf(err) != tt.kind || !strings.Contains(awsapi.Line(err), tt.text) {
				t.Errorf("%s: %s", awsapi.KindOf(err), awsapi.Line(err))
			}
		})
	}
}

func TestReadKeepsWhatCameBeforeAFailure(t *testing.T) {
	b := newBed(t, nil)
	b.put(t, 0, logged(record(0, "done")))
	b.put(t, time.Second, slices.Repeat([]string{"nothing"}, 10_000)...)
	b.AddFault(localaws.Fault{Operation: "FilterLogEvents", Code: "AccessDeniedException", Skip: 1})
	h, _ := gathered(history.Filter{})
	if err := b.reader.Read(t.Context(), monitor, h, noProgress); awsapi.KindOf(err) != awsapi.Denied || h.Len() != 1 {
		t.Errorf("%d records, %v", h.Len(), err)
	}
}

// TestReadKeepsToTheRate reads from an endpoint that takes no more than AWS does: none of
// the calls is refused.
func TestReadKeepsToTheRate(t *testing.T) {
	b := newBed(t, map[string]float64{"FilterLogEvents": 5, "DescribeLogGroups": 5})
	for range 30 {
		h, _ := gathered(history.Filter{})
		if err := b.reader.Read(t.Context(), monitor, h, noProgress); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.Calls()["logs.FilterLogEvents"]; n != 30 {
		t.Errorf("%d calls for 30 pages", n)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, err := localaws.New(localaws.Estate{})
		if err != nil {
			t.Fatal(err)
		}
		memory := localaws.InMemory(server)
		defer memory.Shut()
		clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(region, memory.URL(), "LOCAL", memory.Transport())})
		defer clients.Close()
		server.AddFault(localaws.Fault{Kind: localaws.Hang})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		h, _ := gathered(history.Filter{})
		err = history.NewReader(clients).Read(ctx, monitor, h, noProgress)
		if awsapi.KindOf(err) != awsapi.Canceled {
			t.Errorf("%v", err)
		}
	})
}

func TestGroups(t *testing.T) {
	b := newBed(t, nil)
	for i := range 60 {
		b.create(t, fmt.Sprintf("many-%02d", i))
	}
	groups, err := b.reader.Groups(t.Context(), history.Group{Region: region, Name: "many-", Prefix: true})
	if err != nil || len(groups) != 60 || groups[59] != (history.Group{Region: region, Name: "many-59"}) {
		t.Errorf("%v, %v", groups, err)
	}
	if _, err := b.reader.Groups(t.Context(), history.Group{Region: region, Name: "none", Prefix: true}); !errors.Is(err, history.ErrNoGroup) {
		t.Errorf("none: %v", err)
	}
	if groups, err := b.reader.Groups(t.Context(), monitor); err != nil || len(groups) != 1 || groups[0] != monitor {
		t.Errorf("a name: %v, %v", groups, err)
	}
	b.AddFault(localaws.Fault{Operation: "DescribeLogGroups", Code: "AccessDeniedException"})
	if _, err := b.reader.Groups(t.Context(), history.Group{Region: region, Name: "many-", Prefix: true}); awsapi.KindOf(err) != awsapi.Denied {
		t.Errorf("denied: %v", err)
	}
}

func TestParseGroup(t *testing.T) {
	tests := []struct {
		text string
		want history.Group
		ok   bool
	}{
		{"/aws/lambda/x", history.Group{Region: region, Name: "/aws/lambda/x"}, true},
		{"/aws/lambda/x*", history.Group{Region: region, Name: "/aws/lambda/x", Prefix: true}, true},
		{"arn:aws-cn:logs:cn-north-1:123456789012:log-group:x:*", history.Group{Region: "cn-north-1", Name: "x", ARN: "arn:aws-cn:logs:cn-north-1:123456789012:log-group:x"}, true},
		{strings.Repeat("x", 512), history.Group{Region: region, Name: strings.Repeat("x", 512)}, true},
		{strings.Repeat("x", 513), history.Group{}, false},
		{"", history.Group{}, false},
		{"*", history.Group{}, false},
		{"a*b", history.Group{}, false},
		{"a b", history.Group{}, false},
		{"arn:aws:s3:::x", history.Group{}, false},
		{"arn:aws:logs:eu-west-1:123456789012:destination:x", history.Group{}, false},
		{"arn:aws:logs:nowhere:123456789012:log-group:x", history.Group{}, false},
	}
	for _, tt := range tests {
		got, err := history.ParseGroup(tt.text, region)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%.40s: %+v, %v", tt.text, got, err)
		}
	}
}
