package lambda_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

const (
	oversized = "arn:aws:personalize:us-east-1:123456789012:campaign/shop-similar-items"
	idle      = "arn:aws:personalize:us-east-1:123456789012:campaign/shop-spring-sale"
	unused    = "arn:aws:personalize:us-east-1:123456789012:recommender/shop-customers-also-viewed"
)

// TestProgram runs the real program as Lambda does, against an embedded AWS.
func TestProgram(t *testing.T) {
	program := realProgram(t)
	server, err := localaws.New(localaws.ExampleEstate())
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(server)
	t.Cleanup(endpoint.Close)
	cloudFormation := newAnswers(t)
	lambda := fakeLambda{program: program, endpoint: endpoint.URL}
	envelope := func(detailType, detail string) string {
		return fmt.Sprintf(`{"version":"0","detail-type":%q,"source":"personalize.monitor","time":%q,"detail":%s}`,
			detailType, time.Now().UTC().Format(time.RFC3339), detail)
	}
	resource := func(h *host, kind, more, status, physical string) {
		h.t.Helper()
		request := map[string]any{"RequestType": kind, "StackId": "s", "RequestId": "r", "LogicalResourceId": "l"}
		if err := json.Unmarshal([]byte("{"+strings.TrimPrefix(more, ",")+"}"), &request); err != nil {
			h.t.Fatal(err)
		}
		if a := cloudFormation.ask(h, request); a.Status != status || a.PhysicalResourceId != physical {
			h.t.Errorf("%s: CloudFormation was told %v", kind, a)
		}
	}

	t.Run("no such function", func(t *testing.T) {
		lambda.start(t, "bootstrap").wantError(`{}`, `the handler "bootstrap" is not a function`)
	})
	t.Run("monitor", func(t *testing.T) {
		h := lambda.start(t, "monitor", "Regions=us-east-1,eu-west-1", "AutoCreateUtilizationAlarms=No", "AutoCreateIdleAlarms=No", "HourlyChecks=never")
		h.want(envelope("Scheduled Event", "{}"), "14 resources measured")
		cold := server.Calls()["personalize.DescribeCampaign"]
		h.want(`{"RecommenderARNs":"none"}`, "10 resources measured")
		if warm := server.Calls()["personalize.DescribeCampaign"]; cold == 0 || warm-cold > 1 { // one has an update under way
			t.Errorf("%d campaigns described at first, %d then", cold, warm-cold)
		}
		h.wantError(`{"Regions":"x"}`, "invalid parameter Regions")
	})
	t.Run("update-tps", func(t *testing.T) {
		h := lambda.start(t, "update-tps")
		h.want(`{"ARN":"`+oversized+`","NewMinTPS":30,"Reason":"less"}`, "is being updated from 40 to 30 TPS")
		h.want(envelope("UpdatePersonalizeRecommenderMinRecommendationRPS", `{"ARN":"`+unused+`","NewMinTPS":2}`), "is being updated from 1 to 2")
		before := server.Calls()
		for _, wrong := range []string{`0`, `-1`, `1.5`, `"5"`, `1e99`} {
			h.wantError(`{"ARN":"`+oversized+`","NewMinTPS":`+wrong+`}`, `key "NewMinTPS" is`)
		}
		h.wantError(`{"NewMinTPS":5}`, `key "ARN" is missing`)
		h.wantError(`[]`, "is not a JSON object")
		for operation, count := range server.Calls() {
			if count != before[operation] {
				t.Errorf("malformed events called %s", operation)
			}
		}
	})
	t.Run("delete-campaign", func(t *testing.T) {
		h := lambda.start(t, "delete-campaign")
		for _, part := range []string{"is being deleted", "Nothing to do"} {
			h.want(envelope("DeletePersonalizeCampaign", `{"ARN":"`+idle+`"}`), part)
		}
		h.wantError(`{"ARN":"`+unused+`"}`, "deletes campaigns")
	})
	t.Run("stop-recommender", func(t *testing.T) {
		h := lambda.start(t, "stop-recommender")
		h.wantError(`{"ARN":"`+idle+`"}`, "is about recommenders")
		h.want(`{"ARN":"arn:aws:personalize:eu-west-1:123456789012:recommender/video-top-picks"}`, "is being stopped")
	})
	t.Run("dashboard", func(t *testing.T) {
		h := lambda.start(t, "dashboard", "Regions=us-east-1")
		resource(h, "Create", `,"ResourceProperties":{"DashboardName":"a b"}`, "FAILED", "Amazon-Personalize-Monitor")
		resource(h, "Delete", `,"PhysicalResourceId":"Amazon-Personalize-Monitor","ResourceProperties":{"DashboardName":"a b"}`, "SUCCESS", "Amazon-Personalize-Monitor")
		resource(h, "Create", "", "SUCCESS", "Amazon-Personalize-Monitor")
		resource(h, "Update", `,"PhysicalResourceId":"of old"`, "SUCCESS", "of old")
		h.want(envelope("BuildPersonalizeMonitorDashboard", `{"Reason":"x"}`), "1 dashboard written")
		resource(h, "Delete", `,"PhysicalResourceId":"of old"`, "SUCCESS", "of old")
		resource(h, "Whatever", `,"PhysicalResourceId":"of old"`, "FAILED", "of old")
	})
	t.Run("cleanup", func(t *testing.T) {
		h := lambda.start(t, "cleanup")
		resource(h, "Create", "", "SUCCESS", "personalize-monitor-cleanup")
		resource(h, "Delete", `,"PhysicalResourceId":"of old"`, "SUCCESS", "of old")
		if calls := server.Calls(); calls["sns.DeleteTopic"] != 2 || calls["events.DeleteRule"] != 1 {
			t.Errorf("topics and rule were not removed: %v", calls)
		}
	})
	var sent []string
	for _, e := range server.Events() {
		sent = append(sent, e.DetailType)
	}
	for _, one := range []string{"PersonalizeCampaignDeleted", "PersonalizeRecommenderStopped", "PersonalizeCampaignMinProvisionedTPSUpdated"} {
		if n := len(slices.DeleteFunc(slices.Clone(sent), func(s string) bool { return s != one })); n != 1 {
			t.Errorf("%s was sent %d times", one, n)
		}
	}
}
