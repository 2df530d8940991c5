#!/bin/sh
# Runs every test, C and Lua, and ends with one line: N passed, N failed, N skipped.
# usage: tests/run.sh [BUILD-DIR [FAILED]]    FAILED: checks that failed before, counted in
build=${1:-build}
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
passed=0 failed=${2:-0} skipped=0

echo "== C tests"
${MAKE:-make} --no-print-directory -s BUILD="$build" test-c >"$log" 2>&1
status=$?
cat "$log"
counts=$(awk '/: [0-9]+ passed, [0-9]+ failed/ {for (i = 1; i < NF; i++) if ($(i + 1) ~ /^passed/) p += $i; else if ($(i + 1) ~ /^failed/) f += $i}
  END {print p + 0, f + 0}' "$log")
passed=${counts% *}
failed=$((failed + ${counts#* }))
# Without a failure to show for it: a test that could not be built.
[ "$status" -eq 0 ] || [ "${counts#* }" -gt 0 ] || failed=$((failed + 1))
[ "$passed" -gt 0 ] || echo "no C test ran"

echo "== Lua tests"
GANTRY_TUNE=none GANTRY_LIBRARY=$(cd "$build" && pwd)/libgantry.so busted --output=plainTerminal tests >"$log" 2>&1
status=$?
cat "$log"
# busted's last summary: "N successes / N failures / N errors / N pending : SECONDS seconds"
set -- $(sed -n 's,^\([0-9]*\) success[a-z]* / \([0-9]*\) failure[a-z]* / \([0-9]*\) error[a-z]* / \([0-9]*\) pending.*,\1 \2 \3 \4,p' "$log" | tail -n 1)
if [ $# -ne 4 ]; then
  echo "busted gave no summary (status $status)"
  set -- 0 0 1 0
fi
passed=$((passed + $1)) failed=$((failed + $2 + $3)) skipped=$((skipped + $4))
[ "$status" -eq 0 ] || [ $(($2 + $3)) -gt 0 ] || failed=$((failed + 1))

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
