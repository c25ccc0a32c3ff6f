package release_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The image of the Dockerfile has the program, its licences and the certificates alone, and runs as a user without rights on a root that no one
// can write to.
func TestImage(t *testing.T) {
	need(t, "buildah", "make", "unshare", "chroot")
	needRoot(t)
	if err := exec.CommandContext(t.Context(), "unshare", "--mount", "true").Run(); err != nil {
		t.Skipf("a container without the right to mount: the image is neither built nor run (%v)", err)
	}
	dir := t.TempDir()
	image := filepath.Join(dir, "image")
	// The umask of a careful user is not that of the image.
	run(t, "bash", "-c", `umask 077; exec make "$@"`, "make", "image", "ARCH="+runtime.GOARCH, "VERSION="+version, "IMAGE="+image,
		"ROOTFS="+filepath.Join(dir, "a/b/rootfs"), "goflags=-ldflags '"+ldflags+"'")
	rootfs := filepath.Join(dir, "unpacked")
	config, files := unpack(t, image, rootfs)
	want := imageConfig{
		User: "65532:65532", Env: []string{"PATH=/usr/bin", "HOME=/home/monitor"}, Entrypoint: []string{"/usr/bin/personalize-monitor"},
		ExposedPorts: map[string]any{"8090/tcp": map[string]any{}},
		Labels: map[string]string{
			"org.opencontainers.image.title": "Personalize Monitor", "org.opencontainers.image.licenses": "Apache-2.0",
			"org.opencontainers.image.source": "https://github.com/personalize-monitor/personalize-monitor", "org.opencontainers.image.version": version,
		},
	}
	if diff := cmp.Diff(want, config); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"etc/ssl/certs/ca-certificates.crt", "usr/bin/personalize-monitor",
		"usr/share/doc/personalize-monitor/LICENSE", "usr/share/doc/personalize-monitor/" + thirdParty,
	}, files); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	certificates, err := os.ReadFile(filepath.Join(rootfs, "etc/ssl/certs/ca-certificates.crt"))
	if err != nil || bytes.Count(certificates, []byte("BEGIN CERTIFICATE")) < 100 {
		t.Errorf("the certificates of public authorities are missing: %v", err)
	}
	// What was added to the machine is not in it.
	if public, err := filepath.Glob("/usr/share/ca-certificates/mozilla/*.crt"); err == nil && len(public) > 0 {
		if count := bytes.Count(certificates, []byte("BEGIN CERTIFICATE")); count != len(public) {
			t.Errorf("%d certificates, of %d public authorities", count, len(public))
		}
	}

	// The root is mounted read-only, as Kubernetes does with readOnlyRootFilesystem.
	start := func(args ...string) *exec.Cmd {
		script := `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec env -i "$1" "$2" "$(command -v chroot)" --userspec="$3" "$0" "$4" "${@:5}"`
		args = append([]string{"--mount", "bash", "-c", script, rootfs, config.Env[0], config.Env[1], config.User, config.Entrypoint[0]}, args...)
		return exec.CommandContext(t.Context(), "unshare", args...)
	}
	out, err := start("version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "personalize-monitor "+version+" (") {
		t.Errorf("version: %v\n%s", err, out)
	}
	url, stop := listen(t, start("serve", "--local", "--listen", "127.0.0.1:0"))
	ready(t, url)
	for _, path := range []string{"/", "/healthz", "/metrics"} {
		if code := get(t, url+path, "", ""); code != http.StatusOK {
			t.Errorf("%s: status %d", path, code)
		}
	}
	stop()
}

// imageConfig is how an image is started.
type imageConfig struct {
	User         string
	Env          []string
	Entrypoint   []string
	Cmd          []string
	ExposedPorts map[string]any
	Labels       map[string]string
}

// unpack writes the files of an OCI layout's image into a folder, and returns its configuration and the names of the files.
func unpack(t *testing.T, layout, folder string) (imageConfig, []string) {
	t.Helper()
	type descriptor struct{ Digest string }
	blob := func(digest string, value any) []byte {
		content, err := os.ReadFile(filepath.Join(layout, "blobs", strings.ReplaceAll(digest, ":", "/")))
		if err == nil && value != nil {
			err = json.Unmarshal(content, value)
		}
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	var index struct{ Manifests []descriptor }
	text, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err == nil {
		err = json.Unmarshal(text, &index)
	}
	if err != nil || len(index.Manifests) != 1 {
		t.Fatalf("%v\n%s", err, text)
	}
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	blob(index.Manifests[0].Digest, &manifest)
	var config struct {
		Architecture, OS string
		Config           imageConfig
	}
	blob(manifest.Config.Digest, &config)
	if config.Architecture != runtime.GOARCH || config.OS != "linux" {
		t.Errorf("the image is for %s/%s", config.OS, config.Architecture)
	}
	var files []string
	for _, layer := range manifest.Layers {
		var content io.Reader = bytes.NewReader(blob(layer.Digest, nil))
		if zipped, err := gzip.NewReader(content); err == nil {
			content = zipped
		} else {
			content = bytes.NewReader(blob(layer.Digest, nil))
		}
		files = append(files, untar(t, content, folder)...)
	}
	slices.Sort(files)
	return config.Config, files
}

// untar writes the files of an archive into a folder and returns their names.
func untar(t *testing.T, archive io.Reader, folder string) (files []string) {
	t.Helper()
	for entries := tar.NewReader(archive); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, entry.Name)
		if entry.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		content, err := io.ReadAll(entries)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o755)
		}
		if err == nil {
			err = os.WriteFile(path, content, entry.FileInfo().Mode().Perm())
		}
		if err != nil || entry.Typeflag != tar.TypeReg || entry.Uid != 0 || entry.FileInfo().Mode().Perm()&0o22 != 0 {
			t.Errorf("%s: %v; type %c, owner %d, mode %v", entry.Name, err, entry.Typeflag, entry.Uid, entry.FileInfo().Mode())
		}
		files = append(files, strings.TrimPrefix(entry.Name, "./"))
	}
}

// The Dockerfile builds with the Makefile, and what it copies from the clone is what the Makefile needs.
func TestDockerfileBuildsWithTheMakefile(t *testing.T) {
	if file := read(t, "Dockerfile"); !strings.Contains(file, "\nRUN make rootfs ") || strings.Contains(file, "go build") {
		t.Error("the Dockerfile does not build with make rootfs")
	}
	dir := t.TempDir()
	for line := range strings.Lines(read(t, ".dockerignore")) {
		name, included := strings.CutPrefix(strings.TrimSpace(line), "!")
		if included {
			if err := os.Symlink(filepath.Join(absolute(t, root), name), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	plan := run(t, "make", "-n", "-C", dir, "rootfs", "OS=linux", "ARCH=arm64", "ROOTFS=/rootfs")
	release := releaseVersion(t)
	if !strings.Contains(plan, "GOOS=linux GOARCH=arm64 ") || !strings.Contains(plan, "main.version="+release+`"`) {
		t.Errorf("the version %s is not in it:\n%s", release, plan)
	}
	out, err := exec.Command("go", "list", "-C", dir, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./cmd/personalize-monitor").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "personalize-monitor/internal/cli") {
		t.Errorf("%v\n%s", err, out)
	}
}
