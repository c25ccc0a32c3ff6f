// Package logs is Amazon CloudWatch Logs: log groups, streams and their events, kept for
// the life of the endpoint.
package logs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// Error codes.
const (
	codeParameter = "InvalidParameterException"
	codeNotFound  = "ResourceNotFoundException"
	codeExists    = "ResourceAlreadyExistsException"
)

// Service is everything that CloudWatch Logs knows.
type Service struct {
	groups api.ByHome[*group]
	count  int64 // of events stored so far; numbers them
}

// New makes a service without log groups.
func New() *Service { return &Service{groups: api.ByHome[*group]{}} }

type group struct {
	name, arn string
	created   int64 // milliseconds since the epoch
	streams   map[string]bool
	events    []*event // by key, unless unsorted
	unsorted  bool
}

type event struct {
	key       string // timestamp, time of ingestion and number, in the order of listings
	id        string
	stream    string
	message   string
	timestamp int64 // milliseconds since the epoch, the client's
	ingested  int64
}

var badToken = api.Refuse(codeParameter, "The specified nextToken is invalid.")

// API describes the service.
func (s *Service) API() *api.Service {
	return &api.Service{
		Name: "logs", Signing: "logs", Protocols: []wire.Protocol{wire.JSON}, Target: "Logs_20140328",
		Operations: map[string]api.Operation{
			"CreateLogGroup":    api.Do(s.createLogGroup),
			"DescribeLogGroups": api.Op(s.describeLogGroups),
			"CreateLogStream":   api.Do(s.createLogStream),
			"PutLogEvents":      api.Op(s.putLogEvents),
			"FilterLogEvents":   api.Op(s.filterLogEvents),
		},
		Model: api.NewModel(codeParameter, codeParameter, badToken, map[string]api.Pattern{
			"group": {
				Expression: api.Lazy(`^[.\-_/#A-Za-z0-9]{1,512}$`),
				Rule:       "have 1 to 512 characters of A-Z, a-z, 0-9, '.', '-', '_', '/' and '#'",
			},
			"stream":     {Expression: api.Lazy(`^[^:*]{1,512}$`), Rule: "have 1 to 512 characters other than ':' and '*'"},
			"identifier": {Expression: api.Lazy(`^[\w#+=/:,.@-]+$`), Rule: "be the name or the ARN of a log group"},
		}),
	}
}

func (s *Service) find(c *api.Call, name string) (*group, error) {
	g := s.groups[c.Home][name]
	if g == nil {
		return nil, api.Refuse(codeNotFound, "The specified log group does not exist.")
	}
	return g, nil
}

type createGroupInput struct {
	Name string `json:"logGroupName" check:"required group"`
}

func (s *Service) createLogGroup(c *api.Call, in *createGroupInput) error {
	if strings.HasPrefix(in.Name, "aws/") {
		return api.Refuse(codeParameter, "Log groups starting with aws/ are reserved for AWS.")
	}
	if s.groups[c.Home][in.Name] != nil {
		return api.Refuse(codeExists, "The specified log group already exists")
	}
	s.groups.Set(c.Home, in.Name, &group{
		name: in.Name, arn: c.ARN("logs", "log-group:"+in.Name), created: c.Now.UnixMilli(), streams: map[string]bool{},
	})
	return nil
}

type createStreamInput struct {
	Group  string `json:"logGroupName" check:"required group"`
	Stream string `json:"logStreamName" check:"required stream"`
}

func (s *Service) createLogStream(c *api.Call, in *createStreamInput) error {
	g, err := s.find(c, in.Group)
	if err != nil {
		return err
	}
	if g.streams[in.Stream] {
		return api.Refuse(codeExists, "The specified log stream already exists")
	}
	g.streams[in.Stream] = true
	return nil
}

type describeInput struct {
	Prefix *string `json:"logGroupNamePrefix" check:"group"`
	Token  *string `json:"nextToken"`
	Limit  *int32  `json:"limit" check:"1..50"`
}

type groupShape struct {
	Name     string `json:"logGroupName"`
	Created  int64  `json:"creationTime"`
	ARN      string `json:"arn"` // of its streams
	GroupARN string `json:"logGroupArn"`
}

func (s *Service) describeLogGroups(c *api.Call, in *describeInput) (any, error) {
	groups := api.Filter(api.Sorted(s.groups[c.Home]), func(g *group) bool { return strings.HasPrefix(g.name, api.Value(in.Prefix)) })
	groups, next, err := api.Page(c, groups, func(g *group) string { return g.name }, in.Token, in.Limit, 50)
	return api.Listing("logGroups", api.Map(groups, (*group).shape), "nextToken", next), err
}

func (g *group) shape() groupShape { return groupShape{g.name, g.created, g.arn + ":*", g.arn} }

func (g *group) sort() {
	if g.unsorted {
		slices.SortFunc(g.events, func(a, b *event) int { return cmp.Compare(a.key, b.key) })
		g.unsorted = false
	}
}

// eventOverhead is how many bytes an event counts for in addition to its message (PutLogEvents in the API reference).
const eventOverhead = 26

type putInput struct {
	Group  string       `json:"logGroupName" check:"required group"`
	Stream string       `json:"logStreamName" check:"required stream"`
	Events []inputEvent `json:"logEvents" check:"1..10000"`
}

type inputEvent struct {
	Timestamp *int64 `json:"timestamp" check:"required"`
	Message   string `json:"message" check:"required"`
}

// putLogEvents stores events of any age and order: the program only reads them.
func (s *Service) putLogEvents(c *api.Call, in *putInput) (any, error) {
	g, err := s.find(c, in.Group)
	switch {
	case err != nil:
		return nil, err
	case !g.streams[in.Stream]:
		return nil, api.Refuse(codeNotFound, "The specified log stream does not exist.")
	}
	for _, e := range in.Events {
		s.store(c, g, in.Stream, e)
	}
	return api.Out{"nextSequenceToken": fmt.Sprintf("%056d", s.count)}, nil
}

func (s *Service) store(c *api.Call, g *group, stream string, in inputEvent) {
	s.count++
	ingested := c.Now.UnixMilli()
	e := &event{
		id: fmt.Sprintf("%056d", s.count), stream: stream, message: in.Message, timestamp: *in.Timestamp, ingested: ingested,
		key: fmt.Sprintf("%020d/%020d/%020d", *in.Timestamp, ingested, s.count),
	}
	if n := len(g.events); n > 0 && g.events[n-1].key > e.key {
		g.unsorted = true
	}
	g.events = append(g.events, e)
}
