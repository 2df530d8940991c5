#!/bin/sh
# A short training, sampling and walk, and gradients of gradients.
# usage: tests/short-train.sh BUILD-DIR [NAME]      EMULATOR in the environment, where it is set, runs LuaJIT.
set -e
GANTRY_LIBRARY=$(cd "${1:?usage: tests/short-train.sh BUILD-DIR [NAME]}" && pwd)/libgantry.so
export GANTRY_LIBRARY
root=$(cd "$(dirname "$0")/.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
run() { ${EMULATOR:-} "$(command -v luajit)" "$root/bin/gantry" "$@"; }
for kernel in 4 5; do
  run train dcgan --data scenes:faces --out "$out/run$kernel" --set size=16 base=4 batch=8 samples=9 steps=6 sample_every=3 kernel=$kernel >"$out/log" 2>&1 ||
    { cat "$out/log"; exit 1; }
  run sample "$out/run$kernel" >/dev/null
  run walk "$out/run$kernel" >/dev/null
done
run "$root/examples/gradient_penalty.lua" >/dev/null
echo "${2:-short trainings}: two short trainings, samples, walks and gradients of gradients: clean"
