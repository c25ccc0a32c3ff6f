package awsapi_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

// bareMachine clears the AWS settings of the environment and points home elsewhere.
func bareMachine(t *testing.T) (home string) {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	home = t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(home, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(home, "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return home
}

func TestLoadConfig(t *testing.T) {
	keys := map[string]string{"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}
	with := func(more ...string) map[string]string {
		env := map[string]string{}
		for name, value := range keys {
			env[name] = value
		}
		for i := 0; i < len(more); i += 2 {
			env[more[i]] = more[i+1]
		}
		return env
	}
	tests := []struct {
		name    string
		env     map[string]string
		file    string // shared configuration
		options awsapi.LoadOptions
		region  string
		line    string // part of the error; empty for success
	}{
		{"environment", with("AWS_REGION", "eu-west-1"), "", awsapi.LoadOptions{}, "eu-west-1", ""},
		{"the flag wins over the environment", with("AWS_REGION", "eu-west-1"), "", awsapi.LoadOptions{Region: "us-east-1"}, "us-east-1", ""},
		{
			"a profile", nil, "[profile p]\nregion = ap-south-1\naws_access_key_id = a\naws_secret_access_key = b\n",
			awsapi.LoadOptions{Profile: "p"},
			"ap-south-1", "",
		},
		{"no region", keys, "", awsapi.LoadOptions{}, "", "no AWS region is set"},
		{"no credentials", map[string]string{"AWS_REGION": "eu-west-1"}, "", awsapi.LoadOptions{}, "", "no AWS credentials found"},
		{"neither: the region is missed first", nil, "", awsapi.LoadOptions{}, "", "no AWS region is set"},
		{"a region that is none", with("AWS_REGION", "Ireland"), "", awsapi.LoadOptions{}, "", `"Ireland" is not the name of an AWS region`},
		{"a profile that is not there", with("AWS_REGION", "eu-west-1"), "", awsapi.LoadOptions{Profile: "gone"}, "", "gone"},
		{"a setting that is no number", with("AWS_REGION", "eu-west-1", "AWS_MAX_ATTEMPTS", "many"), "", awsapi.LoadOptions{}, "", "cannot read the AWS settings"},
		{"an endpoint that is no URL", with("AWS_REGION", "eu-west-1"), "", awsapi.LoadOptions{EndpointURL: "localhost:4566"}, "", "is not an endpoint URL"},
		{
			"credentials that fail",
			map[string]string{"AWS_REGION": "eu-west-1"},
			"[default]\ncredential_process = false\n",
			awsapi.LoadOptions{},
			"", "cannot use the AWS credentials",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			home := bareMachine(t)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			if tt.file != "" {
				if err := os.WriteFile(filepath.Join(home, "config"), []byte(tt.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cfg, err := awsapi.LoadConfig(t.Context(), tt.options)
			if tt.line == "" {
				if err != nil || cfg.Region != tt.region {
					t.Fatalf("region %q, error %v", cfg.Region, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.line) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one line with %q", err, tt.line)
			}
		})
	}
}

func TestMissingSettingsHaveTypesAndHints(t *testing.T) {
	bareMachine(t)
	_, err := awsapi.LoadConfig(t.Context(), awsapi.LoadOptions{})
	if !errors.Is(err, awsapi.ErrNoRegion) || !strings.Contains(awsapi.Hint(err), "AWS_REGION") {
		t.Errorf("%v: %s", err, awsapi.Hint(err))
	}
	_, err = awsapi.LoadConfig(t.Context(), awsapi.LoadOptions{Region: "eu-west-1"})
	var missing *awsapi.CredentialsError
	if !errors.As(err, &missing) || awsapi.KindOf(err) != awsapi.NoCredentials || !strings.Contains(awsapi.Hint(err), "AWS_PROFILE") {
		t.Errorf("%v: %s", err, awsapi.Hint(err))
	}
	if awsapi.Line(err) != "no AWS credentials found" {
		t.Errorf("line %q", awsapi.Line(err))
	}
}

func TestInstanceMetadata(t *testing.T) {
	silence := func(r *http.Request) { <-r.Context().Done() }
	tests := []struct {
		name   string
		serve  http.HandlerFunc
		region string
		line   string
	}{
		{"gives region and credentials", func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/latest/api/token":
				w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
				_, _ = w.Write([]byte("token"))
			case "/latest/dynamic/instance-identity/document":
				_, _ = w.Write([]byte(`{"region":"eu-central-1"}`))
			case "/latest/meta-data/iam/security-credentials/":
				_, _ = w.Write([]byte("role"))
			default:
				_, _ = w.Write([]byte(`{"Code":"Success","AccessKeyId":"a","SecretAccessKey":"b","Token":"c","Expiration":"2099-01-01T00:00:00Z"}`))
			}
		}, "eu-central-1", ""},
		{"is not waited for long", func(_ http.ResponseWriter, r *http.Request) { silence(r) }, "", "no AWS region is set"},
		{"nor for credentials", func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "security-credentials") {
				silence(r)
			}
			w.WriteHeader(http.StatusNotFound)
		}, "", "no AWS credentials found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bareMachine(t)
			server := httptest.NewServer(tt.serve)
			defer server.Close()
			defer server.CloseClientConnections()
			t.Setenv("AWS_EC2_METADATA_DISABLED", "")
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL)
			if strings.Contains(tt.line, "credentials") {
				t.Setenv("AWS_REGION", "eu-west-1")
			}
			began := time.Now()
			cfg, err := awsapi.LoadConfig(t.Context(), awsapi.LoadOptions{})
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if tt.line == "" && (err != nil || cfg.Region != tt.region) {
				t.Errorf("region %q, error %v", cfg.Region, err)
			}
			if tt.line != "" && (err == nil || err.Error() != tt.line) {
				t.Errorf("error %v, want %q", err, tt.line)
			}
		})
	}
}

func TestTheEndpointFlagWinsOverTheEnvironment(t *testing.T) {
	server := newAWS(t, func(w http.ResponseWriter, operation string, _ int) { accept(w, operation) })
	bareMachine(t)
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1",
		"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_PERSONALIZE": "http://127.0.0.1:2",
	} {
		t.Setenv(name, value)
	}
	cfg, err := awsapi.LoadConfig(t.Context(), awsapi.LoadOptions{EndpointURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	clients := server.clients(t, awsapi.Options{Config: cfg, Clock: newClock()})
	if _, err := clients.Personalize("us-east-1").ListCampaigns(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if _, err := clients.STS("us-east-1").GetCallerIdentity(t.Context(), nil); err != nil {
		t.Error(err)
	}

	cfg, err = awsapi.LoadConfig(t.Context(), awsapi.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	clients = server.clients(t, awsapi.Options{Config: cfg, Clock: newClock()})
	_, err = clients.Personalize("us-east-1").ListCampaigns(t.Context(), nil)
	if got, want := awsapi.Line(err), "cannot reach http://127.0.0.1:2: connection refused"; got != want {
		t.Errorf("without the flag: %q, want %q", got, want)
	}
}
