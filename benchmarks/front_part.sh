#!/usr/bin/env bash
# Some runs of benchmarks/front.sh alone, on its samples, for when all else stays as it was measured:
# `bash benchmarks/front_part.sh MODEL STEPS PART RUN...`, such as `... emoji-dit 28 presets quality balanced fast`.
# Tables and plots have these rows beside the others, and in the place of those of the same label. PAIRS in the environment
# is the number of timed pairs. Run it from the repository root; it writes docs/results/front/MODEL-STEPS/PART.
set -euo pipefail
model=$1 steps=$2 part=$3
shift 3
rows=()
for run in "$@"; do rows+=(--method "$run"); done
tokred bench --overwrite --model "$model" --steps "$steps" --samples 32 --seed 100 --pairs "${PAIRS:-2}" "${rows[@]}" \
  --out "docs/results/front/$model-$steps/$part"
