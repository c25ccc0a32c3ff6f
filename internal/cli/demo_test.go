package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/cli"
)

// smallEstate passes a day in no time.
const smallEstate = `
regions:
  eu-west-1:
    datasetGroups:
      - name: shop
        campaigns:
          - {name: too-large, recipe: aws-sims, minTPS: 6, traffic: {shape: constant, tps: 3}}
`

// untilSeen ends a context as soon as a text is written to it.
type untilSeen struct {
	mu   sync.Mutex
	text bytes.Buffer
	want string
	end  context.CancelFunc
}

func (u *untilSeen) Write(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.text.Write(p)
	if strings.Contains(u.text.String(), u.want) {
		u.end()
	}
	return len(p), nil
}

func (u *untilSeen) String() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.text.String()
}

func demoFor(t *testing.T, seen string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "small.yaml")
	if err := os.WriteFile(file, []byte(smallEstate), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	problems := &untilSeen{want: seen, end: cancel}
	args = append([]string{"demo", "--estate", file}, args...)
	code = cli.Run(ctx, args, "test", cli.Streams{Out: &out, Err: problems, Env: func(string) (string, bool) { return "", false }})
	return code, out.String(), problems.String()
}

// Ctrl-C while the days pass.
func TestDemoInterrupted(t *testing.T) {
	code, _, stderr := demoFor(t, "watch it at http://127.0.0.1:", "--days", "60", "--listen", "127.0.0.1:0")
	if code != cli.ExitFailed || !strings.Contains(stderr, "interrupted: the demo stopped at 2026-03-02 00:0") || strings.Contains(stderr, "try:") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// The page and the embedded AWS stay to be looked at until Ctrl-C, which is no failure then.
func TestDemoStays(t *testing.T) {
	code, stdout, stderr := demoFor(t, "describe-alarms", "--days", "1", "--listen", "127.0.0.1:0", "--aws-listen", "127.0.0.1:0")
	if code != cli.ExitDone || !strings.Contains(stderr, "AWS_ENDPOINT_URL=http://127.0.0.1:") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"action   too-large (eu-west-1): minimum 6 → 4: step down from 6 to 4", "OUTCOME", "1 day from 2026-03-02"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is missing from\n%s", want, stdout)
		}
	}
}
