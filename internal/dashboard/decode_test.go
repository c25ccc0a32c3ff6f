package dashboard

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func TestDecodeReadsBackWhatRenderWrites(t *testing.T) {
	in := Input{Name: "Board", Region: "us-east-1"}
	for i := range 40 {
		arn := fmt.Sprintf("arn:aws:personalize:us-east-1:123456789012:campaign/c%d", i)
		parsed, kind, err := model.ParseResourceARN(arn)
		if err != nil {
			t.Fatal(err)
		}
		in.Resources = append(in.Resources, model.Resource{ARN: parsed, Kind: kind, Name: parsed.Name(), Recipe: "aws-sims"})
	}
	pages := Layout(in)
	for i, board := range Render(in) {
		widgets, err := Decode(board.Body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(pages[i].Widgets, widgets); diff != "" {
			t.Errorf("%s: widgets laid out and widgets read (-, +):\n%s", board.Name, diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"no JSON":                `{"widgets": [`,
		"an unknown widget":      `{"widgets": [{"type": "alarm", "properties": {}}]}`,
		"a metric of one cell":   `{"widgets": [{"type": "metric", "properties": {"metrics": [["a"]]}}]}`,
		"a metric of numbers":    `{"widgets": [{"type": "metric", "properties": {"metrics": [[1, 2]]}}]}`,
		"an expression":          `{"widgets": [{"type": "metric", "properties": {"metrics": [[{"expression": "m1/m2"}]]}}]}`,
		"a text of another kind": `{"widgets": [{"type": "text", "properties": {"markdown": 1}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if widgets, err := Decode([]byte(body)); err == nil {
				t.Errorf("read as %v", widgets)
			}
		})
	}
}
