"""How many kernels inductor makes of merging and recovering: `python benchmarks/kernels.py`.

Compiles each part by itself on the CPU, with 256 tokens of which half are removed. Writes docs/results/kernels.json.
Takes a minute.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch._inductor import metrics

from tokred import Reduction
from tokred.bench.environment import Versions
from tokred.engine.memory import new_memory
from tokred.interfaces import Recovery, Time
from tokred.parts import Cached, Copy, Delta, Forecast

OUT = Path(__file__).parents[1] / "docs" / "results" / "kernels.json"
TOKENS, REMOVED, WIDTH = 256, 128, 64
RECOVERIES: dict[str, Recovery] = {
    "copy": Copy(),
    "cached": Cached(),
    "forecast": Forecast(),
    "delta of a cache": Delta(),
    "delta of a forecast": Delta(Forecast()),
}


def compiled() -> Iterator[tuple[str, int]]:
    """Yield each part with the number of its kernels."""
    shuffled = torch.randperm(TOKENS).unsqueeze(0)
    reduction = Reduction.from_pairs(TOKENS, shuffled[:, :REMOVED], shuffled[:, REMOVED:])
    all_rows, kept, time = torch.randn(2, TOKENS, WIDTH), torch.randn(2, REMOVED, WIDTH), Time.at(torch.tensor(0.5))
    yield "merge, prune", kernels(reduction.merge, all_rows)
    yield "merge, mean", kernels(lambda x: reduction.merge(x, "mean"), all_rows)
    for name, recovery in RECOVERIES.items():
        memory = new_memory(recovery.state_spec((2, TOKENS, WIDTH)), torch.float32, torch.device("cpu"))
        yield f"recover, {name}", kernels(lambda k, m, r=recovery: r.recover(k, reduction, m, time), kept, memory)


@torch.no_grad()
def kernels(call: Callable[..., Any], *args: Any) -> int:
    """Count the kernels that inductor makes of a call."""
    torch._dynamo.reset()
    metrics.reset()
    torch.compile(call, fullgraph=True)(*args)
    return metrics.generated_kernel_count


def main() -> None:
    """Count and write."""
    made = {"versions": asdict(Versions.here()), "kernels": dict(compiled())}
    OUT.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
