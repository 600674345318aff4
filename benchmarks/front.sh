#!/usr/bin/env bash
# Quality over measured time of all that makes a model faster: `bash benchmarks/front.sh MODEL STEPS [SAMPLES] [PAIRS]`.
# Baselines (fewer steps, the caches of diffusers, the presets' own schedules over the sampler's time), published token
# methods, tokred's own methods and its presets, on seeds from 100 up, which nothing was tuned on. Below 12 steps two
# dense ones come first, else four.
# DEVICE in the environment, cpu or cuda, is where the model computes. Run it from the repository root; it writes
# docs/results/front/MODEL-STEPS.
set -euo pipefail
model=$1 steps=$2 samples=${3:-32} pairs=${4:-2}
first=$((steps < 12 ? 2 : 4))
rows=()

add() { for run in "$@"; do rows+=(--method "$run"); done; }

baselines() {
  for share in 0.8 0.667 0.5; do add "fewer_steps:share=$share"; done
  for order in 0 1 2; do add "taylor_seer:interval=2,dense_first=$first,order=$order"; done
  for interval in 3 4; do add "taylor_seer:interval=$interval,dense_first=$first,order=1"; done
  # FirstBlockCache does not know the blocks of SD3.
  if [ "$model" != emoji-sd3 ]; then add first_block_cache:threshold=0.1 first_block_cache:threshold=0.2; fi
  add mag_cache:threshold=0.1 pyramid_attention_broadcast faster_cache:interval=2
}

own() {
  for program in "D D D (1 D)* D" "D D/9 *(1 1 D) D/15" "D *(1 1 1 D) D/15"; do
    add "step_cache:program=$program,order=1,variable=noise"
  done
  add quality balanced fast "delta:ratio=0.75,dense_first=$first"
  add "delta:ratio=0.9375,stride=4x4,interval=3,dense_first=$first,gain=fitted,keys=recovered"
}

published() {
  add "dito:ratio=0.5,dense_first=$first" "dito:ratio=0.5,dense_first=$first,keys=full"
  for method in tomesd tofu sito toma; do add "$method:ratio=0.25"; done
}

baselines
own
published
tokred bench --overwrite --model "$model" --steps "$steps" --samples "$samples" --seed 100 --pairs "$pairs" "${rows[@]}" \
  --device "${DEVICE:-cpu}" \
  --out "docs/results/front/$model-$steps"
