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
	pure     = []string{"estate", "params", "events", "dashboard", "decide", "metering", "report"}
	aws      = []string{"awsapi", "inventory", "traffic", "prices", "act", "trail"}
	everyone = slices.Concat(pure, aws, []string{"cycle", "localaws", "serve", "serve/web"})
	// soak plays the owner of the account, too, and demo CloudFormation.
	sdkOnlyIn = slices.Concat(aws, []string{"soak", "demo"})
)

// allowed says what each package may import of ours. A package that is not named here
// may not exist.
var allowed = map[string][]string{
	"estate":     nil,
	"params":     {"estate"},
	"events":     {"estate"},
	"dashboard":  {"estate"},
	"decide":     {"estate"},
	"metering":   {"estate", "decide"},
	"report":     {"estate", "decide", "metering"},
	"awsapi":     {"estate"},
	"inventory":  {"estate", "awsapi"},
	"traffic":    {"estate", "awsapi"},
	"prices":     {"estate", "report", "awsapi"},
	"act":        slices.Concat(pure, []string{"awsapi"}),
	"trail":      {"estate", "events", "awsapi"},
	"cycle":      slices.Concat(pure, []string{"inventory", "traffic", "act"}),
	"cli":        slices.Concat(everyone, []string{"demo"}),
	"demo":       slices.Concat(everyone, []string{"functions"}),
	"functions":  slices.Concat(pure, []string{"awsapi", "inventory", "traffic", "act", "cycle"}),
	"serve":      slices.Concat(pure, []string{"awsapi", "inventory", "traffic", "act", "cycle", "serve/door"}),
	"serve/door": nil,
	"localaws": {
		"localaws/wire", "localaws/api", "localaws/estatefile", "localaws/personalize", "localaws/cloudwatch", "localaws/events",
		"localaws/sns", "localaws/logs", "localaws/sts", "localaws/pricing",
	},
	"localaws/wire":        nil,
	"localaws/api":         {"localaws/wire"},
	"localaws/estatefile":  {"localaws/api"},
	"localaws/personalize": {"localaws/wire", "localaws/api", "localaws/estatefile"},
	"localaws/cloudwatch":  {"localaws/wire", "localaws/api", "localaws/sns"},
	"localaws/events":      {"localaws/wire", "localaws/api", "localaws/sns"},
	"localaws/sns":         {"localaws/wire", "localaws/api"},
	"localaws/logs":        {"localaws/wire", "localaws/api"},
	"localaws/sts":         {"localaws/wire", "localaws/api"},
	"localaws/pricing":     {"localaws/wire", "localaws/api", "localaws/estatefile"},
	"proof":                nil,
	"soak":                 {"estate", "awsapi", "functions", "localaws"},
	"tools/soak":           {"soak"},
	"tools/template":       nil,
	"browser":              nil,
	"serve/web":            {"estate", "events", "decide", "dashboard", "report", "metering", "params", "serve/door"},
	// canned data for the page; a part of no program but the one that shows it
	"serve/web/story":   {"estate", "events", "decide", "report", "metering", "serve/web"},
	"tools/webstory":    {"serve/web", "serve/web/story"},
	"tools/pack":        nil,
	"tools/faultmatrix": nil,
	"tools/deploy":      {"params"},
	"tools/mutate":      nil,
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

// awsConfigOnly lets the doors hold the SDK's configuration value, which they pass from
// where it is loaded to where clients are made, and the Lambda functions the runtime.
func awsConfigOnly(pkg, path string) bool {
	if pkg == "functions" && strings.HasPrefix(path, "github.com/aws/aws-lambda-go/") {
		return true
	}
	return (pkg == "cli" || pkg == "functions" || pkg == "serve") && path == "github.com/aws/aws-sdk-go-v2/aws"
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
