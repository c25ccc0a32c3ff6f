// Command faultmatrix prints what becomes of every call that the program makes under every
// fault that can happen to it, with a verdict for each: it runs the test of the matrix,
// which is TestFaultMatrix in internal/proof, and takes a minute or two.
//
//	go run ./internal/tools/faultmatrix
//
// It fails if any cell is not held.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// proof is where the test is.
const proof = "github.com/personalize-monitor/personalize-monitor/internal/proof"

func main() {
	if err := run(os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "faultmatrix:", err)
		os.Exit(1)
	}
}

// run prints the matrix to out, and to errs what the test says if cells are not held. The
// matrix is printed in either case.
func run(out, errs io.Writer) error {
	dir, err := os.MkdirTemp("", "faultmatrix")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // nothing depends on it
	file := filepath.Join(dir, "matrix.txt")
	var said bytes.Buffer
	test := exec.CommandContext(context.Background(), "go", "test", "-count=1", "-run", "^TestFaultMatrix$", proof, "-args", "-matrix", file) //nolint:gosec // no input of anybody's
	test.Stdout, test.Stderr = &said, &said
	failed := test.Run()
	matrix, err := os.ReadFile(file) //nolint:gosec // written by the test just now
	if err == nil {
		_, err = out.Write(matrix)
	}
	if failed != nil || err != nil {
		_, _ = errs.Write(said.Bytes()) // the error below is what matters
	}
	if failed != nil {
		return fmt.Errorf("the test of the matrix: %w", failed)
	}
	return err
}
