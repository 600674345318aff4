#!/usr/bin/env bash
# Quality over measured time of all that makes a model faster: `bash benchmarks/front.sh MODEL STEPS [SAMPLES] [PAIRS]`.
# Rivals (fewer steps, step caches, the caches of diffusers), the published token methods, tokred's own and its presets
# are measured on seeds from 100 up, which nothing was tuned on. Run it from the repository root; it writes
# docs/results/front/MODEL-STEPS. Below 12 steps methods have two dense steps first, else four.
set -euo pipefail
model=$1 steps=$2 samples=${3:-32} pairs=${4:-2}
first=$((steps < 12 ? 2 : 4))
rows=()

add() { for run in "$@"; do rows+=(--method "$run"); done; }

rivals() {
  add fewer_steps:share=0.8 fewer_steps:share=0.667 fewer_steps:share=0.5
  add step_cache:interval=2,dense_first=$first step_cache:interval=3,dense_first=$first
  for order in 1 2; do
    for interval in 2 3; do
      add "step_cache:interval=$interval,dense_first=$first,order=$order,variable=noise"
    done
  done
  add "step_cache:interval=2,dense_first=$((2 * first)),order=1,variable=noise"
}

own() {
  add quality balanced fast
  for interval in 2 3; do
    add "delta:ratio=0.75,interval=$interval,dense_first=$first"
    add "delta:ratio=0.9375,stride=4x4,interval=$interval,dense_first=$first,gain=fitted,keys=recovered"
  done
}

published() {
  add "dito:ratio=0.5,dense_first=$first" "dito:ratio=0.5,dense_first=$first,keys=full"
  for method in tomesd tofu sito ca_tome toma; do add "$method:ratio=0.25"; done
  add sdtm:ratio=0.3
}

rivals
own
published
for run in ${EXTRA:-}; do add "$run"; done
tokred bench --model "$model" --steps "$steps" --samples "$samples" --seed 100 --pairs "$pairs" "${rows[@]}" \
  --against fewer_steps --against 'step_cache:variable=noise' --out "docs/results/front/$model-$steps"
