package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/cli"
)

// replayed is an estate file with a campaign that replays 15 days of constant 50 TPS, but for the
// hours left out, counted from the end.
func replayed(t *testing.T, minimum int, head string, leftOut ...int) string {
	t.Helper()
	missing := map[int]bool{}
	for _, hour := range leftOut {
		missing[hour] = true
	}
	var rows strings.Builder
	rows.WriteString("timestamp,value\n")
	const steps = 15 * 288
	for i := range steps {
		if !missing[(steps-1-i)/12] {
			at := time.Date(2026, 1, 1, 0, 5*i, 0, 0, time.UTC)
			fmt.Fprintf(&rows, "%s,15000\n", at.Format(time.DateTime))
		}
	}
	dir := t.TempDir()
	estate := head + `
regions:
  us-east-1:
    datasetGroups:
      - name: shop
        campaigns:
          - {name: replay, recipe: aws-user-personalization, age: 40d, minTPS: ` + strconv.Itoa(minimum) + `, traffic: {csv: counts.csv}}
`
	for name, text := range map[string]string{"counts.csv": rows.String(), "estate.yaml": estate} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "estate.yaml")
}

// onlyResource is the JSON of a command about the only resource.
func onlyResource(t *testing.T, command, estate string) (resource struct {
	Decision string
	NewMin   int
	Reason   string
	Note     string
	Saving   *struct {
		Action string
		NewMin int
	}
	Health *struct {
		Hours, Known, Silent int
		Unknown              string
	}
},
) {
	t.Helper()
	var out, errors bytes.Buffer
	code := cli.Run(context.Background(), []string{command, "--local", "--estate", estate, "--output", "json"}, "test",
		cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errors, Env: func(string) (string, bool) { return "", false }})
	var result struct{ Resources []json.RawMessage }
	if err := json.Unmarshal(out.Bytes(), &result); err != nil || len(result.Resources) != 1 {
		t.Fatalf("exit %d: %v\n%s\n%s", code, err, out.String(), errors.String())
	}
	if err := json.Unmarshal(result.Resources[0], &resource); err != nil {
		t.Fatal(err)
	}
	return resource
}

// Rows that a CSV lacks are not hours without calls: plan and report keep the minimum, and say which
// hours are not known. With all rows, or a minimum above the demand, they step down as before.
func TestMissingRowsAreNotLowDemand(t *testing.T) {
	for _, tt := range []struct {
		name          string
		head          string
		minimum, want int // 0: it stays
		leftOut       []int
	}{
		{"all rows, the minimum is needed", "monitored: 30d", 40, 0, nil},
		{"all rows, it is not", "monitored: 30d", 60, 50, nil},
		{"two hours are missing", "monitored: 30d", 40, 0, []int{100, 101}},
		{"two hours, days apart", "monitored: 30d", 40, 0, []int{100, 200}},
		{"the same, the minimum is not needed", "monitored: 30d", 60, 50, []int{100, 101}},
		{"two hours, and no monitor", "", 40, 0, []int{100, 101}},
		{"the same, the minimum is not needed, which a plan without a monitor cannot do", "", 60, 50, []int{100, 101}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			estate := replayed(t, tt.minimum, tt.head, tt.leftOut...)
			plan, report := onlyResource(t, "plan", estate), onlyResource(t, "report", estate)
			if tt.head == "" && tt.want > 0 {
				if !strings.Contains(plan.Reason, fmt.Sprintf("step down from %d to %d", tt.minimum, tt.want)) {
					t.Errorf("plan: %s (%s)", plan.Decision, plan.Reason)
				}
			} else if plan.NewMin != tt.want || (plan.Decision == "step-down") != (tt.want > 0) {
				t.Errorf("plan: %s to %d (%s)", plan.Decision, plan.NewMin, plan.Reason)
			}
			if (report.Saving != nil) != (tt.want > 0) || report.Saving != nil && report.Saving.NewMin != tt.want {
				t.Errorf("report: %+v (%s)", report.Saving, report.Note)
			}
			if plan.Health == nil || report.Health == nil {
				t.Fatal("no health")
			}
			if tt.head != "" { // hours that were watched are known, and single ones do not decide
				if h := plan.Health; h.Known != h.Hours || h.Unknown != "" {
					t.Errorf("health %+v", h)
				}
				return
			}
			const why = " no count and not watched (from "
			for command, text := range map[string]string{"plan": plan.Reason, "report": report.Note, "report's health": report.Health.Unknown} {
				if !strings.Contains(text, " h unknown: ") || !strings.Contains(text, why) {
					t.Errorf("%s does not say which hours are unknown: %s", command, text)
				}
			}
			// One or two hours without a row, and one at either side, which may be partly counted.
			if missing := plan.Health.Hours - plan.Health.Known; missing != 3 && missing != 4 {
				t.Errorf("health %+v", plan.Health)
			}
		})
	}
}
