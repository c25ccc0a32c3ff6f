package release_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/test/docs"
)

const chart = "deploy/helm/personalize-monitor"

const token = "0123456789abcdef"

// render returns what the chart makes of values, after kubeconform has found every object to be one of Kubernetes.
func render(t *testing.T, values string) []object {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "values.yaml")
	if err := os.WriteFile(file, []byte(values), 0o600); err != nil {
		t.Fatal(err)
	}
	text := run(t, "helm", "template", "monitor", chart, "--namespace", "shop", "--values", file)
	rendered := filepath.Join(dir, "rendered.yaml")
	if err := os.WriteFile(rendered, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "kubeconform", "-strict", "-schema-location", absolute(t, "testdata/schemas")+"/{{ .ResourceKind }}{{ .KindSuffix }}.json", rendered)
	var objects []object
	for _, one := range strings.Split(text, "\n---\n") {
		if strings.Contains(one, "\nkind: ") {
			objects = append(objects, decode[object](t, strings.TrimPrefix(one, "---\n")))
		}
	}
	return objects
}

// object is one of Kubernetes, as far as the tests look at it.
type object struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Data     map[string]string
	Spec     struct {
		Replicas             int
		VolumeClaimTemplates []any `yaml:"volumeClaimTemplates"`
		Template             struct {
			Spec struct {
				AutomountServiceAccountToken  bool `yaml:"automountServiceAccountToken"`
				TerminationGracePeriodSeconds int  `yaml:"terminationGracePeriodSeconds"`
				Containers                    []struct {
					Image          string
					Args           []string
					Env            []struct{ Name, Value string }
					LivenessProbe  probe `yaml:"livenessProbe"`
					ReadinessProbe probe `yaml:"readinessProbe"`
				}
			}
		}
	}
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

func kindsOf(objects []object) []string {
	var kinds []string
	for _, o := range objects {
		kinds = append(kinds, o.Kind)
	}
	slices.Sort(kinds)
	return kinds
}

// The values in the guide render, and so do the default ones with a token.
func TestChartRenders(t *testing.T) {
	need(t, "helm", "kubeconform")
	run(t, "helm", "lint", "--strict", chart, "--set", "token.value="+token)
	least := []string{"NetworkPolicy", "Secret", "Service", "ServiceAccount", "StatefulSet"}
	if diff := cmp.Diff(least, kindsOf(render(t, "token: {value: "+token+"}\n"))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	documented := 0
	seen := map[string]bool{}
	for _, block := range docs.Blocks(docs.Read(t, "docs/guide/kubernetes.md")) {
		if block.Language != "yaml" {
			continue
		}
		documented++
		for _, kind := range kindsOf(render(t, block.Text)) {
			seen[kind] = true
		}
	}
	all := []string{"NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount", "ServiceMonitor", "StatefulSet"}
	if diff := cmp.Diff(all, slices.Sorted(maps.Keys(seen))); documented < 3 || diff != "" {
		t.Errorf("%d examples (-want +got)\n%s", documented, diff)
	}
}

// The program accepts the arguments and settings of the chart, and answers where the probes, people and Prometheus ask.
func TestChartRunsTheProgram(t *testing.T) {
	need(t, "helm", "kubeconform")
	objects := render(t, `
token: {value: `+token+`}
replicas: 2
audit: {enabled: true}
dryRun: false
allowActions: true
allowedHosts: [monitor.example.com]
region: us-east-1
parameters:
  Regions: [us-east-1, eu-west-1]
  AutoAdjustMinTPS: No
  IdleThresholdHours: 48
extraArgs: [--max-stops-per-hour=2]
`)
	i := slices.IndexFunc(objects, func(o object) bool { return o.Kind == "StatefulSet" })
	spec := objects[i].Spec
	container := spec.Template.Spec.Containers[0]
	if spec.Replicas != 2 || len(spec.VolumeClaimTemplates) != 1 || spec.Template.Spec.AutomountServiceAccountToken {
		t.Errorf("%+v", spec)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program(t))
	for _, arg := range container.Args {
		arg = strings.Replace(arg, "--token-file=/run/personalize-monitor/", "--token-file="+dir+"/", 1)
		arg = strings.Replace(arg, "--audit-file=/var/lib/personalize-monitor/", "--audit-file="+dir+"/", 1)
		cmd.Args = append(cmd.Args, strings.Replace(arg, "--listen=:8090", "--listen=127.0.0.1:0", 1))
	}
	cmd.Args = append(cmd.Args, "--local")
	for _, e := range container.Env {
		cmd.Env = append(cmd.Env, e.Name+"="+e.Value)
	}
	if want := []string{"AWS_REGION=us-east-1", "AutoAdjustMinTPS=false", "IdleThresholdHours=48", "Regions=us-east-1,eu-west-1"}; !slices.Equal(cmd.Env, want) {
		t.Errorf("%q, want %q", cmd.Env, want)
	}
	url, stop := listen(t, cmd)
	defer stop()
	ready(t, url)
	for _, p := range []probe{container.LivenessProbe, container.ReadinessProbe} {
		if code := get(t, url+p.HTTPGet.Path, "10.1.2.3:8090", ""); code != http.StatusOK || p.HTTPGet.Path == "" {
			t.Errorf("%q: status %d", p.HTTPGet.Path, code)
		}
	}
	for _, host := range []string{"10.1.2.3", "monitor-personalize-monitor.shop.svc", "monitor.example.com"} {
		if code := get(t, url+"/metrics", host, token); code != http.StatusOK {
			t.Errorf("%s: status %d", host, code)
		}
		if code := get(t, url+"/metrics", host, ""); code != http.StatusUnauthorized {
			t.Errorf("%s without a token: status %d", host, code)
		}
	}
	if code := get(t, url+"/metrics", "other.example.com", token); code != http.StatusMisdirectedRequest && code != http.StatusForbidden {
		t.Errorf("another host: status %d", code)
	}
}

// The chart only looks unless it is set otherwise.
func TestChartOnlyLooksByDefault(t *testing.T) {
	need(t, "helm", "kubeconform")
	objects := render(t, "token: {existingSecret: mine}\n")
	for _, o := range objects {
		if o.Kind == "StatefulSet" && !slices.Contains(o.Spec.Template.Spec.Containers[0].Args, "--dry-run") {
			t.Errorf("it may write: %q", o.Spec.Template.Spec.Containers[0].Args)
		}
		if o.Kind == "Secret" {
			t.Error("it makes a secret although one exists")
		}
	}
}

// Wrong values are errors that name what is wrong.
func TestChartRejectsWrongValues(t *testing.T) {
	need(t, "helm")
	for name, c := range map[string]struct{ set, want string }{
		"fewer than one replica":            {"replicas=-1", "/replicas"},
		"a misspelt switch":                 {"parameters.AutoAdjustMinTPS=dry", "/parameters/AutoAdjustMinTPS"},
		"a number out of range":             {"parameters.IdleThresholdHours=-3", "/parameters/IdleThresholdHours"},
		"not a secret's name":               {"token.existingSecret=My Secret", "/token/existingSecret"},
		"not an account's name":             {"serviceAccount.name=My Account", "/serviceAccount/name"},
		"an image with its tag":             {"image.repository=registry.example.com/monitor:0.1.0", "/image/repository"},
		"not a tag":                         {"image.tag=0.1.0+abc", "/image/tag"},
		"a URL as host":                     {"allowedHosts={https://monitor.example.com}", "/allowedHosts/0"},
		"a variable without a name":         {"extraEnv[0].value=x", "/extraEnv/0"},
		"a mount without a path":            {"extraVolumeMounts[0].name=x", "/extraVolumeMounts/0"},
		"a role for an account that exists": {"token.value=" + token + ",serviceAccount.create=false,serviceAccount.name=mine,serviceAccount.roleArn=arn:aws:iam::123456789012:role/monitor", "annotate it yourself"},
		"no token":                          {"replicas=1", "set token.existingSecret, or token.value"},
		"a short token":                     {"token.value=short", "/token/value"},
		"three replicas":                    {"replicas=3", "/replicas"},
		"an unknown value":                  {"tokens.value=x", "tokens"},
		"an unknown parameter":              {"parameters.AutoAdjustMinTps=No", "AutoAdjustMinTps"},
		"no role":                           {"serviceAccount.roleArn=monitor", "/serviceAccount/roleArn"},
		"not a region":                      {"region=Frankfurt", "/region"},
		"not a flag":                        {"extraArgs={serve}", "/extraArgs/0"},
		"no account's name":                 {"serviceAccount.create=false,token.value=" + token, "set serviceAccount.name"},
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := try(t, "helm", "template", "monitor", chart, "--set", c.set); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// What the program or Kubernetes accepts, the chart does too: an empty parameter is one that is not given.
func TestChartAcceptsWhatWorks(t *testing.T) {
	need(t, "helm", "kubeconform")
	values := "token: {value: " + token + "}\nimage: {tag: 1.2.3@sha256:" + strings.Repeat("0a", 32) + "}\nparameters:\n"
	for _, p := range config.All() {
		values += "  " + p.Name + ": \"\"\n"
	}
	render(t, values)
	for _, text := range []string{"yes", "NO", "True", "0"} {
		values := "token: {value: " + token + "}\nparameters:\n"
		for _, p := range config.All() {
			switch {
			case strings.HasPrefix(p.Form, "yes|no"):
				values += fmt.Sprintf("  %s: %q\n", p.Name, text)
			case p.Name == config.UtilizationThresholdAlarmLowerBound:
				values += "  " + p.Name + ": \"1e2\"\n"
			}
		}
		render(t, values)
	}
}

// A release names a service, whose name has stricter rules, and 63 characters at most, of which Kubernetes adds 11 to that of the StatefulSet.
func TestChartNames(t *testing.T) {
	need(t, "helm")
	for release, want := range map[string]string{
		"monitor": "monitor-personalize-monitor", "personalize-monitor": "personalize-monitor",
		strings.Repeat("a", 53):         strings.Repeat("a", 52),
		strings.Repeat("b", 50) + "--b": strings.Repeat("b", 50),
		"my.monitor":                    "", "1st": "",
	} {
		out, err := try(t, "helm", "template", release, chart, "--set", "token.value="+token)
		if want == "" {
			if err == nil || !strings.Contains(err.Error(), "cannot name a service: begin it with a letter") {
				t.Errorf("%s: %v", release, err)
			}
		} else if err != nil || !strings.Contains(out, "kind: Service\nmetadata:\n  name: "+want+"\n") {
			t.Errorf("%s: %v\n%s", release, err, out)
		}
	}
}

// The chart knows each parameter of the program, and no other. "make docs" writes them into its schema.
func TestReferenceChartParameters(t *testing.T) {
	path := chart + "/values.schema.json"
	text := read(t, path)
	var schema map[string]any
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		t.Fatal(err)
	}
	parameters := map[string]any{}
	for _, p := range config.All() {
		parameters[p.Name] = parameterSchema(p)
	}
	schema["properties"].(map[string]any)["parameters"].(map[string]any)["properties"] = parameters
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	if text == want.String() {
		return
	}
	if os.Getenv("PERSONALIZE_MONITOR_WRITE_DOCS") == "" {
		t.Fatalf("%s does not have the parameters of the program; run: make docs\n(-want +got)\n%s", path, cmp.Diff(want.String(), text))
	}
	if err := os.WriteFile(filepath.Join(root, path), want.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// parameterSchema is what the chart accepts for a parameter. What the program rejects beyond that ends its start with a message.
func parameterSchema(p config.Spec) map[string]any {
	limits := regexp.MustCompile(`^(\d+) to (\d+), `).FindStringSubmatch(p.Valid)
	switch {
	case limits != nil:
		number := map[string]any{"type": "number", "minimum": json.Number(limits[1]), "maximum": json.Number(limits[2])}
		return map[string]any{"anyOf": []any{number, map[string]any{"type": "string", "pattern": "^[-+0-9.eE]*$"}}}
	case p.Form == "yes|no":
		return map[string]any{"$ref": "#/definitions/yesNo"}
	case p.Form == "yes|no|DryRun":
		return map[string]any{"$ref": "#/definitions/yesNoDryRun"}
	}
	return map[string]any{"$ref": "#/definitions/parameter"}
}

// The chart has the version of the release.
func TestVersionsAreEqual(t *testing.T) {
	versions := decode[struct {
		Version    string
		AppVersion string `yaml:"appVersion"`
	}](t, read(t, chart+"/Chart.yaml"))
	if release := releaseVersion(t); versions.Version != release || versions.AppVersion != release {
		t.Errorf("%+v, the template has %s", versions, release)
	}
}

// releaseVersion is the version in the template, which the Makefile uses.
func releaseVersion(t *testing.T) string {
	t.Helper()
	return decode[struct {
		Metadata map[string]struct {
			SemanticVersion string `yaml:"SemanticVersion"`
		} `yaml:"Metadata"`
	}](t, read(t, "template.yaml")).Metadata["AWS::ServerlessRepo::Application"].SemanticVersion
}
