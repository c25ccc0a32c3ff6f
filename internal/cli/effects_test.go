package cli

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// A step-down is shown with how calls fared before and after it, if there are credentials to
// read that with, and without otherwise.
func TestHistoryShowsTheEffectOfStepDowns(t *testing.T) {
	const arn = "arn:aws:personalize:eu-west-1:000000000000:campaign/home"
	server, err := localaws.New(localaws.Estate{Regions: []localaws.EstateRegion{{Name: "eu-west-1", DatasetGroups: []localaws.EstateDatasetGroup{{
		Name: "shop",
		Campaigns: []localaws.EstateCampaign{{
			EstateEndpoint: localaws.EstateEndpoint{
				Name: "home", Recipe: "aws-user-personalization", Age: 60 * 24 * time.Hour,
				Traffic: localaws.EstateTraffic{Shape: "constant", TPS: 2, Percent5xx: 10, LatencyMillis: 40},
			},
			MinTPS: 9,
		}},
	}}}}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	defer web.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "local")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "local")
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	lines := fmt.Sprintf(`{"time":%q,"arn":%q,"action":"update-tps","outcome":"done","automatic":true,"reason":"r","newMinTPS":9,"before":{"name":"home","status":"ACTIVE","minTPS":12,"tags":null}}
{"time":%q,"arn":%q,"action":"update-tps","outcome":"done","automatic":false,"reason":"a person's","newMinTPS":12,"before":{"name":"home","status":"ACTIVE","minTPS":14,"tags":null}}
`, time.Now().Add(-3*time.Hour).UTC().Format(time.RFC3339), arn, time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), arn)
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	account := []string{"--endpoint-url", web.URL, "--region", "eu-west-1", "--output", "json"}
	history := func(args ...string) (code int, out, errs string) {
		s, stdout, stderr := streams(nil)
		code = Run(t.Context(), append([]string{"history", file}, args...), "test", s)
		return code, stdout.String(), stderr.String()
	}

	code, out, errs := history(append(account, "--effects")...)
	var got struct {
		Records []struct {
			Effect *struct {
				Before, After struct{ Hours, Calls, Failed, LatencyMs float64 }
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &got); code != ExitDone || err != nil || len(got.Records) != 2 {
		t.Fatalf("exit code %d, %v: %s %s", code, err, out, errs)
	}
	effect := got.Records[0].Effect
	if effect == nil || got.Records[1].Effect != nil {
		t.Fatalf("effects of the wrong records: %s", out)
	}
	if b, a := effect.Before, effect.After; b.Hours != 24 || b.Calls != 288*600 || b.Failed != 288*60 || a.Hours < 2.5 || a.Hours > 3 ||
		a.Failed*10 != a.Calls || b.LatencyMs < 32 || b.LatencyMs > 48 {
		t.Errorf("before %+v, after %+v", b, a)
	}

	if code, out, errs := history("--output", "json"); code != ExitDone || strings.Contains(out, "effect") {
		t.Errorf("from a file alone: exit code %d: %s %s", code, out, errs)
	}
	server.AddFault(localaws.Fault{Operation: "GetMetricData", Code: "AccessDenied", Message: "no"})
	if code, out, errs := history(append(account, "--effects")...); code != ExitPartial || strings.Contains(out, `"effect"`) || !strings.Contains(out, "AccessDenied") {
		t.Errorf("denied: exit code %d: %s %s", code, out, errs)
	}
}
