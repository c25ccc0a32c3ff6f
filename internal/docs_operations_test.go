package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/permissions"
	"github.com/personalize-monitor/personalize-monitor/test/docs"
)

// The tables of permissions are those from which policies are printed.
func TestReferencePermissions(t *testing.T) {
	all := permissions.Options{
		Partition: "…", Account: "…", Region: "REGION", Dashboard: "NAME", Deployment: "REGION/STACK",
		AllowActions: true, LivePrices: true, Chat: true, LogGroups: []string{"GROUP*"}, Roles: []string{"ROLE"}, Organization: true,
	}
	without := map[string]func(o *permissions.Options){
		"--allow-actions": func(o *permissions.Options) { o.AllowActions = false }, "--live-prices": func(o *permissions.Options) { o.LivePrices = false },
		"chats": func(o *permissions.Options) { o.Chat = false }, "--log-group": func(o *permissions.Options) { o.LogGroups = nil },
		"accounts": func(o *permissions.Options) { o.Roles = nil }, "--organization": func(o *permissions.Options) { o.Organization = false },
	}
	type grant struct{ action, on string }
	var order []grant
	who := map[grant][]string{}
	targets := map[string]string{}
	has := func(use permissions.Use, o permissions.Options, g grant) bool {
		return slices.ContainsFunc(permissions.For(use, o), func(s permissions.Statement) bool {
			return s.Sid == g.on && slices.Contains(s.Actions, g.action)
		})
	}
	uses := slices.Concat(permissions.Uses(), permissions.Functions())
	for _, use := range uses {
		for _, s := range permissions.For(use, all) {
			targets[s.Sid] = "`" + strings.Join(s.Resources, "`, `") + "`" + conditionText(s.Conditions)
			for _, action := range s.Actions {
				g := grant{action, s.Sid}
				if who[g] == nil {
					order = append(order, g)
				}
				name := "`" + string(use) + "`"
				for _, option := range slices.Sorted(maps.Keys(without)) {
					o := all
					if without[option](&o); !has(use, o, g) {
						name += " (" + option + ")"
					}
				}
				who[g] = append(who[g], name)
			}
		}
	}
	slices.SortStableFunc(order, func(a, b grant) int { return strings.Compare(a.on, b.on) })
	var table, on strings.Builder
	table.WriteString("| Action | On | Used by |\n|---|---|---|\n")
	for _, g := range order {
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", g.action, g.on, strings.Join(who[g], ", "))
	}
	on.WriteString("| On | Is |\n|---|---|\n")
	for _, sid := range slices.Sorted(maps.Keys(targets)) {
		fmt.Fprintf(&on, "| %s | %s |\n", sid, targets[sid])
	}
	docs.Section(t, "docs/operations/permissions.md", "permissions", table.String())
	docs.Section(t, "docs/operations/permissions.md", "targets", on.String())
}

// conditionText is the conditions of a statement in words.
func conditionText(conditions map[string]map[string][]string) string {
	text := ""
	for _, keys := range conditions {
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			text += ", where `" + key + "` is `" + strings.Join(keys[key], "` or `") + "`"
		}
	}
	return text
}

// Each metric that the program publishes is in the reference.
func TestReferenceMetrics(t *testing.T) {
	page := docs.Read(t, "docs/reference/metrics.md")
	var names []string
	for _, kind := range []model.Kind{model.Campaign, model.Recommender} {
		names = append(names, kind.MinimumMetric(), kind.AverageMetric(), kind.UtilizationMetric())
	}
	names = append(names, constants(t, "model/series.go", "Metric")...)
	if len(names) < 12 {
		t.Errorf("only %d metrics were found", len(names))
	}
	for _, name := range names {
		if !regexp.MustCompile("(?m)^\\|.*`" + name + "`.*\\|$").MatchString(page) {
			t.Errorf("there is no row for %s", name)
		}
	}
}

// constants are the values of the constants of text in a file whose names begin so.
func constants(t *testing.T, path, prefix string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, prefix) && len(spec.Values) == 1 {
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, text)
			}
		}
		return true
	})
	return all
}

// Each message in the table of troubleshooting is one that the program has.
func TestDocsMessagesExist(t *testing.T) {
	var literals []string
	for _, root := range []string{"../internal", "../tools", "../cmd"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
				strings.Contains(filepath.ToSlash(path), "/localaws/") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err == nil {
				literals = append(literals, joinedLiterals(file)...)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	messages := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(docs.Read(t, "docs/operations/troubleshooting.md"), -1)
	if len(messages) < 30 {
		t.Errorf("only %d messages were found", len(messages))
	}
	verb := regexp.MustCompile(`%[-+.0-9]*[a-z]`)
	for _, message := range messages {
		var parts []string
		for part := range strings.SplitSeq(message[1], "…") {
			parts = append(parts, regexp.QuoteMeta(part))
		}
		pattern := regexp.MustCompile(strings.Join(parts, ".*"))
		if !slices.ContainsFunc(literals, func(literal string) bool { return pattern.MatchString(verb.ReplaceAllString(literal, "…")) }) {
			t.Errorf("the program has no message %q", message[1])
		}
	}
}

// joinedLiterals are the texts in a file, those joined by + as one.
func joinedLiterals(file *ast.File) []string {
	var all []string
	var text func(ast.Expr) (string, bool)
	text = func(e ast.Expr) (string, bool) {
		switch e := e.(type) {
		case *ast.BasicLit:
			s, err := strconv.Unquote(e.Value)
			return s, e.Kind == token.STRING && err == nil
		case *ast.BinaryExpr:
			left, ok := text(e.X)
			right, also := text(e.Y)
			return left + right, e.Op == token.ADD && ok && also
		}
		return "", false
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok {
			if s, ok := text(e); ok {
				all = append(all, s)
				return false
			}
		}
		return true
	})
	return all
}
