// Package api is what the services of localaws share: the call, operations, errors, paging,
// tags and a few patterns. Services are not safe for concurrent use unless they say so: the endpoint runs
// one operation at a time.
package api

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// Clock returns the time of the endpoint.
type Clock interface {
	Now() time.Time
}

// Source computes a metric that AWS itself publishes in 5-minute steps, so that its
// history need not be stored. Value returns the datapoint of the 5 minutes that begin at
// start, a multiple of 5 minutes; ok is false if there is none. The same start must give
// the same value at all times after the 5 minutes have ended.
type Source interface {
	Value(start time.Time) (v float64, ok bool)
}

// Past is a Source of what a client published before the endpoint started. It has no datapoint
// for a step into which clients put data.
type Past interface {
	Source
	Unit() string
	End() time.Time // there are no datapoints from then on
	// Measured is the namespace of the data that the values were made of, which faults of data hid from
	// the client; empty if none.
	Measured() string
}

// Span is a stretch of time: from a time on, before another one, which is zero if it never ends.
type Span struct{ From, Until time.Time }

// Contains reports whether a time is in the stretch.
func (s Span) Contains(t time.Time) bool {
	return !t.Before(s.From) && (s.Until.IsZero() || t.Before(s.Until))
}

// Service is one AWS service: how clients address it, and its operations.
type Service struct {
	Name      string // as in the counts of calls and in faults
	Signing   string // as in the scope of signatures
	Protocols []wire.Protocol
	// Target names the service in a request: the prefix of X-Amz-Target, the service in the
	// path of RPC v2, or the API version of a query.
	Target     string
	XMLNS      string // query services: the namespace of their responses
	Model      Model
	Operations map[string]Operation
}

// Home is where regional resources live.
type Home struct{ Account, Region string }

// ARN builds an ARN in the home's partition, region and account.
func (h Home) ARN(service, resource string) string {
	return "arn:" + Partition(h.Region) + ":" + service + ":" + h.Region + ":" + h.Account + ":" + resource
}

// Entry names something of the home in a list of what an endpoint holds: its region and the
// parts, after the account unless that is the endpoint's owner. A home without a region is that of
// what belongs to an account.
func (h Home) Entry(owner string, parts ...string) string {
	if h.Region != "" {
		parts = slices.Insert(parts, 0, h.Region)
	}
	if h.Account != owner {
		parts = slices.Insert(parts, 0, h.Account)
	}
	return strings.Join(parts, " ")
}

// Partition returns the partition of a region: aws-cn, aws-us-gov or aws.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// ByHome holds resources by home and name.
type ByHome[T any] map[Home]map[string]T

// Set stores a resource. The map must not be nil.
func (b ByHome[T]) Set(h Home, name string, v T) {
	if b[h] == nil {
		b[h] = map[string]T{}
	}
	b[h][name] = v
}

// Call is one request on its way to an operation: who calls, where, when, and what. Region
// and account come from the scope of the request's signature.
type Call struct {
	Home
	Service   string // name of the service
	Operation string
	AccessKey string
	Caller    Caller
	Now       time.Time
	Request   *wire.Request
	Model     *Model      // of the service
	Partial   *Rejection  // of a fault that lets an operation do only a part; nil without one
	Lost      []DataFault // hidden from all calls
	Hidden    []DataFault // from this one, those included
	Scope     string      // of the tokens of a listing, beside the operation, region and account
	EmptyPage bool        // a fault makes listings return no items, only a token
}

// Caller is who calls.
type Caller struct{ ARN, UserID string }

// Unauthorized is the message of IAM for an action that the caller may not execute.
func (c *Call) Unauthorized(action string) string {
	return fmt.Sprintf("User: %s is not authorized to perform: %s", c.Caller.ARN, action)
}

// Rejection is how a fault rejects a part of a call.
type Rejection struct{ Code, Message string }

// Entry returns the code and message of a rejected entry.
func (r *Rejection) Entry() (code, message string) {
	return cmp.Or(r.Code, "InternalFailure"), cmp.Or(r.Message, "injected fault")
}

// Rejected is how many of n entries a fault rejects: the first half, 0 without a fault.
func (c *Call) Rejected(n int) int {
	if c.Partial == nil {
		return 0
	}
	return (n + 1) / 2
}

// Out is an output by the names of its members.
type Out = map[string]any

// Operation executes one call and returns its output, nil for none. Errors other than
// *wire.Error become the service's InternalFailure.
type Operation func(c *Call) (any, error)

// Op is an operation. In is decoded from the request, see wire.Decode, and checked, see Model.
func Op[In any](f func(c *Call, in *In) (any, error)) Operation {
	return func(c *Call) (any, error) {
		in := new(In)
		if err := c.Request.Decode(in); err != nil {
			return nil, err
		}
		if err := c.Model.check("", reflect.ValueOf(in).Elem()); err != nil {
			return nil, err
		}
		return f(c, in)
	}
}

// Do is an operation without an output.
func Do[In any](f func(c *Call, in *In) error) Operation {
	return Op(func(c *Call, in *In) (any, error) { return nil, f(c, in) })
}

// Refuse makes an error with HTTP status 400.
func Refuse(code, format string, args ...any) error {
	return RefuseWith(http.StatusBadRequest, code, format, args...)
}

// RefuseWith makes an error with an HTTP status.
func RefuseWith(status int, code, format string, args ...any) error {
	return &wire.Error{Code: code, Message: fmt.Sprintf(format, args...), Status: status}
}

// Constraint makes the error of a member that breaks the API model.
func Constraint(code, member, value, rule string) error {
	return Refuse(code, "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must %s", value, member, rule)
}

// Lazy is a regular expression that is compiled on first use: the program has many for the
// embedded AWS, and most of the time starts without it.
func Lazy(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// Patterns of regions and accounts.
var (
	RegionPattern  = Lazy(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)
	AccountPattern = Lazy(`^[0-9]{12}$`)
)

// Quoted quotes a client's text for a message, shortened if it is long.
func Quoted(text string) string {
	const most = 200
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strconv.Quote(text)
}

// Value returns what a pointer points to, the zero value for nil.
func Value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

// Is reports whether s is one of the valid values.
func Is(s string, valid ...string) bool { return slices.Contains(valid, s) }

// Filter returns the items to keep in a new slice.
func Filter[T any](items []T, keep func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(items), func(item T) bool { return !keep(item) })
}

// Map returns f of each item; never nil.
func Map[T, U any](items []T, f func(T) U) []U {
	out := make([]U, len(items))
	for i, item := range items {
		out[i] = f(item)
	}
	return out
}

// Sorted returns a map's values in the order of their keys.
func Sorted[T any](m map[string]T) []T {
	return Map(slices.Sorted(maps.Keys(m)), func(key string) T { return m[key] })
}

// KeepLast drops the oldest items beyond a number, many at a time.
func KeepLast[T any](items []T, most int) []T {
	if len(items) < 2*most {
		return items
	}
	return slices.Clone(items[len(items)-most:])
}

// NewID returns a random UUID, as AWS names requests, events and messages.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// DataFault hides metric data: GetMetricData and GetMetricStatistics return less than there is,
// as if it was all. Alarms and ListMetrics use everything. The zero value hides nothing.
type DataFault struct {
	// Namespace, Metric, Region and Resource define which data are hit; an empty one matches
	// all. Resource is the end of a dimension's value, such as campaign/shop.
	Namespace string `yaml:"namespace"`
	Metric    string `yaml:"metric"`
	Region    string `yaml:"region"`
	Resource  string `yaml:"resource"`
	// Late hides a datapoint until so long after the end of its 5 minutes, or of its minute if a
	// client put it.
	Late time.Duration `yaml:"late"`
	// LostPercent of each datapoint are missing for good: 100 leave none, fewer a lower count.
	LostPercent float64 `yaml:"lostPercent"`
	// From and Until bound the time of the data that are hit; a zero one does not.
	From  time.Time `yaml:"-"`
	Until time.Time `yaml:"-"`
}

// Matches reports whether the data of a metric may be hit. dims are the values of its dimensions.
func (f *DataFault) Matches(region, namespace, metric string, dims func(matches func(value string) bool) bool) bool {
	return (f.Namespace == "" || f.Namespace == namespace) && (f.Metric == "" || f.Metric == metric) &&
		(f.Region == "" || f.Region == region) &&
		(f.Resource == "" || dims(func(value string) bool { return strings.HasSuffix(value, f.Resource) }))
}
