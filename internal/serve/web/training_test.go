package web_test

import (
	"html"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
	"github.com/personalize-monitor/personalize-monitor/test/webstory"
)

// The bill shows what training costs and the findings with the most hours; nothing if it is unknown.
func TestTheBillShowsTraining(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	facts := training.Facts{Region: "eu-west-1", Known: training.Known{Groups: true, Solutions: true, Versions: true, Jobs: true, Campaigns: true, Recommenders: true}}
	for i := range 10 {
		name := "gifts-" + string(rune('a'+i))
		arn := "arn:aws:personalize:eu-west-1:123456789012:solution/" + name
		facts.Solutions = append(facts.Solutions, training.Solution{
			ARN: arn, Name: name, Recipe: "aws-sims", Created: now.AddDate(0, 0, -60), Automatic: new(true), Schedule: "rate(7 days)",
			Versions: []training.Version{{ARN: arn + "/1", Status: "ACTIVE", Automatic: new(true), Created: now.AddDate(0, 0, -3), Updated: now.AddDate(0, 0, -3), Hours: new(float64(i + 1))}},
		})
	}
	made := training.Analyze([]training.Facts{facts}, pricing.Builtin(), now)
	bill := func(r *training.Report, query string) string {
		snapshot, _ := webstory.Snapshot("shop")
		ledger := *snapshot.Ledger
		ledger.Training = r
		snapshot.Ledger = &ledger
		options, _ := webstory.Options(snapshot)
		h, err := web.New(options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(h.Close)
		return html.UnescapeString(get(t, h, "/bill"+query).Body.String())
	}
	shown := bill(&made, "")
	for _, want := range []string{
		"10 trainings of 10 solutions in 30 days, 55.0 hours, of which 55.0 hours were never served.", "Estimate: USD 13.20",
		"<p>gifts-j (eu-west-1): trained automatically", ">personalize-monitor pause-training arn:aws:personalize:eu-west-1:123456789012:solution/gifts-j</span>",
		"2 more in the report.",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(shown, "gifts-a (") || strings.Contains(bill(nil, ""), "trainings of") {
		t.Error("too much is shown")
	}
	if table := bill(&made, "?format=csv&table=training"); strings.Count(table, "\n") != 11 || !strings.Contains(table, "solution/gifts-a,gifts-a,eu-west-1,") {
		t.Errorf("the table has not all solutions:\n%s", table)
	}
}
