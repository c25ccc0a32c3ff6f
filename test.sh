#!/usr/bin/env bash
# Runs all tests, then a smaller selection under the race detector, then each fuzz test with thousands of random inputs.
# FUZZTIME sets the budget of each fuzz test (100000x inputs, or 30s); FUZZTIME=0 skips them.
# For a quick check while you edit: go test -short ./...
set -euo pipefail
cd "$(dirname "$0")"

# Tests that drive a browser write screenshots of the pages here.
export PERSONALIZE_MONITOR_SCREENSHOTS="${PERSONALIZE_MONITOR_SCREENSHOTS-$PWD/dist/screenshots}"

# Without debug information (-w) the test programs are linked in half the time.
# Without cgo, the tests share compiled packages with the programs that some of them build.
export CGO_ENABLED=0
go test -vet=off -ldflags=-w ./...

# The packages with concurrency, and the tests of the whole program. The race detector is ten times slower, and finds in a sample
# what it finds in everything: -short, without the functions, which the fault matrix calls, and of the command line only the scripts
# whose processes do several things at a time.
mapfile -t concurrent < <(grep -rlE --include='*.go' --exclude='*_test.go' '\bgo func|errgroup\.|sync\.(Mutex|RWMutex|Once|WaitGroup)' internal |
  xargs -n1 dirname | sort -u | grep -vxE 'internal/(cli|lambda)')
CGO_ENABLED=1 go test -race -short -vet=off -ldflags=-w "${concurrent[@]/#/./}" ./test/faultmatrix ./test/soak
CGO_ENABLED=1 go test -race -short -vet=off -ldflags=-w -run '^TestScripts$/^(interrupt|run_act|serve)$' ./internal/cli

fuzztime="${FUZZTIME:-10000x}"
[ "$fuzztime" = 0 ] && exit 0
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
# Guidance by coverage needs all packages compiled again, which only a longer run repays.
guided=()
[ -z "${FUZZTIME:-}" ] || guided=(-fuzz .)
grep -rlE --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r dir; do
  go test -c -vet=off -ldflags=-w "${guided[@]}" -o "$work/fuzz.test" "$dir"
  grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | sed 's/^func //' | sort -u | while read -r name; do
    echo "fuzz $dir $name for $fuzztime"
    (cd "$dir" && "$work/fuzz.test" -test.run '^$' -test.fuzz "^$name\$" -test.fuzztime "$fuzztime" -test.fuzzcachedir "$work/corpus" </dev/null) \
      >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  done
done
