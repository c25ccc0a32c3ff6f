package lambda_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/personalize-monitor/personalize-monitor/internal/cli"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// clockVariable is the address of the clock of a process that a test started.
const clockVariable = "PERSONALIZE_MONITOR_TEST_CLOCK"

// TestMain is also what main is in Lambda, but for the clock. A process that a test started
// with the address of a clock serves a function, like the program: lambda.Start is all
// that main does there. The program itself has no way to be given another time than the
// system's, and needs none; days of an embedded AWS pass in seconds with this one.
func TestMain(m *testing.M) {
	if address, ok := os.LookupEnv(clockVariable); ok {
		lambda.Start(context.Background(), lambda.Options{Env: os.LookupEnv, Log: os.Stderr, Clock: askedClock{address}})
	}
	lambda.RunCommand = func(ctx context.Context, args []string, out io.Writer) int {
		return cli.Run(ctx, args, "test", cli.Streams{In: strings.NewReader(""), Out: out, Err: out, Env: os.LookupEnv})
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if folder != "" {
			_ = os.RemoveAll(folder)
		}
		os.Exit(code)
	}))
}

// folder holds the program, once it was built.
var folder string

// built is the real program, built for this machine as it is for Lambda.
var built = sync.OnceValues(func() (string, error) {
	var err error
	if folder, err = os.MkdirTemp("", "personalize-monitor"); err != nil {
		return "", err
	}
	program := filepath.Join(folder, "bootstrap")
	return program, buildTo(program, "-tags", "lambda.norpc")
})

// build builds the program anew, with the flags in addition.
func build(t testing.TB, flags ...string) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "bootstrap")
	if err := buildTo(program, flags...); err != nil {
		t.Fatal(err)
	}
	return program
}

func buildTo(program string, flags ...string) error {
	flags = append([]string{"build", "-o", program}, flags...)
	cmd := exec.Command("go", append(flags, "github.com/personalize-monitor/personalize-monitor/cmd/personalize-monitor-lambda")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// realProgram is the path of the real program.
func realProgram(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds the program")
	}
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// thisProgram is the path of the test itself, which serves a function if it is started
// with the address of a clock.
func thisProgram(t *testing.T) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// serveClock lets other processes live by a clock, and gives its address.
func serveClock(t *testing.T, clock *model.VirtualClock) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d, err := time.ParseDuration(r.URL.Query().Get("sleep")); err == nil {
			clock.Advance(d)
		}
		_, _ = io.WriteString(w, clock.Now().Format(time.RFC3339Nano))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// askedClock is a virtual clock in another process.
type askedClock struct{ address string }

// Now implements model.Clock.
func (c askedClock) Now() time.Time {
	now, err := c.ask(context.Background(), 0)
	if err != nil {
		panic(fmt.Sprintf("what time is it? %v", err)) // the test is over
	}
	return now
}

// Sleep implements model.Clock: the clock moves on instead.
func (c askedClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	_, err := c.ask(ctx, d)
	return err
}

func (c askedClock) ask(ctx context.Context, sleep time.Duration) (time.Time, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address+"?sleep="+url.QueryEscape(sleep.String()), nil)
	if err != nil {
		return time.Time{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return time.Time{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, string(body))
}
