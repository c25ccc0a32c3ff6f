package traffic_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go/middleware"
	"go.uber.org/goleak"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/traffic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// bed is an embedded AWS with campaigns of 2 requests a second in each region, and a
// meter in front of it.
type bed struct {
	aws    *localaws.Server
	meter  *traffic.Meter
	config aws.Config
	clock  *model.VirtualClock
}

func newBed(t *testing.T, campaigns int, regions ...string) bed {
	t.Helper()
	clk := model.NewVirtualClock(noon.Add(time.Minute))
	var description localaws.Estate
	for _, region := range regions {
		description.Regions = append(description.Regions, localaws.EstateRegion{
			Name: region,
			DatasetGroups: []localaws.EstateDatasetGroup{{
				Name: "shop",
				Campaigns: []localaws.EstateCampaign{{EstateEndpoint: localaws.EstateEndpoint{
					Name: "c", Copies: campaigns, Recipe: "aws-user-personalization-v2", Age: 10 * 24 * time.Hour,
					Traffic: localaws.EstateTraffic{Shape: "constant", TPS: 2},
				}}},
			}},
		})
	}
	description.Account = "123456789012"
	local, err := localaws.New(description, localaws.WithClock(clk))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(local)
	t.Cleanup(server.Close)
	cfg := awsapi.LocalConfig("eu-west-1", server.URL, "LOCAL", nil)
	cfg.RetryMaxAttempts = 2
	clients := awsapi.New(awsapi.Options{Config: cfg, Clock: clk})
	t.Cleanup(clients.Close)
	return bed{aws: local, config: cfg, clock: clk, meter: traffic.New(traffic.Options{Clients: clients, Clock: clk})}
}

// query asks for the requests of a campaign over the hours before noon.
func query(region, name string, hours int, period time.Duration) model.Query {
	arn := model.NewARN("aws", "personalize", region, "123456789012", "campaign/"+name)
	return model.Query{
		Region: region, Stat: model.Sum, Period: period,
		Window: model.NewWindow(noon.Add(-time.Duration(hours)*time.Hour), noon),
		Metric: model.ResourceMetric(model.Resource{Kind: model.Campaign, ARN: arn}, model.NamespacePersonalize, model.MetricGetRecommendations),
	}
}

func TestMeasure(t *testing.T) {
	b := newBed(t, 3, "eu-west-1", "us-east-1")
	hour := query("eu-west-1", "c-1", 1, 5*time.Minute)
	far := query("us-east-1", "c-3", 24, time.Hour)
	unknown := query("eu-west-1", "absent", 1, 5*time.Minute)
	none := model.Query{ // a metric without dimensions
		Region: "eu-west-1", Stat: model.Count, Period: 5 * time.Minute, Window: hour.Window,
		Metric: model.Metric{Namespace: model.NamespaceMonitor, Name: model.MetricResourceCount},
	}
	average := hour
	average.Stat = model.Average
	young := query("eu-west-1", "c-2", 12*24, time.Hour)
	var last [2]int
	got, problems := b.meter.Measure(t.Context(), []model.Query{hour, far, unknown, none, hour, average, young}, func(done, total int) {
		last = [2]int{done, total}
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	tests := []struct {
		name   string
		query  model.Query
		points int
		sum    float64
	}{
		{"5 minutes each", hour, 12, 2 * 3600},
		{"an hour each, elsewhere", far, 24, 2 * 86400},
		{"a resource without requests", unknown, 0, 0},
		{"a metric without dimensions", none, 0, 0},
		{"another statistic of the same metric", average, 12, 12 * 600},
		{"younger than the window, by a minute after the hour", young, 240, 2 * (86400*10 - 60)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := got.Get(tt.query)
			if !s.Complete || len(s.Points) != tt.points || s.Sum() != tt.sum {
				t.Errorf("complete %v, %d points, sum %g", s.Complete, len(s.Points), s.Sum())
			}
		})
	}
	if calls := b.aws.Calls()["cloudwatch.GetMetricData"]; calls != 3 {
		t.Errorf("%d calls, want 3: two windows here, one there", calls)
	}
	if len(got) != 6 || last != [2]int{6, 6} {
		t.Errorf("%d readings, progress %v, want 6", len(got), last)
	}
}

func TestOneCallTakes500Queries(t *testing.T) {
	b := newBed(t, 1, "eu-west-1")
	var queries []model.Query
	for i := range 1001 {
		queries = append(queries, query("eu-west-1", fmt.Sprintf("x%d", i), 1, 5*time.Minute))
	}
	got, problems := b.meter.Measure(t.Context(), queries, nil)
	for _, q := range queries {
		if !got.Get(q).Complete {
			t.Fatalf("%s is not complete", q.Metric.DimensionValue)
		}
	}
	if calls := b.aws.Calls()["cloudwatch.GetMetricData"]; calls != 3 || len(problems) > 0 {
		t.Errorf("%d calls, %v", calls, problems)
	}
}

func TestEveryPageIsRead(t *testing.T) {
	small := func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		if input, ok := in.Parameters.(*cloudwatch.GetMetricDataInput); ok {
			input.MaxDatapoints = aws.Int32(100) // of the 2,592 of each query
		}
		return next.HandleInitialize(ctx, in)
	}
	b := newBed(t, 1, "eu-west-1")
	cfg := b.config
	cfg.APIOptions = []func(*middleware.Stack) error{func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("SmallPages", small), middleware.After)
	}}
	clients := awsapi.New(awsapi.Options{Config: cfg, Clock: b.clock})
	t.Cleanup(clients.Close)
	long := query("eu-west-1", "c", 24*9, 5*time.Minute)
	var queries []model.Query
	for _, stat := range []model.Stat{model.Sum, model.Average, model.Minimum, model.Count} {
		long.Stat = stat
		queries = append(queries, long)
	}
	b.aws.AddFault(localaws.Fault{Operation: "GetMetricData", Kind: localaws.EmptyPage, Skip: 7, Times: 1})
	got, problems := traffic.New(traffic.Options{Clients: clients, Clock: b.clock}).Measure(t.Context(), queries, nil)
	for _, q := range queries {
		if s := got.Get(q); !s.Complete || len(s.Points) != 9*24*12 {
			t.Errorf("%s: complete %v, %d points", q.Stat, s.Complete, len(s.Points))
		}
	}
	if len(problems) > 0 {
		t.Error(problems)
	}
	if calls := b.aws.Calls()["cloudwatch.GetMetricData"]; calls != 4*9*24*12/100+2 {
		t.Errorf("%d calls, want one for every 100 datapoints and one for the empty page", calls)
	}
	// Cut off in the middle, nothing of it is reliable.
	b.aws.AddFault(localaws.Fault{Operation: "GetMetricData", Code: "AccessDenied", Skip: 5})
	got, problems = traffic.New(traffic.Options{Clients: clients, Clock: b.clock}).Measure(t.Context(), queries, nil)
	for _, q := range queries {
		if got.Get(q).Complete {
			t.Errorf("%s: complete though pages are missing", q.Stat)
		}
	}
	if len(problems) != 1 || awsapi.KindOf(problems[0]) != awsapi.Denied {
		t.Error(problems)
	}
}

func TestWhatGoesWrong(t *testing.T) {
	tests := []struct {
		name     string
		fault    localaws.Fault
		complete bool // of the queries here; those elsewhere always are
		problem  string
		kind     awsapi.Kind
	}{
		{"throttled once is retried", localaws.Fault{Times: 1}, true, "", awsapi.None},
		{"throttled for good", localaws.Fault{}, false, "Throttling", awsapi.Throttled},
		{"denied", localaws.Fault{Code: "AccessDenied", Message: "no"}, false, "AccessDenied: no", awsapi.Denied},
		{"partial data without a token", localaws.Fault{Kind: localaws.Partial}, false, "only part of the data", awsapi.Other},
		{"an internal error in the results", localaws.Fault{Kind: localaws.Partial, Code: "InternalError"}, false, "status InternalError", awsapi.Other},
		{"forbidden in the results", localaws.Fault{Kind: localaws.Partial, Code: "Forbidden"}, false, "status Forbidden", awsapi.Other},
		{"pages that go round", localaws.Fault{Kind: localaws.EmptyPage}, false, "repeats itself", awsapi.Other},
		{"the connection breaks", localaws.Fault{Kind: localaws.Reset}, false, "cannot reach http://127.0.0.1", awsapi.Unreachable},
		{"half a response", localaws.Fault{Kind: localaws.Truncate}, false, "cannot be read", awsapi.Other},
		{"not a response of AWS", localaws.Fault{Kind: localaws.Garbage}, false, "cannot be read", awsapi.Other},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t, 2, "eu-west-1", "us-east-1")
			tt.fault.Operation, tt.fault.Region = "GetMetricData", "eu-west-1"
			b.aws.AddFault(tt.fault)
			here := []model.Query{query("eu-west-1", "c-1", 1, 5*time.Minute), query("eu-west-1", "c-2", 1, 5*time.Minute)}
			there := query("us-east-1", "c-1", 1, 5*time.Minute)
			got, problems := b.meter.Measure(t.Context(), append(here, there), nil)
			for _, q := range here {
				if got.Get(q).Complete != tt.complete {
					t.Errorf("%s: complete %v", q.Metric.DimensionValue, got.Get(q).Complete)
				}
			}
			if s := got.Get(there); !s.Complete || s.Sum() != 7200 {
				t.Errorf("elsewhere: %+v", s)
			}
			if tt.complete {
				if len(problems) > 0 {
					t.Errorf("problems %v", problems)
				}
				return
			}
			if len(problems) != 1 {
				t.Fatalf("%d problems: %v", len(problems), problems)
			}
			p := problems[0]
			t.Log(p)
			if p.ARN != "" || p.Region != "eu-west-1" || p.Operation != "GetMetricData" || !strings.Contains(p.Error(), tt.problem) ||
				awsapi.KindOf(p) != tt.kind || strings.Contains(p.Error(), "\n") || strings.Contains(p.Error(), "operation error") {
				t.Errorf("problem of kind %q: %v", awsapi.KindOf(p), p)
			}
		})
	}
}

func TestAQueryThatMakesNoSenseIsRefusedByItself(t *testing.T) {
	b := newBed(t, 1, "eu-west-1")
	good := query("eu-west-1", "c", 1, 5*time.Minute)
	bad := good
	bad.Window = model.NewWindow(noon.Add(-61*time.Minute), noon)
	got, problems := b.meter.Measure(t.Context(), []model.Query{bad, good}, nil)
	if got.Get(bad).Complete || !got.Get(good).Complete {
		t.Error("the wrong one was refused")
	}
	if len(problems) != 1 || problems[0].ARN != bad.Metric.DimensionValue || problems[0].Region != "eu-west-1" {
		t.Errorf("problems %v", problems)
	}
	if _, ok := got[bad]; !ok {
		t.Error("a question has no reading")
	}
}

func TestMeasureEndsWithItsContext(t *testing.T) {
	b := newBed(t, 1, "eu-west-1")
	b.aws.AddFault(localaws.Fault{Operation: "GetMetricData", Kind: localaws.Hang})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var queries []model.Query
	for i := range 20 * 500 {
		queries = append(queries, query("eu-west-1", fmt.Sprintf("x%d", i), 1, 5*time.Minute))
	}
	got, problems := b.meter.Measure(ctx, queries, nil)
	if len(problems) != 1 || awsapi.KindOf(problems[0]) != awsapi.Canceled || len(got) != len(queries) {
		t.Errorf("%d readings, problems %v", len(got), problems)
	}
	if got, problems := b.meter.Measure(t.Context(), nil, nil); len(got)+len(problems) > 0 {
		t.Errorf("of nothing: %v %v", got, problems)
	}
}
