"""How long a match takes, and how much memory, by the number of tokens: `python benchmarks/matching.py`.

Compares the grid matcher over the whole picture, as it was at a revision and as it is here, with windows. Writes
docs/results/matching.json. Each measurement is a process of its own, so that its memory is too. Takes about five
minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "results" / "matching.json"
SIDES = (16, 32, 64, 128, 256)
CHANNELS = 1152
WAYS: dict[str, dict[str, Any]] = {
    "before": {},
    "whole picture": {},
    "window=2": {"window": 2},
    "window=4": {"window": 4},
}
ENOUGH_SECONDS = 2.0


def measure(side: int, params: dict[str, Any]) -> dict[str, Any]:
    """Match `side * side` tokens of one sample, half of them removed; give the median time and the memory on top."""
    import torch

    from tokred import Layout
    from tokred.parts import Cosine, GridMatcher

    layout, matcher = Layout(((side, side),)), GridMatcher(**params)
    generator = torch.Generator().manual_seed(0)
    x, r = torch.randn(1, layout.image, CHANNELS, generator=generator), layout.image // 2
    small = Layout(((8, 8),))
    matcher.match(x[:, :64], matcher.draw(small, 8, generator), 8, Cosine(), {})
    draw = matcher.draw(layout, r, generator)
    before, times = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
    while not times or sum(times) < ENOUGH_SECONDS:
        start = time.perf_counter()
        matcher.match(x, draw, r, Cosine(), {})
        times.append(time.perf_counter() - start)
    mebibytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {"tokens": layout.image, "ms": 1000 * statistics.median(times), "MiB": round(mebibytes, 1)}


def flops_per_second() -> float:
    """Time a transformer block of 4,096 tokens: blocks of more tokens are reckoned by their operations."""
    import torch
    from diffusers.models.attention import BasicTransformerBlock

    block = BasicTransformerBlock(CHANNELS, 16, CHANNELS // 16, norm_type="layer_norm").eval()
    x, times = torch.randn(1, 4096, CHANNELS), []
    with torch.no_grad():
        for _ in range(3):
            start = time.perf_counter()
            block(x)
            times.append(time.perf_counter() - start)
    return block_flops(4096) / min(times)


def block_flops(tokens: int) -> float:
    """Return the operations of a transformer block."""
    return 24.0 * CHANNELS**2 * tokens + 4.0 * CHANNELS * tokens**2


def child(code: str, tree: Path) -> Any:
    """Evaluate an expression of this module in a process of its own, with tokred from `tree`."""
    paths = os.pathsep.join(str(tree / part) for part in ("src", "plugins", "adapters"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([paths, str(ROOT / "benchmarks")])}
    command = [sys.executable, "-c", f"import json, matching; print(json.dumps(matching.{code}))"]
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", default="543e0ca", help="the revision to compare with")
    revision = parser.parse_args().before
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", revision, "src"], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "x", "-C", folder], input=archive, check=True)
        rate = child("flops_per_second()", ROOT)
        rows = []
        for side in SIDES:
            for way, params in WAYS.items():
                found = child(f"measure({side}, {params!r})", Path(folder) if way == "before" else ROOT)
                share = found["ms"] / 1000 / (block_flops(found["tokens"]) / rate)
                rows.append({"way": way, **found, "share_of_block": round(share, 5)})
                print(rows[-1], flush=True)
    result = {"before": revision, "channels": CHANNELS, "block_flops_per_second": rate, "rows": rows}
    OUT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
