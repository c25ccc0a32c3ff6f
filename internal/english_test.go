package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/test/docs"
)

// plainWords are patterns that texts for people do not match, with what to write instead. They
// match whole words, in any case.
var plainWords = []struct{ banned, instead string }{
	{`tells?|told|telling`, "report, log, notify, return"},
	{`says?|said|saying`, "report, log, return"},
	{`(is|are|was|were) none`, "does not exist, returns nothing"},
	{`nobody|whoever`, "no one, anyone, the caller"},
	{`(by|of) (itself|themselves)`, "automatically"},
	{`anew`, "again, re-read, re-evaluated"},
	{`stands? (in|on|at|there|beside|below|out|for)|standing|stood|bears?|bore|borne`, "is, has, observed state"},
	{`mend(s|ed|ing)?`, "fix"},
	{`deeds?`, "action"},
	{`perform(s|ed|ing)?`, "execute"},
	{`trails?`, "audit log"},
	{`streaks?|patience`, "circuit breaker, threshold"},
	{`broken.off|left undone`, "interrupted, not done"},
	{`(came|comes?|became|become) of`, "the outcome"},
	{`rehears(e|es|ed|al|als|ing)`, "dry run"},
	{`spared?|left alone`, "skipped, unchanged"},
	{`claim(s|ed)?|contests?|yield(s|ed)?|incumben(t|cy)`, "lease, acquire, release"},
	{`remind(s|ed|ers?)?|remark(s|ed)?`, "log once"},
	{`judge(s|d|ments?)?|judgements?`, "guard, check"},
	{`settle(s|d)?|reckon(s|ed)?`, "normalize, record outcome, merge, add up"},
	{`doors?|keeper|tired`, "entry point, rate limiter, blocked"},
	{`asked for`, "requested"},
	{`the original`, "the upstream sample"},
	{`cannot be meant`, "invalid"},
}

// allowedTexts hold a banned word for a reason.
var allowedTexts = map[string]string{
	"nothing could be measured: ListCampaigns us-east-1: AccessDeniedException: not authorized to perform personalize:ListCampaigns": "a message of AWS",
	"User: %s is not authorized to perform: %s": "a message of AWS",
}

// pending are directories whose texts are not in plain English yet.
var pending = []string{}

// Texts that people read are in plain English: the string literals of all programs, the
// templates of the pages, and the documents.
func TestPlainEnglish(t *testing.T) {
	type rule struct {
		pattern *regexp.Regexp
		instead string
	}
	var rules []rule
	for _, word := range plainWords {
		rules = append(rules, rule{regexp.MustCompile(`(?i)\b(` + word.banned + `)\b`), word.instead})
	}
	unused := maps.Clone(allowedTexts)
	check := func(where, text string) {
		if _, ok := allowedTexts[text]; ok {
			delete(unused, text)
			return
		}
		for _, r := range rules {
			if found := r.pattern.FindString(text); found != "" {
				t.Errorf("%s: %q in %q; use: %s", where, found, text, r.instead)
			}
		}
	}
	files := 0
	for _, root := range []string{"../internal", "../cmd", "../tools", "../test"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			dir := strings.TrimPrefix(filepath.ToSlash(path), "../")
			if entry.IsDir() && (entry.Name() == "testdata" || slices.Contains(pending, dir)) {
				return filepath.SkipDir
			}
			switch {
			case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
				files++
				return literals(path, check)
			case strings.HasSuffix(path, ".tmpl"), strings.HasSuffix(path, ".html"):
				files++
				return lines(path, check)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Errorf("only %d files were read", files)
	}
	for _, page := range docs.Pages(t) {
		switch path.Base(page) {
		case "safety-mutations.md", "CHANGELOG.md": // show code, and former names
			continue
		}
		if err := lines("../"+page, check); err != nil {
			t.Fatal(err)
		}
	}
	for text := range unused {
		t.Errorf("the allowed text %q does not exist", text)
	}
}

// literals checks the string literals of a Go file, import paths and struct tags aside.
func literals(path string, check func(where, text string)) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			n.Tag = nil
		case *ast.BasicLit:
			if n.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(n.Value); err == nil {
				check(set.Position(n.Pos()).String(), text)
			}
		}
		return true
	})
	return nil
}

// lines checks the lines of a template, comments and names of attributes aside.
func lines(path string, check func(where, text string)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := regexp.MustCompile(`(?s)\{\{-?\s*/\*.*?\*/\s*-?\}\}`).ReplaceAllStringFunc(string(data), func(comment string) string {
		return strings.Repeat("\n", strings.Count(comment, "\n"))
	})
	text = regexp.MustCompile(`\bdata-[a-z-]+=`).ReplaceAllString(text, "")
	number := 0
	for line := range strings.Lines(text) {
		number++
		check(fmt.Sprintf("%s:%d", path, number), strings.TrimSpace(line))
	}
	return nil
}
