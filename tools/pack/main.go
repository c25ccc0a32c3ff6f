// Command pack makes what is deployed to AWS Lambda: a zip with the program, and the template
// that points at the zip. The same program gives the same zip, byte by byte, which the zips
// of "aws cloudformation package" are not: they contain times.
package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	var j job
	flag.StringVar(&j.binary, "binary", "", "the program, built for Lambda")
	flag.StringVar(&j.template, "template", "template.yaml", "the template, whose CodeUri is the source directory")
	flag.StringVar(&j.arch, "arch", "arm64", "architecture of the program: arm64 or amd64")
	flag.StringVar(&j.out, "out", "dist", "directory for the zip and the template")
	flag.Parse()
	if err := j.run(); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// architectures are Lambda's names for what Go builds for.
var architectures = map[string]string{"arm64": "arm64", "amd64": "x86_64"}

type job struct{ binary, template, arch, out string }

func (j job) run() error {
	if architectures[j.arch] == "" {
		return fmt.Errorf("-arch %q is not one of arm64, amd64", j.arch)
	}
	program, err := os.ReadFile(j.binary)
	if err != nil {
		return err
	}
	archive, err := bootstrapZip(program)
	if err != nil {
		return err
	}
	source, err := os.ReadFile(j.template)
	if err != nil {
		return err
	}
	name := "personalize-monitor-" + j.arch + ".zip"
	template, err := pointAt(string(source), name, architectures[j.arch])
	if err != nil {
		return fmt.Errorf("%s: %w", j.template, err)
	}
	if err := os.MkdirAll(j.out, 0o755); err != nil {
		return err
	}
	files := map[string][]byte{name: archive, "template.yaml": []byte(template)}
	for _, text := range texts {
		if files[text], err = os.ReadFile(filepath.Join(filepath.Dir(j.template), text)); err != nil {
			return err
		}
	}
	for file, content := range files {
		if err := os.WriteFile(filepath.Join(j.out, file), content, 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("%s  %.1f MB  sha256 %x\n", filepath.Join(j.out, name), float64(len(archive))/1e6, sha256.Sum256(archive))
	return nil
}

// texts are the files that the template's metadata name.
var texts = []string{"LICENSE", "README-SAR.md"}

// noTime is the earliest time of the format, in which each file has a time.
var noTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// bootstrapZip makes a zip with the program under the name that Lambda starts.
func bootstrapZip(program []byte) ([]byte, error) {
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: noTime}
	header.SetMode(0o755)
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	file, err := w.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := file.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return archive.Bytes(), nil
}

// What is replaced in the template. Its CodeUri is the source directory, for sam build.
const (
	sourceFolder = "CodeUri: .\n"
	sourceArch   = "Architectures: [arm64]\n"
)

// functions is how many functions the template has.
const functions = 6

// pointAt makes all functions of the template run the zip. An unexpected template is an
// error, so that no function is deployed without its code.
func pointAt(template, archive, arch string) (string, error) {
	if n := strings.Count(template, sourceFolder); n != functions {
		return "", fmt.Errorf("%q is in it %d times, not %d", strings.TrimSpace(sourceFolder), n, functions)
	}
	if n := strings.Count(template, sourceArch); n != 1 {
		return "", fmt.Errorf("%q is in it %d times, not once", strings.TrimSpace(sourceArch), n)
	}
	template = strings.ReplaceAll(template, sourceFolder, "CodeUri: "+archive+"\n")
	return strings.Replace(template, sourceArch, "Architectures: ["+arch+"]\n", 1), nil
}
