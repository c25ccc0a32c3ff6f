#!/usr/bin/env bash
# Runs all tests with the race detector, then each fuzz test for a few seconds.
# FUZZTIME=0 leaves the fuzzing out.
set -euo pipefail
cd "$(dirname "$0")"

go test -race ./...

fuzztime="${FUZZTIME:-3s}"
[ "$fuzztime" = 0 ] && exit 0
grep -rlE --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r dir; do
  grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | sed 's/^func //' | sort -u | while read -r name; do
    echo "fuzz $dir $name for $fuzztime"
    go test "$dir" -run '^$' -fuzz "^$name\$" -fuzztime "$fuzztime" </dev/null >/tmp/fuzz.$$ 2>&1 ||
      { cat /tmp/fuzz.$$; rm -f /tmp/fuzz.$$; exit 1; }
  done
done
rm -f /tmp/fuzz.$$
