package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func num(v float64) *float64 { return &v }

// resource is one with what most tests do not care about filled in.
func resource(kind model.Kind, region, name string, minimum int, average, utilization *float64) Resource {
	return Resource{
		Subject: Subject{
			ARN:  "arn:aws:personalize:" + region + ":123456789012:" + string(kind) + "/" + name,
			Kind: kind, Name: name, Region: region, DatasetGroup: "shop", Recipe: "aws-user-personalization-v2",
			Status: model.StatusActive, Min: minimum,
		},
		Average: average, Utilization: utilization,
		Decision: rules.None, Reason: "not due in this window",
	}
}

// day is a result with something of everything, in no order.
func day() Result {
	sale := resource(model.Campaign, "us-east-1", "sale", 10, num(3.456), num(34.56))
	sale.Checked, sale.Decision, sale.NewMin = true, rules.StepDown, 7
	sale.Reason = "from 10 to 7 TPS: the lowest of 336 hours averaged 2.1 TPS (rounded down to 2)"
	old := resource(model.Recommender, "eu-west-1", "old-one", 2, num(0), num(0))
	old.Checked, old.Decision, old.Reason = true, rules.Stop, "no request in 24 hours, by complete data; 312 h old"
	gone := resource(model.Campaign, "eu-west-1", "forgotten", 1, num(0), num(0))
	gone.Checked, gone.Decision, gone.Reason = true, rules.Delete, "no request in 24 hours, by complete data; 50 h old"
	busy := resource(model.Campaign, "eu-west-1", "re-rank", 100, num(123.456), num(123.456))
	busy.Checked, busy.Reason = true, `kept at 100: lowest hour averaged 100.0 TPS, "as sold" over 336 hours`
	dark := resource(model.Campaign, "eu-west-1", "next-best", 1, nil, nil)
	dark.Reason = "requests cannot be counted: aws-next-best-action has no count metric"
	calm := resource(model.Recommender, "eu-west-1", "calm", 3, num(0.003), num(0.1/3))
	shut := resource(model.Campaign, "us-east-1", "updated", 20, num(1), num(5))
	shut.Checked, shut.Decision, shut.Reason = true, rules.Refused, "an update is in progress (UPDATE IN_PROGRESS)"
	start := time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)
	return Result{
		Window:    model.Window{Start: start, End: start.Add(5 * time.Minute).In(time.FixedZone("CEST", 7200))},
		Resources: []Resource{sale, old, gone, busy, dark, calm, shut},
		Alarms:    Alarms{Created: 12, Updated: 1, Deleted: 2, Kept: 30, Left: 5},
		Events: []Event{
			{DetailType: "UpdatePersonalizeCampaignMinProvisionedTPS", Resource: sale.ARN},
			{DetailType: "StopPersonalizeRecommender", Resource: old.ARN},
			{DetailType: "DeletePersonalizeCampaign", Resource: gone.ARN},
			{DetailType: "DeletePersonalizeCampaign", Resource: dark.ARN},
			{DetailType: "BuildPersonalizeMonitorDashboard"},
		},
		Problems: []model.Problem{
			{Region: "us-west-2", Operation: "ListCampaigns", Err: errors.New("AccessDeniedException: no identity-based policy allows it")},
			{
				ARN: shut.ARN, Region: "us-east-1", Operation: "DescribeCampaign",
				Err: errors.New("ThrottlingException:\n\tRate \x1b[31mexceeded"),
			},
		},
		MetricsPublished: 20,
		Calls:            map[string]int{"personalize.ListCampaigns": 3, "cloudwatch.GetMetricData": 2, "cloudwatch.PutMetricData": 2},
		DurationMs:       1234,
	}
}

func TestTables(t *testing.T) {
	wide := day()
	wide.Resources = append(wide.Resources, resource(model.Campaign, "ap-southeast-2",
		strings.Repeat("a-very-long-name-", 4)[:63], 1, num(0.5), num(50)))
	wide.Problems = nil
	dry := day()
	dry.DryRun, dry.Problems, dry.Alarms = true, nil, Alarms{Created: 24}
	quiet := day()
	quiet.Resources, quiet.Alarms, quiet.Events, quiet.Problems = quiet.Resources[3:6], Alarms{Kept: 6}, nil, nil
	midnight := model.Window{
		Start: time.Date(2026, 7, 1, 23, 55, 0, 0, time.UTC), End: time.Date(2026, 7, 2, 0, 0, 0, 0, time.UTC),
	}
	left := Result{Window: midnight, Resources: day().Resources[:1], Alarms: Alarms{Left: 1}, DurationMs: 65_432}
	late := quiet
	late.DataLate = []rules.LateRegion{{Region: "us-east-1", Reason: "CloudWatch data are late", Refused: 2}}
	tests := []struct {
		name   string
		result Result
		width  int
		color  bool
	}{
		{"late-data", late, 120, false},
		{"everything-unwrapped", day(), 0, false},
		{"everything-160", day(), 160, false},
		{"everything-120", day(), 120, false},
		{"everything-80", day(), 80, false},
		{"everything-color", day(), 120, true},
		{"wide-names-140", wide, 140, false},
		{"wide-names-80", wide, 80, false},
		{"dry-run", dry, 120, false},
		{"nothing-changed", quiet, 120, false},
		{"changes-left-over-midnight", left, 120, false},
		{"empty", Result{Window: midnight}, 80, false},
		{"problems-only", Result{Window: midnight, Problems: day().Problems}, 80, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := Write(&out, tt.result, Table, Style{tt.width, tt.color}); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name+".txt", out.Bytes())
			if strings.Contains(out.String(), "\x1b") != tt.color {
				t.Error("escape sequences where none were wanted, or none where they were")
			}
			if strings.Contains(out.String(), " \n") {
				t.Error("space at the end of a line")
			}
		})
	}
}

func TestEveryResourceIsOneLineWithoutAWidth(t *testing.T) {
	var out bytes.Buffer
	if err := Write(&out, day(), Table, Style{}); err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(out.String(), "\n\n")
	if lines := strings.Count(table, "\n"); lines != len(day().Resources) {
		t.Errorf("%d lines after the header for %d resources", lines, len(day().Resources))
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	if err := Write(&out, day(), JSON, Style{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "everything.json", out.Bytes())
	out.Reset()
	if err := Write(&out, Result{}, JSON, Style{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "empty.json", out.Bytes())
}

func TestJSONInsideOtherJSONIsTheSame(t *testing.T) {
	compact, err := json.Marshal(map[string]any{"result": day()})
	if err != nil {
		t.Fatal(err)
	}
	var outer struct{ Result Result }
	var problems struct {
		Result struct {
			Problems []struct{ ARN, Region, Operation, Error string }
		}
	}
	if err := errors.Join(json.Unmarshal(compact, &outer), json.Unmarshal(compact, &problems)); err != nil {
		t.Fatal(err)
	}
	want := day().normalized()
	for i, p := range problems.Result.Problems {
		if w := want.Problems[i]; p.ARN != w.ARN || p.Region != w.Region || p.Operation != w.Operation || p.Error != w.Message() {
			t.Errorf("got the problem %+v, want %v", p, w)
		}
	}
	want.Problems = outer.Result.Problems
	if !reflect.DeepEqual(outer.Result, want) {
		t.Errorf("got %+v, want %+v", outer.Result, want)
	}
	if !bytes.Contains(compact, []byte(`"average":null`)) {
		t.Error("an unreadable average is not null")
	}
}

func TestCSV(t *testing.T) {
	var out bytes.Buffer
	if err := Write(&out, day(), CSV, Style{}); err != nil {
		t.Fatal(err)
	}
	whole := out.String()
	golden(t, "everything.csv", out.Bytes())
	out.Reset()
	if err := Write(&out, Result{}, CSV, Style{}); err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(whole, "\n")
	if out.String() != header+"\n" {
		t.Errorf("empty: got %q, want the header alone", out.String())
	}
}

func TestOrderDoesNotDependOnTheInput(t *testing.T) {
	forward, backward := day(), day()
	slices.Reverse(backward.Resources)
	slices.Reverse(backward.Events)
	slices.Reverse(backward.Problems)
	before := slices.Clone(backward.Resources)
	for name, write := range map[string]func(Result, io.Writer) error{
		"JSON":  func(r Result, w io.Writer) error { return Write(w, r, JSON, Style{}) },
		"CSV":   func(r Result, w io.Writer) error { return Write(w, r, CSV, Style{}) },
		"table": func(r Result, w io.Writer) error { return Write(w, r, Table, Style{Width: 100}) },
	} {
		var a, b bytes.Buffer
		if err := errors.Join(write(forward, &a), write(backward, &b)); err != nil {
			t.Fatal(err)
		}
		if a.String() != b.String() {
			t.Errorf("%s differs", name)
		}
	}
	if !reflect.DeepEqual(before, backward.Resources) {
		t.Error("writing reorders the caller's resources")
	}
}

func TestChanges(t *testing.T) {
	decided := func(d rules.Verdict) Result {
		return Result{Resources: []Resource{{Decision: rules.None}, {Decision: d}}}
	}
	tests := []struct {
		name   string
		result Result
		want   bool
	}{
		{"nothing is no change", Result{}, false},
		{"none is no change", decided(rules.None), false},
		{"refused is no change", decided(rules.Refused), false},
		{"a step-down is one", decided(rules.StepDown), true},
		{"a stop is one", decided(rules.Stop), true},
		{"a deletion is one", decided(rules.Delete), true},
		{"an alarm created is one", Result{Alarms: Alarms{Created: 1}}, true},
		{"an alarm updated is one", Result{Alarms: Alarms{Updated: 1}}, true},
		{"an alarm deleted is one", Result{Alarms: Alarms{Deleted: 1}}, true},
		{"an alarm left for later is one", Result{Alarms: Alarms{Left: 1}}, true},
		{"alarms kept are none", Result{Alarms: Alarms{Kept: 9}}, false},
		{"metrics, events and problems are none", Result{MetricsPublished: 3, Events: []Event{{}}, Problems: []model.Problem{{}}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.result.Changes(); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
	if (Result{}).Failed() || !(Result{Problems: []model.Problem{{}}}).Failed() {
		t.Error("a result has failed if, and only if, it has problems")
	}
}

func TestNumbersForPeople(t *testing.T) {
	tests := []struct {
		name  string
		value *float64
		want  string
	}{
		{"unreadable", nil, "–"},
		{"zero", num(0), "0.00%"},
		{"next to zero does not look like zero", num(0.0049), "<0.01%"},
		{"large enough to show", num(0.0051), "0.01%"},
		{"rounded", num(12.346), "12.35%"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Number(tt.value, 2, "%"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	for ms, want := range map[int64]string{0: "0s", 999: "999ms", 1000: "1s", 1049: "1s", 1050: "1.1s", 125_149: "2m5.1s"} {
		if got := spent(ms); got != want {
			t.Errorf("%d ms: got %s, want %s", ms, got, want)
		}
	}
}

// brokenPipe refuses everything.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWritersReportErrors(t *testing.T) {
	for name, err := range map[string]error{
		"table": Write(brokenPipe{}, day(), Table, Style{Width: 80}),
		"JSON":  Write(brokenPipe{}, day(), JSON, Style{}),
		"CSV":   Write(brokenPipe{}, day(), CSV, Style{}),
	} {
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	bad := day()
	bad.Resources[0].Average = num(math.NaN())
	if err := Write(io.Discard, bad, JSON, Style{}); err == nil {
		t.Error("an average that is no number is accepted")
	}
}
