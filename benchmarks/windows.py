"""What a window loses against comparing with the whole picture: `python benchmarks/windows.py [--pictures 6]`.

Draws pictures of trained models densely, and with pairs found anywhere or within a window, from the same seeds; writes
docs/results/windows.json: the signal-to-noise ratio against the dense picture, and the paired difference with its 95 %
interval.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import tokred
from tokred.metrics import psnr
from tokred.parts import GridMatcher
from tokred.registry import build_method
from tokred.zoo import load_model
from tokred.zoo.catalog import find_model

OUT = Path(__file__).parents[1] / "docs" / "results" / "windows.json"
MODELS = ("emoji-flux", "emoji-dit")
METHODS: dict[str, dict[str, Any]] = {"dito": {"dense_first": 2}, "delta": {"dense_first": 2}}
WINDOWS = (2,)
STEPS = 8
SEEDS = 1000


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=6)
    pictures = parser.parse_args().pictures
    rows = [row for name in MODELS for row in compared(name, list(range(SEEDS, SEEDS + pictures)))]
    OUT.write_text(json.dumps({"steps": STEPS, "pictures": pictures, "rows": rows}, indent=1) + "\n")


def compared(name: str, seeds: list[int]) -> list[dict[str, Any]]:
    """Draw with one model."""
    model, pipe, rows = find_model(name), load_model(name), []
    dense = model.generate(pipe, seeds, STEPS)
    for method, params in METHODS.items():
        built, whole = build_method(method, params), None
        for window in (0, *WINDOWS):
            assert isinstance(built.matcher, GridMatcher)
            with tokred.apply(pipe, replace(built, matcher=replace(built.matcher, window=window))):
                values = psnr(model.generate(pipe, seeds, STEPS), dense).double()
            whole = values if whole is None else whole
            row = {"model": name, "method": method, "window": window, "psnr": round(values.mean().item(), 3)}
            rows.append(row | difference(values - whole))
            print(rows[-1], flush=True)
    return rows


def difference(values: torch.Tensor) -> dict[str, Any]:
    """Return the mean of paired differences and half its 95 % interval, by Student's distribution, nearly."""
    n = len(values)
    half = (1.96 + 2.4 / max(1, n - 1)) * values.std().item() / math.sqrt(n)
    return {"difference": round(values.mean().item(), 3), "interval": round(half, 3)}


if __name__ == "__main__":
    main()
