#!/usr/bin/env bash
# Runs all tests with the race detector, then each fuzz test for a few thousand inputs.
# FUZZTIME sets how long (10000x inputs, or 30s); FUZZTIME=0 leaves the fuzzing out.
set -euo pipefail
cd "$(dirname "$0")"

# Where the tests that drive a browser put their pictures of the pages.
export PERSONALIZE_MONITOR_SCREENSHOTS="${PERSONALIZE_MONITOR_SCREENSHOTS-$PWD/dist/screenshots}"

go test -race ./...
# All random histories: the race detector, ten times slower, has judged one in twenty.
go test ./internal/rules -run Random
# The whole fault matrix and all kills, of which it has tried a sample.
go test ./test/faultmatrix
# Daemons over days, of which it has seen hours.
go test ./internal/serve -run 'Daemons|Leaders|Rehearsals|StoppedAnywhere'

fuzztime="${FUZZTIME:-3000x}"
[ "$fuzztime" = 0 ] && exit 0
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
grep -rlE --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r dir; do
  # One binary for all fuzz tests of a package: linking takes longer than the fuzzing.
  go test -c -fuzz . -o "$work/fuzz.test" "$dir"
  grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | sed 's/^func //' | sort -u | while read -r name; do
    echo "fuzz $dir $name for $fuzztime"
    (cd "$dir" && "$work/fuzz.test" -test.run '^$' -test.fuzz "^$name\$" -test.fuzztime "$fuzztime" -test.fuzzcachedir "$work/corpus" </dev/null) \
      >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  done
done
