//go:build !race

package serve_test

import "time"

const (
	longRun    = 26 * time.Hour
	leaderRun  = 9 * time.Hour
	restarts   = 26
	stopWorlds = 4
)
