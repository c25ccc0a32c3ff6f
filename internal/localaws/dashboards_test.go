package localaws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// widgets builds a body of n metric widgets with m metrics each.
func widgets(n, m int) string {
	row := []any{"Test", "m", "CampaignArn", "arn:x"}
	list := make([]any, n)
	for i := range list {
		list[i] = map[string]any{"type": "metric", "width": 12, "properties": map[string]any{"region": "eu-west-1", "metrics": slices.Repeat([]any{row}, m)}}
	}
	raw, err := json.Marshal(map[string]any{"widgets": list})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func TestDashboardBodies(t *testing.T) {
	widget := func(w string) string { return `{"widgets":[` + w + `]}` }
	metric := func(properties string) string { return widget(`{"type":"metric","properties":{` + properties + `}}`) }
	tests := []struct {
		name, body string
		fault      string // path of the first fault, "-" for none
		warnings   int
	}{
		{"no widgets", `{"widgets":[]}`, "-", 0},
		{"start and end", `{"start":"-PT6H","end":"P0D","periodOverride":"inherit","widgets":[]}`, "-", 0},
		{"unknown property is a warning", `{"widgets":[],"title":"x"}`, "-", 1},
		{"not JSON", `{`, "", 0},
		{"not an object", `[]`, "", 0},
		{"null", `null`, "", 0},
		{"more after the object", `{"widgets":[]} x`, "", 0},
		{"widgets missing", `{}`, "/", 0},
		{"widgets not a list", `{"widgets":{}}`, "/", 0},
		{"500 widgets", widgets(500, 1), "-", 0},
		{"501 widgets", widgets(501, 1), "/widgets", 0},
		{"500 metrics in a widget", widgets(1, 500), "-", 0},
		{"501 metrics in a widget", widgets(1, 501), "/widgets/0/properties/metrics", 0},
		{"2,500 metrics in all", widgets(5, 500), "-", 0},
		{"2,501 metrics in all", widgets(3, 500)[:len(widgets(3, 500))-2] + "," + widgets(77, 13)[len(`{"widgets":[`):], "/widgets", 0},
		{"text", widget(`{"type":"text","x":0,"y":0,"width":24,"height":1000,"properties":{"markdown":"# x"}}`), "-", 0},
		{"text without markdown", widget(`{"type":"text","properties":{}}`), "/widgets/0/properties", 0},
		{"alarm", widget(`{"type":"alarm","properties":{"alarms":["arn:x"]}}`), "-", 0},
		{"alarm without alarms", widget(`{"type":"alarm","properties":{"alarms":[]}}`), "/widgets/0/properties/alarms", 0},
		{"no such type", widget(`{"type":"chart","properties":{}}`), "/widgets/0/type", 0},
		{"no properties", widget(`{"type":"text"}`), "/widgets/0", 0},
		{"not a widget", widget(`1`), "/widgets/0", 0},
		{"unknown property of a widget is a warning", widget(`{"type":"text","title":"x","properties":{"markdown":"x"}}`), "-", 1},
		{"width of 25", widget(`{"type":"text","width":25,"properties":{"markdown":"x"}}`), "/widgets/0/width", 0},
		{"width of 0", widget(`{"type":"text","width":0,"properties":{"markdown":"x"}}`), "/widgets/0/width", 0},
		{"height of 1001", widget(`{"type":"text","height":1001,"properties":{"markdown":"x"}}`), "/widgets/0/height", 0},
		{"broken width", widget(`{"type":"text","width":1.5,"properties":{"markdown":"x"}}`), "/widgets/0/width", 0},
		{"x of 24", widget(`{"type":"text","x":24,"y":0,"properties":{"markdown":"x"}}`), "/widgets/0/x", 0},
		{"x without y", widget(`{"type":"text","x":1,"properties":{"markdown":"x"}}`), "/widgets/0", 0},
		{"metric without region", metric(`"metrics":[["Test","m"]]`), "/widgets/0/properties", 0},
		{"metric without metrics", metric(`"region":"eu-west-1"`), "/widgets/0/properties/metrics", 0},
		{"metric of an alarm", metric(`"region":"eu-west-1","annotations":{"alarms":["arn:x"]}`), "-", 0},
		{"expression", metric(`"region":"eu-west-1","metrics":[[{"expression":"m1*2","id":"e1"}],["Test","m",{"id":"m1"}]]`), "-", 0},
		{"options only", metric(`"region":"eu-west-1","metrics":[[{"id":"e1"}]]`), "/widgets/0/properties/metrics/0", 0},
		{"namespace only", metric(`"region":"eu-west-1","metrics":[["Test"]]`), "/widgets/0/properties/metrics/0", 0},
		{"dimension without value", metric(`"region":"eu-west-1","metrics":[["Test","m","d"]]`), "/widgets/0/properties/metrics/0", 0},
		{"number for a name", metric(`"region":"eu-west-1","metrics":[["Test",1]]`), "/widgets/0/properties/metrics/0/1", 0},
		{"empty row", metric(`"region":"eu-west-1","metrics":[[]]`), "/widgets/0/properties/metrics/0", 0},
	}
	r := newRig(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := r.client().PutDashboard(context.Background(), &cloudwatch.PutDashboardInput{DashboardName: aws.String("d"), DashboardBody: &tt.body})
			if tt.fault == "-" {
				if err != nil {
					t.Fatal(err)
				}
				if n := len(out.DashboardValidationMessages); n != tt.warnings {
					t.Errorf("%d warnings, want %d", n, tt.warnings)
				}
				return
			}
			var refused *types.DashboardInvalidInputError
			if !errors.As(err, &refused) || refused.ErrorCode() != "InvalidParameterInput" {
				t.Fatalf("got %v", err)
			}
			if len(refused.DashboardValidationMessages) == 0 || aws.ToString(refused.DashboardValidationMessages[0].DataPath) != tt.fault {
				t.Errorf("messages %v (%v), want the first at %q", refused.DashboardValidationMessages, err, tt.fault)
			}
		})
	}
}

func TestDashboardNames(t *testing.T) {
	r := newRig(t)
	for name, code := range map[string]string{
		"Amazon-Personalize_Monitor-2": "", strings.Repeat("d", 255): "", strings.Repeat("d", 256): "InvalidParameterInput",
		"a b": "InvalidParameterInput", "a/b": "InvalidParameterInput", "": "InvalidParameterInput",
	} {
		_, err := r.client().PutDashboard(context.Background(), &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: aws.String(`{"widgets":[]}`)})
		if got := apiCode(t, err); got != code {
			t.Errorf("%q: code %q, want %q", name, got, code)
		}
	}
}

func TestDashboardsAreGlobal(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	body := `{"widgets":[]}`
	ireland, virginia := r.cloudwatch("eu-west-1", testAccount), r.cloudwatch("us-east-1", testAccount)
	for _, name := range []string{"b", "a-2", "a-1"} {
		ok[*cloudwatch.PutDashboardOutput](t)(ireland.PutDashboard(ctx, &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: &body}))
	}
	got := ok[*cloudwatch.GetDashboardOutput](t)(virginia.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: aws.String("b")}))
	if *got.DashboardBody != body || *got.DashboardArn != "arn:aws:cloudwatch::123456789012:dashboard/b" {
		t.Errorf("got %s %s", *got.DashboardArn, *got.DashboardBody)
	}
	list := ok[*cloudwatch.ListDashboardsOutput](t)(virginia.ListDashboards(ctx, &cloudwatch.ListDashboardsInput{DashboardNamePrefix: aws.String("a-")}))
	var listed []string
	for _, e := range list.DashboardEntries {
		listed = append(listed, fmt.Sprint(*e.DashboardName, ":", *e.Size))
	}
	if !slices.Equal(listed, []string{"a-1:14", "a-2:14"}) {
		t.Errorf("listed %s", listed)
	}
	_, err := r.cloudwatch("eu-west-1", "999999999999").GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: aws.String("b")})
	var gone *types.DashboardNotFoundError
	if !errors.As(err, &gone) || gone.ErrorCode() != "ResourceNotFound" {
		t.Errorf("another account: %v", err)
	}
	_, err = virginia.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{"none", "a-1", "b"}})
	if apiCode(t, err) != "ResourceNotFound" {
		t.Errorf("deleting one that is not there: %v", err)
	}
	list = ok[*cloudwatch.ListDashboardsOutput](t)(ireland.ListDashboards(ctx, &cloudwatch.ListDashboardsInput{}))
	if len(list.DashboardEntries) != 1 {
		t.Errorf("%d dashboards left, want 1: the others are deleted all the same", len(list.DashboardEntries))
	}
	_, err = virginia.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: append(make100("a-2"), "x")})
	if apiCode(t, err) != "InvalidParameterValue" {
		t.Errorf("101 names: %v", err)
	}
}
