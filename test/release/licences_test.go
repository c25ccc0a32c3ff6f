package release_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// thirdParty is the file with the licences of what the programs link. Most of them require that a binary comes with their text.
const thirdParty = "THIRD_PARTY_LICENSES"

// licenceFile is the name of a file with a licence, or with a notice that has to come with it.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|notice|copying|patents)([-.].*)?$`)

// linkedPackage is a package as go list prints it.
type linkedPackage struct {
	Dir, Root  string
	Module     *struct{ Path, Dir string }
	EmbedFiles []string
}

// standardLibrary owns the packages that come with Go.
const standardLibrary = "Go, its standard library and runtime"

// The file has the licences of everything that the programs link on any system, and the list of dependencies has a row for it. "make docs" writes
// the file.
func TestReferenceThirdPartyLicences(t *testing.T) {
	owners := map[string][]string{} // by the text of a licence
	for _, system := range goreleaser(t).Builds[0].GoOS {
		for _, p := range linkedPackages(t, system) {
			owner, files := licencesOf(t, p)
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if key := strings.TrimSpace(string(text)); !slices.Contains(owners[key], owner) {
					owners[key] = append(owners[key], owner)
				}
			}
		}
	}
	var entries []string
	list := read(t, "docs/dependencies.md")
	for text, names := range owners {
		for _, name := range names {
			if !listed(list, name) {
				t.Errorf("docs/dependencies.md does not have %s", name)
			}
		}
		slices.Sort(names)
		entries = append(entries, strings.Join(names, "\n")+"\n\n"+text+"\n")
	}
	slices.Sort(entries)
	line := "\n" + strings.Repeat("=", 80) + "\n\n"
	want := "Personalize Monitor contains parts of these projects, under their licences:\n" + line + strings.Join(entries, line)
	if os.Getenv("PERSONALIZE_MONITOR_WRITE_DOCS") != "" {
		if err := os.WriteFile(filepath.Join(root, thirdParty), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, read(t, thirdParty)); diff != "" {
		t.Errorf("%s does not have the licences of what the programs link; run: make docs\n(-want +got)\n%s", thirdParty, diff)
	}
}

// listed reports whether a list of dependencies has a module, by its path or the end of it. The SDK is one, and so is Go, which is no dependency.
func listed(list, module string) bool {
	if module == standardLibrary || strings.HasPrefix(module, "github.com/aws/aws-sdk-go-v2/") {
		return true
	}
	for end, found := module, true; found; _, end, found = strings.Cut(end, "/") {
		if strings.Contains(list, "`"+end+"`") || strings.Contains(list, "["+end+"]") {
			return true
		}
	}
	return false
}

// What comes with a program has its licences.
func TestArchivesHaveLicences(t *testing.T) {
	var files []string
	for _, file := range goreleaser(t).Archives[0].Files {
		files = append(files, file.Src)
	}
	for _, name := range []string{"LICENSE", thirdParty} {
		if !slices.Contains(files, name) {
			t.Errorf("the archives do not have %s: %q", name, files)
		}
	}
	recipe := run(t, "make", "-n", "release-extra-arm64", "VERSION="+version)
	bill := strings.NewReplacer("{{ .Env.VERSION }}", version, "$document", "", "$artifact", "").Replace(strings.Join(goreleaser(t).SBOMs[0].Args, " "))
	if want := strings.Join(strings.Fields(bill), " "); !strings.Contains(strings.NewReplacer(`"`, "", " \\\n\t", " ").Replace(recipe), want) {
		t.Errorf("the bill of materials of the functions is not made with %q:\n%s", want, recipe)
	}
	copied := strings.Index(recipe, "cp "+thirdParty+" dist/lambda-arm64\n")
	if copied < 0 || copied > strings.Index(recipe, "-lambda_"+version+"_arm64.tar.gz") {
		t.Errorf("the folder for AWS Lambda does not have them:\n%s", recipe)
	}
}

// linkedPackages are the packages of both programs on a system.
func linkedPackages(t *testing.T, system string) []linkedPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Dir,Root,Module,EmbedFiles", "./cmd/...")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []linkedPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p linkedPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// licencesOf returns whose a package is, and the files with its licences: in its folder, and in those above it up to the root of its module
// or of Go. Of this repository it is what is embedded. A module without a licence fails the test, as it could not be shipped.
func licencesOf(t *testing.T, p linkedPackage) (owner string, files []string) {
	t.Helper()
	owner, top := standardLibrary, p.Root
	switch {
	case p.Module != nil && p.Module.Path == "github.com/personalize-monitor/personalize-monitor":
		for _, file := range p.EmbedFiles {
			if name, found := strings.CutSuffix(filepath.Base(file), ".LICENSE"); found {
				return name, []string{filepath.Join(p.Dir, file)}
			}
		}
		return "", nil
	case p.Module != nil:
		owner, top = p.Module.Path, p.Module.Dir
	}
	for dir := p.Dir; strings.HasPrefix(dir, top); dir = filepath.Dir(dir) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			// That of BoringSSL is of a file that is linked with GOEXPERIMENT=boringcrypto alone, as it says.
			if !entry.IsDir() && !strings.HasSuffix(dir, "/crypto/internal/boring") && licenceFile.MatchString(entry.Name()) {
				files = append(files, filepath.Join(dir, entry.Name()))
			}
		}
	}
	if len(files) == 0 {
		t.Fatalf("%s has no licence in %s", owner, top)
	}
	return owner, files
}
