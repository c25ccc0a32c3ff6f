package release_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// The Terraform module is formatted, and its template is that of the package with the zip in the bucket. Its resources need the
// provider of AWS, which is not here. The rest is evaluated with Terraform's own language, and by Terraform where it is installed.
func TestTerraform(t *testing.T) {
	module, pack := absolute(t, root+"/deploy/terraform"), t.TempDir()
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(bootstrap, []byte("the program"), 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "go", "run", "./tools/pack", "-binary", bootstrap, "-template", "template.yaml", "-arch", "arm64", "-out", pack)
	for _, way := range []struct {
		name     string
		evaluate func(t *testing.T, module, pack, bucket string) (zip, template string)
	}{{"language", evaluateModule}, {"program", runTerraform}} {
		t.Run(way.name, func(t *testing.T) {
			zip, template := way.evaluate(t, module, pack, "code")
			if zip != filepath.Join(pack, "personalize-monitor-arm64.zip") {
				t.Errorf("the zip is %s", zip)
			}
			sum := strings.Fields(run(t, "sha256sum", zip))[0]
			text, err := os.ReadFile(filepath.Join(pack, "template.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(string(text), "CodeUri: personalize-monitor-arm64.zip\n", "CodeUri: s3://code/personalize-monitor/"+sum+".zip\n")
			if diff := cmp.Diff(want, template); diff != "" || want == string(text) {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if len(want) > 51200 {
				t.Errorf("the template has %d bytes; CloudFormation accepts 51,200 in a call", len(want))
			}
		})
	}
}

// evaluateModule reads every file of the module, and evaluates what it uploads and deploys.
func evaluateModule(t *testing.T, module, pack, bucket string) (zip, template string) {
	parser, locals := hclparse.NewParser(), map[string]hcl.Expression{}
	variables := map[string]cty.Value{"package": cty.StringVal(pack), "bucket": cty.StringVal(bucket)}
	files, err := filepath.Glob(module + "/*.tf")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		file, problems := parser.ParseHCLFile(name)
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		if diff := cmp.Diff(string(hclwrite.Format(file.Bytes)), string(file.Bytes)); diff != "" {
			t.Errorf("%s is not formatted (-want +got):\n%s", name, diff)
		}
		content, _, problems := file.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
			{Type: "locals"}, {Type: "variable", LabelNames: []string{"name"}},
		}})
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		for _, block := range content.Blocks {
			attributes, _ := block.Body.JustAttributes() // a variable may have blocks, which do not count here
			switch fallback, ok := attributes["default"]; {
			case block.Type == "locals":
				for _, a := range attributes {
					locals[a.Name] = a.Expr
				}
			case ok:
				value, problems := fallback.Expr.Value(nil)
				if problems.HasErrors() {
					t.Fatal(problems)
				}
				variables[block.Labels[0]] = value
			}
		}
	}
	known := map[string]cty.Value{}
	for len(known) < len(locals) {
		before := len(known)
		of := &hcl.EvalContext{Functions: terraformFunctions, Variables: map[string]cty.Value{
			"var": cty.ObjectVal(variables), "local": cty.ObjectVal(maps.Clone(known)),
		}}
		var failed hcl.Diagnostics
		for name, expression := range locals {
			if value, problems := expression.Value(of); problems.HasErrors() {
				failed = problems
			} else {
				known[name] = value
			}
		}
		if len(known) == before {
			t.Fatal(failed)
		}
	}
	return known["zip"].AsString(), known["template"].AsString()
}

// terraformFunctions are those that the module uses.
var terraformFunctions = map[string]function.Function{
	"distinct": stdlib.DistinctFunc, "flatten": stdlib.FlattenFunc, "regexall": stdlib.RegexAllFunc, "replace": stdlib.ReplaceFunc,
	"one": function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if n := args[0].LengthInt(); n != 1 {
				return cty.NilVal, function.NewArgErrorf(0, "%d elements, not one", n)
			}
			return args[0].Index(cty.NumberIntVal(0)), nil
		},
	}),
	"file":       ofFile(func(content []byte) string { return string(content) }),
	"filesha256": ofFile(func(content []byte) string { return fmt.Sprintf("%x", sha256.Sum256(content)) }),
}

// ofFile is a function of the content of a file.
func ofFile(of func(content []byte) string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			content, err := os.ReadFile(args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			return cty.StringVal(of(content)), nil
		},
	})
}

// runTerraform lets Terraform check and evaluate what the module uploads and deploys, without its resources.
func runTerraform(t *testing.T, module, pack, bucket string) (zip, template string) {
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("Terraform is not installed, and CI has no package of it to install")
	}
	t.Setenv("CHECKPOINT_DISABLE", "1")
	terraform := func(dir string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), "terraform", append([]string{"-chdir=" + dir}, args...)...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	terraform(module, "fmt", "-check", "-diff")
	work := t.TempDir()
	for _, file := range []string{"variables.tf", "package.tf"} {
		run(t, "cp", filepath.Join(module, file), work)
	}
	outputs := "output \"template\" {\n  value = local.template\n}\n\noutput \"zip\" {\n  value = local.zip\n}\n"
	if err := os.WriteFile(filepath.Join(work, "outputs.tf"), []byte(outputs), 0o600); err != nil {
		t.Fatal(err)
	}
	terraform(work, "init")
	terraform(work, "validate")
	terraform(work, "apply", "-auto-approve", "-var=package="+pack, "-var=bucket="+bucket)
	var got map[string]struct{ Value string }
	if err := json.Unmarshal([]byte(terraform(work, "output", "-json")), &got); err != nil {
		t.Fatal(err)
	}
	return got["zip"].Value, got["template"].Value
}
