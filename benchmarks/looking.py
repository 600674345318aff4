"""Whether a schedule that looks at each picture is better than a fixed one: `python benchmarks/looking.py [MODEL ...]`.

`Gate` draws pictures one by one, at several thresholds, and computes as many steps of each as it finds it needs. It is
held against schedules that are the same for all pictures: a gap of one to three skipped steps between dense ones, after
three or four at the start. Between two of those their PSNR is interpolated, picture by picture, to what `Gate` computes
on average. No published table shows these pictures. It writes docs/results/looking.json after every run, and goes on
from what is there.
"""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import torch

import tokred
from tokred import Method
from tokred.bench import Subject, load_subject
from tokred.bench.environment import Device, Versions
from tokred.bench.json_file import write_json
from tokred.interfaces import Scheduler
from tokred.metrics import psnr
from tokred.parts import Cosine, Forecast, Gate, Program, RandomMatcher
from tokred.plain import read_plain

OUT = Path(__file__).parents[1] / "docs" / "results" / "looking.json"
SAMPLES = {"emoji-dit": 8, "emoji-sd3": 8, "emoji-flux": 4}
STEPS = (10, 28)
SEED = 6000
FIXED = [
    f"{first} *({gap} D) {last}"
    for first in ("D D D", "D D D D")
    for gap in ("1", "1 1", "1 1 1")
    for last in ("I", "D I")
]
GATES = [("miss", threshold) for threshold in (0.03, 0.06, 0.12, 0.24)]
GATES += [("change", threshold) for threshold in (0.1, 0.2, 0.3)]
SCHEDULES: dict[str, Scheduler] = {text: Program(text) for text in FIXED}
SCHEDULES |= {f"gate:threshold={threshold:g},by={by}": Gate(threshold, by) for by, threshold in GATES}


@dataclass(frozen=True)
class Run:
    """What one schedule gave.

    Attributes:
        model: its name.
        steps: denoising steps.
        schedule: what was tried.
        looks: whether it looks at the picture.
        computed: share of the steps that was computed, of each picture.
        psnr: of each picture against the dense one, in dB.
    """

    model: str
    steps: int
    schedule: str
    looks: bool
    computed: tuple[float, ...]
    psnr: tuple[float, ...]


@dataclass(frozen=True)
class Looking:
    """All that was measured.

    Attributes:
        versions: of what it ran on.
        device: likewise.
        seed: of the first picture; the next ones count up.
        runs: in the order of measuring.
    """

    versions: Versions
    device: Device
    seed: int
    runs: tuple[Run, ...]


def measure(subject: Subject, steps: int, done: list[Run]) -> None:
    """Add what is missing of a model and number of steps to `done`, and write it."""
    known = {run.schedule for run in done if (run.model, run.steps) == (subject.name, steps)}
    missing = [name for name in SCHEDULES if name not in known]
    if not missing:
        return
    seeds = range(SEED, SEED + SAMPLES[subject.name])
    dense = torch.cat([subject.generate([seed], steps) for seed in seeds])
    for name in missing:
        computed, values = [], []
        with tokred.apply(subject.model, _method(SCHEDULES[name])) as run:
            for seed, picture in zip(seeds, dense, strict=True):
                values += psnr(subject.generate([seed], steps), picture[None]).tolist()
                computed.append(run.report().compute)
        looks = isinstance(SCHEDULES[name], Gate)
        rounded = tuple(round(share, 4) for share in computed), tuple(round(value, 2) for value in values)
        done.append(Run(subject.name, steps, name, looks, *rounded))
        write_json(Looking(Versions.here(), Device.of(subject.device), SEED, tuple(done)), OUT)
        print(done[-1], flush=True)


def _method(scheduler: Scheduler) -> Method:
    return Method(
        similarity=Cosine(),  # these two are not asked for: nothing is matched
        matcher=RandomMatcher(),
        scheduler=scheduler,
        recovery=Forecast(),
        sites=("model",),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=list(SAMPLES))
    runs = list(read_plain(Looking, json.loads(OUT.read_text()), "looking").runs) if OUT.exists() else []
    for steps, name in itertools.product(STEPS, parser.parse_args().models):
        measure(load_subject(name), steps, runs)


if __name__ == "__main__":
    main()
