// Package cloudwatch is Amazon CloudWatch: metrics, alarms and dashboards.
package cloudwatch

import (
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/sns"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// Service is everything that CloudWatch knows.
type Service struct {
	metrics *metrics
	alarms  *alarms
	boards  *boards
}

// New makes an empty service whose alarms publish to topics. watch is called for each change
// of an alarm's state; nil for none.
func New(log *slog.Logger, topics *sns.Service, watch func(AlarmChange)) *Service {
	m := &metrics{series: api.ByHome[*series]{}}
	return &Service{
		metrics: m,
		boards:  &boards{byAccount: map[string]map[string]*dashboard{}},
		alarms: &alarms{
			log: log, topics: topics, watch: watch, metrics: m,
			alarms: api.ByHome[*alarm]{},
		},
	}
}

// API describes the service. SDKs speak CBOR with it, the aws command JSON.
func (s *Service) API() *api.Service {
	operations := map[string]api.Operation{
		"PutMetricData":       api.Do(s.metrics.put),
		"GetMetricData":       api.Op(s.metrics.getData),
		"GetMetricStatistics": api.Op(s.metrics.getStatistics),
		"ListMetrics":         api.Op(s.metrics.list),
		"PutMetricAlarm":      api.Do(s.alarms.put),
		"DescribeAlarms":      api.Op(s.alarms.describe),
		"DeleteAlarms":        api.Do(s.alarms.delete),
		"EnableAlarmActions":  api.Do(func(c *api.Call, in *namesInput) error { return s.alarms.enableActions(c, in, true) }),
		"DisableAlarmActions": api.Do(func(c *api.Call, in *namesInput) error { return s.alarms.enableActions(c, in, false) }),
		"SetAlarmState":       api.Do(s.alarms.setState),
		"PutDashboard":        api.Op(s.boards.put),
		"GetDashboard":        api.Op(s.boards.get),
		"ListDashboards":      api.Op(s.boards.list),
		"DeleteDashboards":    api.Do(s.boards.delete),
	}
	api.Tagging(s.findTags).AddTo(operations)
	return &api.Service{
		Name: "cloudwatch", Signing: "monitoring", Protocols: []wire.Protocol{wire.CBOR, wire.JSON10},
		Target: "GraniteServiceVersion20100801", Operations: operations,
		Model: api.Model{
			Missing: missing,
			Invalid: func(member, value, rule string) error {
				return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must %s", value, member, rule)
			},
			BadTags:  func(text string, _ bool) error { return invalidValue("%s", text) },
			BadToken: refuse("InvalidNextToken", "InvalidNextToken", "The token NextToken is invalid."),
			Patterns: map[string]api.Pattern{
				"comparison": {
					Expression: api.Lazy(`^(Greater|Less)Than(OrEqualTo)?Threshold$`),
					Rule:       "be GreaterThanThreshold, GreaterThanOrEqualToThreshold, LessThanThreshold or LessThanOrEqualToThreshold",
				},
				"alarm":   {Expression: api.Lazy(`^[^\x00-\x1f\x7f]{1,255}$`), Rule: "have 1 to 255 characters, none of which is a control character"},
				"name":    {Check: func(path, text string) error { return checkText(path, text, 255) }},
				"value":   {Check: func(path, text string) error { return checkText(path, text, 1024) }},
				"unit":    {Check: checkUnit},
				"queryId": {Expression: api.Lazy(`^[a-z][A-Za-z0-9_]{0,254}$`), Rule: "satisfy regular expression pattern: ^[a-z][a-zA-Z0-9_]*$"},
			},
		},
	}
}

// findTags returns the tags of the alarm of this region or the dashboard that an ARN names.
func (s *Service) findTags(c *api.Call, arn *string) (*map[string]string, error) {
	if arn == nil {
		return nil, missing("ResourceARN")
	}
	if name, ok := strings.CutPrefix(*arn, c.ARN("cloudwatch", "alarm:")); ok {
		if a := s.alarms.alarms[c.Home][name]; a != nil {
			return &a.tags, nil
		}
	}
	if name, ok := strings.CutPrefix(*arn, dashboardARN(c, "")); ok {
		if d := s.boards.byAccount[c.Account][name]; d != nil {
			return &d.tags, nil
		}
	}
	if !strings.HasPrefix(*arn, "arn:") {
		return nil, invalidValue("The value %s for parameter ResourceARN is not an ARN.", api.Quoted(*arn))
	}
	message := "Unknown resource " + *arn
	return nil, &wire.Error{
		Code: "ResourceNotFoundException", Message: message, Status: http.StatusNotFound, Members: map[string]any{"Message": message},
	}
}

// Register makes a source the data of a metric, in addition to the data that clients put, or
// before them if it is an api.Past. A second source replaces the first; nil removes it.
func (s *Service) Register(h api.Home, namespace, metric string, dims map[string]string, src api.Source) {
	sr := s.metrics.open(h, namespace, metric, dimensionsOf(dims))
	sr.source, sr.sourceUnit, sr.sourceEnd = src, sourceUnit, openEnd
	if past, ok := src.(api.Past); ok {
		sr.sourceUnit, sr.sourceEnd = past.Unit(), past.End().Unix()
	}
	sr.version++
}

// Sent returns the statistics of the data that clients put into a metric within
// [start, start+d), of any unit; start and d are multiples of a minute.
func (s *Service) Sent(h api.Home, namespace, metric string, dims map[string]string, start time.Time, d time.Duration) Statistics {
	var st Statistics
	if sr := s.metrics.series[h][seriesKey(namespace, metric, dimensionsOf(dims))]; sr != nil {
		rest := sr.samples[sr.from(start.Unix()/60):]
		new(span).addSamples(&st, rest, start.Add(d).Unix())
	}
	return st
}

// Data returns the sums of the data that clients put into the metrics of a namespace in the
// minute of a time, by "region name dimension-value"; see api.Home.Entry.
func (s *Service) Data(owner, namespace string, at time.Time) map[string]float64 {
	minute := at.Unix() / 60
	out := map[string]float64{}
	for h, all := range s.metrics.series {
		for _, sr := range all {
			name := h.Entry(owner, sr.name)
			if n := len(sr.dims); n > 0 {
				name += " " + sr.dims[n-1].Value
			}
			for i := sr.from(minute); sr.namespace == namespace && i < len(sr.samples) && sr.samples[i].minute == minute; i++ {
				out[name] += sr.samples[i].Sum
			}
		}
	}
	return out
}

// Evaluate evaluates every alarm by the data of now.
func (s *Service) Evaluate(now time.Time) { s.alarms.evaluateAll(now) }

// Describe adds the alarms and dashboards to a snapshot.
func (s *Service) Describe(owner string, out map[string]string, render func(any) string) {
	for h, alarms := range s.alarms.alarms {
		for name, a := range alarms {
			out[h.Entry(owner, "alarm", name)] = render(a.settings) + " " + render(a.tags)
		}
	}
	for account, boards := range s.boards.byAccount {
		for name, d := range boards {
			out[api.Home{Account: account}.Entry(owner, "dashboard", name)] = d.body + " " + render(d.tags)
		}
	}
}

// Forget drops data from before a time.
func (s *Service) Forget(before time.Time) { s.metrics.forget(before) }

// The errors of CloudWatch have two names each: the shape's, in the body, and the one of the
// older query API, in the header, which SDKs report as the error's code.

func refuse(shape, query, format string, args ...any) error {
	return &wire.Error{Code: shape, Query: query, Message: fmt.Sprintf(format, args...)}
}

// invalid is the error of a value that breaks a constraint of the model.
func invalid(format string, args ...any) error {
	return refuse("ValidationException", "ValidationError", format, args...)
}

func invalidValue(format string, args ...any) error {
	return refuse("InvalidParameterValueException", "InvalidParameterValue", format, args...)
}

func contradictory(format string, args ...any) error {
	return refuse("InvalidParameterCombinationException", "InvalidParameterCombination", format, args...)
}

func missing(name string) error {
	return refuse("MissingRequiredParameterException", "MissingParameter", "The parameter %s is required.", name)
}

// maxDimensions is how many dimensions a metric may have (API model of CloudWatch).
const maxDimensions = 30

// unitPattern are the values of StandardUnit.
var unitPattern = api.Lazy(`^(Seconds|Microseconds|Milliseconds|Percent|None|` +
	`(Count|Bytes|Bits|(Kilo|Mega|Giga|Tera)(bytes|bits))(/Second)?)$`)

type dimension struct {
	Name  string `json:"Name" check:"required name"`
	Value string `json:"Value" check:"required value"`
}

// dimensionsOf returns dimensions sorted by name.
func dimensionsOf(dims map[string]string) []dimension {
	list := make([]dimension, 0, len(dims))
	for name, value := range dims {
		list = append(list, dimension{name, value})
	}
	return byName(list)
}

func checkDimensions(path string, dims []dimension) error {
	if err := atMost(maxDimensions, path, len(dims)); err != nil {
		return err
	}
	for i, d := range dims {
		if slices.ContainsFunc(dims[:i], func(other dimension) bool { return other.Name == d.Name }) {
			return invalidValue("The parameter %s.member.%d repeats the dimension %s.", path, i+1, api.Quoted(d.Name))
		}
	}
	return nil
}

func atMost(most int, path string, size int) error {
	if size > most {
		return invalidValue("The collection %s must not have a size greater than %d.", path, most)
	}
	return nil
}

// checkText checks a name or value of metrics and dimensions.
func checkText(path, text string, most int) error {
	unprintable := func(r rune) bool { return r < ' ' || r > '~' }
	switch {
	case text == "":
		return missing(path)
	case len(text) > most:
		return invalidValue("The value for parameter %s is longer than %d characters.", path, most)
	case strings.TrimSpace(text) == "" || text[0] == ':' || strings.ContainsFunc(text, unprintable):
		return invalidValue("The value %s for parameter %s must be printable ASCII, not blank, and not begin with a colon.",
			api.Quoted(text), path)
	}
	return nil
}

func checkUnit(path, unit string) error {
	if !unitPattern().MatchString(unit) {
		return invalidValue("The value %s for parameter %s is not a unit.", api.Quoted(unit), path)
	}
	return nil
}

// maxMagnitude bounds the values that CloudWatch accepts: 2 to the power of 360.
var maxMagnitude = math.Ldexp(1, 360)

func acceptable(f float64) bool { return !math.IsNaN(f) && math.Abs(f) <= maxMagnitude }

func invalidNumber(path string) error {
	return invalidValue("The value for parameter %s is not a number between -2^360 and 2^360.", path)
}
