// Command faultmatrix prints what becomes of every call that the program makes under every
// fault that can happen to it: a table with the number of cells that recovered and that
// named their failure, why there are none where there are none, and how many each job has.
// It runs the test of the matrix, which is TestFaultMatrix in test/faultmatrix, takes a
// minute or two, and tells on stderr how far it is.
//
//	go run ./tools/faultmatrix
//
// It fails if any cell is not held.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// proof is where the test is.
const proof = "github.com/personalize-monitor/personalize-monitor/test/faultmatrix"

func main() {
	if err := run(os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "faultmatrix:", err)
		os.Exit(1)
	}
}

// run prints the matrix to out, and to errs how far it is and what the test says of cells
// that are not held. The matrix is printed in either case.
func run(out, errs io.Writer) error {
	dir, err := os.MkdirTemp("", "faultmatrix")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // nothing depends on it
	file := filepath.Join(dir, "matrix.txt")
	progress := newProgress(errs)
	test := exec.CommandContext(context.Background(), "go", "test", "-json", "-count=1", "-run", "^TestFaultMatrix$", proof, "-args", "-matrix", file) //nolint:gosec // no input of anybody's
	test.Stdout, test.Stderr = progress, errs
	failed := test.Run()
	progress.end()
	matrix, err := os.ReadFile(file) //nolint:gosec // written by the test just now
	if err == nil {
		_, err = out.Write(matrix)
	}
	if failed != nil {
		return fmt.Errorf("the test of the matrix: %w", failed)
	}
	return err
}
