#!/usr/bin/env bash
# What each choice in `delta` is worth: `bash benchmarks/ablation.sh MODEL [STEPS] [SAMPLES] [PAIRS]`. One thing at a time
# is changed from a base run; and what forecasts of whole steps run over. Run it from the repository root; it writes
# docs/results/ablation/MODEL.
set -euo pipefail
model=$1 steps=${2:-20} samples=${3:-32} pairs=${4:-2}
base=ratio=0.75,interval=2,dense_first=4
rows=(--method "delta:$base" --method "dito:$base,keys=full" --method "dito:$base")
for change in order=0 order=2 variable=noise gain=fitted keys=recovered keys=kept signal=input signal=key signal=drift \
  signal=error share=1 order=0,gain=fitted order=0,keys=recovered gain=fitted,keys=recovered; do
  rows+=(--method "delta:$base,$change")
done
for remove in similar least; do rows+=(--method "delta:ratio=0.5,interval=2,dense_first=4,signal=error,remove=$remove"); done
for first in 2 3 6; do rows+=(--method "delta:ratio=0.75,interval=2,dense_first=$first"); done
rows+=(--method "delta:ratio=0.75,interval=3,dense_first=4" --method "delta:ratio=0.9375,stride=4x4,interval=2,dense_first=4")
for program in "D D D (1 D)* D" "D *(1 1 D)" "D (1 1 1 D)*"; do
  for variable in log_snr noise; do rows+=(--method "step_cache:program=$program,order=1,variable=$variable"); done
done
tokred bench --overwrite --model "$model" --steps "$steps" --samples "$samples" --seed 100 --pairs "$pairs" "${rows[@]}" \
  --out "docs/results/ablation/$model"
