package traffic

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Why the answer to a query cannot be relied on.
var (
	errNoAnswer    = errors.New("no answer to the query")
	errPartial     = errors.New("only part of the data was returned")
	errMismatch    = errors.New("timestamps and values do not match")
	errOutside     = errors.New("a datapoint outside the window asked for")
	errUnaligned   = errors.New("a datapoint that begins no period")
	errTwice       = errors.New("two datapoints for the same period")
	errNotANumber  = errors.New("a datapoint that is not a number")
	errNotReadable = errors.New("not readable")
)

// answer gathers what the pages of a call say about one query. Its zero value has
// heard nothing.
type answer struct {
	status types.StatusCode // as of the last page that speaks of the query
	points []model.Datapoint
	fault  error // the first thing that makes it unreliable for good
}

// answers gathers the pages of a call.
type answers struct {
	call    call
	byIndex []answer
	fault   error // of the call as a whole
}

func newAnswers(c call) *answers { return &answers{call: c, byIndex: make([]answer, len(c.queries))} }

// queryID is the id under which the query of an index is asked. CloudWatch wants a
// small letter in front.
func queryID(index int) string { return "m" + strconv.Itoa(index) }

// add takes in a page. Results for ids that were not asked for are ignored.
func (a *answers) add(results []types.MetricDataResult, messages []types.MessageData) {
	if len(messages) > 0 && a.fault == nil {
		a.fault = fmt.Errorf("the answer comes with a message: %s", messageText(messages))
	}
	for _, result := range results {
		number, ok := strings.CutPrefix(aws.ToString(result.Id), "m")
		index, err := strconv.Atoi(number)
		if !ok || err != nil || index < 0 || index >= len(a.byIndex) {
			continue
		}
		a.byIndex[index].add(result)
	}
}

// add takes in one result. PartialData may be made good by a later page; nothing else may.
func (a *answer) add(result types.MetricDataResult) {
	a.status = result.StatusCode
	switch {
	case a.fault != nil:
	case len(result.Messages) > 0:
		a.fault = fmt.Errorf("the data come with a message: %s", messageText(result.Messages))
	case result.StatusCode != types.StatusCodeComplete && result.StatusCode != types.StatusCodePartialData:
		a.fault = fmt.Errorf("%w: status %s", errNotReadable, result.StatusCode)
	case len(result.Timestamps) != len(result.Values):
		a.fault = errMismatch
	}
	for i := range min(len(result.Timestamps), len(result.Values)) {
		a.points = append(a.points, model.Datapoint{Time: result.Timestamps[i].UTC(), Value: result.Values[i]})
	}
}

// series is the answer to the query of an index, and why it is incomplete, if it is.
// It is asked for when all pages have been read.
func (a *answers) series(index int) (model.Series, error) {
	got := a.byIndex[index]
	slices.SortStableFunc(got.points, func(x, y model.Datapoint) int { return x.Time.Compare(y.Time) })
	err := got.fault
	switch {
	case a.fault != nil:
		err = a.fault
	case err != nil:
	case got.status == "":
		err = errNoAnswer
	case got.status != types.StatusCodeComplete:
		err = errPartial
	default:
		err = checkPoints(got.points, a.call.queries[index])
	}
	return model.Series{Points: got.points, Complete: err == nil}, err
}

// checkPoints tells what is wrong with datapoints, which are sorted.
func checkPoints(points []model.Datapoint, q model.Query) error {
	for i, p := range points {
		switch {
		case p.Time.Before(q.Window.Start) || !p.Time.Before(q.Window.End):
			return errOutside
		case !aligned(p.Time, q.Period):
			return errUnaligned
		case i > 0 && p.Time.Equal(points[i-1].Time):
			return errTwice
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
