package localaws

import (
	"strings"
)

// codeLogsParameter is the error code of CloudWatch Logs for what it refuses.
const codeLogsParameter = "InvalidParameterException"

// Bounds of CloudWatch Logs (its API reference).
const (
	maxLogName        = 512 // of groups and of streams
	maxLogGroupPage   = 50
	maxLogIdentifier  = 2048
	standardLogClass  = "STANDARD"
	maxLogStreamNames = 100 // in a FilterLogEvents call
)

// logsState is everything that CloudWatch Logs knows.
type logsState struct {
	groups map[home]map[string]*logGroup
	count  int64 // of events taken so far; tells them apart
}

type logGroup struct {
	name, arn string
	created   int64 // milliseconds since the epoch
	tags      map[string]string
	streams   map[string]bool
	// events are in the order of their keys, unless unsorted says otherwise.
	events   []*logEvent
	unsorted bool
}

type logEvent struct {
	key       string // timestamp, time of ingestion and number, in the order of listings
	id        string
	stream    string
	message   string
	timestamp int64 // milliseconds since the epoch, the client's
	ingested  int64
}

func (s *Server) logsOperations() map[string]operation {
	return map[string]operation{
		"CreateLogGroup":    s.createLogGroup,
		"DescribeLogGroups": s.describeLogGroups,
		"CreateLogStream":   s.createLogStream,
		"PutLogEvents":      s.putLogEvents,
		"FilterLogEvents":   s.filterLogEvents,
	}
}

var (
	logGroupPattern      = lazy(`^[.\-_/#A-Za-z0-9]{1,512}$`)
	logIdentifierPattern = lazy(`^[\w#+=/:,.@-]+$`)
)

// logConstraint is the error of a member that breaks the API model.
func logConstraint(member, value, rule string) error {
	return refuse(codeLogsParameter, "1 validation error detected: Value %s at '%s' failed to satisfy constraint: Member must %s", quoted(value), member, rule)
}

func checkLogGroupName(member string, name *string) error {
	if name == nil || !logGroupPattern().MatchString(*name) {
		return logConstraint(member, value(name), "have 1 to 512 characters of A-Z, a-z, 0-9, '.', '-', '_', '/' and '#'")
	}
	return nil
}

func checkLogStreamName(member string, name *string) error {
	if n := len([]rune(value(name))); n < 1 || n > maxLogName || strings.ContainsAny(*name, ":*") {
		return logConstraint(member, value(name), "have 1 to 512 characters, none of them ':' or '*'")
	}
	return nil
}

// findLogGroup returns the caller's log group of a name, which must exist.
func (s *Server) findLogGroup(c *call, member string, name *string) (*logGroup, error) {
	if err := checkLogGroupName(member, name); err != nil {
		return nil, err
	}
	group := s.logs.groups[c.home()][*name]
	if group == nil {
		return nil, refuse(codeNotFound, "The specified log group does not exist.")
	}
	return group, nil
}

func (s *Server) createLogGroup(c *call) (any, error) {
	var in struct {
		Name  *string           `json:"logGroupName"`
		Tags  map[string]string `json:"tags"`
		Class *string           `json:"logGroupClass"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := checkLogGroupName("logGroupName", in.Name); err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(*in.Name, "aws/"):
		return nil, refuse(codeLogsParameter, "Log groups starting with aws/ are reserved for AWS.")
	case in.Class != nil && *in.Class != standardLogClass:
		return nil, logConstraint("logGroupClass", *in.Class, "be "+standardLogClass+", the one class that this endpoint has")
	case in.Tags != nil && len(in.Tags) == 0:
		return nil, logConstraint("tags", "{}", "have length greater than or equal to 1")
	}
	if fault := tagFault(in.Tags); fault != "" {
		return nil, refuse(codeLogsParameter, "%s", fault)
	}
	if s.logs.groups[c.home()][*in.Name] != nil {
		return nil, refuse(codeAlreadyExists, "The specified log group already exists")
	}
	if s.logs.groups == nil {
		s.logs.groups = map[home]map[string]*logGroup{}
	}
	if s.logs.groups[c.home()] == nil {
		s.logs.groups[c.home()] = map[string]*logGroup{}
	}
	s.logs.groups[c.home()][*in.Name] = &logGroup{
		name: *in.Name, arn: c.arn("logs", "log-group:"+*in.Name), created: c.now.UnixMilli(), tags: in.Tags, streams: map[string]bool{},
	}
	return nil, nil
}

func (s *Server) createLogStream(c *call) (any, error) {
	var in struct {
		Group  *string `json:"logGroupName"`
		Stream *string `json:"logStreamName"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := checkLogStreamName("logStreamName", in.Stream); err != nil {
		return nil, err
	}
	group, err := s.findLogGroup(c, "logGroupName", in.Group)
	if err != nil {
		return nil, err
	}
	if group.streams[*in.Stream] {
		return nil, refuse(codeAlreadyExists, "The specified log stream already exists")
	}
	group.streams[*in.Stream] = true
	return nil, nil
}

type logGroupShape struct {
	Name          string `json:"logGroupName"`
	Created       int64  `json:"creationTime"`
	MetricFilters int32  `json:"metricFilterCount"`
	ARN           string `json:"arn"` // of the streams in it
	StoredBytes   int64  `json:"storedBytes"`
	Class         string `json:"logGroupClass"`
	GroupARN      string `json:"logGroupArn"`
}

func (s *Server) describeLogGroups(c *call) (any, error) {
	var in struct {
		Prefix  *string `json:"logGroupNamePrefix"`
		Pattern *string `json:"logGroupNamePattern"`
		Token   *string `json:"nextToken"`
		Limit   *int32  `json:"limit"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	switch {
	case in.Prefix != nil && in.Pattern != nil:
		return nil, refuse(codeLogsParameter, "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	case in.Prefix != nil && !logGroupPattern().MatchString(*in.Prefix):
		return nil, logConstraint("logGroupNamePrefix", *in.Prefix, "have 1 to 512 characters of A-Z, a-z, 0-9, '.', '-', '_', '/' and '#'")
	case value(in.Pattern) != "" && !logGroupPattern().MatchString(*in.Pattern):
		return nil, logConstraint("logGroupNamePattern", *in.Pattern, "have 0 to 512 characters of A-Z, a-z, 0-9, '.', '-', '_', '/' and '#'")
	}
	groups := s.logs.groups[c.home()]
	shapes := []logGroupShape{}
	for _, name := range sortedKeys(groups) {
		if strings.HasPrefix(name, value(in.Prefix)) && strings.Contains(name, value(in.Pattern)) {
			shapes = append(shapes, groups[name].shape())
		}
	}
	size, err := logLimit(in.Limit, maxLogGroupPage)
	if err != nil {
		return nil, err
	}
	shapes, next, ok := page(c, shapes, func(g logGroupShape) string { return g.Name }, value(in.Token), size)
	if !ok || (in.Token != nil && *in.Token == "") {
		return nil, errLogToken()
	}
	return struct {
		Groups []logGroupShape `json:"logGroups"`
		Next   string          `json:"nextToken,omitempty"`
	}{shapes, next}, nil
}

func (g *logGroup) shape() logGroupShape {
	bytes := int64(0)
	for _, e := range g.events {
		bytes += int64(len(e.message) + logEventOverhead)
	}
	return logGroupShape{Name: g.name, Created: g.created, ARN: g.arn + ":*", StoredBytes: bytes, Class: standardLogClass, GroupARN: g.arn}
}

// logLimit reads the limit of a listing, from 1 to most, which is also the default.
func logLimit(limit *int32, most int) (int, error) {
	switch {
	case limit == nil:
		return most, nil
	case *limit < 1 || int(*limit) > most:
		return 0, refuse(codeLogsParameter, "1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must be from 1 to %d", *limit, most)
	}
	return int(*limit), nil
}

func errLogToken() error { return refuse(codeLogsParameter, "The specified nextToken is invalid.") }
