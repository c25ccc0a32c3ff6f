package internal_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/safety.md names as the one that holds a promise is there.
func TestSafetyNamesTestsThatExist(t *testing.T) {
	named := regexp.MustCompile("`([a-z/]+)\\.(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(read(t, "../docs/safety.md"), -1)
	if len(named) < 20 {
		t.Fatalf("only %d tests are named", len(named))
	}
	sources := map[string]string{}
	for _, name := range named {
		dir, test := name[1], name[2]
		if _, known := sources[dir]; !known {
			sources[dir] = testSources(t, dir)
		}
		if !strings.Contains(sources[dir], "\nfunc "+test+"(t *testing.T) {\n") {
			t.Errorf("there is no test %s in %s", test, dir)
		}
	}
	for _, command := range regexp.MustCompile(`go run \./(tools/[a-z]+)`).FindAllStringSubmatch(read(t, "../docs/safety.md"), -1) {
		if _, err := os.Stat(filepath.Join("..", command[1], "main.go")); err != nil {
			t.Error(err)
		}
	}
}

// testSources are the test files of a package, one after the other.
func testSources(t *testing.T, dir string) string {
	t.Helper()
	if strings.HasPrefix(dir, "test/") {
		dir = filepath.Join("..", dir)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		all.WriteString(read(t, file))
	}
	return all.String()
}
