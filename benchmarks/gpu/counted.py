"""Count what was measured on a GPU, at the revision that was measured: `python benchmarks/gpu/counted.py`.

Writes docs/results/gpu/counts.json: the operations of one step of each phase of every record in docs/results/gpu/speed,
on a CUDA device that is not there. Takes about ten minutes of one core, most of it for the methods.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter as Tally
from contextlib import nullcontext
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "docs" / "results" / "gpu" / "speed"
OUT = ROOT / "docs" / "results" / "gpu" / "counts.json"
STEPS = 6
"""Of a generation of 20; enough for each phase of what was measured."""


def main() -> None:
    """Count each record with tokred as it was then."""
    counts: dict[str, Any] = {}
    for path in sorted(RECORDS.glob("*.json")):
        record = json.loads(path.read_text())
        with tempfile.TemporaryDirectory() as tree:
            revision = record["versions"]["commit"].removesuffix("-dirty")
            command = ["git", "archive", revision, "src", "plugins", "adapters"]
            archive = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
            subprocess.run(["tar", "x", "-C", tree], input=archive, check=True)
            subprocess.run(
                ["cp", "-r", ROOT / "src" / "tokred" / "estimation", Path(tree) / "src" / "tokred"], check=True
            )
            paths = os.pathsep.join(f"{tree}/{part}" for part in ("src", "plugins", "adapters"))
            environment = {**os.environ, "PYTHONPATH": paths}
            child = [sys.executable, __file__, json.dumps(record["what"])]
            found = subprocess.run(child, env=environment, check=True, capture_output=True, text=True).stdout
        counts[path.stem] = json.loads(found)
        print(path.stem, {phase: len(work["kernels"]) for phase, work in counts[path.stem].items()}, flush=True)
        OUT.write_text(json.dumps(counts) + "\n")


def count(what: dict[str, Any]) -> dict[str, Any]:
    """Count one record, in a process that has tokred as it was then."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily

    from tokred.bench.contender import parse_contenders
    from tokred.estimation.counting import Counter
    from tokred.estimation.models import MODELS
    from tokred.estimation.workbench import Workbench
    from tokred.parts import GridMatcher

    draw = GridMatcher.draw

    def outside(*args: Any) -> Any:
        with unset_fake_temporarily():  # type: ignore[no-untyped-call]
            return draw(*args)

    GridMatcher.draw = outside  # type: ignore[method-assign]
    name, *params = what["method"].split(" ")
    contender = None if name == "dense" else parse_contenders([f"{name}:{','.join(params)}" if params else name])[0]
    model = next(model for model in MODELS if model.name == what["model"])
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        subject = Workbench("cuda", tiny=False, steps=20).subject(model, what["pixels"])
        phases = {}
        with contender.applied(subject.model) if contender else nullcontext() as run, Counter() as counter:
            for index in range(1 if model.family == "vit" or run is None else STEPS):
                counter.begin()
                subject.step(index)
                calls = run.report().calls if run else ()
                done = {call.phase.value for call in calls if call.position.step == index} or {"dense"}
                phases[" and ".join(sorted(done))] = written(counter.begin())
    return phases


def written(work: Any) -> dict[str, Any]:
    """Write work as JSON: equal operations once, with their number."""
    tally = Tally((k.name, k.half, k.flops, k.bytes) for k in work.kernels)
    return {"views": work.views, "aside": work.aside, "kernels": [[n, *kernel] for kernel, n in tally.items()]}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(count(json.loads(sys.argv[1]))))
    else:
        main()
