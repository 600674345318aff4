#!/usr/bin/env bash
# What DiTo's paper claims, measured on a trained model:
# `bash benchmarks/dito.sh twins|schedules MODEL [SAMPLES] [PAIRS] [STEPS] [PENALTY]`; an empty PENALTY leaves it out.
# `twins` holds matching by outputs against matching by inputs, with and without the penalty, and against ToMeSD;
# `schedules` holds guided and calibrated intervals against fixed ones. Run it from the repository root; it writes
# docs/results/dito/MODEL/twins and docs/results/dito/MODEL/schedules.
set -euo pipefail
part=$1 model=$2 samples=${3:-32} pairs=${4:-2} steps=${5:-20} penalty=${6-0.05}
out=docs/results/dito/$model
mkdir -p "$out"

bench() {
  tokred bench --overwrite --model "$model" --steps "$steps" --samples "$samples" --seed 100 --pairs "$pairs" --out "$out/$part" "$@"
}

twins() {
  local rows=() against=(--against dito:signal=input --against tomesd) run
  for interval in 2 3 5; do
    for ratio in 0.25 0.5 0.75; do
      run="dito:ratio=$ratio,interval=$interval,dense_first=4"
      rows+=(--method "$run" --method "$run,signal=input")
    done
  done
  if [ -n "$penalty" ]; then
    against+=(--against "dito:penalty=$penalty")
    for interval in 2 5; do
      for ratio in 0.5 0.75; do
        rows+=(--method "dito:ratio=$ratio,interval=$interval,dense_first=4,penalty=$penalty")
      done
    done
  fi
  bench "${rows[@]}" --method tomesd "${against[@]}"
}

schedules() {
  local rows=()
  for interval in 2 3 4 6; do rows+=(--method "dito:ratio=0.5,interval=$interval,dense_first=4"); done
  for pmr in 0.75 0.8 0.85; do rows+=(--method "dito:ratio=0.5,pmr=$pmr,dense_first=4"); done
  for threshold in 0.7 0.75 0.8; do
    tokred calibrate --model "$model" --steps "$steps" --dense-first 4 --threshold "$threshold" --out "$out/pmr-$threshold.json"
    rows+=(--method "dito:ratio=0.5,schedule=$out/pmr-$threshold.json")
  done
  bench "${rows[@]}" --against 'dito:interval=*'
}

"$part"
