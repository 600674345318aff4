#!/usr/bin/env bash
# What DiTo's paper claims, measured on a trained model: `bash benchmarks/dito.sh MODEL [SAMPLES] [PAIRS]`.
# Writes docs/results/dito/MODEL: `twins` (outputs against inputs, with and without the penalty, and ToMeSD) and
# `schedules` (fixed, guided and calibrated intervals). Run it from the repository root.
set -euo pipefail
model=$1 samples=${2:-32} pairs=${3:-2}
out=docs/results/dito/$model
mkdir -p "$out"

rows=()
for interval in 2 3 5; do
  for ratio in 0.25 0.5 0.75; do
    run="dito:ratio=$ratio,interval=$interval,dense_first=4"
    rows+=(--method "$run" --method "$run,signal=input")
  done
done
for interval in 2 5; do
  for ratio in 0.5 0.75; do
    rows+=(--method "dito:ratio=$ratio,interval=$interval,dense_first=4,penalty=0.05")
  done
done
tokred bench --model "$model" --steps 20 --samples "$samples" --seed 100 --pairs "$pairs" --out "$out/twins" "${rows[@]}" \
  --method tomesd --against dito:signal=input --against dito:penalty=0.05 --against tomesd

rows=()
for interval in 2 3 4 6; do rows+=(--method "dito:ratio=0.5,interval=$interval,dense_first=4"); done
for pmr in 0.8 0.85 0.9; do rows+=(--method "dito:ratio=0.5,pmr=$pmr,dense_first=4"); done
for threshold in 0.8 0.85 0.9; do
  tokred calibrate --model "$model" --steps 20 --dense-first 4 --threshold "$threshold" --out "$out/schedule-$threshold.json"
  rows+=(--method "dito:ratio=0.5,schedule=$out/schedule-$threshold.json")
done
tokred bench --model "$model" --steps 20 --samples "$samples" --seed 100 --pairs "$pairs" --out "$out/schedules" "${rows[@]}" \
  --against 'dito:interval=*'
