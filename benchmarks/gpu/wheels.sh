#!/usr/bin/env bash
# Fetch what a machine without a network needs beside Python 3.12 and PyTorch: `benchmarks/gpu/wheels.sh DIR [NAME ...]`.
#
# Into DIR go wheels for Linux on x86-64: those of constraints.txt that measuring and testing need, or only the named
# ones, where the machine has the rest. torch, torchvision and what comes with them are left out. tokred itself runs from
# a checkout there; beside the wheels goes what its installation in .venv knows of it, its name, version and commands.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$1
shift
with_torch="torch|torchvision|filelock|fsspec|jinja2|markupsafe|mpmath|networkx|sympy|typing-extensions"
tools="accelerate|ast-serialize|build|hypothesis|librt|mypy|mypy-extensions|pathspec|peft|psutil|py-cpuinfo2|pyproject-hooks|pytest-benchmark|ruff|hatchling|tomlkit|trove-classifiers|torchmetrics|lightning-utilities|sortedcontainers"
platforms=()
for glibc in 17 24 27 28 31 34; do platforms+=(--platform "manylinux_2_${glibc}_x86_64"); done
platforms+=(--platform manylinux2014_x86_64 --platform manylinux1_x86_64)

if (($#)); then
  packages=$(for name in "$@"; do grep "^$name==" constraints.txt; done)
else
  packages=$(grep -vE "^($with_torch|$tools)==" constraints.txt)
fi
mkdir -p "$out"
cp -r .venv/lib/python*/site-packages/tokred-*.dist-info "$out"
# shellcheck disable=SC2086  # one word per package
.venv/bin/python -m pip download --quiet --no-deps --only-binary=:all: --implementation cp --python-version 3.12 \
  "${platforms[@]}" --dest "$out" $packages
du -sh "$out"
