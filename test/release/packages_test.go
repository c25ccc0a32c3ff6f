package release_test

import (
	"debug/buildinfo"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// release is the configuration of GoReleaser, as far as the tests use it.
type release struct {
	Builds []struct {
		Main, Binary        string
		Env, Flags, LDFlags []string
		GoOS, GoArch        []string
		GoAMD64, GoARM64    []string
		ModTimestamp        string `yaml:"mod_timestamp"`
	}
	Archives []struct{ Files []struct{ Src string } }
	NFPMs    []map[string]any
	SBOMs    []struct {
		Cmd       string
		Args      []string
		Documents []string
	}
}

func goreleaser(t *testing.T) release {
	t.Helper()
	return decode[release](t, read(t, ".goreleaser.yaml"))
}

// GoReleaser builds with the flags of the Makefile, for each system.
func TestReleaseBuildsAsTheMakefile(t *testing.T) {
	build := goreleaser(t).Builds[0]
	makefile := read(t, "Makefile")
	flags := regexp.MustCompile(`(?m)^goflags := (.*) -ldflags "(.*)"$`).FindStringSubmatch(makefile)
	settings := regexp.MustCompile(`(?m)^settings := (.*)$`).FindStringSubmatch(makefile)
	if flags == nil || settings == nil {
		t.Fatal("the Makefile has no flags or settings")
	}
	if got := strings.Join(build.Flags, " "); got != flags[1] {
		t.Errorf("flags %q, the Makefile has %q", got, flags[1])
	}
	if got := strings.Replace(strings.Join(build.LDFlags, " "), "{{ .Env.VERSION }}", "$(VERSION)", 1); got != flags[2] {
		t.Errorf("ldflags %q, the Makefile has %q", got, flags[2])
	}
	env := slices.Concat(build.Env, []string{"GOAMD64=" + build.GoAMD64[0], "GOARM64=" + build.GoARM64[0]})
	want := append(strings.Fields(settings[1]), "CGO_ENABLED=0")
	slices.Sort(env)
	slices.Sort(want)
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("settings (-Makefile +GoReleaser)\n%s", diff)
	}
	if build.Main != "./cmd/personalize-monitor" || !slices.Equal(build.GoOS, []string{"linux", "darwin", "windows"}) ||
		!slices.Equal(build.GoArch, []string{"amd64", "arm64"}) || build.ModTimestamp != "{{ .CommitTimestamp }}" {
		t.Errorf("%+v", build)
	}
	if sbom := goreleaser(t).SBOMs[0].Cmd; !strings.Contains(makefile, "/"+sbom+"@") {
		t.Errorf("the Makefile does not install %s", sbom)
	}
}

// packages builds the deb or the rpm of the configuration of GoReleaser, which uses nfpm as well.
func packages(t *testing.T, kind string) string {
	t.Helper()
	settings := maps.Clone(goreleaser(t).NFPMs[0])
	bindir := settings["bindir"].(string)
	settings["contents"] = append([]any{map[string]any{
		"src": program(t), "dst": bindir + "/personalize-monitor", "file_info": map[string]any{"mode": 0o755},
	}}, settings["contents"].([]any)...)
	settings["depends"], settings["name"] = settings["dependencies"], settings["package_name"]
	settings["arch"], settings["platform"], settings["version"] = runtime.GOARCH, "linux", version
	for _, name := range []string{"id", "package_name", "file_name_template", "formats", "bindir", "dependencies"} { // GoReleaser's own
		delete(settings, name)
	}
	text, err := yaml.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "nfpm.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "{{ .CommitDate }}", "2026-01-02T03:04:05Z")), 0o600); err != nil {
		t.Fatal(err)
	}
	built := filepath.Join(dir, "personalize-monitor."+kind)
	run(t, "nfpm", "package", "--config", file, "--packager", kind, "--target", built)
	return built
}

// newRoot makes a root folder with a shell and a systemctl that writes its arguments into a file, as if systemd ran.
func newRoot(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{"bin", "etc", "run/systemd/system", "usr/bin", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/rpm"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	libraries := regexp.MustCompile(`/\S+`).FindAllString(run(t, "ldd", shell), -1)
	for _, file := range append(libraries, "/bin/sh") {
		to := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		run(t, "cp", "--dereference", file, to)
	}
	for file, text := range map[string]string{
		"usr/bin/systemctl":   "#!/bin/sh\necho \"$@\" >>/systemctl.log\n",
		"var/lib/dpkg/status": "Package: ca-certificates\nStatus: install ok installed\nArchitecture: all\nMaintainer: x <x@example.com>\nVersion: 1\nDescription: x\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tree are the files below a folder with their modes, but for those of the package manager and the log of systemctl.
func tree(t *testing.T, dir string) map[string]fs.FileMode {
	t.Helper()
	files := map[string]fs.FileMode{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if entry.IsDir() || strings.HasPrefix(name, "var/lib/") || name == "systemctl.log" {
			return err
		}
		info, err := entry.Info()
		files[name] = info.Mode()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// systemctl are the calls of systemctl since the last look.
func systemctl(t *testing.T, dir string) []string {
	t.Helper()
	path := filepath.Join(dir, "systemctl.log")
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	os.Remove(path)
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
}

const service = "personalize-monitor.service"

// installed is what both packages install.
var installed = map[string]fs.FileMode{
	"etc/personalize-monitor.env":                     0o600,
	"usr/bin/personalize-monitor":                     0o755,
	"usr/lib/systemd/system/" + service:               0o644,
	"usr/share/doc/personalize-monitor/copyright":     0o644,
	"usr/share/doc/personalize-monitor/" + thirdParty: 0o644,
}

// checkPackage installs a package, upgrades and removes it. A new service is not started; an upgrade starts a running one again.
func checkPackage(t *testing.T, dir string, install, upgrade, remove func()) {
	t.Helper()
	before := tree(t, dir)
	install()
	after := tree(t, dir)
	maps.DeleteFunc(after, func(name string, _ fs.FileMode) bool { _, old := before[name]; return old })
	if diff := cmp.Diff(installed, after); diff != "" {
		t.Errorf("installed (-want +got)\n%s", diff)
	}
	if calls := systemctl(t, dir); !slices.Equal(calls, []string{"daemon-reload", "try-restart " + service}) {
		t.Errorf("installing calls systemctl %q", calls)
	}
	if out, err := exec.Command(filepath.Join(dir, "usr/bin/personalize-monitor"), "version").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	settings := filepath.Join(dir, "etc/personalize-monitor.env")
	if err := os.WriteFile(settings, []byte("AWS_REGION=eu-west-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	upgrade()
	if text, err := os.ReadFile(settings); string(text) != "AWS_REGION=eu-west-1\n" {
		t.Errorf("an upgrade changes the settings: %v\n%s", err, text)
	}
	for _, call := range systemctl(t, dir) {
		if call != "daemon-reload" && call != "try-restart "+service {
			t.Errorf("an upgrade calls systemctl %s", call)
		}
	}
	remove()
	if calls := systemctl(t, dir); !slices.Equal(calls[:min(2, len(calls))], []string{"disable --now " + service, "daemon-reload"}) {
		t.Errorf("removing calls systemctl %q", calls)
	}
	left := tree(t, dir)
	delete(left, "etc/personalize-monitor.env.rpmsave") // the settings that were changed
	if diff := cmp.Diff(before, left); diff != "" {
		t.Errorf("(-before +removed)\n%s", diff)
	}
}

func TestDeb(t *testing.T) {
	need(t, "nfpm", "dpkg", "ldd")
	needRoot(t)
	deb, dir := packages(t, "deb"), newRoot(t)
	do := func(args ...string) func() {
		return func() { run(t, "dpkg", append([]string{"--root=" + dir}, args...)...) }
	}
	checkPackage(t, dir, do("--install", deb), do("--install", deb), do("--purge", "personalize-monitor"))
}

func TestRPM(t *testing.T) {
	need(t, "nfpm", "rpm", "ldd")
	needRoot(t)
	rpm, dir := packages(t, "rpm"), newRoot(t)
	do := func(args ...string) func() { // the root has no packages that others depend on
		return func() {
			run(t, "rpm", append([]string{"--root", dir, "--dbpath", "/var/lib/rpm", "--nodeps"}, args...)...)
		}
	}
	checkPackage(t, dir, do("--install", rpm), do("--upgrade", "--replacepkgs", rpm), do("--erase", "personalize-monitor"))
	if out := run(t, "rpm", "--query", "--package", "--requires", rpm); !strings.Contains(out, "ca-certificates") {
		t.Errorf("it does not need certificates:\n%s", out)
	}
	if host := run(t, "rpm", "--query", "--package", "--queryformat", "%{BUILDHOST} %{BUILDTIME}", rpm); host != "localhost 1767323045" {
		t.Errorf("it has the machine and the time of the build: %s", host)
	}
}

// The unit starts the program with flags that it accepts, and starts it again whatever it ended with: a crash of a Go program and a host that
// does not know its region yet end in the same exit code as wrong settings.
func TestUnit(t *testing.T) {
	unit := read(t, "examples/systemd/"+service)
	start := regexp.MustCompile(`(?m)^ExecStart=personalize-monitor (.*)$`).FindStringSubmatch(unit)
	if start == nil {
		t.Fatal("the unit does not start the program by its name, which systemd finds in /usr/local/bin and /usr/bin")
	}
	if !strings.Contains(unit, "\nRestart=always\n") || strings.Contains(unit, "\nRestartPreventExitStatus=") {
		t.Error("the monitor stays down after a crash")
	}
	args := strings.Fields(strings.NewReplacer("${STATE_DIRECTORY}", t.TempDir(), "127.0.0.1:8090", "127.0.0.1:0").Replace(start[1]))
	url, stop := listen(t, exec.CommandContext(t.Context(), program(t), append(args, "--local")...))
	ready(t, url)
	stop()
}

// The bill of materials has each module that the program links, with its version, and no other.
func TestSBOM(t *testing.T) {
	sbom := goreleaser(t).SBOMs[0]
	need(t, sbom.Cmd)
	document := filepath.Join(t.TempDir(), "sbom.json")
	build := func() string {
		var args []string
		for _, arg := range sbom.Args {
			args = append(args, strings.NewReplacer("$document", document, "$artifact", program(t), "{{ .Env.VERSION }}", version).Replace(arg))
		}
		run(t, sbom.Cmd, args...)
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	text := build()
	if text != build() {
		t.Error("it is not the same twice")
	}
	var bill struct {
		BOMFormat string
		Metadata  struct {
			Component struct{ Name, Version string }
		}
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal([]byte(text), &bill); err != nil {
		t.Fatal(err)
	}
	if bill.BOMFormat != "CycloneDX" || bill.Metadata.Component.Version != "v"+version {
		t.Errorf("%s of %+v", bill.BOMFormat, bill.Metadata.Component)
	}
	listed := map[string]string{}
	for _, c := range bill.Components {
		if c.Name != "std" { // the standard library
			listed[c.Name] = c.Version
		}
	}
	info, err := buildinfo.ReadFile(program(t))
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]string{}
	for _, module := range info.Deps {
		linked[module.Path] = module.Version
	}
	if diff := cmp.Diff(linked, listed); diff != "" || len(linked) < 20 {
		t.Errorf("(-linked +listed)\n%s", diff)
	}
}
