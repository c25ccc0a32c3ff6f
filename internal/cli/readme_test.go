package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The README's table has each command, with its subcommands if it has any.
func TestReadmeHasEveryCommand(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	for line := range strings.Lines(string(readme)) {
		if first, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | "); ok && strings.HasPrefix(line, "| `") {
			rows.WriteString(first + "\n")
		}
	}
	has := func(name string) bool {
		return strings.Contains(rows.String(), "`"+name+"`") || strings.Contains(rows.String(), "`"+name+" ")
	}
	for _, cmd := range newRoot("", Streams{}).Commands() {
		subcommands := cmd.Commands()
		if cmd.Name() == "completion" { // its subcommands are shells
			subcommands = nil
		}
		for _, sub := range subcommands {
			if name := cmd.Name() + " " + sub.Name(); !has(name) {
				t.Errorf("there is no row for %s", name)
			}
		}
		if len(subcommands) == 0 && !has(cmd.Name()) {
			t.Errorf("there is no row for %s", cmd.Name())
		}
	}
}

// The README's estate for a replay shows decisions: one whose data do not arrive has refusals alone.
func TestReadmeReplay(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(readme), "Name the CSV in an estate file;")
	_, after, opened := strings.Cut(after, "```yaml\n")
	estate, _, closed := strings.Cut(after, "```\n")
	if !found || !opened || !closed {
		t.Fatal("there is no estate file")
	}
	var counts strings.Builder
	counts.WriteString("timestamp,value\n")
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 15 * 288 {
		fmt.Fprintf(&counts, "%s,%d\n", first.Add(time.Duration(i)*5*time.Minute).Format(time.DateTime), 20*300)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"estate.yaml": estate, "counts.csv": counts.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, out, errs := streams(nil)
	code := Run(t.Context(), []string{"plan", "--local", "--estate", filepath.Join(dir, "estate.yaml")}, "test", s)
	if code != ExitChanges || !strings.Contains(out.String(), "step down from 50 to 37: lowest level reached 3 times: 20.0 TPS") || strings.Contains(out.String(), "refused") {
		t.Errorf("exit code %d:\n%s%s", code, out, errs)
	}
}
