package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/personalize-monitor/personalize-monitor/test/docs"
)

// The README's table has each command, with its subcommands if it has any.
func TestReadmeHasEveryCommand(t *testing.T) {
	var rows strings.Builder
	for line := range strings.Lines(docs.Read(t, "README.md")) {
		if first, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | "); ok && strings.HasPrefix(line, "| `") {
			rows.WriteString(first + "\n")
		}
	}
	for _, cmd := range commands(newRoot("", Streams{})) {
		name := strings.TrimPrefix(cmd.CommandPath(), "personalize-monitor ")
		if !strings.Contains(rows.String(), "`"+name+"`") && !strings.Contains(rows.String(), "`"+name+" ") {
			t.Errorf("there is no row for %s", name)
		}
	}
}

// commands are those that do something, below a command, in the order of the help.
func commands(root *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, cmd := range root.Commands() {
		switch {
		case cmd.Name() == "help":
		case cmd.HasSubCommands() && cmd.Name() != "completion": // whose subcommands are shells
			all = append(all, commands(cmd)...)
		default:
			all = append(all, cmd)
		}
	}
	return all
}

// The reference of commands is their help.
func TestReferenceCommands(t *testing.T) {
	root := newRoot("", Streams{})
	var page strings.Builder
	for _, cmd := range commands(root) {
		name := strings.TrimPrefix(cmd.CommandPath(), "personalize-monitor ")
		fmt.Fprintf(&page, "## %s\n\n```text\n%s\n```\n\n", name, cmd.UseLine())
		if cmd.Name() == "completion" {
			page.WriteString("Prints a script that completes commands in a shell. `personalize-monitor completion SHELL --help` has how to load it.\n\n")
			continue
		}
		text := strings.TrimSpace(cmd.Long)
		if text == "" {
			text = cmd.Short + "."
		}
		fmt.Fprintf(&page, "%s\n\n", text)
		if cmd.Example != "" {
			fmt.Fprintf(&page, "```sh\n%s\n```\n\n", regexp.MustCompile(`(?m)^ +`).ReplaceAllString(cmd.Example, ""))
		}
		page.WriteString(flagTable(cmd.NonInheritedFlags()))
	}
	page.WriteString("## Flags of all commands\n\n" + flagTable(root.PersistentFlags()))
	docs.Section(t, "docs/reference/commands.md", "commands", page.String())
}

func flagTable(flags *pflag.FlagSet) string {
	var rows strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		form, help := pflag.UnquoteUsage(f)
		if standard := f.DefValue; standard != "" && standard != "false" && standard != "[]" && !strings.Contains(help, "default") {
			help += " (default `" + standard + "`)"
		}
		fmt.Fprintf(&rows, "| `%s` | %s |\n", docs.Cell(strings.TrimSpace("--"+f.Name+" "+form)), docs.Cell(help))
	})
	if rows.Len() == 0 {
		return ""
	}
	return "| Flag | What it does |\n|---|---|\n" + rows.String() + "\n"
}

// Each exit code is in the reference, and no other.
func TestReferenceExitCodes(t *testing.T) {
	var rows []int
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(docs.Read(t, "docs/reference/exit-codes.md"), -1) {
		code, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, code)
	}
	if diff := cmp.Diff([]int{ExitDone, ExitFailed, ExitUsage, ExitPartial, ExitChanges}, rows); diff != "" {
		t.Error(diff)
	}
}

// The guide's estate for a replay shows decisions: one whose data do not arrive has refusals alone.
func TestDocsReplay(t *testing.T) {
	_, after, found := strings.Cut(docs.Read(t, "docs/guide/local.md"), "Name the CSV in an estate file.")
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
