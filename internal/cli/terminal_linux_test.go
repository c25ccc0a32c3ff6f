package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
	"unsafe"

	"github.com/personalize-monitor/personalize-monitor/internal/cli"
)

// terminal is a pseudo terminal of 80 columns, and a function that returns what was written to it.
func terminal(t *testing.T) (tty *os.File, written func() string) {
	t.Helper()
	ptmx, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatalf("no pseudo terminals: %v", err)
	case err != nil:
		t.Skipf("no pseudo terminals: %v", err)
	}
	t.Cleanup(func() { _ = ptmx.Close() })
	control := func(request uintptr, argument unsafe.Pointer) {
		t.Helper()
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, ptmx.Fd(), request, uintptr(argument)); errno != 0 {
			t.Fatalf("ioctl %#x: %v", request, errno)
		}
	}
	var number, locked uint32
	size := [4]uint16{40, 80} // rows and columns
	control(syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	control(syscall.TIOCGPTN, unsafe.Pointer(&number))
	control(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	if tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	read := make(chan string, 1)
	go func() {
		var text bytes.Buffer
		_, _ = io.Copy(&text, ptmx) // it ends with an error when the terminal is closed
		read <- text.String()
	}()
	return tty, func() string {
		if err := tty.Close(); err != nil {
			t.Fatal(err)
		}
		return <-read
	}
}

var (
	progressLine = regexp.MustCompile(`\r\x1b\[K[^\r\n]*`)
	colorCode    = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	// commandLine is a line to be copied, which is never broken.
	commandLine = regexp.MustCompile(`^ +(to change it: )?(personalize-monitor|aws) `)
	// brokenNumber is a line that ends inside of a number, or of a name.
	brokenNumber = regexp.MustCompile(`[0-9A-Za-z-]…`)
)

// What people read on a terminal of 80 columns fits it: reasons are cut or wrapped, names and numbers
// are not.
func TestEightyColumns(t *testing.T) {
	tests := []struct {
		args  []string
		whole []string // texts that are not broken
	}{
		{[]string{"plan", "--local"}, []string{"shop-customers-also-viewed", "video-continue-watching", "saving a month: 7,300.0 TPS-h (est. USD 730.00)"}},
		{[]string{"report", "--local"}, []string{"shop-customers-also-viewed", "lower shop-checkout from 30 to 7 TPS", "USD 8,67"}},
		{[]string{"demo", "--exit", "--days", "1"}, []string{
			"PersonalizeMonitor-LowRecommenderUtilization-shop-customers-also-viewed", "PersonalizeRecommenderMinRecommendationRPSUpdated:",
			"shop-recommended-for-you (us-east-1): minimum 12 → 9", "12 → 3",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.args[0], func(t *testing.T) {
			t.Parallel()
			tty, written := terminal(t)
			env := func(name string) (string, bool) { return map[string]string{"TERM": "xterm"}[name], name == "TERM" }
			code := cli.Run(t.Context(), tt.args, "test", cli.Streams{Out: tty, Err: tty, Env: env})
			text := progressLine.ReplaceAllString(strings.ReplaceAll(written(), "\r\n", "\n"), "")
			if code != cli.ExitDone && code != cli.ExitChanges {
				t.Fatalf("exit code %d:\n%s", code, text)
			}
			if !colorCode.MatchString(text) {
				t.Error("there is no color")
			}
			text = colorCode.ReplaceAllString(text, "")
			for line := range strings.Lines(text) {
				line = strings.TrimRight(line, "\n")
				if n := utf8.RuneCountInString(line); n > 80 && !commandLine.MatchString(line) {
					t.Errorf("%d columns: %s", n, line)
				}
				if brokenNumber.MatchString(line) {
					t.Errorf("cut inside of a word: %s", line)
				}
			}
			for _, want := range tt.whole {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in it:\n%s", want, text)
				}
			}
		})
	}
}
