//go:build !unix

package serve

import "math"

// fileLimit is how many file descriptors this process may have.
func fileLimit() uint64 { return math.MaxUint64 }
