package localaws

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzServer sends anything to the whole endpoint. It answers with a result or an error
// of the caller's; a fault of its own, a 500, or a panic would be a mistake in it.
func FuzzServer(f *testing.F) {
	const json10, json11 = "application/x-amz-json-1.0", "application/x-amz-json-1.1"
	for _, seed := range []struct{ service, path, target, protocol, contentType, body string }{
		{"personalize", "/", "AmazonPersonalize.ListCampaigns", "", json11, `{"maxResults":1}`},
		{"personalize", "/", "AmazonPersonalize.UpdateCampaign", "", json11, `{"campaignArn":"arn:aws:personalize:eu-west-1:123456789012:campaign/home","minProvisionedTPS":0}`},
		{"personalize", "/", "AmazonPersonalize.CreateCampaign", "", json11, `{"name":"n","solutionVersionArn":"x","minProvisionedTPS":1}`},
		{"personalize", "/", "AmazonPersonalize.DescribeRecommender", "", json11, `{}`},
		{"monitoring", "/", "GraniteServiceVersion20100801.GetMetricData", "", json10, `{"StartTime":1,"EndTime":2,"MetricDataQueries":[{"Id":"a"}]}`},
		{"monitoring", "/", "GraniteServiceVersion20100801.PutMetricAlarm", "", json10, `{"AlarmName":"a","EvaluationPeriods":1,"ComparisonOperator":"x"}`},
		{"monitoring", "/service/GraniteServiceVersion20100801/operation/DescribeAlarms", "", "rpc-v2-cbor", "application/cbor", "\xa0"},
		{"monitoring", "/service/GraniteServiceVersion20100801/operation/PutMetricData", "", "rpc-v2-cbor", "application/cbor", "\xa1\x69Namespace\x61a"},
		{"events", "/", "AWSEvents.PutEvents", "", json11, `{"Entries":[{"Source":"s","DetailType":"d","Detail":"{}"}]}`},
		{"events", "/", "AWSEvents.PutRule", "", json11, `{"Name":"r","EventPattern":"{\"source\":[\"a\"]}"}`},
		{"sns", "/", "", "", "application/x-www-form-urlencoded", "Action=CreateTopic&Version=2010-03-31&Name=t"},
		{"sns", "/", "", "", "application/x-www-form-urlencoded", "Action=SetTopicAttributes&Version=2010-03-31&TopicArn=x&AttributeName=Policy&AttributeValue={}"},
		{"sts", "/", "", "", "application/x-www-form-urlencoded", "Action=GetCallerIdentity&Version=2011-06-15"},
		{"sts", "/", "", "", "application/x-www-form-urlencoded", "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::222222222222:role/R&RoleSessionName=s"},
		{"organizations", "/", "AWSOrganizationsV20161128.ListAccounts", "", json11, `{"MaxResults":1}`},
	} {
		f.Add(seed.service, seed.path, seed.target, seed.protocol, seed.contentType, seed.body)
	}
	server, err := New(shopEstate())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, service, path, target, protocol, contentType, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL.Path = path
		for key, value := range map[string]string{"X-Amz-Target": target, "Smithy-Protocol": protocol, "Content-Type": contentType} {
			if value != "" {
				r.Header.Set(key, value)
			}
		}
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260302/"+testRegion+"/"+service+"/aws4_request"+goodSignature)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code < 200 {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		if w.Code >= 400 && w.Body.Len() == 0 {
			t.Errorf("status %d without a word why", w.Code)
		}
	})
}
