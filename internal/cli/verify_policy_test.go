package cli_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/cli"
	"github.com/personalize-monitor/personalize-monitor/internal/permissions"
	"github.com/personalize-monitor/personalize-monitor/test/iam"
)

// Under the policy of a way of working, verify checks everything if it may also do what its page lists, all of
// which it does.
func TestVerifyNeedsWhatItsPageLists(t *testing.T) {
	permEnvironment(t)
	page, err := os.ReadFile("../../docs/operations/verify.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(page), "is not enough for all checks.")
	listed := regexp.MustCompile("`([a-z]+):([A-Za-z]+)`").FindAllStringSubmatch(list, -1)
	policy := permUses[permissions.Report].policy(t, permissions.Report)
	for _, action := range listed {
		policy.Grants = append(policy.Grants, &iam.Grant{Sid: "Verify", Action: action[1] + ":" + action[2], Pattern: "*"})
	}
	s, err := newSecured(t.Context(), t.TempDir(), "plan", policy)
	defer s.close()
	if err != nil {
		t.Fatal(err)
	}
	code, text := s.command(t.Context(), []string{"verify", "--for", "report", "--regions", permAway})
	if denied := s.guard.Denied(); code != cli.ExitDone || len(denied) > 0 {
		t.Errorf("exit code %d, denied %v\n%s", code, denied, text)
	}
	called := s.guard.Called()
	for _, action := range listed {
		if action[1] != "kms" && !called[action[1]+"."+action[2]] { // no topic is encrypted
			t.Errorf("verify does not call %s:%s", action[1], action[2])
		}
	}
	if len(listed) == 0 {
		t.Error("the page lists nothing")
	}
}
