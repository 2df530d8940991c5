#!/bin/sh
# Runs the benchmarks; each prints `ratio NAME VALUE` lines, our time over the other's.
set -e
here=$(dirname "$0")
"$here/../bin/gantry" "$here/step.lua" "$@"
"$here/../bin/gantry" "$here/autograd.lua"
