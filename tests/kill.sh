#!/bin/sh
# kill -9 at random moments of a run, and deaths inside the writing of a checkpoint: after `gantry resume` the weights are those
# of the run that was never stopped, at 1 and at 2 threads.  usage: tests/kill.sh [KILLS] [SEED]
# Needs a built library: GANTRY_LIBRARY, or build/libgantry.so. Prints one line for each death and ends with "ok" or fails.
kills=${1:-20} seed=${2:-$$}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
settings='size=16 base=4 kernel=4 batch=6 z_size=8 samples=4 sample_every=7 checkpoint_every=5 log_every=1 keep=3 keep_best=d_loss'
steps=150

gantry() { "$root/bin/gantry" "$@"; }
hash_of() { gantry info "$1" | awk '$1 == "weights" {print $2}'; }
# A new number below $1 at each call: Park and Miller's generator.
random() { seed=$((seed * 16807 % 2147483647)); value=$((seed % $1)); }

seed=$((seed % 2147483646 + 1))
gantry train dcgan --data scenes:faces --out "$work/whole" --threads 1 --steps $steps --set $settings >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
whole=$(hash_of "$work/whole")
size=$(wc -c <"$work/whole/checkpoint.safetensors")
echo "never stopped: weights $whole after $steps steps"

died=0 round=0
while [ $died -lt "$kills" ]; do
  round=$((round + 1)) run="$work/run$round" most=$((died + 5))
  [ $most -gt "$kills" ] && most=$kills
  while [ ! -e "$run/checkpoint.safetensors" ] || [ "$(gantry info "$run" | awk '$1 == "step" {print $2}')" -lt $steps ]; do
    threads=$(((died + round) % 2 + 1))
    export GANTRY_THREADS=$threads
    random 3; kind=$value
    random 700; delay=$(printf '0.%03d' "$value")
    if [ ! -e "$run/checkpoint.safetensors" ]; then
      "$root/bin/gantry" train dcgan --data scenes:faces --out "$run" --steps $steps --set $settings >"$work/log" 2>&1 &
    elif [ $died -lt $most ] && [ "$kind" -eq 0 ]; then
      random 4; which=$((value + 1)); random "$size"; delay=
      "$root/bin/gantry" "$root/tests/support/dies_writing.lua" "$run" $which "$value" >"$work/log" 2>&1 &
    else
      "$root/bin/gantry" resume "$run" >"$work/log" 2>&1 &
    fi
    pid=$!
    if [ $died -lt $most ] && [ -n "$delay" ]; then sleep "$delay"; kill -9 $pid 2>/dev/null; fi
    wait $pid 2>/dev/null
    status=$?
    case $status in
    0) ;;
    137) died=$((died + 1)); echo "death $died, with $threads thread(s): killed after $delay s" ;;
    153) died=$((died + 1)); echo "death $died, with $threads thread(s): checkpoint $which was cut off at $value of $size bytes" ;;
    *) cat "$work/log"; echo "ended with status $status"; exit 1 ;;
    esac
  done
  hash=$(hash_of "$run")
  [ "$hash" = "$whole" ] || { echo "round $round: weights $hash, wanted $whole"; exit 1; }
  left=$(find "$run" -name '*.tmp-*' | wc -l)
  [ "$left" -eq 0 ] || { echo "round $round: $left half-written files were left"; exit 1; }
  lines=$(wc -l <"$run/metrics.jsonl")
  [ "$lines" -eq $steps ] || { echo "round $round: $lines lines of metrics, wanted $steps"; exit 1; }
  echo "round $round: finished with the same weights"
done
echo ok
