package cloudwatch

import (
	"encoding/json"
	"testing"
)

func FuzzCheckBody(f *testing.F) {
	for _, seed := range []string{`{"widgets":[{"type":"metric","width":12,"properties":{"region":"eu-west-1","metrics":[["Test","m","CampaignArn","arn:x"]]}}]}`, `{"widgets":[{"type":"text","x":1e99,"properties":{"markdown":""}}]}`, `{"widgets":[null,[],{}]}`, `null`, `{`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		faults, _ := checkBody(body)
		if len(faults) == 0 && !json.Valid([]byte(body)) {
			t.Errorf("accepted %q", body)
		}
	})
}
