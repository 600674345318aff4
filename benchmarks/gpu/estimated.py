"""Check the estimate against what was measured: `python benchmarks/gpu/estimated.py`.

Reads docs/results/gpu, and the counts that `counted.py` made of it; writes the table in docs/cost.md anew.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokred.estimation.counting import Kernel, Work
from tokred.estimation.devices import find_device
from tokred.estimation.times import Times, times

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results" / "gpu"
PAGE = ROOT / "docs" / "cost.md"
BEGIN, END = "<!-- estimated -->", "<!-- end of estimated -->"
LEAST_MS = 2.0
"""Below which a step calls no model: a step cache's."""
PLACES = {"NVIDIA H200": "h200", "NVIDIA H100 80GB HBM3": "h100"}


@dataclass(frozen=True)
class Row:
    """One phase of one record, beside its estimate."""

    what: dict[str, Any]
    phase: str
    measured: float
    times: Times

    @property
    def error(self) -> float:
        """How far the estimate is off, as a share of what was measured."""
        return 1000 * self.times.seconds / self.measured - 1


def rows() -> Iterator[Row]:
    """Yield every phase that was measured and calls the model."""
    counts = json.loads((RESULTS / "counts.json").read_text())
    for name, counted in sorted(counts.items()):
        record = json.loads((RESULTS / "speed" / f"{name}.json").read_text())
        device = find_device(PLACES[record["device"]["name"]])
        for phase, work in counted["phases"].items():
            measured = record["result"]["ms"].get(phase, {"median": 0.0})["median"]
            if measured >= LEAST_MS:
                yield Row(record["what"], phase, measured, times(read(work), device))


def read(work: dict[str, Any]) -> Work:
    """Read what `counted.py` wrote."""
    kernels = [Kernel(name, flops, moved, half) for n, name, half, flops, moved in work["kernels"] for _ in range(n)]
    return Work(kernels, work["views"], work["aside"])


def table(found: list[Row]) -> str:
    """Write a table, and how far off it is."""
    head = "| model | pixels | method | step | measured ms | estimated ms | off by | limited by |"
    lines = [head, "|---|---:|---|---|---:|---:|---:|---|"]
    for row in found:
        what = [row.what["model"], str(row.what["pixels"]), row.what["method"], row.phase]
        numbers = [f"{row.measured:.1f}", f"{1000 * row.times.seconds:.1f}", f"{row.error:+.0%}", row.times.limit]
        lines.append("| " + " | ".join(what + numbers) + " |")
    off = [abs(row.error) for row in found]
    summary = f"Off by {statistics.median(off):.0%} at the median and by {max(off):.0%} at most, of {len(off)} steps."
    return "\n".join([*lines, "", summary])


def main() -> None:
    """Write the table."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(list(rows()))}\n\n{END}{after}")


if __name__ == "__main__":
    main()
