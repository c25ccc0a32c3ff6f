//go:build !race

package rules_test

const normalHistories = 100_000
