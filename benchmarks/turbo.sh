#!/usr/bin/env bash
# What can be saved of 4 distilled steps: `bash benchmarks/turbo.sh [SAMPLES]`. One step less, a skipped step, and one
# whose tokens are computed in part, on seeds from 100 up, which nothing was chosen on. DEVICE and PAIRS as in front.sh
# and front_part.sh. Run it from the repository root; it writes docs/results/emoji-turbo.
set -euo pipefail
rows=()
add() { for run in "$@"; do rows+=(--method "$run"); done; }

add fewer_steps:share=0.75 fewer_steps:share=0.5
add taylor_seer:interval=2,dense_first=2,order=0
add "step_cache:program=D D 1 D,order=1" "step_cache:program=D D D 1,order=0" "step_cache:program=D 1 D D,order=0"
for order in 0 1; do add "delta:program=D M 0.75 D,order=$order"; done
add "delta:program=D M 0.75 D,order=1,keys=recovered" "delta:program=D M 0.9375 D,order=0,stride=4x4,keys=recovered"
add "delta:program=D M 0.5 D,order=1" "delta:program=M 0.75 D D,order=0" "delta:program=D D M 0.75,order=1"
add dito:ratio=0.5,dense_first=1,keys=full tomesd:ratio=0.25 toca:fresh=0.5
tokred bench --overwrite --model emoji-turbo --steps 4 --samples "${1:-32}" --seed 100 --pairs "${PAIRS:-1}" \
  "${rows[@]}" --device "${DEVICE:-cpu}" --out docs/results/emoji-turbo
