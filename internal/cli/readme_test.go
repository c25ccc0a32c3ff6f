package cli

import (
	"os"
	"strings"
	"testing"
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
