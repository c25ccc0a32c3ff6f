package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// What the example sends is what the function update-tps takes, as a person's request.
func TestPrewarm(t *testing.T) {
	server, err := localaws.New(localaws.ExampleEstate())
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(server)
	t.Cleanup(endpoint.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "LOCAL", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_CONFIG_FILE": t.TempDir() + "/none", "AWS_SHARED_CREDENTIALS_FILE": t.TempDir() + "/none", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	arns := []string{
		"arn:aws:personalize:us-east-1:123456789012:campaign/shop-home-page",
		"arn:aws:personalize:us-east-1:123456789012:recommender/shop-recommended-for-you",
	}
	for _, arn := range arns {
		if err := run(t.Context(), []string{arn, "50", "sale on Friday"}); err != nil {
			t.Fatal(err)
		}
	}
	sent := server.Events()
	if len(sent) != len(arns) {
		t.Fatalf("%d events sent", len(sent))
	}
	for i, event := range sent {
		req, err := events.Decode([]byte(`{"detail-type":"` + event.DetailType + `","detail":` + string(event.Detail) + `}`))
		if err == nil {
			err = req.Validate(model.ActionUpdate)
		}
		if err != nil || event.Source != events.Source || req.ARN.String() != arns[i] || req.NewMinTPS != 50 || req.Reason != "sale on Friday" || req.Automatic() {
			t.Errorf("%+v: %+v, %v", event, req, err)
		}
	}
	for _, wrong := range [][]string{{}, {arns[0], "many", "why"}} {
		if err := run(t.Context(), wrong); err == nil || len(server.Events()) != len(arns) {
			t.Errorf("%s: %v", strings.Join(wrong, " "), err)
		}
	}
}
