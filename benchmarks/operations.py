"""How many operations are started on a CUDA device: `python benchmarks/operations.py [--before REV]`.

Writes docs/results/operations.json, counted on fake tensors in bfloat16: what parts start, before and now, at 4,096
tokens of which half are removed; and what each method adds to a call of each model, per site, at the tokens and the
width of released models, which have fewer blocks here. Takes ten minutes of one core.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "results" / "operations.json"
STEPS = 8
SHALLOW: dict[str, dict[str, Any]] = {
    "dit": {"num_layers": 2},
    "pixart": {"num_layers": 2},
    "sd3": {"num_layers": 3, "dual_attention_layers": (0,)},
    "flux": {"num_layers": 1, "num_single_layers": 2},
    "unet": {"transformer_layers_per_block": 1},
    "wan": {"num_layers": 2},
    "vit": {"depth": 8},
}
"""By family; what a site adds does not depend on how many there are."""


def count() -> dict[str, int]:
    """Count in a process that has either tokred."""
    import torch
    from counting import Counter  # type: ignore[import-not-found]
    from torch._subclasses.fake_tensor import FakeTensorMode

    from tokred import Layout, Reduction
    from tokred.engine.memory import new_memory
    from tokred.parts import Cached, Copy, Cosine, Delta, Forecast, GridMatcher

    layout, matcher, half = Layout(((64, 64),)), GridMatcher(), torch.bfloat16
    tokens, r = layout.image, layout.image // 2
    draw = matcher.draw(layout, r, torch.Generator())
    recoveries = {"copy": Copy(), "cached": Cached(), "forecast": Forecast(), "delta of a cache": Delta()}
    recoveries |= {"delta of a forecast": Delta(Forecast())}
    counts = {}

    def counted(what: str, call: Any) -> Any:
        with Counter() as counter:
            result = call()
        counts[what] = counter.work.operations
        return result

    with FakeTensorMode() as fakes, torch.no_grad():
        drawn = tuple(fakes.from_tensor(tensor).to("cuda") for tensor in draw)
        one, two = (torch.empty(rows, tokens, 64, device="cuda", dtype=half) for rows in (1, 2))
        counted("match, one sample", lambda: matcher.match(one, drawn, r, Cosine(), {}))
        made: Reduction = counted("match, two samples", lambda: matcher.match(two, drawn, r, Cosine(), {}))
        sizes, time = torch.empty(2, tokens, device="cuda"), _time(torch.empty((), device="cuda"))
        counted("merge, mean", lambda: made.merge(two, "mean"))
        counted("merge, weighted", lambda: made.merge(two, "weighted", sizes))
        for name, recovery in recoveries.items():
            memory = new_memory(recovery.state_spec((2, tokens, 64)), half, torch.device("cuda"))
            kept = two[:, r:].clone()
            counted(f"recover, {name}", lambda r=recovery, k=kept, m=memory: r.recover(k, made, m, time))
            if memory:
                counted(f"observe, {name}", lambda r=recovery, m=memory: r.observe(two, m, time, made))
    return counts


def _time(noise: Any) -> Any:
    """Return the time at a share of noise; that was all of it before."""
    try:
        from tokred.interfaces import Time
    except ImportError:
        return noise
    return Time.at(noise)


def child(tree: Path) -> dict[str, int]:
    """Count with tokred from `tree`, by the counter of this one."""
    folders = [tree / "src", ROOT / "src" / "tokred" / "estimation", ROOT / "benchmarks"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    command = [sys.executable, "-c", "import json, operations; print(json.dumps(operations.count()))"]
    found: dict[str, int] = json.loads(
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    )
    return found


def per_site() -> Iterator[dict[str, Any]]:
    """Count what each method adds to each phase of a model's call, over the sites where it works."""
    from tokred.bench.contender import parse_contenders
    from tokred.errors import TokredError
    from tokred.estimation.counts import count as counted
    from tokred.estimation.models import MODELS
    from tokred.estimation.released import pretended
    from tokred.registry import components

    for real in MODELS:
        shallow = replace(real, config={**real.config, **SHALLOW[real.family]})
        subject = pretended(shallow, real.pixels[0], 1 if real.family == "vit" else STEPS)
        with subject.mode:
            dense = counted(subject, None).work["dense"]
            for name in sorted(found.component.name for found in components("method")):
                contender = parse_contenders([name])[-1]
                try:
                    with contender.applied(subject.model) as run:
                        sites = len(run.sites)
                    phases = counted(subject, contender).work
                except TokredError as why:
                    print(real.name, name, "cannot be counted:", str(why)[:80], flush=True)
                    continue
                for phase, work in phases.items():
                    row = {"model": real.name, "method": contender.label, "phase": phase}
                    row["operations"] = round((work.operations - dense.operations) / sites, 1)
                    row |= {"sent": round(work.sent / sites, 1), "waits": work.waits}
                    row["moved_mib"] = round((work.bytes - dense.bytes) / sites / 2**20, 1)
                    print(row, flush=True)
                    yield row


def main() -> None:
    """Count and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", default="543e0ca", help="the revision to compare with")
    revision = parser.parse_args().before
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", revision, "src"], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "x", "-C", folder], input=archive, check=True)
        before, now = child(Path(folder)), child(ROOT)
    rows = {what: {"before": before[what], "now": now[what]} for what in now}
    OUT.write_text(json.dumps({"before": revision, "operations": rows, "per_site": list(per_site())}, indent=1) + "\n")


if __name__ == "__main__":
    main()
