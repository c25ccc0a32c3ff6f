package localaws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
)

// handClock is a clock that stands still until it is moved.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// noon is when the tests of CloudWatch begin.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// rig is an empty endpoint on a hand-moved clock, served over HTTP.
type rig struct {
	*Server
	clock *handClock
	url   string
}

func newRig(t testing.TB, opts ...Option) *rig {
	t.Helper()
	clock := &handClock{now: noon}
	s, err := New(Estate{}, append([]Option{WithClock(clock)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return &rig{Server: s, clock: clock, url: web.URL}
}

const (
	testRegion  = "eu-west-1"
	testAccount = "123456789012"
)

// cloudwatch returns a client for a region, as the account.
func (r *rig) cloudwatch(region, account string) *cloudwatch.Client {
	return cloudwatch.New(cloudwatch.Options{
		Region:           region,
		BaseEndpoint:     aws.String(r.url),
		Credentials:      credentials.NewStaticCredentialsProvider(account, "secret", ""),
		RetryMaxAttempts: 1,
		HTTPClient:       plainBodies{http.DefaultClient},
	})
}

// plainBodies is an HTTP client that hides how smithy-go's request bodies write
// themselves. It closes them as soon as it sees an answer's header; one that comes in no
// time would otherwise cost the connection, as the transport is still looking for the
// body's end then.
type plainBodies struct{ *http.Client }

func (c plainBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return c.Client.Do(r)
}

// client returns a client of the estate's own account in the test's region.
func (r *rig) client() *cloudwatch.Client { return r.cloudwatch(testRegion, "000000000000") }

// apiCode returns the code of an API error, "" for none.
func apiCode(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("%v is not an API error", err)
	}
	return api.ErrorCode()
}

func ok[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// putValue puts one value of the metric m.
func putValue(t testing.TB, cw *cloudwatch.Client, v float64, at time.Time) {
	t.Helper()
	_, err := cw.PutMetricData(context.Background(), &cloudwatch.PutMetricDataInput{
		Namespace:  aws.String("Test"),
		MetricData: []types.MetricDatum{{MetricName: aws.String("m"), Value: &v, Timestamp: &at}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRequestsMustBeSignedAndAddressedRightly(t *testing.T) {
	r := newRig(t)
	const sig = ", SignedHeaders=host, Signature=0000000000000000000000000000000000000000000000000000000000000000"
	const good = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260302/eu-west-1/monitoring/aws4_request" + sig
	const path = "/service/GraniteServiceVersion20100801/operation/ListDashboards"
	tests := []struct {
		name, path, auth string
		status           int
		code             string
	}{
		{"signed", path, good, 200, ""},
		{"unsigned", path, "", 403, "MissingAuthenticationToken;Sender"},
		{"half signed", path, "AWS4-HMAC-SHA256 Credential=x", 400, "IncompleteSignature;Sender"},
		{"signed for another service", path, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260302/eu-west-1/sns/aws4_request" + sig, 403, "SignatureDoesNotMatch;Sender"},
		{"unknown operation", "/service/GraniteServiceVersion20100801/operation/GetMetricWidgetImage", good, 400, "UnknownOperationException;Sender"},
		{"unknown service", "/service/Other/operation/ListDashboards", good, 400, "UnknownOperationException;Sender"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequest(http.MethodPost, r.url+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
			if tt.auth != "" {
				req.Header.Set("Authorization", tt.auth)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, resp.Body)
			if resp.StatusCode != tt.status || resp.Header.Get("X-Amzn-Query-Error") != tt.code {
				t.Errorf("got %d %q, want %d %q", resp.StatusCode, resp.Header.Get("X-Amzn-Query-Error"), tt.status, tt.code)
			}
			if resp.Header.Get("X-Amzn-Requestid") == "" {
				t.Error("no request id")
			}
		})
	}
	if want := map[string]int{"cloudwatch.ListDashboards": 4}; !maps.Equal(r.Calls(), want) {
		t.Errorf("counted %v, want %v: refused calls count, unknown operations do not", r.Calls(), want)
	}
	r.ResetCalls()
	if n := len(r.Calls()); n != 0 {
		t.Errorf("%d counts after the reset", n)
	}
}

func TestAccountsAndRegionsAreApart(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	putValue(t, r.cloudwatch(testRegion, testAccount), 1, noon.Add(-5*time.Minute))
	tests := []struct {
		name, region, account string
		points                int
	}{
		{"where it was put", testRegion, testAccount, 1},
		{"another region", "us-east-1", testAccount, 0},
		{"another account", testRegion, "999999999999", 0},
		{"the estate's account", testRegion, "AKIDEXAMPLE", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := ok[*cloudwatch.GetMetricDataOutput](t)(r.cloudwatch(tt.region, tt.account).GetMetricData(ctx, query(300, "Sum", time.Hour)))
			if n := len(out.MetricDataResults[0].Values); n != tt.points {
				t.Errorf("%d points, want %d", n, tt.points)
			}
		})
	}
}

func TestUnhandledMembersAreRefused(t *testing.T) {
	r := newRig(t)
	in := query(300, "Sum", time.Hour)
	in.LabelOptions = &types.LabelOptions{Timezone: aws.String("+0100")}
	_, err := r.client().GetMetricData(context.Background(), in)
	if code := apiCode(t, err); code != "ValidationError" {
		t.Errorf("LabelOptions: %v", err)
	}
	alarm := validAlarm()
	alarm.ThresholdMetricId = aws.String("m1")
	_, err = r.client().PutMetricAlarm(context.Background(), alarm)
	if code := apiCode(t, err); code != "ValidationError" {
		t.Errorf("ThresholdMetricId: %v", err)
	}
}

// query asks for the metric m of the namespace Test over the time up to noon.
func query(period int32, stat string, back time.Duration) *cloudwatch.GetMetricDataInput {
	return &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(noon.Add(-back)),
		EndTime:   aws.Time(noon),
		MetricDataQueries: []types.MetricDataQuery{{
			Id: aws.String("q"),
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{Namespace: aws.String("Test"), MetricName: aws.String("m")},
				Period: aws.Int32(period), Stat: aws.String(stat),
			},
		}},
	}
}

// raw posts a JSON body as the aws command does, past the checks that SDKs make before they
// send, and returns status and code.
func (r *rig) raw(t testing.TB, operation, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, r.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "GraniteServiceVersion20100801."+operation)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260302/eu-west-1/monitoring/aws4_request"+goodSignature)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	code, _, _ := strings.Cut(resp.Header.Get("X-Amzn-Query-Error"), ";")
	return resp.StatusCode, code
}

func TestRequiredMembers(t *testing.T) {
	const metric = `"Namespace":"Test","MetricName":"m"`
	tests := []struct{ operation, body, code string }{
		{"PutMetricData", `{}`, "MissingParameter"},
		{"PutMetricData", `{"Namespace":"Test","MetricData":[{"Value":1}]}`, "MissingParameter"},
		{"PutMetricData", `{"Namespace":":x","MetricData":[{"MetricName":"m","Value":1}]}`, "InvalidParameterValue"},
		{"PutMetricData", `{"Namespace":"Test","MetricData":[{"MetricName":"m"}]}`, "MissingParameter"},
		{"PutMetricData", `{"Namespace":"Test","MetricData":[{"MetricName":"m","Value":"NaN"}]}`, "SerializationException"},
		{"PutMetricData", `{"Namespace":"Test","EntityMetricData":[]}`, "ValidationError"},
		{"GetMetricData", `{"EndTime":2,"MetricDataQueries":[]}`, "MissingParameter"},
		{"GetMetricData", `{"StartTime":1,"MetricDataQueries":[]}`, "MissingParameter"},
		{"GetMetricData", `{"StartTime":1,"EndTime":2,"MetricDataQueries":[{}]}`, "MissingParameter"},
		{"GetMetricData", `{"StartTime":1,"EndTime":2,"MetricDataQueries":[{"Id":"a","MetricStat":{}}]}`, "MissingParameter"},
		{"GetMetricData", `{"StartTime":1,"EndTime":2,"MetricDataQueries":[{"Id":"a","MetricStat":{"Metric":{` + metric + `}}}]}`, "MissingParameter"},
		{"GetMetricData", `{"StartTime":1,"EndTime":2,"MetricDataQueries":[{"Id":"a","MetricStat":{"Metric":{` + metric + `},"Period":60}}]}`, "MissingParameter"},
		{"GetMetricData", `{"StartTime":1,"EndTime":2,"MetricDataQueries":[{"Id":"a","MetricStat":{"Metric":{},"Period":60,"Stat":"Sum"}}]}`, "MissingParameter"},
		{"GetMetricData", `{"StartTime":1,"EndTime":2,"MetricDataQueries":[{"Id":"a","MetricStat":{"Metric":{` + metric + `},"Period":60,"Stat":"Sum","Unit":"x"}}]}`, "InvalidParameterValue"},
		{"PutMetricAlarm", `{}`, "MissingParameter"},
		{"PutMetricAlarm", `{"AlarmName":"a",` + metric + `,"Statistic":"Sum","Period":60}`, "MissingParameter"},
		{"PutMetricAlarm", `{"AlarmName":"a",` + metric + `,"Statistic":"Sum","Period":60,"EvaluationPeriods":1,"Threshold":1}`, "MissingParameter"},
		{"PutMetricAlarm", `{"AlarmName":"a","MetricName":"m"}`, "MissingParameter"},
		{"DeleteAlarms", `{}`, "MissingParameter"},
		{"DeleteAlarms", `{"AlarmNames":[""]}`, "ValidationError"},
		{"DescribeAlarms", `{"AlarmNamePrefix":""}`, "ValidationError"},
		{"SetAlarmState", `{"AlarmName":"a"}`, "MissingParameter"},
		{"SetAlarmState", `{"AlarmName":"a","StateValue":"OK"}`, "MissingParameter"},
		{"SetAlarmState", `{"StateValue":"OK"}`, "MissingParameter"},
		{"TagResource", `{}`, "MissingParameter"},
		{"PutDashboard", `{"DashboardBody":"{}"}`, "MissingParameter"},
		{"PutDashboard", `{"DashboardName":"d"}`, "MissingParameter"},
		{"PutDashboard", `{"DashboardName":"d","DashboardBody":"{}","Tags":[{"Key":""}]}`, "InvalidParameterValue"},
		{"GetDashboard", `{}`, "MissingParameter"},
		{"ListDashboards", `{"NextToken":"x"}`, "InvalidParameterValue"},
		{"DeleteDashboards", `{}`, "MissingParameter"},
		{"ListDashboards", `{"dashboardNamePrefix":"x"}`, "ValidationError"},
		{"ListDashboards", `{"DashboardNamePrefix":1}`, "SerializationException"},
		{"ListDashboards", `{`, "SerializationException"},
	}
	r := newRig(t)
	for _, tt := range tests {
		t.Run(tt.operation+" "+tt.body, func(t *testing.T) {
			if status, code := r.raw(t, tt.operation, tt.body); status != http.StatusBadRequest || code != tt.code {
				t.Errorf("got %d %s, want %s", status, code, tt.code)
			}
		})
	}
	if status, code := r.raw(t, "DescribeAlarms", `{"AlarmTypes":["MetricAlarm"]}`); status != http.StatusOK {
		t.Errorf("a good call over JSON: %d %s", status, code)
	}
}

func TestCallsAreLogged(t *testing.T) {
	var buf bytes.Buffer
	r := newRig(t, WithLogger(slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	r.raw(t, "ListDashboards", `{}`)
	r.raw(t, "GetDashboard", `{}`)
	for _, want := range []string{`msg="call served" region=eu-west-1 op=cloudwatch.ListDashboards`, `msg="call refused" region=eu-west-1 op=cloudwatch.GetDashboard err="MissingRequired`} {
		if !strings.Contains(buf.String(), want) {
			t.Errorf("no %q in %s", want, &buf)
		}
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	r := newRig(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 10 {
				name := fmt.Sprint("a", i, "-", j)
				putValue(t, r.client(), 1, noon)
				r.putAlarm(t, func(in *cloudwatch.PutMetricAlarmInput) { in.AlarmName = &name })
				r.clock.move(time.Minute)
				r.Tick()
				ok[*cloudwatch.DescribeAlarmsOutput](t)(r.client().DescribeAlarms(context.Background(), &cloudwatch.DescribeAlarmsInput{}))
			}
		})
	}
	wg.Wait()
	if n := r.Calls()["cloudwatch.PutMetricAlarm"]; n != 80 {
		t.Errorf("%d calls counted, want 80", n)
	}
}
