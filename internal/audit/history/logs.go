package history

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

// Group is a log group, or all with a common prefix of their names.
type Group struct {
	Region string
	Name   string
	ARN    string // without the :* at its end; empty where the name is enough
	Prefix bool   // Name is a prefix
}

// String is the group as a person named it.
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

// ParseGroup reads the name of a log group of the region, a prefix of names followed by *, or
// the ARN of a log group, which has a region of its own.
func ParseGroup(text, region string) (Group, error) {
	g := Group{Region: region, Name: text}
	if strings.HasPrefix(text, "arn:") {
		g.ARN = strings.TrimSuffix(text, ":*")
		arn, err := model.ParseARN(g.ARN)
		name, ok := strings.CutPrefix(arn.Resource(), "log-group:")
		if err != nil || !ok || arn.Service() != "logs" || !model.ValidRegion(arn.Region()) {
			return Group{}, fmt.Errorf("%q is not the ARN of a log group", text)
		}
		g.Region, g.Name = arn.Region(), name
	} else {
		g.Name, g.Prefix = strings.CutSuffix(text, "*")
	}
	if !groupName.MatchString(g.Name) || len(g.Name) > maxGroupName {
		return Group{}, fmt.Errorf("%q is not the name of a log group "+
			"(letters, digits and . - _ / #; a * at the end matches the rest of the name)", text)
	}
	return g, nil
}

// Reader reads log groups.
type Reader struct{ clients *awsapi.Clients }

// NewReader is a reader that calls through clients.
func NewReader(clients *awsapi.Clients) *Reader { return &Reader{clients} }

func (r *Reader) logs(region string) *cloudwatchlogs.Client {
	return cloudwatchlogs.NewFromConfig(r.clients.ConfigFor(region))
}

// ErrNoGroup is the error for a prefix that no log group's name has.
var ErrNoGroup = errors.New("no log group has a name that begins like this")

// Groups returns the log groups whose names match.
func (r *Reader) Groups(ctx context.Context, group Group) ([]Group, error) {
	if !group.Prefix {
		return []Group{group}, nil
	}
	var groups []Group
	err := awsapi.ReadPages(func(token *string) (*string, error) {
		out, err := r.logs(group.Region).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{
			LogGroupNamePrefix: &group.Name, NextToken: token,
		})
		if err != nil {
			return nil, err
		}
		for _, g := range out.LogGroups {
			groups = append(groups, Group{Region: group.Region, Name: aws.ToString(g.LogGroupName)})
		}
		return out.NextToken, nil
	})
	if err == nil && len(groups) == 0 {
		err = ErrNoGroup
	}
	if err != nil {
		return nil, fmt.Errorf("list log groups %s: %w", group, err)
	}
	return groups, nil
}

// late is how long after the decision its record may appear in the log: an action waits for
// AWS, and a function runs for at most 15 minutes.
const late = 15 * time.Minute

// Read reads the records of a log group into the history, and reports the number of pages
// after each. What was read before an error stays in the history.
func (r *Reader) Read(ctx context.Context, group Group, h *History, progress func(pages int)) error {
	in := request(group, h.filter)
	read := 0
	err := awsapi.ReadPages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := r.logs(group.Region).FilterLogEvents(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, e := range out.Events {
			h.addLine([]byte(aws.ToString(e.Message)), func() string { return whereOf(group, e) })
		}
		read++
		progress(read)
		return out.NextToken, nil
	})
	if err != nil {
		return fmt.Errorf("read log group %s: %w", group, err)
	}
	return nil
}

// request selects the lines of a group that may hold records that the filter selects.
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

// pattern is the filter pattern of CloudWatch Logs for the records. What passes it is filtered
// again.
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
