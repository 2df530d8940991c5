#!/bin/sh
# Runs C tests one after another, whatever becomes of each: one that crashed, or failed without saying so, is one failure.
# usage: tests/c/run.sh PROGRAM...      EMULATOR in the environment, where it is set, runs them.
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
failed=0
for test in "$@"; do
  ${EMULATOR:-} "$test" >"$log" 2>&1
  status=$?
  cat "$log"
  [ "$status" -eq 0 ] && continue
  failed=1
  grep -q ': [0-9]* passed, [1-9][0-9]* failed$' "$log" || echo "$(basename "$test"): 0 passed, 1 failed (it ended with status $status)"
done
exit "$failed"
