package main

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const project = "../.."

// pack packs a program for an architecture and gives the folder with what came of it.
func pack(t *testing.T, program []byte, arch string) string {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "program")
	if err := os.WriteFile(binary, program, 0o600); err != nil {
		t.Fatal(err)
	}
	j := job{binary: binary, template: filepath.Join(project, "template.yaml"), arch: arch, out: filepath.Join(dir, "dist")}
	if err := j.run(); err != nil {
		t.Fatal(err)
	}
	return j.out
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestTheZipIsWhatLambdaStartsAndAlwaysTheSame(t *testing.T) {
	program := make([]byte, 300_000)
	_, _ = rand.Read(program) // never fails
	first := read(t, pack(t, program, "arm64"), "personalize-monitor-arm64.zip")
	second := read(t, pack(t, program, "arm64"), "personalize-monitor-arm64.zip")
	if !bytes.Equal(first, second) {
		t.Error("two runs gave different bytes")
	}
	archive, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.File) != 1 {
		t.Fatalf("%d files", len(archive.File))
	}
	file := archive.File[0]
	if file.Name != "bootstrap" || file.Mode() != 0o755 || !file.Modified.Equal(noTime) {
		t.Errorf("%s, mode %o, of %s", file.Name, file.Mode(), file.Modified)
	}
	content, err := file.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if got, err := io.ReadAll(content); err != nil || !bytes.Equal(got, program) {
		t.Errorf("not the program that went in: %v", err)
	}
}

func TestTheTemplatePointsAtTheZip(t *testing.T) {
	for arch, lambda := range map[string]string{"arm64": "arm64", "amd64": "x86_64"} {
		out := pack(t, []byte("program"), arch)
		template := string(read(t, out, "template.yaml"))
		uri := "CodeUri: personalize-monitor-" + arch + ".zip\n"
		if strings.Count(template, uri) != functions || strings.Contains(template, sourceFolder) {
			t.Errorf("%s: not all functions have %s", arch, uri)
		}
		if !strings.Contains(template, "Architectures: ["+lambda+"]\n") {
			t.Errorf("%s: the architecture is another one", arch)
		}
		for _, name := range texts {
			if !bytes.Equal(read(t, out, name), read(t, project, name)) {
				t.Errorf("%s is not the one of the project", name)
			}
			if !strings.Contains(template, "Url: "+name+"\n") {
				t.Errorf("the template does not name %s", name)
			}
		}
	}
}

func TestAnUnexpectedTemplateIsRefused(t *testing.T) {
	good := sourceArch + strings.Repeat(sourceFolder, functions)
	if _, err := pointAt(good, "a.zip", "arm64"); err != nil {
		t.Error(err)
	}
	for name, template := range map[string]string{
		"a function more":     good + sourceFolder,
		"a function less":     strings.Replace(good, sourceFolder, "", 1),
		"no architecture":     strings.Replace(good, sourceArch, "", 1),
		"two architectures":   good + sourceArch,
		"another source":      strings.Replace(good, sourceFolder, "CodeUri: ./src\n", 1),
		"an architecture set": strings.Replace(good, "arm64", "x86_64", 1),
	} {
		if _, err := pointAt(template, "a.zip", "arm64"); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := (job{arch: "386"}).run(); err == nil {
		t.Error("386 is accepted")
	}
}
