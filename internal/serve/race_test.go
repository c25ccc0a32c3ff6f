//go:build race

package serve_test

import "time"

// The race detector makes everything several times as slow, and finds in a part of the days
// and stops what it would find in all of them, which are gone through without it.
const (
	longRun    = 5 * time.Hour // of daemons side by side
	leaderRun  = 4 * time.Hour // of daemons that come and go
	restarts   = 6             // of daemons that rehearse, an hour after each other
	stopWorlds = 1             // in which a daemon is stopped again and again
)
