"""What is lost where matching is made cheaper: `python benchmarks/cheaper_matches.py [--pictures 8]`.

A window has a token look for its destination near it alone; sites that share a match make it once for several blocks.
Draws pictures of trained models densely and with each, from the same seeds; writes
docs/results/cheaper_matches.json: the signal-to-noise ratio against the dense picture, and the paired difference to the
method as it is, with its 95 % interval.
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
from tokred.method import Method
from tokred.metrics import psnr
from tokred.parts import GridMatcher
from tokred.registry import build_method
from tokred.zoo import load_model
from tokred.zoo.catalog import find_model

OUT = Path(__file__).parents[1] / "docs" / "results" / "cheaper_matches.json"
MODELS = ("emoji-flux", "emoji-sd3", "emoji-dit")
METHODS: dict[str, dict[str, Any]] = {"dito": {"dense_first": 2}, "delta": {"dense_first": 2}}
SHARES = (1, 2, 4, 8)
"""Neighbouring blocks with one match; 8 are all blocks of a type in each of these models."""
STEPS = 8
SEEDS = 1000


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=8)
    pictures = parser.parse_args().pictures
    rows = [row for name in MODELS for row in compared(name, list(range(SEEDS, SEEDS + pictures)))]
    OUT.write_text(json.dumps({"steps": STEPS, "pictures": pictures, "rows": rows}, indent=1) + "\n")


def compared(name: str, seeds: list[int]) -> list[dict[str, Any]]:
    """Draw with one model."""
    model, pipe, rows = find_model(name), load_model(name), []
    dense = model.generate(pipe, seeds, STEPS)
    for method, params in METHODS.items():
        whole = None
        for what, cheaper in variants(build_method(method, params)).items():
            with tokred.apply(pipe, cheaper):
                values = psnr(model.generate(pipe, seeds, STEPS), dense).double()
            whole = values if whole is None else whole
            row = {"model": name, "method": method, "what": what, "psnr": round(values.mean().item(), 3)}
            rows.append(row | difference(values - whole))
            print(rows[-1], flush=True)
    return rows


def variants(method: Method) -> dict[str, Method]:
    """Return a method that matches anew at every site in the whole picture, and cheaper ones."""
    plain = replace(method, share=0)
    assert isinstance(plain.matcher, GridMatcher)
    found = {"as it is": plain, "window=2": replace(plain, matcher=replace(plain.matcher, window=2))}
    return found | {f"share={share}": replace(plain, share=share) for share in SHARES}


def difference(values: torch.Tensor) -> dict[str, Any]:
    """Return the mean of paired differences and half its 95 % interval, by Student's distribution, nearly."""
    n = len(values)
    half = (1.96 + 2.4 / max(1, n - 1)) * values.std().item() / math.sqrt(n)
    return {"difference": round(values.mean().item(), 3), "interval": round(half, 3)}


if __name__ == "__main__":
    main()
