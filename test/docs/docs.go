// Package docs reads the documents of the repository for tests, and holds their generated parts:
// a test computes what a part has to be, and fails if the document differs.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// write makes Section write the document instead.
const write = "PERSONALIZE_MONITOR_WRITE_DOCS"

// Root is the folder of the repository, in slashes, as seen from the test.
func Root(t *testing.T) string {
	t.Helper()
	root := ".."
	for range 4 {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			return root
		}
		root = "../" + root
	}
	t.Fatal("go.mod is not above this folder")
	return ""
}

// Pages are the documents of the repository, by their paths below its root.
func Pages(t *testing.T) []string {
	t.Helper()
	root := Root(t)
	var pages []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "dist" || name == "node_modules"):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".md"):
			page, err := filepath.Rel(root, path)
			pages = append(pages, filepath.ToSlash(page))
			return err
		}
		return nil
	})
	if err != nil || len(pages) < 30 {
		t.Fatalf("only %d documents were found: %v", len(pages), err)
	}
	return pages
}

// Read reads a document.
func Read(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Root(t), page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Section fails the test if a generated part of a document is not as wanted. It is between the
// comments "begin name" and "end name".
func Section(t *testing.T, page, name, want string) {
	t.Helper()
	text := Read(t, page)
	before, rest, opened := strings.Cut(text, "<!-- begin "+name+" -->\n")
	got, after, closed := strings.Cut(rest, "<!-- end "+name+" -->")
	if !opened || !closed {
		t.Fatalf("%s has no part %s", page, name)
	}
	if want = strings.TrimRight(want, "\n") + "\n"; got == want {
		return
	}
	if os.Getenv(write) == "" {
		t.Errorf("%s: the part %s is not up to date; run: make docs\n%s", page, name, difference(got, want))
		return
	}
	text = before + "<!-- begin " + name + " -->\n" + want + "<!-- end " + name + " -->" + after
	if err := os.WriteFile(filepath.Join(Root(t), page), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// difference is the first line that differs.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "is:   " + g[i] + "\nwant: " + w[i]
		}
	}
	return "one of them ends earlier"
}

// Block is a block of code in a document.
type Block struct {
	Language string // empty for what a program prints
	Text     string // with its last newline
}

var fence = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$")

// Blocks are the blocks of code of a document, in order.
func Blocks(text string) []Block {
	var blocks []Block
	for _, found := range fence.FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, Block{Language: found[1], Text: found[2]})
	}
	return blocks
}

// WithoutCode is a document without its blocks of code.
func WithoutCode(text string) string { return fence.ReplaceAllString(text, "") }

// Cell makes a text fit into a cell of a table.
func Cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}
