// Package internal_test holds the one rule that no single package can hold: who may
// import whom. docs/architecture.md tells why.
package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/personalize-monitor/personalize-monitor/internal/"

// Groups of packages, named once.
var (
	domain   = []string{"model", "config", "events", "dashboard", "rules", "billing", "report"}
	adapters = []string{"awsapi", "inventory", "traffic", "prices", "act", "audit"}
	everyone = slices.Concat(domain, adapters, []string{"cycle", "localaws", "serve", "serve/web"})
	// demo acts as CloudFormation, too.
	sdkOnlyIn = slices.Concat(adapters, []string{"demo"})
)

// allowed lists what each package may import of ours. A package that is not listed may not
// exist.
var allowed = map[string][]string{
	"model":         nil,
	"config":        {"model"},
	"events":        {"model", "rules"},
	"dashboard":     {"model"},
	"rules":         {"model"},
	"billing":       {"model", "rules"},
	"report":        {"model", "rules", "billing"},
	"awsapi":        {"model"},
	"inventory":     {"model", "awsapi"},
	"traffic":       {"model", "awsapi"},
	"prices":        {"model", "report", "awsapi"},
	"act":           slices.Concat(domain, []string{"awsapi"}),
	"audit":         {"model", "events", "awsapi"},
	"cycle":         slices.Concat(domain, []string{"inventory", "traffic", "act"}),
	"cli":           slices.Concat(everyone, []string{"demo"}),
	"demo":          slices.Concat(everyone, []string{"lambda"}),
	"lambda":        slices.Concat(domain, []string{"awsapi", "inventory", "traffic", "act", "cycle"}),
	"serve":         slices.Concat(domain, []string{"awsapi", "inventory", "traffic", "act", "cycle", "serve/door"}),
	"serve/door":    nil,
	"serve/web":     {"model", "events", "rules", "dashboard", "report", "billing", "config", "serve/door"},
	"localaws":      {"localaws/wire"},
	"localaws/wire": nil,
}

func TestWhoMayImportWhom(t *testing.T) {
	for _, file := range sources(t) {
		pkg := filepath.ToSlash(filepath.Dir(file))
		may, known := allowed[pkg]
		if !known {
			t.Errorf("%s: package %s has no place in the architecture", file, pkg)
			continue
		}
		for _, path := range imports(t, file) {
			if ours, ok := strings.CutPrefix(path, module); ok && !slices.Contains(may, ours) {
				t.Errorf("%s: %s may not import %s", file, pkg, ours)
			}
			if strings.HasPrefix(path, "github.com/aws/") && !slices.Contains(sdkOnlyIn, pkg) && !awsConfigOnly(pkg, path) {
				t.Errorf("%s: %s may not import the AWS SDK (%s)", file, pkg, path)
			}
		}
	}
}

// awsConfigOnly lets the entry points hold the SDK's configuration value, which they pass from
// where it is loaded to where clients are made, and the Lambda functions the runtime.
func awsConfigOnly(pkg, path string) bool {
	if pkg == "lambda" && strings.HasPrefix(path, "github.com/aws/aws-lambda-go/") {
		return true
	}
	return (pkg == "cli" || pkg == "lambda" || pkg == "serve") && path == "github.com/aws/aws-sdk-go-v2/aws"
}

// sources are all Go files of ours, tests aside.
func sources(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no source files found")
	}
	return files
}

func imports(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range parsed.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}
