// Package internal_test holds the rules that no single package can hold, as who may import
// whom. docs/architecture.md explains why.
package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/personalize-monitor/personalize-monitor/"

// Groups of packages, named once.
var (
	domain = []string{
		"model", "config", "schedule", "events", "dashboard", "rules", "billing", "pricing", "savings", "training", "advice", "whatif", "chart",
		"report", "permissions", "verify", "pack",
	}
	adapters = slices.Concat([]string{"awsapi", "inventory", "solutions", "traffic", "prices", "accounts", "audit/history", "verify/probe"}, writers)
	// writers change something in AWS, and write the audit log.
	writers = []string{"writer", "alarms", "actions", "notify", "dashboards", "uninstall", "audit"}
	// beneath is what a package that writes may import.
	beneath = slices.Concat(domain, []string{"awsapi", "writer"})
	// wired are the parts that app builds and their types, without their constructors.
	wired    = slices.Concat(domain, writers, []string{"awsapi", "cycle", "app"})
	everyone = slices.Concat(domain, adapters, []string{"cycle", "app", "localaws", "serve", "serve/guard", "serve/web", "report/page"})
	// demo plays CloudFormation, too.
	sdkOnlyIn = slices.Concat(adapters, []string{"demo"})
)

// allowed lists what each package under internal may import of ours. A package that is not
// listed may not exist.
var allowed = map[string][]string{
	"model":         nil,
	"config":        {"model"},
	"schedule":      nil,
	"permissions":   nil,
	"pack":          nil,
	"events":        {"model", "rules"},
	"dashboard":     {"model"},
	"rules":         {"model", "schedule"},
	"billing":       {"model", "rules", "schedule"},
	"pricing":       {"model", "billing"},
	"savings":       {"model", "events", "rules", "billing", "pricing"},
	"training":      {"model", "pricing"},
	"advice":        {"model", "rules", "billing", "pricing", "training"},
	"chart":         {"model", "billing"},
	"whatif":        {"model", "rules", "billing", "schedule"},
	"report":        {"model", "events", "rules", "billing", "pricing", "savings", "training", "advice", "chart", "whatif", "schedule", "verify"},
	"verify":        {"model", "config", "rules"},
	"verify/probe":  {"model", "config", "rules", "verify", "permissions", "awsapi", "writer", "alarms", "notify"},
	"report/page":   {"chart", "model", "report", "training"},
	"awsapi":        {"model"},
	"inventory":     {"model", "awsapi"},
	"solutions":     {"model", "training", "awsapi"},
	"traffic":       {"model", "awsapi"},
	"prices":        {"model", "pricing", "awsapi", "yamldoc"},
	"accounts":      {"model", "awsapi", "yamldoc"},
	"yamldoc":       nil,
	"writer":        slices.Concat(domain, []string{"awsapi"}),
	"alarms":        beneath,
	"notify":        beneath,
	"dashboards":    beneath,
	"audit":         {"model", "events"},
	"audit/history": {"model", "events", "awsapi"},
	"actions":       slices.Concat(beneath, []string{"alarms", "dashboards", "audit"}),
	"uninstall":     slices.Concat(beneath, []string{"alarms", "notify", "dashboards"}),
	"cycle":         slices.Concat(domain, writers),
	"app":           slices.Concat(domain, adapters, []string{"cycle"}),
	"cli":           slices.Concat(everyone, []string{"demo"}),
	"demo":          slices.Concat(everyone, []string{"lambda"}),
	"lambda":        wired,
	"serve":         slices.Concat(wired, []string{"serve/guard"}),
	"serve/guard":   nil,
	"serve/web": {
		"model", "events", "rules", "dashboard", "report", "chart", "billing", "pricing", "savings", "training", "advice", "whatif", "schedule", "alarms",
		"serve", "serve/guard",
	},
	"localaws": {
		"localaws/wire", "localaws/api", "localaws/estatefile", "localaws/personalize", "localaws/cloudwatch", "localaws/events",
		"localaws/sns", "localaws/logs", "localaws/sts", "localaws/pricing", "localaws/organizations", "localaws/iam", "localaws/kms",
	},
	"localaws/wire":          nil,
	"localaws/api":           {"localaws/wire"},
	"localaws/estatefile":    {"localaws/api"},
	"localaws/personalize":   {"localaws/wire", "localaws/api", "localaws/estatefile"},
	"localaws/cloudwatch":    {"localaws/wire", "localaws/api", "localaws/sns"},
	"localaws/events":        {"localaws/wire", "localaws/api", "localaws/sns"},
	"localaws/sns":           {"localaws/wire", "localaws/api"},
	"localaws/logs":          {"localaws/wire", "localaws/api"},
	"localaws/sts":           {"localaws/wire", "localaws/api", "localaws/estatefile"},
	"localaws/organizations": {"localaws/wire", "localaws/api", "localaws/estatefile"},
	"localaws/pricing":       {"localaws/wire", "localaws/api", "localaws/estatefile"},
	"localaws/iam":           {"localaws/wire", "localaws/api"},
	"localaws/kms":           {"localaws/wire", "localaws/api", "localaws/estatefile"},
}

// mains lists what each program may import of ours.
var mains = map[string][]string{
	"cmd/personalize-monitor":        {"internal/cli"},
	"cmd/personalize-monitor-lambda": {"internal/lambda"},
}

func TestWhoMayImportWhom(t *testing.T) {
	for _, file := range sources(t, "..") {
		pkg, product := strings.CutPrefix(filepath.ToSlash(filepath.Dir(file)), "../internal/")
		if !product {
			continue
		}
		may, known := allowed[pkg]
		if !known {
			t.Errorf("%s: package %s has no place in the architecture", file, pkg)
			continue
		}
		for _, path := range imports(t, file) {
			if ours, ok := strings.CutPrefix(path, module); ok && !slices.Contains(may, strings.TrimPrefix(ours, "internal/")) {
				t.Errorf("%s: %s may not import %s", file, pkg, ours)
			}
			if strings.HasPrefix(path, "github.com/aws/") && !slices.Contains(sdkOnlyIn, pkg) && !awsConfigOnly(pkg, path) {
				t.Errorf("%s: %s may not import the AWS SDK (%s)", file, pkg, path)
			}
		}
	}
}

// Programs import their entry point alone. What only tests and builds use, under test and
// tools, may import everything, and no product code imports it.
func TestWhatProgramsAndToolsImport(t *testing.T) {
	programs := 0
	for _, file := range sources(t, "..") {
		pkg := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(file)), "../")
		top, _, _ := strings.Cut(pkg, "/")
		if top == "internal" { // the other test's
			continue
		}
		if top == "cmd" {
			programs++
		}
		for _, path := range imports(t, file) {
			ours, ok := strings.CutPrefix(path, module)
			if ok && top != "test" && top != "tools" && !slices.Contains(mains[pkg], ours) {
				t.Errorf("%s: %s may not import %s", file, pkg, ours)
			}
		}
	}
	if programs == 0 {
		t.Error("no programs found")
	}
}

// The Lambda program links none of what only the command line and the daemon need: with
// templates the linker keeps all methods of the SDK clients, which doubles the zip.
func TestTheLambdaProgramStaysSmall(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-tags", "lambda.norpc", "../cmd/personalize-monitor-lambda").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if !slices.Contains(packages, module+"internal/lambda") {
		t.Fatalf("the program does not link its entry point: %s", out)
	}
	for _, banned := range []string{
		"html/template", "text/template", "net/rpc", "github.com/goccy/go-yaml", "github.com/fxamacker/cbor",
		"github.com/spf13/", "github.com/prometheus/", "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs", "github.com/aws/aws-sdk-go-v2/service/pricing",
		module + "internal/localaws", module + "internal/serve", module + "internal/cli",
	} {
		if i := slices.IndexFunc(packages, func(p string) bool { return strings.HasPrefix(p, banned) }); i >= 0 {
			t.Errorf("it links %s", packages[i])
		}
	}
}

// Constructors are called in app alone: a part gets another collaborator in one place.
func TestPartsAreBuiltInOnePlace(t *testing.T) {
	constructors := []string{
		"actions.New(", "alarms.New(", "awsapi.New(", "dashboards.New(", "notify.New(", "uninstall.New(", "writer.New(",
		"cycle.New(", "cycle.NewDashboard(", "cycle.NewLedger(", "cycle.NewSavings(", "cycle.NewRechecker(", "cycle.NewWatchedMeter(", "cycle.NewRegionGaps(",
		"cycle.NewResourceTags(",
		"inventory.New(", "traffic.New(",
	}
	for _, file := range sources(t, "..") {
		pkg := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(file)), "../")
		if pkg == "internal/app" || strings.HasPrefix(pkg, "test/") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, constructor := range constructors {
			if regexp.MustCompile(`\b` + regexp.QuoteMeta(constructor)).Match(source) {
				t.Errorf("%s calls %s…); package app does that", file, constructor)
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
	return (pkg == "cli" || pkg == "app" || pkg == "lambda" || pkg == "serve") && path == "github.com/aws/aws-sdk-go-v2/aws"
}

// sources are all Go files of ours, tests aside.
func sources(t *testing.T, root string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
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
