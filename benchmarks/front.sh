#!/usr/bin/env bash
# Quality over measured time of all that makes a model faster: `bash benchmarks/front.sh MODEL STEPS [SAMPLES] [PAIRS]`.
# Rivals (fewer steps, the caches of diffusers, the presets' own schedules over the sampler's time), published token
# methods (at 28 steps DiTo alone), tokred's own methods and its presets, on seeds from 100 up, which nothing was tuned
# on. At 28 steps and more, only what was near the front before. Below 12 steps two dense ones come first, else
# four.
# Run it from the repository root; it writes docs/results/front/MODEL-STEPS.
set -euo pipefail
model=$1 steps=$2 samples=${3:-32} pairs=${4:-2}
first=$((steps < 12 ? 2 : 4))
rows=()

add() { for run in "$@"; do rows+=(--method "$run"); done; }

rivals() {
  add fewer_steps:share=0.667 fewer_steps:share=0.5 "taylor_seer:interval=2,dense_first=$first,order=1"
  add "taylor_seer:interval=3,dense_first=$first,order=1"
  if [ "$steps" -lt 50 ]; then
    add fewer_steps:share=0.8 "taylor_seer:interval=4,dense_first=$first,order=1"
    for order in 0 2; do add "taylor_seer:interval=2,dense_first=$first,order=$order"; done
  fi
  if [ "$steps" -lt 28 ]; then
    if [ "$model" != emoji-sd3 ]; then add first_block_cache:threshold=0.1 first_block_cache:threshold=0.2; fi
    add mag_cache:threshold=0.1 pyramid_attention_broadcast faster_cache:interval=2
  fi
  for program in "D D D (1 D)* D" "D D/9 *(1 1 D) D/15" "D *(1 1 1 D) D/15"; do
    add "step_cache:program=$program,order=1,variable=noise"
  done
}

own() {
  add quality balanced fast
  if [ "$steps" -ge 50 ]; then return; fi
  add "delta:ratio=0.75,dense_first=$first"
  add "delta:ratio=0.9375,stride=4x4,interval=3,dense_first=$first,gain=fitted,keys=recovered"
}

published() {
  add "dito:ratio=0.5,dense_first=$first"
  if [ "$steps" -ge 28 ]; then return; fi
  add "dito:ratio=0.5,dense_first=$first,keys=full"
  for method in tomesd tofu sito toma; do add "$method:ratio=0.25"; done
}

rivals
own
if [ "$steps" = 10 ] || [ "$steps" = 28 ]; then published; fi
tokred bench --model "$model" --steps "$steps" --samples "$samples" --seed 100 --pairs "$pairs" "${rows[@]}" \
  --out "docs/results/front/$model-$steps"
