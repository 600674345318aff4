#!/usr/bin/env bash
# The presets alone, on the samples of benchmarks/front.sh, for when they changed and all else did not:
# `bash benchmarks/front_presets.sh MODEL STEPS [SAMPLES] [PAIRS]`. Tables and plots take these rows in the place of those that
# benchmarks/front.sh measured. Run it from the repository root; it writes docs/results/front/MODEL-STEPS/presets.
set -euo pipefail
model=$1 steps=$2 samples=${3:-32} pairs=${4:-2}
tokred bench --model "$model" --steps "$steps" --samples "$samples" --seed 100 --pairs "$pairs" \
  --method quality --method balanced --method fast --out "docs/results/front/$model-$steps/presets"
