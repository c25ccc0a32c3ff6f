//go:build unix

package serve

import (
	"math"
	"syscall"
)

// fileLimit is how many file descriptors this process may have.
func fileLimit() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return math.MaxUint64
	}
	return uint64(limit.Cur) //nolint:unconvert // it is an int64 on FreeBSD
}
