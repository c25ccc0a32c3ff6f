package localaws

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

func (r *rig) logs(region string) *cloudwatchlogs.Client {
	return cloudwatchlogs.NewFromConfig(r.config(region))
}

const testGroup = "/aws/lambda/monitor"

// newLogs is an endpoint with one log group that has the streams a and b.
func newLogs(t testing.TB) (*rig, *cloudwatchlogs.Client) {
	t.Helper()
	r := newRig(t)
	client := r.logs(testRegion)
	ok[*cloudwatchlogs.CreateLogGroupOutput](t)(client.CreateLogGroup(background, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(testGroup)}))
	for _, stream := range []string{"a", "b"} {
		ok[*cloudwatchlogs.CreateLogStreamOutput](t)(client.CreateLogStream(background, &cloudwatchlogs.CreateLogStreamInput{
			LogGroupName: aws.String(testGroup), LogStreamName: &stream,
		}))
	}
	return r, client
}

func logLine(at time.Time, text string) types.InputLogEvent {
	return types.InputLogEvent{Timestamp: aws.Int64(at.UnixMilli()), Message: &text}
}

// word is a JSON message with a word.
func word(text string) string { return `{"word":"` + text + `"}` }

func putLines(client *cloudwatchlogs.Client, stream string, lines ...types.InputLogEvent) (*cloudwatchlogs.PutLogEventsOutput, error) {
	return client.PutLogEvents(background, &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: aws.String(testGroup), LogStreamName: &stream, LogEvents: lines,
	})
}

// filterLogs reads all pages of a FilterLogEvents and returns the words or messages and the
// number of pages.
func filterLogs(t testing.TB, client *cloudwatchlogs.Client, change func(*cloudwatchlogs.FilterLogEventsInput)) (messages []string, pages int) {
	t.Helper()
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String(testGroup)}
	if change != nil {
		change(in)
	}
	for {
		out := ok[*cloudwatchlogs.FilterLogEventsOutput](t)(client.FilterLogEvents(background, in))
		pages++
		for _, e := range out.Events {
			messages = append(messages, strings.TrimSuffix(strings.TrimPrefix(*e.Message, `{"word":"`), `"}`))
		}
		if in.NextToken = out.NextToken; out.NextToken == nil {
			return messages, pages
		}
	}
}

func TestFilterLogEvents(t *testing.T) {
	_, client := newLogs(t)
	at := func(d time.Duration) time.Time { return noon.Add(d) }
	ok[*cloudwatchlogs.PutLogEventsOutput](t)(putLines(client, "b", logLine(at(-2*time.Hour), word("second")), logLine(at(-time.Hour), word("fourth"))))
	ok[*cloudwatchlogs.PutLogEventsOutput](t)(putLines(client, "a", logLine(at(-3*time.Hour), word("first")), logLine(at(-time.Hour-time.Second), word("third"))))
	type input = cloudwatchlogs.FilterLogEventsInput
	tests := []struct {
		name   string
		change func(*input)
		want   string
		pages  int
	}{
		{"everything, by time", nil, "first second third fourth", 1},
		{"pages of one", func(in *input) { in.Limit = aws.Int32(1) }, "first second third fourth", 4},
		{"from a time on", func(in *input) { in.StartTime = aws.Int64(at(-2 * time.Hour).UnixMilli()) }, "second third fourth", 1},
		{"up to a time", func(in *input) { in.EndTime = aws.Int64(at(-2 * time.Hour).UnixMilli()) }, "first second", 1},
		{"a pattern", func(in *input) { in.FilterPattern = aws.String(`{ $.word = "f*" }`) }, "first fourth", 1},
		{"a group by its ARN", func(in *input) {
			in.LogGroupName, in.LogGroupIdentifier = nil, aws.String("arn:aws:logs:"+testRegion+":"+"000000000000"+":log-group:"+testGroup)
			in.EndTime = aws.Int64(at(-3 * time.Hour).UnixMilli())
		}, "first", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, pages := filterLogs(t, client, tt.change)
			if strings.Join(got, " ") != tt.want || pages != tt.pages {
				t.Errorf("%v on %d pages, want %s on %d", got, pages, tt.want, tt.pages)
			}
		})
	}
}

func TestLogPagesMayBeEmpty(t *testing.T) {
	r, client := newLogs(t)
	for i := range 3 {
		var lines []types.InputLogEvent
		for n := range 5000 {
			text := word("nothing")
			if i == 2 && n == 4999 {
				text = word("something")
			}
			lines = append(lines, logLine(noon.Add(time.Duration(i)*time.Minute), text))
		}
		ok[*cloudwatchlogs.PutLogEventsOutput](t)(putLines(client, "a", lines...))
	}
	pattern := func(in *cloudwatchlogs.FilterLogEventsInput) {
		in.FilterPattern = aws.String(`{ $.word = "something" }`)
	}
	if got, pages := filterLogs(t, client, pattern); len(got) != 1 || pages != 2 {
		t.Errorf("%v on %d pages", got, pages)
	}
	r.AddFault(Fault{Service: "logs", Operation: "FilterLogEvents", Kind: EmptyPage, Skip: 1, Times: 2})
	if got, pages := filterLogs(t, client, pattern); len(got) != 1 || pages != 4 {
		t.Errorf("with empty pages: %v on %d pages", got, pages)
	}
	big := strings.Repeat("x", 600_000)
	for range 2 {
		ok[*cloudwatchlogs.PutLogEventsOutput](t)(putLines(client, "b", logLine(noon.Add(time.Hour), big)))
	}
	got, pages := filterLogs(t, client, func(in *cloudwatchlogs.FilterLogEventsInput) {
		in.StartTime = aws.Int64(noon.Add(time.Hour).UnixMilli())
	})
	if len(got) != 2 || pages < 2 {
		t.Errorf("%d large events on %d pages", len(got), pages)
	}
}

func TestPutLogEventsRefuses(t *testing.T) {
	_, client := newLogs(t)
	many := func(n int, text string) []types.InputLogEvent {
		return slices.Repeat([]types.InputLogEvent{logLine(noon, text)}, n)
	}
	for _, tt := range []struct {
		name, stream string
		lines        []types.InputLogEvent
		code         string
	}{
		{"a batch of 10,000", "a", many(10_000, "x"), ""},
		{"one more", "a", many(10_001, "x"), "InvalidParameterException"},
		{"no message", "a", many(1, ""), "InvalidParameterException"},
		{"nothing", "a", []types.InputLogEvent{}, "InvalidParameterException"},
		{"an unknown stream", "c", many(1, "x"), "ResourceNotFoundException"},
	} {
		if got := apiCode(t, errOf(putLines(client, tt.stream, tt.lines...))); got != tt.code {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.code)
		}
	}
}

func TestLogGroups(t *testing.T) {
	r, client := newLogs(t)
	create := func(name string) string {
		return apiCode(t, errOf(client.CreateLogGroup(background, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &name})))
	}
	for name, want := range map[string]string{
		testGroup: "ResourceAlreadyExistsException", "aws/x": "InvalidParameterException", "a b": "InvalidParameterException",
		strings.Repeat("x", 512): "", strings.Repeat("x", 513): "InvalidParameterException",
	} {
		if got := create(name); got != want {
			t.Errorf("create %.20s: %q, want %q", name, got, want)
		}
	}
	for i := range 60 {
		create(fmt.Sprintf("many-%02d", i))
	}
	var names []string
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(client, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("many-")})
	for pages.HasMorePages() {
		out := ok[*cloudwatchlogs.DescribeLogGroupsOutput](t)(pages.NextPage(background))
		for _, g := range out.LogGroups {
			names = append(names, *g.LogGroupName)
		}
	}
	if len(names) != 60 || names[59] != "many-59" {
		t.Errorf("listed %v", names)
	}
	out := ok[*cloudwatchlogs.DescribeLogGroupsOutput](t)(client.DescribeLogGroups(background, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/aws/lambda")}))
	if len(out.LogGroups) != 1 || *out.LogGroups[0].LogGroupArn+":*" != *out.LogGroups[0].Arn {
		t.Errorf("by prefix: %+v", out.LogGroups)
	}
	elsewhere := ok[*cloudwatchlogs.DescribeLogGroupsOutput](t)(r.logs("us-east-1").DescribeLogGroups(background, &cloudwatchlogs.DescribeLogGroupsInput{}))
	if len(elsewhere.LogGroups) != 0 {
		t.Errorf("in another region: %+v", elsewhere.LogGroups)
	}
	again := errOf(client.CreateLogStream(background, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(testGroup), LogStreamName: aws.String("a")}))
	if got := apiCode(t, again); got != "ResourceAlreadyExistsException" {
		t.Errorf("stream created twice: %q", got)
	}
}

func TestFilterLogEventsRefuses(t *testing.T) {
	_, client := newLogs(t)
	type input = cloudwatchlogs.FilterLogEventsInput
	tests := []struct {
		name   string
		change func(*input)
		code   string
	}{
		{"a group that is not there", func(in *input) { in.LogGroupName = aws.String("none") }, "ResourceNotFoundException"},
		{"a group of another account", func(in *input) {
			in.LogGroupName, in.LogGroupIdentifier = nil, aws.String("arn:aws:logs:"+testRegion+":999999999999:log-group:"+testGroup)
		}, "ResourceNotFoundException"},
		{"no group", func(in *input) { in.LogGroupName = nil }, "InvalidParameterException"},
		{"a group twice", func(in *input) { in.LogGroupIdentifier = aws.String(testGroup) }, "InvalidParameterException"},
		{"an end before the start", func(in *input) { in.StartTime, in.EndTime = aws.Int64(2), aws.Int64(1) }, "InvalidParameterException"},
		{"a limit of 0", func(in *input) { in.Limit = aws.Int32(0) }, "InvalidParameterException"},
		{"a limit of 10,001", func(in *input) { in.Limit = aws.Int32(10_001) }, "InvalidParameterException"},
		{"a token of its own", func(in *input) { in.NextToken = aws.String("mine") }, "InvalidParameterException"},
		{"a pattern that is none", func(in *input) { in.FilterPattern = aws.String("{ $.a }") }, "InvalidParameterException"},
		{"a pattern of 1,025 characters", func(in *input) { in.FilterPattern = aws.String(strings.Repeat("x", 1025)) }, "InvalidParameterException"},
		{"a member that is not handled", func(in *input) { in.Unmask = true }, "ValidationException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := &input{LogGroupName: aws.String(testGroup)}
			tt.change(in)
			if got := apiCode(t, errOf(client.FilterLogEvents(background, in))); got != tt.code {
				t.Errorf("%q, want %q", got, tt.code)
			}
		})
	}
}

func TestFaultsHitLogs(t *testing.T) {
	r, client := newLogs(t)
	r.AddFault(Fault{Service: "logs", Times: 1})
	if got := apiCode(t, errOf(client.FilterLogEvents(background, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String(testGroup)}))); got != "ThrottlingException" {
		t.Errorf("%q", got)
	}
	if n := r.Calls()["logs.FilterLogEvents"]; n != 1 {
		t.Errorf("%d calls", n)
	}
}
