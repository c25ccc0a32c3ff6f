package internal_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/test/docs"
)

// The table of permissions is the template's.
func TestReferencePermissions(t *testing.T) {
	resources := at(t, theTemplate(t), "Resources").(object)
	var table strings.Builder
	table.WriteString("| Function | May | On |\n|---|---|---|\n")
	for _, id := range []string{
		"MonitorFunction", "DashboardManagementFunction", "UpdateTPSFunction", "DeleteCampaignFunction", "StopRecommenderFunction", "CleanupFunction",
	} {
		for _, policy := range at(t, resources, id, "Properties", "Policies").([]any) {
			for _, statement := range at(t, policy, "Statement").([]any) {
				var actions, on []string
				for _, action := range texts(at(t, statement, "Action")) {
					actions = append(actions, "`"+action+"`")
				}
				for _, resource := range texts(at(t, statement, "Resource")) {
					on = append(on, "`"+placeholders.Replace(strings.TrimSuffix(strings.TrimPrefix(resource, "map[!Sub:"), "]"))+"`")
				}
				limit := ""
				if condition, ok := statement.(object)["Condition"]; ok {
					limit = ", where " + conditionText(t, condition)
				}
				fmt.Fprintf(&table, "| `%s` | %s | %s%s |\n", id, strings.Join(actions, ", "), strings.Join(on, ", "), limit)
			}
		}
	}
	docs.Section(t, "docs/operations/permissions.md", "permissions", table.String())
}

var placeholders = strings.NewReplacer("${AWS::Partition}", "…", "${AWS::AccountId}", "…", "${AWS::Region}", "REGION", "${DashboardName}", "NAME")

// conditionText is a condition of a policy in words.
func conditionText(t *testing.T, condition any) string {
	t.Helper()
	var all []string
	for _, keys := range condition.(object) {
		for key, value := range keys.(object) {
			text := fmt.Sprint(value)
			text = strings.TrimSuffix(strings.TrimPrefix(text, "map[!Sub:"), "]")
			text = strings.NewReplacer("${AWS::Region}/${AWS::StackName}", "REGION/STACK").Replace(text)
			all = append(all, "`"+key+"` is `"+text+"`")
		}
	}
	slices.Sort(all)
	return strings.Join(all, " and ")
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

// The policy to look only is valid JSON, and its actions read.
func TestDocsLookOnlyPolicyReads(t *testing.T) {
	var policy struct{ Statement []struct{ Action []string } }
	for _, block := range docs.Blocks(docs.Read(t, "docs/operations/permissions.md")) {
		if block.Language == "json" {
			if err := json.Unmarshal([]byte(block.Text), &policy); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(policy.Statement) != 1 || len(policy.Statement[0].Action) == 0 {
		t.Fatal("there is no policy")
	}
	for _, action := range policy.Statement[0].Action {
		if !regexp.MustCompile(`^[a-z]+:(Get|List|Describe)[A-Za-z]+$`).MatchString(action) {
			t.Errorf("%s does not only read", action)
		}
	}
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
