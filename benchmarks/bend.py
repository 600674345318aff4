"""Whether a share of the parabola's bend helps the presets' line: `python benchmarks/bend.py [--models NAME ...]`.

The schedules of `quality` and `balanced` are drawn with a forecast that is the line through the last two outputs plus a
share of what a parabola through three would add: 0, as the presets are, and a half. PSNR against the dense pictures, on
pictures that no published table shows; it writes docs/results/bend.json after every run, and goes on from what is
there.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
from dataclasses import dataclass, replace
from pathlib import Path

import torch

import tokred
from tokred.bench import Subject, load_subject
from tokred.bench.environment import Device, Versions
from tokred.bench.json_file import write_json
from tokred.metrics import Paired, psnr
from tokred.parts import Forecast
from tokred.plain import read_plain
from tokred.registry import build_method

OUT = Path(__file__).parents[1] / "docs" / "results" / "bend.json"
SAMPLES = {"emoji-dit": 8, "emoji-sd3": 8, "emoji-flux": 4}
STEPS, PRESETS, BENDS = (6, 10, 28, 50), ("quality", "balanced"), (0.0, 0.5)
SEED = 6000


@dataclass(frozen=True)
class Run:
    """What was measured of a preset's schedule.

    Attributes:
        model: its name.
        steps: denoising steps.
        preset: whose schedule.
        bend: share of the parabola's bend.
        psnr: of each picture against the dense one, in dB.
    """

    model: str
    steps: int
    preset: str
    bend: float
    psnr: tuple[float, ...]


@dataclass(frozen=True)
class Bends:
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
    known = {(run.preset, run.bend) for run in done if (run.model, run.steps) == (subject.name, steps)}
    missing = [each for each in itertools.product(PRESETS, BENDS) if each not in known]
    if not missing:
        return
    settings = subject.settings(SEED, steps=steps, samples=SAMPLES[subject.name], pairs=1)
    batches = [settings.seeds[i : i + settings.batch] for i in range(0, settings.samples, settings.batch)]
    dense = torch.cat([subject.generate(batch, steps) for batch in batches])
    for preset, bend in missing:
        method = replace(build_method(preset, {}), recovery=Forecast(1 + bend))
        with tokred.apply(subject.model, method):
            pictures = torch.cat([subject.generate(batch, steps) for batch in batches])
        values = tuple(round(value, 2) for value in psnr(pictures, dense).tolist())
        done.append(Run(subject.name, steps, preset, bend, values))
        write_json(Bends(Versions.here(), Device.of(subject.device), SEED, tuple(done)), OUT)
        print(subject.name, steps, preset, bend, f"{statistics.fmean(values):.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(SAMPLES))
    arguments = parser.parse_args()
    runs = list(read_plain(Bends, json.loads(OUT.read_text()), "bend").runs) if OUT.exists() else []
    for steps, name in itertools.product(STEPS, arguments.models):
        measure(load_subject(name), steps, runs)
    values = {(run.model, run.steps, run.preset, run.bend): run.psnr for run in runs}
    for (model, steps, preset, bend), psnrs in values.items():
        if bend:
            print(model, steps, preset, Paired.of(psnrs, values[model, steps, preset, 0.0]))


if __name__ == "__main__":
    main()
