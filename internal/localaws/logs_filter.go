package localaws

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// Bounds of FilterLogEvents (its page in the API reference), and how many events a page
// looks through here: AWS does not tell its own bound, only that pages may be partly full
// or empty for it.
const (
	maxLogPage      = 10_000
	maxLogPageBytes = 1 << 20
	maxLogScan      = 10_000
	maxLogPattern   = 1024
)

type filterInput struct {
	Name        *string  `json:"logGroupName"`
	Identifier  *string  `json:"logGroupIdentifier"`
	Streams     []string `json:"logStreamNames"`
	Prefix      *string  `json:"logStreamNamePrefix"`
	Start       *int64   `json:"startTime"`
	End         *int64   `json:"endTime"`
	Pattern     *string  `json:"filterPattern"`
	Token       *string  `json:"nextToken"`
	Limit       *int32   `json:"limit"`
	Interleaved *bool    `json:"interleaved"` // no longer looked at
}

type filteredEvent struct {
	Stream    string `json:"logStreamName"`
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
	Ingested  int64  `json:"ingestionTime"`
	ID        string `json:"eventId"`
}

type filterOutput struct {
	Events   []filteredEvent `json:"events"`
	Searched []string        `json:"searchedLogStreams"` // always empty
	Next     string          `json:"nextToken,omitempty"`
}

func (s *Server) filterLogEvents(c *call) (any, error) {
	var in filterInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	pattern, err := parseLogPattern(value(in.Pattern))
	if err != nil {
		return nil, refuse(codeLogsParameter, "Invalid filter pattern: %v", err)
	}
	limit, err := logLimit(in.Limit, maxLogPage)
	if err != nil {
		return nil, err
	}
	group, err := s.filteredGroup(c, &in)
	if err != nil {
		return nil, err
	}
	for _, name := range in.Streams {
		if !group.streams[name] {
			return nil, refuse(codeNotFound, "The specified log stream does not exist.")
		}
	}
	after := ""
	if in.Token != nil {
		token, ok := c.readToken(*in.Token)
		if !ok {
			return nil, errLogToken()
		}
		after = token.After
	}
	if c.emptyPage {
		return filterOutput{Events: []filteredEvent{}, Searched: []string{}, Next: c.writeToken(pageToken{After: after})}, nil
	}
	out := filterOutput{Events: []filteredEvent{}, Searched: []string{}}
	if last := group.scan(&in, pattern, after, limit, &out.Events); last != "" {
		out.Next = c.writeToken(pageToken{After: last})
	}
	return out, nil
}

// check refuses members that break the API model or contradict each other.
func (in *filterInput) check() error {
	if (in.Name == nil) == (in.Identifier == nil) {
		return refuse(codeLogsParameter, "Exactly one of logGroupName and logGroupIdentifier must be given.")
	}
	if in.Streams != nil && in.Prefix != nil {
		return refuse(codeLogsParameter, "logStreamNames and logStreamNamePrefix cannot both be given.")
	}
	if n := len(in.Streams); in.Streams != nil && (n < 1 || n > maxLogStreamNames) {
		return refuse(codeLogsParameter, "1 validation error detected: %d names at 'logStreamNames' failed to satisfy constraint: Member must have length from 1 to %d", n, maxLogStreamNames)
	}
	for i := range in.Streams {
		if err := checkLogStreamName("logStreamNames", &in.Streams[i]); err != nil {
			return err
		}
	}
	if in.Prefix == nil {
		return in.checkRange()
	}
	if err := checkLogStreamName("logStreamNamePrefix", in.Prefix); err != nil {
		return err
	}
	return in.checkRange()
}

// checkRange refuses times and patterns that break the API model.
func (in *filterInput) checkRange() error {
	switch {
	case value(in.Start) < 0 || value(in.End) < 0:
		return refuse(codeLogsParameter, "startTime and endTime must be greater than or equal to 0.")
	case in.Start != nil && in.End != nil && *in.Start > *in.End:
		return refuse(codeLogsParameter, "End time should not be less than start time.")
	case len([]rune(value(in.Pattern))) > maxLogPattern:
		return logConstraint("filterPattern", *in.Pattern, "have length less than or equal to 1024")
	}
	return nil
}

// filteredGroup finds the log group, named or identified by its ARN.
func (s *Server) filteredGroup(c *call, in *filterInput) (*logGroup, error) {
	if in.Name != nil {
		return s.findLogGroup(c, "logGroupName", in.Name)
	}
	if len(*in.Identifier) > maxLogIdentifier || !logIdentifierPattern().MatchString(*in.Identifier) {
		return nil, logConstraint("logGroupIdentifier", *in.Identifier, "be the name or the ARN of a log group")
	}
	name := strings.TrimPrefix(*in.Identifier, c.arn("logs", "log-group:"))
	if strings.HasPrefix(name, "arn:") {
		return nil, refuse(codeNotFound, "The specified log group does not exist.")
	}
	return s.findLogGroup(c, "logGroupIdentifier", &name)
}

// scan adds the events that match to a page, from after a key on. It returns the key to
// go on after, empty if all has been looked through.
func (g *logGroup) scan(in *filterInput, pattern logPattern, after string, limit int, page *[]filteredEvent) string {
	if g.unsorted {
		slices.SortFunc(g.events, func(a, b *logEvent) int { return cmp.Compare(a.key, b.key) })
		g.unsorted = false
	}
	from := sort.Search(len(g.events), func(i int) bool {
		return g.events[i].key > after && g.events[i].timestamp >= value(in.Start)
	})
	size, looked := 0, 0
	for i := from; i < len(g.events); i++ {
		e := g.events[i]
		if in.End != nil && e.timestamp > *in.End {
			break
		}
		if looked == maxLogScan || len(*page) == limit {
			return g.events[i-1].key
		}
		looked++
		if !in.searches(e.stream) || !pattern.match(e.message) {
			continue
		}
		if size += len(e.message) + logEventOverhead; size > maxLogPageBytes && len(*page) > 0 {
			return g.events[i-1].key
		}
		*page = append(*page, filteredEvent{e.stream, e.timestamp, e.message, e.ingested, e.id})
	}
	return ""
}

// searches tells whether a stream is among those asked for.
func (in *filterInput) searches(stream string) bool {
	if in.Streams != nil {
		return slices.Contains(in.Streams, stream)
	}
	return strings.HasPrefix(stream, value(in.Prefix))
}
