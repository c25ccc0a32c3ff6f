//go:build !race

package decide_test

const normalHistories = 100_000
