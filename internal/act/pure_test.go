package act

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
)

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "because"} }

func TestGate(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	tests := []struct {
		name    string
		ctx     context.Context
		dryRun  bool
		result  error
		outcome Outcome
		written bool
		logged  string
	}{
		{"a write", context.Background(), false, nil, Done, true, "written"},
		{"a dry run writes nothing, and says what it would", context.Background(), true, nil, DryRun, false, "dry run, would write"},
		{"nothing to do", context.Background(), false, errAlreadySo, AlreadySo, true, "nothing to write, already so"},
		{"AWS says no", context.Background(), false, apiError("AccessDenied"), Refused, true, "write refused"},
		{"AWS does not take it", context.Background(), false, apiError("ValidationError"), Refused, true, "write refused"},
		{"another time perhaps", context.Background(), false, apiError("Throttling"), Failed, true, "write failed"},
		{"something else", context.Background(), false, errors.New("broken"), Failed, true, "write failed"},
		{"too late", ended, false, nil, Failed, false, ""},
		{"too late for a dry run, too", ended, true, nil, Failed, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			g := gate{dryRun: tt.dryRun, log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
			written := false
			outcome, err := g.do(tt.ctx, Intent{Op: "PutRule", Region: "r1", ARN: "arn:x", What: "put a rule"}, func(context.Context) error {
				written = true
				return tt.result
			})
			if outcome != tt.outcome || written != tt.written || (err == nil) != outcome.Counts() {
				t.Errorf("got %s, written %v, error %v", outcome, written, err)
			}
			if tt.logged == "" && log.Len() > 0 || !strings.Contains(log.String(), tt.logged) {
				t.Errorf("logged %s", log.String())
			}
			if tt.logged != "" && !strings.Contains(log.String(), `op=PutRule region=r1 arn=arn:x what="put a rule"`) {
				t.Errorf("logged %s", log.String())
			}
		})
	}
}

func TestStreak(t *testing.T) {
	const denied, throttled = "AccessDenied", "Throttling"
	tests := []struct {
		name    string
		results []string // error codes, "" for a success
		broken  bool
		want    []string // in the problems, in order
	}{
		{"all well", []string{"", ""}, false, nil},
		{"one and another", []string{throttled, denied}, false, []string{"Throttling", "AccessDenied"}},
		{"two denials", []string{denied, denied}, false, []string{"AccessDenied", "AccessDenied"}},
		{"three denials are one problem", []string{denied, denied, denied}, true, []string{"failed 3 times in a row, 7 more not tried: AccessDenied: because"}},
		{"a success between", []string{denied, denied, "", denied, denied}, false, []string{"AccessDenied", "AccessDenied", "AccessDenied", "AccessDenied"}},
		{"what failed before stands for itself", []string{throttled, denied, denied, denied}, true, []string{"Throttling", "failed 3 times in a row, 7 more"}},
		{"other failures never stop it", []string{throttled, throttled, throttled, throttled}, false, []string{"Throttling", "Throttling", "Throttling", "Throttling"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &streak{region: "r1", op: "PutMetricAlarm"}
			for _, code := range tt.results {
				if code == "" {
					s.succeed()
				} else {
					s.fail("arn:x", apiError(code))
				}
			}
			if s.broken() != tt.broken {
				t.Fatalf("broken: %v", s.broken())
			}
			s.skip(7)
			problems := s.problems()
			if len(problems) != len(tt.want) {
				t.Fatalf("problems %v", problems)
			}
			for i, want := range tt.want {
				if p := problems[i]; !strings.HasPrefix(p.Err.Error(), want) || p.Region != "r1" || p.Operation != "PutMetricAlarm" {
					t.Errorf("problem %d: %v", i, p)
				}
			}
		})
	}
}

func TestWhyKept(t *testing.T) {
	const ours = "PersonalizeMonitor"
	tests := []struct {
		name    string
		tags    tags
		ownOnly bool
		goes    bool
	}{
		{"ours", tags{ours, "cli"}, true, true},
		{"the original's, which names no deployment", tags{ours, ""}, true, true},
		{"another deployment's", tags{ours, "eu-west-1/prod"}, true, false},
		{"another deployment's whose resource is gone", tags{ours, "eu-west-1/prod"}, false, true},
		{"untagged", tags{}, false, false},
		{"somebody else's", tags{"terraform", ""}, false, false},
		{"somebody else's with our deployment", tags{"terraform", "cli"}, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if reason := whyKept(tt.tags, tt.ownOnly, "cli"); (reason == "") != tt.goes {
				t.Errorf("reason %q", reason)
			}
		})
	}
}

func TestSameEndpoint(t *testing.T) {
	tests := []struct {
		name              string
		endpoint          config.Endpoint
		protocol, address string
		same              bool
	}{
		{"an address", config.Endpoint{Protocol: config.Email, Address: "ops@example.com"}, "email", "ops@example.com", true},
		{"an address in another case", config.Endpoint{Protocol: config.Email, Address: "Ops@example.com"}, "email", "ops@EXAMPLE.com", true},
		{"another address", config.Endpoint{Protocol: config.Email, Address: "ops@example.com"}, "email", "dev@example.com", false},
		{"an address by another protocol", config.Endpoint{Protocol: config.Email, Address: "ops@example.com"}, "email-json", "ops@example.com", false},
		{"a URL", config.Endpoint{Protocol: config.HTTPS, Address: "https://h.io/A"}, "https", "https://h.io/A", true},
		{"a URL in another case", config.Endpoint{Protocol: config.HTTPS, Address: "https://h.io/A"}, "https", "https://h.io/a", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sameEndpoint(tt.endpoint, tt.protocol, tt.address); got != tt.same {
				t.Errorf("got %v", got)
			}
		})
	}
}

// The pattern of the original application's rule, as it wrote it.
const originalPattern = `{
	"detail-type": ["PersonalizeCampaignMinProvisionedTPSUpdated", "PersonalizeCampaignDeleted", "PersonalizeRecommenderMinRecommendationRPSUpdated", "PersonalizeRecommenderStopped"],
	"source": ["personalize.monitor"]
}`

func TestKnownPattern(t *testing.T) {
	tests := []struct {
		name, pattern string
		same          bool
	}{
		{"ours", rulePattern(), true},
		{"the original's", originalPattern, true},
		{"the original's, as made here", formerPattern(), true},
		{"another order", `{"source":["personalize.monitor"],"detail-type":["PersonalizeRecommenderStopped","PersonalizeCampaignDeleted","PersonalizeRecommenderMinRecommendationRPSUpdated","PersonalizeCampaignMinProvisionedTPSUpdated"]}`, true},
		{"one type fewer", strings.Replace(originalPattern, `"PersonalizeCampaignDeleted", `, "", 1), false},
		{"one type more", strings.Replace(originalPattern, `"PersonalizeCampaignDeleted"`, `"PersonalizeCampaignDeleted", "Mine"`, 1), false},
		{"one condition more", strings.Replace(originalPattern, `"source"`, `"region": ["eu-west-1"], "source"`, 1), false},
		{"any type", `{"source":["personalize.monitor"]}`, false},
		{"a condition that is no list", `{"source":["personalize.monitor"],"detail":{"ARN":["x"]}}`, false},
		{"nothing", "", false},
		{"no JSON", "{", false},
		{"null", "null", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := knownPattern(tt.pattern); got != tt.same {
				t.Errorf("got %v", got)
			}
		})
	}
}

func FuzzKnownPattern(f *testing.F) {
	for _, seed := range []string{"", "null", "[]", originalPattern, rulePattern(), `{"source":["a","a"]}`, `{"source":null}`} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, pattern string) { knownPattern(pattern) })
}
