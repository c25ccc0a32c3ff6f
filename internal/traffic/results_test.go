package traffic

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// at makes a result for m0 with a value for each of the hours of the day given.
func at(status types.StatusCode, hours ...int) types.MetricDataResult {
	r := types.MetricDataResult{Id: aws.String("m0"), StatusCode: status}
	for _, h := range hours {
		r.Timestamps = append(r.Timestamps, noon.Add(time.Duration(h-12)*time.Hour))
		r.Values = append(r.Values, 1)
	}
	return r
}

func TestMerge(t *testing.T) {
	const complete, partial = types.StatusCodeComplete, types.StatusCodePartialData
	changed := func(r types.MetricDataResult, change func(*types.MetricDataResult)) types.MetricDataResult {
		change(&r)
		return r
	}
	tests := []struct {
		name  string
		pages []types.MetricDataResult
		sum   float64
		fault error // nil means complete
	}{
		{"one page", []types.MetricDataResult{at(complete, 9, 10)}, 2, nil},
		{"no data at all, completely", []types.MetricDataResult{at(complete)}, 0, nil},
		{"the first and the last period of the window", []types.MetricDataResult{at(complete, 9, 11)}, 2, nil},
		{"out of order is put in order", []types.MetricDataResult{at(complete, 11, 9)}, 2, nil},
		{"partial, then complete", []types.MetricDataResult{at(partial, 11), at(complete, 9)}, 2, nil},
		{"complete twice", []types.MetricDataResult{at(complete, 9), at(complete, 10)}, 2, nil},
		{"partial to the end", []types.MetricDataResult{at(partial, 9)}, 1, errPartial},
		{"complete, then partial", []types.MetricDataResult{at(complete, 9), at(partial)}, 1, errPartial},
		{"an internal error", []types.MetricDataResult{at(types.StatusCodeInternalError)}, 0, errNotReadable},
		{"an internal error, then complete", []types.MetricDataResult{at(types.StatusCodeInternalError, 9), at(complete, 10)}, 2, errNotReadable},
		{"forbidden", []types.MetricDataResult{at(types.StatusCodeForbidden)}, 0, errNotReadable},
		{"a status that is new to us", []types.MetricDataResult{at("Stale", 9)}, 1, errNotReadable},
		{"no status", []types.MetricDataResult{at("", 9)}, 1, errNotReadable},
		{"left out", nil, 0, errNoResult},
		{"only results for other ids", []types.MetricDataResult{
			changed(at(complete, 9), func(r *types.MetricDataResult) { r.Id = aws.String("m7") }),
			changed(at(complete, 9), func(r *types.MetricDataResult) { r.Id = aws.String("x0") }),
			changed(at(complete, 9), func(r *types.MetricDataResult) { r.Id = nil }),
			changed(at(complete, 9), func(r *types.MetricDataResult) { r.Id = aws.String("m-1") }),
		}, 0, errNoResult},
		{"before the window", []types.MetricDataResult{at(complete, 8)}, 1, errOutside},
		{"at its end", []types.MetricDataResult{at(complete, 12)}, 1, errOutside},
		{"the same period twice", []types.MetricDataResult{at(partial, 9), at(complete, 9)}, 2, errDuplicate},
		{"off the periods", []types.MetricDataResult{changed(at(complete, 9), func(r *types.MetricDataResult) {
			r.Timestamps[0] = r.Timestamps[0].Add(time.Minute)
		})}, 1, errUnaligned},
		{"fewer values than times", []types.MetricDataResult{changed(at(complete, 9, 10), func(r *types.MetricDataResult) { r.Values = r.Values[:1] })}, 1, errMismatch},
		{"more values than times", []types.MetricDataResult{changed(at(complete, 9), func(r *types.MetricDataResult) { r.Timestamps = nil })}, 0, errMismatch},
		{"infinite", []types.MetricDataResult{changed(at(complete, 9), func(r *types.MetricDataResult) { r.Values[0] = math.Inf(1) })}, math.Inf(1), errNotANumber},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newResults(plan(ask(1, "eu-west-1", 3, time.Hour))[0])
			for _, page := range tt.pages {
				a.add([]types.MetricDataResult{page}, nil)
			}
			s, err := a.series(0)
			if s.Complete != (tt.fault == nil) || s.Sum() != tt.sum || !errors.Is(err, tt.fault) {
				t.Errorf("complete %v, sum %g, error %v, want %v", s.Complete, s.Sum(), err, tt.fault)
			}
			for i := 1; i < len(s.Points); i++ {
				if s.Points[i].Time.Before(s.Points[i-1].Time) {
					t.Error("not ascending")
				}
			}
		})
	}
}

func TestMessages(t *testing.T) {
	message := []types.MessageData{{Code: aws.String("Odd"), Value: aws.String("some data\nare missing")}, {Value: aws.String("x")}}
	two := func() (*results, types.MetricDataResult, types.MetricDataResult) {
		second := at(types.StatusCodeComplete, 9)
		second.Id = aws.String("m1")
		return newResults(plan(ask(2, "eu-west-1", 3, time.Hour))[0]), at(types.StatusCodeComplete, 9), second
	}
	t.Run("about one series make that one incomplete", func(t *testing.T) {
		a, first, second := two()
		first.Messages = message
		a.add([]types.MetricDataResult{first, second}, nil)
		s, err := a.series(0)
		if s.Complete || err == nil || !strings.Contains(err.Error(), "Odd: some data") {
			t.Errorf("%v %v", s, err)
		}
		if s, err := a.series(1); !s.Complete || err != nil {
			t.Errorf("%v %v", s, err)
		}
	})
	t.Run("about the response make all of it incomplete", func(t *testing.T) {
		a, first, second := two()
		a.add([]types.MetricDataResult{first, second}, message)
		for i := range 2 {
			if s, err := a.series(i); s.Complete || err == nil {
				t.Errorf("%d: %v %v", i, s, err)
			}
		}
	})
}

func TestFailuresAlikeAreOneProblem(t *testing.T) {
	queries := ask(3, "eu-west-1", 1, time.Hour)
	l := failureList{list: map[cause]failure{}}
	addQuery := func(q model.Query, err error) { l.add(q.Region, q.Metric.DimensionValue, 1, err) }
	for _, q := range queries {
		addQuery(q, errPartial)
	}
	addQuery(queries[0], errNoResult)
	elsewhere := queries[0]
	elsewhere.Region = "us-east-1"
	addQuery(elsewhere, errPartial)
	c := plan(queries)[0]
	l.add(c.region, "", len(c.queries), errors.New("ThrottlingException: Rate exceeded"))
	l.add(c.region, "", len(c.queries), errors.New("ThrottlingException: Rate exceeded"))
	var got []string
	for _, p := range l.problems() {
		got = append(got, p.Error())
	}
	want := []string{
		"GetMetricData eu-west-1: 3 series not read: only part of the data was returned",
		"GetMetricData eu-west-1: 6 series not read: ThrottlingException: Rate exceeded",
		"GetMetricData " + queries[0].Metric.DimensionValue + ": 1 series not read: no result for the query",
		"GetMetricData " + queries[0].Metric.DimensionValue + ": 1 series not read: only part of the data was returned",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
