//go:build !race

package faultmatrix

const (
	oneIn = 1   // of how many cells one is tried
	kills = 200 // is how many processes are killed
)
