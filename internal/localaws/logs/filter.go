package logs

import (
	"cmp"
	"sort"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// Bounds of FilterLogEvents (API reference), and how many events a page searches here: AWS
// documents no such bound, only that it makes pages partly full or empty.
const (
	maxPage      = 10_000
	maxPageBytes = 1 << 20
	maxSearched  = 10_000
)

type filterInput struct {
	Name       *string `json:"logGroupName" check:"group"`
	Identifier *string `json:"logGroupIdentifier" check:"..2048 identifier"`
	Start      *int64  `json:"startTime"`
	End        *int64  `json:"endTime"`
	Pattern    *string `json:"filterPattern" check:"..1024"`
	Token      *string `json:"nextToken"`
	Limit      *int32  `json:"limit" check:"1..10000"`
}

type filteredEvent struct {
	Stream    string `json:"logStreamName"`
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
	Ingested  int64  `json:"ingestionTime"`
	ID        string `json:"eventId"`
}

func (s *Service) filterLogEvents(c *api.Call, in *filterInput) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	match, err := parsePattern(api.Value(in.Pattern))
	if err != nil {
		return nil, api.Refuse(codeParameter, "Invalid filter pattern: %v", err)
	}
	g, err := s.filteredGroup(c, in)
	if err != nil {
		return nil, err
	}
	after, next := "", ""
	if in.Token != nil {
		token, err := c.ReadToken(*in.Token)
		if err != nil {
			return nil, err
		}
		after = token.After
	}
	events := []filteredEvent{}
	if c.EmptyPage {
		next = c.WriteToken(api.Token{After: after})
	} else if last := g.search(in, match, after, &events); last != "" {
		next = c.WriteToken(api.Token{After: last})
	}
	out := api.Listing("events", events, "nextToken", next)
	out["searchedLogStreams"] = []string{}
	return out, nil
}

// check refuses members that break the API model or contradict each other.
func (in *filterInput) check() error {
	switch {
	case (in.Name == nil) == (in.Identifier == nil):
		return api.Refuse(codeParameter, "Exactly one of logGroupName and logGroupIdentifier must be given.")
	case api.Value(in.Start) < 0 || api.Value(in.End) < 0:
		return api.Refuse(codeParameter, "startTime and endTime must be greater than or equal to 0.")
	case in.Start != nil && in.End != nil && *in.Start > *in.End:
		return api.Refuse(codeParameter, "End time should not be less than start time.")
	}
	return nil
}

// filteredGroup finds the log group, by name or ARN.
func (s *Service) filteredGroup(c *api.Call, in *filterInput) (*group, error) {
	if in.Name != nil {
		return s.find(c, *in.Name)
	}
	name := strings.TrimPrefix(*in.Identifier, c.ARN("logs", "log-group:"))
	return s.find(c, name)
}

// search adds the events after a key that match to a page. It returns the key to continue
// after, empty if all events were searched.
func (g *group) search(in *filterInput, match pattern, after string, page *[]filteredEvent) string {
	limit := int(cmp.Or(api.Value(in.Limit), maxPage))
	g.sort()
	from := sort.Search(len(g.events), func(i int) bool {
		return g.events[i].key > after && g.events[i].timestamp >= api.Value(in.Start)
	})
	size := 0
	for i := from; i < len(g.events); i++ {
		e := g.events[i]
		if in.End != nil && e.timestamp > *in.End {
			break
		}
		if i-from == maxSearched || len(*page) == limit {
			return g.events[i-1].key
		}
		if !match(e.message) {
			continue
		}
		if size += len(e.message) + eventOverhead; size > maxPageBytes && len(*page) > 0 {
			return g.events[i-1].key
		}
		*page = append(*page, filteredEvent{e.stream, e.timestamp, e.message, e.ingested, e.id})
	}
	return ""
}
