//go:build race

package faultmatrix

// The race detector makes everything several times as slow, and finds in a sample of cells
// and kills what it would find in all of them, which are tried without it.
const (
	oneIn = 24
	kills = 10
)
