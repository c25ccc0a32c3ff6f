//go:build race

package decide_test

const normalHistories = 5_000
