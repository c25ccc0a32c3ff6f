// Package proof holds the proofs that no other package can: that whatever AWS does to any
// call of any job, nothing wrong is done, nothing else suffers, the failure is named, and
// the next run heals; and the same of a process that is killed. They are tests, which drive
// the doors (functions, cycle, act) against localaws; what stands here beside them finds
// out which calls there are, so that none can be forgotten. It takes no part in the line
// discover → measure → decide → act → report.
package faultmatrix

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Operation is an operation of AWS that the program calls.
type Operation struct {
	Service string // as localaws counts calls: personalize, cloudwatch, events, sns, sts…
	Name    string
}

// String is the operation as call counts name it.
func (o Operation) String() string { return o.Service + "." + o.Name }

// sdkServices is where the SDK's clients are.
const sdkServices = "github.com/aws/aws-sdk-go-v2/service/"

// words are our names for services that the SDK calls otherwise.
var words = map[string]string{"eventbridge": "events", "cloudwatchlogs": "logs"}

// Operations reads the Go files below a directory, tests aside, and gives every operation
// whose input they mention, sorted: no operation can be called, nor declared in an
// interface, without. Left out are the directories of what only plays the owner of an
// account, by their names. What is asked of the instance metadata service while the settings
// are loaded is no operation of a service.
func Operations(root string, without ...string) ([]Operation, error) {
	found := map[Operation]bool{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && slices.Contains(without, entry.Name()) {
			return fs.SkipDir
		}
		if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("read the calls in %s: %w", file, err)
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
				found[Operation{services[pkg.Name], name}] = true
			}
			return true
		})
		return nil
	})
	list := make([]Operation, 0, len(found))
	for o := range found {
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b Operation) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Name, b.Name))
	})
	return list, err
}

// servicesOf gives, by the names that a file has for them, the services it imports.
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
		services[name] = cmp.Or(words[service], service)
	}
	return services
}
