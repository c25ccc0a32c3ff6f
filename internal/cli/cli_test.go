package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/cli"
	"github.com/personalize-monitor/personalize-monitor/test/browser"
)

func TestMain(m *testing.M) {
	testscript.Main(withBrowser{m}, map[string]func(){"personalize-monitor": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		code := cli.Run(ctx, os.Args[1:], "test", cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.LookupEnv})
		stop()
		os.Exit(code)
	}})
}

// withBrowser ends the browser after the tests, if one was started.
type withBrowser struct{ m *testing.M }

func (w withBrowser) Run() int { return browser.Run(w.m) }

// TestScripts runs the command line as its users do, against the embedded AWS.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("AWS_MAX_ATTEMPTS", "1")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // instead of a second at the end of each command
			port, err := freePort()
			env.Setenv("PORT", port)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "putlogs": putLogs, "ask": ask, "waitfor": waitFor},
	})
}

// freePort is a port that is free just now.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// exits runs a command that must end with the given exit code: exits 3 command args...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		got = ended.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// ask asks a daemon until it answers with the status given, and prints the answer: ask
// status url [token]. A daemon may take a moment to listen, and to be ready.
func ask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: ask status url [token]")
	}
	last := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		request, err := http.NewRequest(http.MethodGet, args[1], nil)
		ts.Check(err)
		if len(args) > 2 {
			request.Header.Set("Authorization", "Bearer "+args[2])
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			last = err.Error()
			continue
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		ts.Check(err)
		if last = response.Status; strconv.Itoa(response.StatusCode) == args[0] {
			fmt.Fprintf(ts.Stdout(), "%s", body)
			return
		}
	}
	ts.Fatalf("%s answers %s, want %s", args[1], last, args[0])
}

// waitFor runs a command again and again until it prints a text: waitfor text command [args...].
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: waitfor text command [args...]")
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		_ = ts.Exec(args[1], args[2:]...) // whatever its exit code
		if strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
	}
	ts.Fatalf("%s does not print %q", args[1], args[0])
}

// putLogs makes a log group, unless it is there, and puts the lines of a file into it, all
// at the present time: putlogs group stream file. In a line, @2h@ is the time two
// hours ago, and does so in the file afterwards.
func putLogs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: putlogs group stream file")
	}
	group, stream, file := args[0], args[1], args[2]
	now := time.Now().UTC()
	var lines []types.InputLogEvent
	text := stamped(ts.ReadFile(file), now)
	ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o644))
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, types.InputLogEvent{Timestamp: aws.Int64(now.UnixMilli()), Message: &line})
		}
	}
	config := awsapi.LocalConfig(ts.Getenv("AWS_REGION"), ts.Getenv("AWS_ENDPOINT_URL"), "LOCAL", nil)
	config.RetryMaxAttempts = 20 // the endpoint may take a moment to listen
	client := cloudwatchlogs.NewFromConfig(config)
	ctx := context.Background()
	_, err := client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group})
	if !errors.As(err, new(*types.ResourceAlreadyExistsException)) {
		ts.Check(err)
	}
	_, err = client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream})
	ts.Check(err)
	_, err = client.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream, LogEvents: lines})
	ts.Check(err)
}

// stamped replaces each @duration@ in a text by the time so long ago.
func stamped(text string, now time.Time) string {
	parts := strings.Split(text, "@")
	for i := 1; i < len(parts); i += 2 {
		if ago, err := time.ParseDuration(parts[i]); err == nil {
			parts[i] = now.Add(-ago).Format(time.RFC3339)
		}
	}
	return strings.Join(parts, "")
}

// A report that is broken off prints nothing: a part of one would look like less than
// there is.
func TestInterruptedReport(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	page := filepath.Join(t.TempDir(), "page.html")
	code := cli.Run(ctx, []string{"report", "--local", "--html", page}, "test", cli.Streams{
		Out: &out, Err: &errs, Env: func(string) (string, bool) { return "", false },
	})
	if code != cli.ExitFailed || out.Len() > 0 || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("exit code %d, printed %q and %q", code, out.String(), errs.String())
	}
	if _, err := os.Stat(page); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a page: %v", err)
	}
}
