"""Count what was measured on a GPU: `python benchmarks/gpu/counted.py`.

Adds to docs/results/gpu/counts.json, for every record in docs/results/gpu/speed that is not counted yet, the operations
of one step of each phase, on a CUDA device that is not there. What tokred starts changes with its code, so run it in
the checkout that was measured, before anything else is committed. Takes about ten seconds a record.
"""

from __future__ import annotations

import json
import sys
from collections import Counter as Tally
from pathlib import Path
from typing import Any

from loop import STEPS
from tokred.bench.contender import parse_contenders
from tokred.bench.environment import Versions
from tokred.estimation.counting import Work
from tokred.estimation.counts import count
from tokred.estimation.models import MODELS
from tokred.estimation.released import pretended

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "gpu"
OUT = RESULTS / "counts.json"


def main() -> None:
    """Count each record that is not counted at its revision."""
    counts = json.loads(OUT.read_text())
    for path in sorted((RESULTS / "speed").glob("*.json")):
        record = json.loads(path.read_text())
        commit = record["versions"]["commit"]
        if counts.get(path.stem, {}).get("commit") == commit:
            continue
        if commit.removesuffix("-dirty") != str(Versions.here().commit).removesuffix("-dirty"):
            sys.exit(f"{path.name} was measured at {commit}: check that out, and count there.")
        counts[path.stem] = {"commit": commit, "phases": counted(record["what"])}
        print(path.stem, flush=True)
        OUT.write_text(json.dumps(counts) + "\n")


def counted(what: dict[str, Any]) -> dict[str, Any]:
    """Count the steps of each phase of one record, dense or with a method."""
    model = next(model for model in MODELS if model.name == what["model"])
    name, *params = what["method"].split(" ")
    contender = None if name == "dense" else parse_contenders([f"{name}:{','.join(params)}".rstrip(":")])[0]
    subject = pretended(model, what["pixels"], 1 if model.family == "vit" else STEPS["full"])
    return {phase: written(work) for phase, work in count(subject, contender).work.items()}


def written(work: Work) -> dict[str, Any]:
    """Write work as JSON: equal operations once, with their number."""
    tally = Tally((kernel.name, kernel.half, kernel.flops, kernel.bytes) for kernel in work.kernels)
    return {"views": work.views, "aside": work.aside, "kernels": [[n, *kernel] for kernel, n in tally.items()]}


if __name__ == "__main__":
    main()
