package release_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The Terraform module is formatted, and its template is that of the package with the zip in the bucket. Its resources need the
// provider of AWS, which is not here: Terraform checks the rest of the module.
func TestTerraform(t *testing.T) {
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("Terraform is not installed, and CI has no package of it to install: the module is not tested")
	}
	module := absolute(t, root+"/deploy/terraform")
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

	pack, work := t.TempDir(), t.TempDir()
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(bootstrap, []byte("the program"), 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "go", "run", "./tools/pack", "-binary", bootstrap, "-template", "template.yaml", "-arch", "arm64", "-out", pack)
	for _, file := range []string{"variables.tf", "package.tf"} {
		run(t, "cp", filepath.Join(module, file), work)
	}
	outputs := "output \"template\" {\n  value = local.template\n}\n\noutput \"zip\" {\n  value = local.zip\n}\n"
	if err := os.WriteFile(filepath.Join(work, "outputs.tf"), []byte(outputs), 0o600); err != nil {
		t.Fatal(err)
	}
	terraform(work, "init")
	terraform(work, "validate")
	terraform(work, "apply", "-auto-approve", "-var=package="+pack, "-var=bucket=code")
	var got map[string]struct{ Value string }
	if err := json.Unmarshal([]byte(terraform(work, "output", "-json")), &got); err != nil {
		t.Fatal(err)
	}
	if got["zip"].Value != filepath.Join(pack, "personalize-monitor-arm64.zip") {
		t.Errorf("the zip is %s", got["zip"].Value)
	}
	sum := strings.Fields(run(t, "sha256sum", got["zip"].Value))[0]
	text, err := os.ReadFile(filepath.Join(pack, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(string(text), "CodeUri: personalize-monitor-arm64.zip\n", "CodeUri: s3://code/personalize-monitor/"+sum+".zip\n")
	if diff := cmp.Diff(want, got["template"].Value); diff != "" || want == string(text) {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(want) > 51200 {
		t.Errorf("the template has %d bytes; CloudFormation accepts 51,200 in a call", len(want))
	}
}
