//go:build race

package decide_test

const normalHistories = 10_000
