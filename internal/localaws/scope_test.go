package localaws

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

const goodSignature = ", SignedHeaders=host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"

func TestParseScope(t *testing.T) {
	signed := func(credential string) string { return "AWS4-HMAC-SHA256 Credential=" + credential + goodSignature }
	tests := []struct {
		name, header, code string
		want               scope
	}{
		{"complete", signed("AKIDEXAMPLE/20260302/eu-west-1/personalize/aws4_request"), "", scope{"AKIDEXAMPLE", "eu-west-1", "personalize"}},
		{"GovCloud", signed("AKIDEXAMPLE/20260302/us-gov-west-1/sns/aws4_request"), "", scope{"AKIDEXAMPLE", "us-gov-west-1", "sns"}},
		{"without spaces", strings.ReplaceAll(signed("AKID/20260302/eu-west-1/sns/aws4_request"), ", ", ","), "", scope{"AKID", "eu-west-1", "sns"}},
		{"a key of one letter", signed("x/20260302/eu-west-1/sns/aws4_request"), "", scope{"x", "eu-west-1", "sns"}},
		{"a key of other characters", signed("a+b=ü!/20260302/eu-west-1/sns/aws4_request"), "", scope{"a+b=ü!", "eu-west-1", "sns"}},
		{"no header", "", "MissingAuthenticationToken", scope{}},
		{"another scheme", "Basic abc", "IncompleteSignature", scope{}},
		{"asymmetric signature", strings.Replace(signed("A/20260302/eu-west-1/sns/aws4_request"), "HMAC", "ECDSA-P256", 1), "IncompleteSignature", scope{}},
		{"no signature", "AWS4-HMAC-SHA256 Credential=AKID/20260302/eu-west-1/sns/aws4_request, SignedHeaders=host", "IncompleteSignature", scope{}},
		{"no signed headers", "AWS4-HMAC-SHA256 Credential=AKID/20260302/eu-west-1/sns/aws4_request, Signature=" + strings.Repeat("0", 64), "IncompleteSignature", scope{}},
		{"short signature", "AWS4-HMAC-SHA256 Credential=AKID/20260302/eu-west-1/sns/aws4_request, SignedHeaders=host, Signature=00", "IncompleteSignature", scope{}},
		{"credential twice", signed("AKID/20260302/eu-west-1/sns/aws4_request") + ", Credential=x", "IncompleteSignature", scope{}},
		{"four elements", signed("AKID/20260302/eu-west-1/aws4_request"), "IncompleteSignature", scope{}},
		{"six elements", signed("AKID/x/20260302/eu-west-1/sns/aws4_request"), "IncompleteSignature", scope{}},
		{"no such day", signed("AKID/20260230/eu-west-1/sns/aws4_request"), "IncompleteSignature", scope{}},
		{"no region", signed("AKID/20260302//sns/aws4_request"), "IncompleteSignature", scope{}},
		{"not a region", signed("AKID/20260302/all/sns/aws4_request"), "IncompleteSignature", scope{}},
		{"no service", signed("AKID/20260302/eu-west-1//aws4_request"), "IncompleteSignature", scope{}},
		{"wrong terminator", signed("AKID/20260302/eu-west-1/sns/aws5_request"), "IncompleteSignature", scope{}},
		{"no access key", signed("/20260302/eu-west-1/sns/aws4_request"), "InvalidClientTokenId", scope{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseScope(tt.header)
			var api *wire.Error
			if err != nil && !errors.As(err, &api) {
				t.Fatalf("%v is not an API error", err)
			}
			code := ""
			if api != nil {
				code = api.Code
			}
			if code != tt.code || got != tt.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestAccountOfAccessKey(t *testing.T) {
	server, err := New(Estate{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"123456789012":  "123456789012",
		"12345678901":   "000000000000",
		"1234567890123": "000000000000",
		"AKIDEXAMPLE":   "000000000000",
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20260302/eu-west-1/sns/aws4_request"+goodSignature)
		c, err := server.newCall(r, &wire.Request{}, &api.Service{Signing: "sns"})
		if err != nil || c.Account != want {
			t.Errorf("%s: %+v, %v, want %s", key, c, err, want)
		}
	}
}

func TestPartitionOf(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "us-east-1": "aws", "ca-central-1": "aws",
	} {
		if got := api.Partition(region); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}

func FuzzParseScope(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKID/20260302/eu-west-1/sns/aws4_request" + goodSignature)
	f.Add("AWS4-HMAC-SHA256 Credential=////" + goodSignature)
	f.Add("AWS4-HMAC-SHA256 ,,=,")
	f.Add("")
	f.Fuzz(func(t *testing.T, header string) {
		sc, err := parseScope(header)
		var api *wire.Error
		if err != nil && !errors.As(err, &api) {
			t.Errorf("%v is not an API error", err)
		}
		if err == nil && (sc.region == "" || sc.service == "" || sc.accessKey == "") {
			t.Errorf("accepted %q with an empty part: %+v", header, sc)
		}
	})
}
