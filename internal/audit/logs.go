package audit

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// logsAPI is what is asked of CloudWatch Logs.
type logsAPI interface {
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
	DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error)
}

// Group is a log group, or all whose names begin alike.
type Group struct {
	Region string
	Name   string
	ARN    string // without the :* at its end; empty where the name is enough
	Prefix bool   // Name is how the names begin
}

// String is the group as a person has named it.
func (g Group) String() string {
	switch {
	case g.ARN != "":
		return g.ARN
	case g.Prefix:
		return g.Name + "*"
	}
	return g.Name
}

// groupName and maxGroupName are how log groups are named (CloudWatch Logs API model,
// LogGroupName). The length is no part of the pattern, as counting makes one slow to compile.
var groupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]+$`)

const maxGroupName = 512

// ParseGroup reads the name of a log group of the region, the beginning of names before
// a *, or the ARN of a log group, which is in a region of its own.
func ParseGroup(text, region string) (Group, error) {
	g := Group{Region: region, Name: text}
	if strings.HasPrefix(text, "arn:") {
		g.ARN = strings.TrimSuffix(text, ":*")
		arn, err := model.ParseARN(g.ARN)
		name, ok := strings.CutPrefix(arn.Resource, "log-group:")
		if err != nil || !ok || arn.Service != "logs" || !model.ValidRegion(arn.Region) {
			return Group{}, fmt.Errorf("%q is not the ARN of a log group", text)
		}
		g.Region, g.Name = arn.Region, name
	} else {
		g.Name, g.Prefix = strings.CutSuffix(text, "*")
	}
	if !groupName.MatchString(g.Name) || len(g.Name) > maxGroupName {
		return Group{}, fmt.Errorf("%q is not the name of a log group (letters, digits and . - _ / #; a * at the end stands for the rest of the name)", text)
	}
	return g, nil
}

// Reader reads log groups.
type Reader struct{ logs func(region string) logsAPI }

// NewReader is a reader that calls through clients.
func NewReader(clients *awsapi.Clients) *Reader {
	return &Reader{logs: func(region string) logsAPI { return cloudwatchlogs.NewFromConfig(clients.ConfigFor(region)) }}
}

// ErrNoGroup is the error for a beginning with which no log group's name begins.
var ErrNoGroup = errors.New("no log group's name begins so")

// Groups are the log groups that a group stands for.
func (r *Reader) Groups(ctx context.Context, group Group) ([]Group, error) {
	if !group.Prefix {
		return []Group{group}, nil
	}
	var (
		groups []Group
		pages  awsapi.Pages
		in     = &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &group.Name}
	)
	for more := true; more; {
		out, err := r.logs(group.Region).DescribeLogGroups(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list log groups %s: %w", group, err)
		}
		for _, g := range out.LogGroups {
			groups = append(groups, Group{Region: group.Region, Name: aws.ToString(g.LogGroupName)})
		}
		in.NextToken = out.NextToken
		if more, err = pages.More(aws.ToString(out.NextToken)); err != nil {
			return nil, fmt.Errorf("list log groups %s: %w", group, err)
		}
	}
	if len(groups) == 0 {
		return nil, fmt.Errorf("list log groups %s: %w", group, ErrNoGroup)
	}
	return groups, nil
}

// late is how long after the decision its record may stand in the log: an action waits
// for AWS, and a function runs for at most 15 minutes.
const late = 15 * time.Minute

// Read reads the records of a log group into the history. It tells after each page how
// many there were. What was read before an error stays in the history.
func (r *Reader) Read(ctx context.Context, group Group, h *History, progress func(pages int)) error {
	in := request(group, h.filter)
	var pages awsapi.Pages
	for read := 1; ; read++ {
		out, err := r.logs(group.Region).FilterLogEvents(ctx, in)
		if err != nil {
			return fmt.Errorf("read log group %s: %w", group, err)
		}
		for _, e := range out.Events {
			h.line([]byte(aws.ToString(e.Message)), func() string { return whereOf(group, e) })
		}
		progress(read)
		more, err := pages.More(aws.ToString(out.NextToken))
		if err != nil {
			return fmt.Errorf("read log group %s: %w; a shorter time has fewer pages", group, err)
		}
		if !more {
			return nil
		}
		in.NextToken = out.NextToken
	}
}

// request asks for the lines of a group that may hold wanted records.
func request(group Group, f Filter) *cloudwatchlogs.FilterLogEventsInput {
	in := &cloudwatchlogs.FilterLogEventsInput{FilterPattern: aws.String(pattern(f))}
	if group.ARN != "" {
		in.LogGroupIdentifier = &group.ARN
	} else {
		in.LogGroupName = &group.Name
	}
	if !f.Since.IsZero() {
		in.StartTime = aws.Int64(max(0, f.Since.UnixMilli()))
	}
	if !f.Until.IsZero() {
		in.EndTime = aws.Int64(max(0, f.Until.Add(late).UnixMilli()))
	}
	return in
}

// pattern is the filter pattern for the wanted records. It spares reading others; what
// it lets through is filtered again.
func pattern(f Filter) string {
	const everything = `$.msg = "audit"`
	text := everything
	for _, choice := range []struct {
		key    string
		values []string
	}{{"arn", f.ARNs}, {"outcome", f.Outcomes}, {"action", texts(f.Actions)}} {
		var parts []string
		for _, value := range choice.values {
			parts = append(parts, fmt.Sprintf(`$.audit.%s = "%s"`, choice.key, value))
		}
		narrower := text + " && (" + strings.Join(parts, " || ") + ")"
		if len(parts) > 0 && utf8.RuneCountInString(narrower)+len("{  }") <= awsapi.MaxFilterPattern {
			text = narrower
		}
	}
	return "{ " + text + " }"
}

func texts[T ~string](list []T) []string {
	var out []string
	for _, one := range list {
		out = append(out, string(one))
	}
	return out
}

func whereOf(group Group, e types.FilteredLogEvent) string {
	at := time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC().Format(time.RFC3339)
	return fmt.Sprintf("%s %s %s", group, aws.ToString(e.LogStreamName), at)
}
