package localaws

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// outcome tells in a word how a call ended.
func outcome(err error) string {
	var api smithy.APIError
	var broken *smithy.DeserializationError
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.As(err, &broken):
		return "unreadable"
	case errors.As(err, &api):
		return api.ErrorCode()
	default:
		return "broken"
	}
}

func TestCallsBeyondARateAreThrottled(t *testing.T) {
	r := newRig(t)
	r.AddFault(Fault{Operation: "ListDashboards", Rate: 3})
	call := func(region, want string) {
		t.Helper()
		_, err := r.cloudwatch(region, testAccount).ListDashboards(context.Background(), &cloudwatch.ListDashboardsInput{})
		if got := outcome(err); got != want {
			t.Errorf("%s (%v), want %s", got, err, want)
		}
	}
	for range 3 {
		call("eu-west-1", "ok")
	}
	call("eu-west-1", "Throttling")
	call("us-east-1", "ok")
	r.clock.move(333 * time.Millisecond)
	call("eu-west-1", "Throttling") // a bit less than a third of a second
	r.clock.move(time.Millisecond)
	call("eu-west-1", "ok")
	if n := r.Calls()["cloudwatch.ListDashboards"]; n != 7 {
		t.Errorf("%d calls counted, want 7, throttled ones included", n)
	}
}

func TestErrorFaultsHitWhatTheyMatch(t *testing.T) {
	tests := []struct {
		name  string
		fault Fault
		want  []string // of four calls of ListDashboards
	}{
		{"for ever by default", Fault{Code: "InternalFailure"}, []string{"InternalFailure", "InternalFailure", "InternalFailure", "InternalFailure"}},
		{"throttling by default", Fault{Times: 1}, []string{"Throttling", "ok", "ok", "ok"}},
		{"skip and times", Fault{Skip: 1, Times: 2, Code: "AccessDenied"}, []string{"ok", "AccessDenied", "AccessDenied", "ok"}},
		{"service and operation", Fault{Service: "cloudwatch", Operation: "ListDashboards", Times: 1}, []string{"Throttling", "ok", "ok", "ok"}},
		{"another service", Fault{Service: "personalize"}, []string{"ok", "ok", "ok", "ok"}},
		{"another operation", Fault{Operation: "GetDashboard"}, []string{"ok", "ok", "ok", "ok"}},
		{"another region", Fault{Region: "us-east-1"}, []string{"ok", "ok", "ok", "ok"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.AddFault(tt.fault)
			for i, want := range tt.want {
				_, err := r.client().ListDashboards(context.Background(), &cloudwatch.ListDashboardsInput{})
				if got := outcome(err); got != want {
					t.Errorf("call %d: %s (%v), want %s", i+1, got, err, want)
				}
			}
			r.ClearFaults()
			if _, err := r.client().ListDashboards(context.Background(), &cloudwatch.ListDashboardsInput{}); err != nil {
				t.Errorf("after ClearFaults: %v", err)
			}
		})
	}
}

func TestStatusOfErrorFaults(t *testing.T) {
	tests := []struct {
		fault  Fault
		status int
	}{
		{Fault{Code: "InternalFailure"}, 500},
		{Fault{Code: "ServiceUnavailable"}, 503},
		{Fault{Code: "AccessDeniedException"}, 403},
		{Fault{Code: "ThrottlingException"}, 400},
		{Fault{}, 400},
		{Fault{Code: "ThrottlingException", Status: 429}, 429},
	}
	for _, tt := range tests {
		r := newRig(t)
		r.AddFault(tt.fault)
		_, err := r.client().ListDashboards(context.Background(), &cloudwatch.ListDashboardsInput{})
		var resp *smithyhttp.ResponseError
		if !errors.As(err, &resp) || resp.HTTPStatusCode() != tt.status {
			t.Errorf("%+v: %v, want status %d", tt.fault, err, tt.status)
		}
	}
}

func TestSpoiltAnswers(t *testing.T) {
	tests := []struct {
		kind    FaultKind
		want    string
		written bool // the call was carried out
	}{
		{Reset, "broken", false},
		{Hang, "timeout", false},
		{Truncate, "unreadable", true},
		{Garbage, "unreadable", true},
		{Partial, "ok", true},
		{EmptyPage, "ok", true},
		{Skew, "ok", true}, // by none
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.kind), func(t *testing.T) {
			r := newRig(t)
			r.AddFault(Fault{Kind: tt.kind, Operation: "PutDashboard"})
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			_, err := r.client().PutDashboard(ctx, &cloudwatch.PutDashboardInput{DashboardName: aws.String("d"), DashboardBody: aws.String(`{"widgets":[]}`)})
			if got := outcome(err); got != tt.want {
				t.Errorf("%s (%v), want %s", got, err, tt.want)
			}
			_, err = r.client().GetDashboard(context.Background(), &cloudwatch.GetDashboardInput{DashboardName: aws.String("d")})
			if written := err == nil; written != tt.written {
				t.Errorf("written: %v, want %v", written, tt.written)
			}
		})
	}
}

func TestPartialFaultLeavesOutTheOlderHalf(t *testing.T) {
	for _, scan := range []types.ScanBy{types.ScanByTimestampAscending, types.ScanByTimestampDescending} {
		for code, want := range map[string]types.StatusCode{"": types.StatusCodePartialData, "InternalError": types.StatusCodeInternalError} {
			r := newRig(t)
			for i := range 4 {
				putValue(t, r.client(), float64(i), noon.Add(time.Duration(i-4)*5*time.Minute))
			}
			r.AddFault(Fault{Kind: Partial, Code: code, Times: 1})
			in := query(300, "Sum", time.Hour)
			in.ScanBy = scan
			out := ok[*cloudwatch.GetMetricDataOutput](t)(r.client().GetMetricData(context.Background(), in))
			got := out.MetricDataResults[0]
			sum := 0.0
			for _, v := range got.Values {
				sum += v
			}
			if len(got.Values) != 2 || sum != 5 || got.StatusCode != want || out.NextToken != nil {
				t.Errorf("%s %q: %v %s", scan, code, got.Values, got.StatusCode)
			}
		}
	}
}

func TestEmptyPageFaultLeadsOn(t *testing.T) {
	r := newRig(t)
	putValue(t, r.client(), 1, noon.Add(-5*time.Minute))
	for _, name := range []string{"a", "b", "c"} {
		in := validAlarm()
		in.AlarmName = aws.String(name)
		ok[*cloudwatch.PutMetricAlarmOutput](t)(r.client().PutMetricAlarm(context.Background(), in))
	}
	r.AddFault(Fault{Kind: EmptyPage, Operation: "DescribeAlarms", Skip: 1, Times: 1})
	pages := cloudwatch.NewDescribeAlarmsPaginator(r.client(), &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(2)})
	var sizes []int
	for pages.HasMorePages() {
		out := ok[*cloudwatch.DescribeAlarmsOutput](t)(pages.NextPage(context.Background()))
		sizes = append(sizes, len(out.MetricAlarms))
	}
	if fmt.Sprint(sizes) != "[2 0 1]" {
		t.Errorf("alarms: pages of %v", sizes)
	}
	r.AddFault(Fault{Kind: EmptyPage, Operation: "GetMetricData", Times: 1})
	points := 0
	data := cloudwatch.NewGetMetricDataPaginator(r.client(), query(300, "Sum", time.Hour))
	n := 0
	for ; data.HasMorePages(); n++ {
		for _, res := range ok[*cloudwatch.GetMetricDataOutput](t)(data.NextPage(context.Background())).MetricDataResults {
			points += len(res.Values)
		}
	}
	if n != 2 || points != 1 {
		t.Errorf("data: %d pages with %d points", n, points)
	}
}
