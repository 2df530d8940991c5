#!/bin/sh
# tests/short-train.sh with a library that was built under AddressSanitizer and UBSan.
# usage: tests/asan-train.sh BUILD-DIR
set -e
asan=$(${CC:-cc} -print-file-name=libasan.so)
# LuaJIT keeps its own memory to the end, so leaks are looked for in the C tests, not here.
EMULATOR="env LD_PRELOAD=$asan ASAN_OPTIONS=detect_leaks=0:abort_on_error=1" exec sh "$(dirname "$0")/short-train.sh" "$1" asan
