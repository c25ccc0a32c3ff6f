package traffic

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Why the result of a query is not reliable.
var (
	errNoResult    = errors.New("no result for the query")
	errPartial     = errors.New("only part of the data was returned")
	errMismatch    = errors.New("timestamps and values do not match")
	errOutside     = errors.New("a datapoint is outside the window")
	errUnaligned   = errors.New("a datapoint is not at the start of a period")
	errDuplicate   = errors.New("two datapoints for the same period")
	errNotANumber  = errors.New("a datapoint is not a number")
	errNotReadable = errors.New("not readable")
)

// results merges the pages of a call.
type results struct {
	call    call
	byIndex []result
	fault   error // of the call as a whole
}

// result merges what the pages say about one query. The zero value means nothing yet.
type result struct {
	status types.StatusCode // of the last page with the query
	points []model.Datapoint
	fault  error // the first one that no later page can correct
}

func newResults(c call) *results { return &results{call: c, byIndex: make([]result, len(c.queries))} }

// queryID is the id of the query of an index. CloudWatch requires a lower-case letter in
// front.
func queryID(index int) string { return "m" + strconv.Itoa(index) }

// add merges a page. It ignores results for unknown ids.
func (r *results) add(list []types.MetricDataResult, messages []types.MessageData) {
	if len(messages) > 0 && r.fault == nil {
		r.fault = fmt.Errorf("the response has a message: %s", messageText(messages))
	}
	for _, one := range list {
		index, err := strconv.Atoi(strings.TrimPrefix(aws.ToString(one.Id), "m"))
		if err == nil && index >= 0 && index < len(r.byIndex) && queryID(index) == *one.Id {
			r.byIndex[index].add(one)
		}
	}
}

// add merges one result. A later page can correct PartialData, and nothing else.
func (r *result) add(page types.MetricDataResult) {
	r.status = page.StatusCode
	switch {
	case r.fault != nil:
	case len(page.Messages) > 0:
		r.fault = fmt.Errorf("the data have a message: %s", messageText(page.Messages))
	case page.StatusCode != types.StatusCodeComplete && page.StatusCode != types.StatusCodePartialData:
		r.fault = fmt.Errorf("%w: status %s", errNotReadable, page.StatusCode)
	case len(page.Timestamps) != len(page.Values):
		r.fault = errMismatch
	}
	n := min(len(page.Timestamps), len(page.Values))
	r.points = slices.Grow(r.points, n)
	for i := range n {
		r.points = append(r.points, model.Datapoint{Time: page.Timestamps[i].UTC(), Value: page.Values[i]})
	}
}

// series returns the series of the query of an index, and why it is incomplete, if it is.
// Call it after the last page.
func (r *results) series(index int) (model.Series, error) {
	one := r.byIndex[index]
	slices.SortStableFunc(one.points, func(x, y model.Datapoint) int { return x.Time.Compare(y.Time) })
	err := cmp.Or(r.fault, one.fault)
	switch {
	case err != nil:
	case one.status == "":
		err = errNoResult
	case one.status != types.StatusCodeComplete:
		err = errPartial
	default:
		err = checkPoints(one.points, r.call.queries[index])
	}
	return model.Series{Points: one.points, Complete: err == nil}, err
}

func checkPoints(points []model.Datapoint, q model.Query) error {
	for i, p := range points {
		switch {
		case p.Time.Before(q.Window.Start) || !p.Time.Before(q.Window.End):
			return errOutside
		case !aligned(p.Time, q.Period):
			return errUnaligned
		case i > 0 && p.Time.Equal(points[i-1].Time):
			return errDuplicate
		case math.IsNaN(p.Value) || math.IsInf(p.Value, 0):
			return errNotANumber
		}
	}
	return nil
}

func messageText(messages []types.MessageData) string {
	texts := make([]string, len(messages))
	for i, m := range messages {
		texts[i] = strings.Trim(aws.ToString(m.Code)+": "+aws.ToString(m.Value), ": ")
	}
	return strings.Join(texts, "; ")
}

// failureList collects failures and makes one problem of each cause and region, however
// many calls and queries it affects.
type failureList struct {
	mu   sync.Mutex
	list map[cause]failure
}

type cause struct{ region, text string }

type failure struct {
	err     error
	arn     string // of the one resource affected; empty if there are more, or a whole call failed
	queries int
}

// add records queries without a reliable result. The ARN is empty for a whole call.
func (l *failureList) add(region, arn string, queries int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := cause{region, err.Error()}
	f, known := l.list[key]
	switch {
	case !known:
		f = failure{err: err, arn: arn}
	case f.arn != arn:
		f.arn = ""
	}
	f.queries += queries
	l.list[key] = f
}

// problems returns the failures by region, resource and text.
func (l *failureList) problems() []model.Problem {
	var problems []model.Problem
	for key, f := range l.list {
		err := fmt.Errorf("%d series not read: %w", f.queries, f.err)
		problems = append(problems, model.Problem{ARN: f.arn, Region: key.region, Operation: operation, Err: err})
	}
	slices.SortFunc(problems, model.CompareProblems)
	return problems
}
