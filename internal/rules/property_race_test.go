//go:build race

package rules_test

const normalHistories = 5_000
