package awsapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// stsService accepts one access key, in the regions that are enabled.
func stsService(t *testing.T, code string, accepts func(accessKey, region string) bool) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scope := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="), "/")
		w.Header().Set("Content-Type", "text/xml")
		if len(scope) < 3 || !accepts(scope[0], scope[2]) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>not accepted</Message></Error></ErrorResponse>`, code)
			return
		}
		fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// After AWS rejected the credentials, what a file holds by then is used: the call is sent once more.
func TestRotatedCredentialsAreUsedAtOnce(t *testing.T) {
	for _, code := range []string{"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"} {
		t.Run(code, func(t *testing.T) {
			home := bareMachine(t)
			write := func(key string) {
				t.Helper()
				text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = s\n", key)
				if err := os.WriteFile(filepath.Join(home, "credentials"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("AKIDOLD")
			valid := "AKIDOLD"
			url := stsService(t, code, func(key, _ string) bool { return key == valid })
			cfg, err := awsapi.LoadConfig(t.Context(), awsapi.LoadOptions{Region: "eu-west-1", EndpointURL: url})
			if err != nil {
				t.Fatal(err)
			}
			clock := model.NewVirtualClock(time.Now())
			clients := awsapi.New(awsapi.Options{Config: cfg, Clock: clock})
			defer clients.Close()
			call := func() error {
				_, err := clients.STS("eu-west-1").GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
				return err
			}
			if err := call(); err != nil {
				t.Fatal(err)
			}
			valid = "AKIDNEW"
			for range 2 { // rejected as long as the file has the old ones
				if err := call(); awsapi.KindOf(err) != awsapi.NoCredentials {
					t.Fatal(err)
				}
			}
			write("AKIDNEW")
			clock.Advance(5 * time.Minute)
			before := clients.Calls()["sts.GetCallerIdentity"]
			if err := call(); err != nil {
				t.Errorf("the rotated credentials are not used: %v", err)
			}
			if n := clients.Calls()["sts.GetCallerIdentity"] - before; n != 2 {
				t.Errorf("%d requests, want 2", n)
			}
		})
	}
}

// A region that does not know credentials which another one accepts is not enabled. Where
// they were accepted before, or nowhere yet, the credentials are at fault.
func TestARegionThatIsNotEnabled(t *testing.T) {
	enabled := map[string]bool{"us-east-1": true}
	url := stsService(t, "UnrecognizedClientException", func(_, region string) bool { return enabled[region] })
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig("us-east-1", url, "AKID", nil), Clock: model.NewVirtualClock(time.Now())})
	defer clients.Close()
	call := func(region string) error {
		_, err := clients.STS(region).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		return err
	}
	if err := call("ap-south-1"); awsapi.KindOf(err) != awsapi.NoCredentials {
		t.Errorf("before any success: %v", err)
	}
	if err := call("us-east-1"); err != nil {
		t.Fatal(err)
	}
	err := call("ap-south-1")
	if got := awsapi.Line(err); !strings.Contains(got, "ap-south-1 is not enabled for this account") || awsapi.KindOf(err) != awsapi.Denied || !awsapi.RegionClosed(err) {
		t.Errorf("got %q, kind %s", got, awsapi.KindOf(err))
	}
	if hint := awsapi.Hint(err); !strings.Contains(hint, "enable the region") || strings.Contains(hint, "log in") {
		t.Errorf("hint %q", hint)
	}
	enabled["us-east-1"] = false
	if err := call("us-east-1"); awsapi.KindOf(err) != awsapi.NoCredentials {
		t.Errorf("where they were accepted: %v", err)
	}
}

// silentServer does not respond before the end of the test.
func silentServer(t *testing.T) (url string) {
	t.Helper()
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-over
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(func() { close(over); server.Close() })
	return server.URL
}

// Wherever the search for credentials ends, it ends soon and says what to set.
func TestNoCredentialsAnywhere(t *testing.T) {
	silent := silentServer(t)
	for name, endpoint := range map[string]string{
		"the metadata service is off":           "",
		"the metadata service refuses":          "http://127.0.0.1:1",
		"the metadata service does not respond": silent,
	} {
		t.Run(name, func(t *testing.T) {
			bareMachine(t)
			if endpoint != "" {
				t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
				t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint)
			}
			_, err := awsapi.LoadConfig(t.Context(), awsapi.LoadOptions{Region: "eu-west-1"})
			if awsapi.Line(err) != "no AWS credentials found" || awsapi.KindOf(err) != awsapi.NoCredentials || !strings.Contains(awsapi.Hint(err), "AWS_PROFILE") {
				t.Errorf("%v, hint %q", err, awsapi.Hint(err))
			}
		})
	}
}

// A source that is slow does not keep a program from starting: calls report what it does.
func TestASlowSourceOfCredentialsIsNotAwaited(t *testing.T) {
	bareMachine(t)
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", silentServer(t)+"/")
	if _, err := awsapi.LoadConfig(t.Context(), awsapi.LoadOptions{Region: "eu-west-1"}); err != nil {
		t.Error(err)
	}
}
