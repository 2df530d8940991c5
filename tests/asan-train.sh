#!/bin/sh
# A short Lua training, sampling and walk with a library that was built under AddressSanitizer and UBSan.
# usage: tests/asan-train.sh BUILD-DIR
set -e
build=$(cd "${1:?usage: tests/asan-train.sh BUILD-DIR}" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
asan=$(${CC:-cc} -print-file-name=libasan.so)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
under() {
  # LuaJIT keeps its own memory to the end, so leaks are looked for in the C tests, not here.
  LD_PRELOAD=$asan ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 GANTRY_LIBRARY=$build/libgantry.so "$root/bin/gantry" "$@"
}
for kernel in 4 5; do
  under train dcgan --data scenes:faces --out "$out/run$kernel" --set size=16 base=4 batch=8 samples=9 steps=6 sample_every=3 kernel=$kernel >"$out/log" 2>&1 ||
    { cat "$out/log"; exit 1; }
  under sample "$out/run$kernel" >/dev/null
  under walk "$out/run$kernel" >/dev/null
done
under "$root/examples/gradient_penalty.lua" >/dev/null
echo "asan: two short trainings, samples, walks and gradients of gradients: clean"
