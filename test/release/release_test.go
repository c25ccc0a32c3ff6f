// Package release_test builds what a release has, for this machine, and uses it: the image under chroot, the Helm chart, the packages,
// the list of modules, the GitHub action and the Terraform module. "make release-snapshot" builds the rest.
package release_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// root is the folder of the repository.
const root = "../.."

// version is that of the builds here. A release has the one of the template.
const version = "1.2.3"

// ldflags leave out debug information, as the test command does, so that both share compiled packages.
const ldflags = "-w -X main.version=" + version

// builds is the folder of the program while the tests run.
var builds string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "release")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	builds = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// built is the program, built once.
var built = sync.OnceValues(func() (string, error) {
	path := filepath.Join(builds, "personalize-monitor")
	cmd := exec.Command("go", "build", "-ldflags", ldflags, "-o", path, root+"/cmd/personalize-monitor")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func program(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// need looks for programs, in PATH and where "make release-tools" puts them. Without one it skips the test; in CI the test fails.
func need(t *testing.T, names ...string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", os.Getenv("PATH")+string(os.PathListSeparator)+filepath.Join(cache, "personalize-monitor", "bin"))
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed, and CI=true requires it; docs/dependencies.md has where it comes from", name)
		}
		t.Skip(name + " is not installed: what needs it is not tested; docs/dependencies.md has where it comes from")
	}
}

// needRoot skips a test that changes its root folder, which only root may do.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("root is needed to change the root folder: what is in the image or package is not run")
	}
}

// run runs a command in the folder of the repository and returns what it prints on stdout.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := try(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return out
}

// try runs a command that may fail. The error has what it prints.
func try(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w\n%s%s", err, out, stderr.String())
	}
	return string(out), err
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// decode reads YAML.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// listen starts a command that prints the address it listens on, and returns that address. stop ends it with SIGTERM and
// fails the test if its exit code is not 0.
func listen(t *testing.T, cmd *exec.Cmd) (url string, stop func()) {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	t.Cleanup(cancel)
	var log strings.Builder
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		log.WriteString(lines.Text() + "\n")
		if found := regexp.MustCompile(`(http://127\.0\.0\.1:[0-9]+)`).FindStringSubmatch(lines.Text()); found != nil {
			url = found[1]
			break
		}
	}
	if url == "" {
		t.Fatalf("%s does not listen:\n%s", cmd, log.String())
	}
	drained := make(chan struct{})
	go func() { io.Copy(&log, stderr); close(drained) }()
	return url, sync.OnceFunc(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-drained
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", cmd, err, log.String())
		}
	})
}

// get returns the status of an HTTP request for a host name, with a token.
func get(t *testing.T, url, host, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		req.Host = host
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// ready waits until a daemon has done a cycle.
func ready(t *testing.T, url string) {
	t.Helper()
	for range 600 {
		if get(t, url+"/readyz", "", "") == http.StatusOK {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("it does not get ready")
}
