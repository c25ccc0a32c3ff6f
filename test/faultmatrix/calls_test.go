// Package faultmatrix has the tests that no other package can have. Whatever AWS does to any call of any job: the program does
// nothing wrong, nothing else is affected, it reports the failure, and the next run repairs the rest. The same holds for a process
// that is killed. The tests drive the entry points against localaws. They read the source for the calls that exist, so that none
// can be forgotten.
package faultmatrix

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// operation is an AWS operation that the program calls.
type operation struct {
	Service string // as localaws counts calls: personalize, cloudwatch, events, sns, sts…
	Name    string
}

// String returns the name in the call counts.
func (o operation) String() string { return o.Service + "." + o.Name }

// sdkServices is the path of the SDK's clients.
const sdkServices = "github.com/aws/aws-sdk-go-v2/service/"

// serviceNames maps names of SDK packages to the names in the call counts, where they differ.
var serviceNames = map[string]string{"eventbridge": "events", "cloudwatchlogs": "logs"}

// findOperations reads the Go files below a directory except tests. It returns every operation whose input they mention, sorted: no
// operation can be called or declared in an interface without its input. It skips directories whose name is in without. Calls of the
// instance metadata service are not operations of a service.
func findOperations(root string, without ...string) ([]operation, error) {
	found := map[operation]bool{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && slices.Contains(without, entry.Name()) {
			return fs.SkipDir
		}
		if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("find calls in %s: %w", file, err)
		}
		services := servicesOf(parsed)
		ast.Inspect(parsed, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := selector.X.(*ast.Ident)
			name, isInput := strings.CutSuffix(selector.Sel.Name, "Input")
			if ok && isInput && services[pkg.Name] != "" {
				found[operation{services[pkg.Name], name}] = true
			}
			return true
		})
		return nil
	})
	list := make([]operation, 0, len(found))
	for o := range found {
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b operation) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Name, b.Name))
	})
	return list, err
}

// servicesOf returns the services that a file imports, by their names in the file.
func servicesOf(file *ast.File) map[string]string {
	services := map[string]string{}
	for _, spec := range file.Imports {
		from, err := strconv.Unquote(spec.Path.Value)
		service, ok := strings.CutPrefix(from, sdkServices)
		if err != nil || !ok || strings.Contains(service, "/") {
			continue
		}
		name := path.Base(from)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		services[name] = cmp.Or(serviceNames[service], service)
	}
	return services
}

// A call is found by its input, by any import name; not in tests and skipped directories.
func TestOperations(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.go": `package a
import (
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	bus "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"example.com/other"
)
type api interface { PutDashboard(*cloudwatch.PutDashboardInput) }
var _ = bus.PutEventsInput{}
var _ = other.NothingInput{}
var _ types.Tag
`,
		"a_test.go":  "package a\nimport \"github.com/aws/aws-sdk-go-v2/service/sns\"\nvar _ sns.PublishInput\n",
		"note.txt":   "sns.SubscribeInput",
		"owner/o.go": "package owner\nimport \"github.com/aws/aws-sdk-go-v2/service/sns\"\nvar _ sns.PublishInput\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := findOperations(dir, "owner")
	if want := []operation{{"cloudwatch", "PutDashboard"}, {"events", "PutEvents"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.go"), []byte("package"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := findOperations(dir); err == nil {
		t.Error("no error for a file that cannot be parsed")
	}
}
