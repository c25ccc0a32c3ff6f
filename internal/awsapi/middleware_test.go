package awsapi_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

// TestCaptureBody keeps the answer of the last attempt and lets the SDK read it as well.
func TestCaptureBody(t *testing.T) {
	const answer = `{"campaign":{"name":"home","somethingNew":1}}`
	attempts := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if attempts++; attempts == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"__type":"ServiceUnavailable"}`)
			return
		}
		fmt.Fprint(w, answer)
	}))
	defer server.Close()
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig("eu-west-1", server.URL, "LOCAL", nil), Clock: newClock()})
	defer clients.Close()
	var body []byte
	describe := func() (*personalize.DescribeCampaignOutput, error) {
		return clients.Personalize("eu-west-1").DescribeCampaign(t.Context(),
			&personalize.DescribeCampaignInput{CampaignArn: awssdk.String("arn:aws:personalize:eu-west-1:123456789012:campaign/home")},
			personalize.WithAPIOptions(awsapi.CaptureBody(&body)))
	}
	out, err := describe()
	if err != nil || awssdk.ToString(out.Campaign.Name) != "home" || !bytes.Equal(body, []byte(answer)) || attempts != 2 {
		t.Errorf("%v, %v, body %s after %d attempts", out, err, body, attempts)
	}
	server.Close()
	if _, err := describe(); err == nil || body != nil {
		t.Errorf("error %v, body %s", err, body)
	}
}
