package writer_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

const (
	home  = awsbed.Home
	other = awsbed.Other
)

var (
	testTime = awsbed.Time
	ctxAll   = context.Background()
)

// world is the AWS of a test.
type world struct{ *awsbed.World }

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{awsbed.New(t)}
}

func datum(region, name, arn string, value float64) model.Datum {
	m := model.Metric{Namespace: model.NamespaceMonitor, Name: name}
	if arn != "" {
		m.DimensionName, m.DimensionValue = "CampaignArn", arn
	}
	return model.Datum{Region: region, Metric: m, Unit: "Count/Second", Value: value, Time: testTime}
}

func worldAround(t *testing.T, clock *model.VirtualClock, server *localaws.Server, handler http.Handler) *world {
	t.Helper()
	return &world{awsbed.Around(t, clock, server, handler)}
}

// stops are n commands to stop a recommender each.
func stops(n int) []events.Event {
	list := make([]events.Event, n)
	for i := range list {
		arn := fmt.Sprintf("arn:aws:personalize:eu-west-1:123456789012:recommender/r%02d", i)
		list[i] = events.Event{DetailType: events.StopRecommender, Resources: []string{arn}, Detail: events.IdleDetail{ARN: arn, Reason: "idle"}}
	}
	return list
}

func TestEmitPutsTenInACall(t *testing.T) {
	w := newWorld(t)
	a, _ := w.Writer()
	w.Writes()
	given := testTime.Add(-time.Minute)
	list := stops(23)
	list[4].Time = given
	sent, problems := a.Emit(ctxAll, list)
	w.NoProblems(problems)
	w.WantWrites(map[string]int{"events.PutEvents": 3})
	if len(sent) != 23 || sent[22].Resources[0] != list[22].Resources[0] {
		t.Errorf("sent %d", len(sent))
	}
	byARN := map[string]localaws.Event{}
	for _, e := range w.Server.Events() {
		if e.Region != home || e.Source != "personalize.monitor" || e.DetailType != "StopPersonalizeRecommender" || len(e.Resources) != 1 {
			t.Errorf("event %+v", e)
		}
		byARN[e.Resources[0]] = e
	}
	if len(byARN) != 23 || !byARN[list[0].Resources[0]].Time.Equal(testTime) || !byARN[list[4].Resources[0]].Time.Equal(given) {
		t.Errorf("%d events, at %v and %v", len(byARN), byARN[list[0].Resources[0]].Time, byARN[list[4].Resources[0]].Time)
	}
	if list[0].Time != (time.Time{}) {
		t.Error("the caller's events were changed")
	}
}

func TestEmitKeepsWithinTheBytesOfACall(t *testing.T) {
	w := newWorld(t)
	a, _ := w.Writer()
	list := stops(4)
	for i := range list {
		list[i].Detail = events.IdleDetail{Reason: strings.Repeat("r", 100_000)}
	}
	tooLarge := list[1]
	tooLarge.Detail = events.IdleDetail{Reason: strings.Repeat("r", events.MaxBytes)}
	list[1] = tooLarge
	list[3].Detail = "no object"
	sent, problems := a.Emit(ctxAll, list)
	if len(sent) != 2 || len(problems) != 2 {
		t.Fatalf("sent %d, problems %v", len(sent), problems)
	}
	if p := problems[0]; p.ARN != list[1].Resources[0] || p.Operation != "PutEvents" || !strings.Contains(p.Err.Error(), "more than the 262144") {
		t.Errorf("problem %v", p)
	}
	if p := problems[1]; p.ARN != list[3].Resources[0] || !strings.Contains(p.Err.Error(), "is not a JSON object") {
		t.Errorf("problem %v", p)
	}
	w.WantWrites(map[string]int{"events.PutEvents": 1})
}

func TestADryRunEmitsNothing(t *testing.T) {
	w := newWorld(t)
	a, log := w.Writer(awsbed.DryRun)
	sent, problems := a.Emit(ctxAll, stops(2))
	w.NoProblems(problems)
	if len(sent) != 2 {
		t.Errorf("sent %v", sent)
	}
	w.WantWrites(map[string]int{})
	if log.Count("dry run, would write", "op=PutEvents", "send StopPersonalizeRecommender about ", "recommender/r01") != 1 {
		t.Errorf("log:\n%s", log.String())
	}
}

func TestEmitReportsACallThatFailed(t *testing.T) {
	w := newWorld(t)
	a, _ := w.Writer()
	w.Server.AddFault(localaws.Fault{Service: "events", Operation: "PutEvents", Times: 1, Code: "ValidationException", Message: "no"})
	sent, problems := a.Emit(ctxAll, stops(12))
	if len(sent)+len(problems) != 12 || len(sent) != 2 && len(sent) != 10 {
		t.Fatalf("sent %d, problems %d", len(sent), len(problems))
	}
	if !strings.HasPrefix(problems[0].Err.Error(), "send the event StopPersonalizeRecommender: ValidationException: no") {
		t.Errorf("problem %v", problems[0])
	}
}

// bus answers PutEvents with canned results, a list of entries for each call.
type bus struct {
	mu      sync.Mutex
	answers [][]string // "" for an entry that was taken, else its error code
	asked   []int      // entries of each call
}

func (b *bus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	b.asked = append(b.asked, strings.Count(string(body), `"DetailType"`))
	answer := b.answers[min(len(b.asked), len(b.answers))-1]
	failed := 0
	var entries []string
	for i, code := range answer {
		switch code {
		case "":
			entries = append(entries, fmt.Sprintf(`{"EventId":"e%d"}`, i))
		case "nothing":
			entries = append(entries, `{}`)
		default:
			failed++
			entries = append(entries, fmt.Sprintf(`{"ErrorCode":%q,"ErrorMessage":"because"}`, code))
		}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_, _ = fmt.Fprintf(w, `{"FailedEntryCount":%d,"Entries":[%s]}`, failed, strings.Join(entries, ","))
}

func TestEntriesAreReadByPositionAndRetriedIfThatCanHelp(t *testing.T) {
	const throttled, malformed = "ThrottlingException", "MalformedDetail"
	tests := []struct {
		name    string
		answers [][]string
		asked   []int
		sent    []string // the last digit of the resource
		failed  map[string]string
		waited  time.Duration
	}{
		{"all taken", [][]string{{"", "", ""}}, []int{3}, []string{"0", "1", "2"}, nil, 0},
		{"one throttled, then taken", [][]string{{"", throttled, ""}, {""}}, []int{3, 1}, []string{"0", "1", "2"}, nil, 500 * time.Millisecond},
		{"one refused for good", [][]string{{"", malformed, ""}}, []int{3}, []string{"0", "2"}, map[string]string{"1": "MalformedDetail: because"}, 0},
		{
			"one of each, in their places",
			[][]string{{malformed, "InternalFailure", throttled}, {"", throttled}, {""}},
			[]int{3, 2, 1},
			[]string{"1", "2"},
			map[string]string{"0": "MalformedDetail: because"},
			3 * 500 * time.Millisecond,
		},
		{
			"throttled to the end",
			[][]string{{"", "", throttled}, {throttled}},
			[]int{3, 1, 1, 1},
			[]string{"0", "1"},
			map[string]string{"2": "ThrottlingException: because"},
			7 * 500 * time.Millisecond,
		},
		{"an answer that is too short", [][]string{{"", ""}}, []int{3}, nil, map[string]string{"0": "3 events were sent and 2 answered", "1": "3 events", "2": "3 events"}, 0},
		{"an entry that confirms nothing", [][]string{{"", "", "nothing"}}, []int{3}, []string{"0", "1"}, map[string]string{"2": "the answer confirms nothing"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &bus{answers: tt.answers}
			w := worldAround(t, model.NewVirtualClock(testTime), nil, b)
			a, _ := w.Writer()
			sent, problems := a.Emit(ctxAll, stops(3))
			var names []string
			for _, e := range sent {
				names = append(names, e.Resources[0][len(e.Resources[0])-1:])
			}
			if !slices.Equal(names, tt.sent) || !slices.Equal(b.asked, tt.asked) {
				t.Errorf("sent %v in %v, want %v in %v", names, b.asked, tt.sent, tt.asked)
			}
			if len(problems) != len(tt.failed) {
				t.Errorf("problems %v", problems)
			}
			for _, p := range problems {
				if want := tt.failed[p.ARN[len(p.ARN)-1:]]; want == "" || !strings.Contains(p.Err.Error(), want) {
					t.Errorf("problem %v, want %q", p, want)
				}
			}
			if waited := w.Clock.Now().Sub(testTime); waited != tt.waited {
				t.Errorf("waited %v, want %v", waited, tt.waited)
			}
		})
	}
}
