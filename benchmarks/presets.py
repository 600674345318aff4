"""What the presets were chosen from: `python benchmarks/presets.py [--models NAME ...] [--steps N ...] [--out FILE]`.

Every program of the form "first dense steps, then (a gap, a dense step) repeated, then last dense steps", some with
more dense steps the longer the generation, is tried on the trained models at several numbers of steps, on pictures
that no published table shows. In the gap the model is skipped, or tokens are reduced at the last step of it. Each run
is compared with the front of all runs of its model and number of steps: how far its PSNR lies below the front's at the
same compute, interpolated. It writes docs/results/presets.json, and goes on from what is there.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tokred.bench import Contender, Subject, load_subject
from tokred.bench.curve import Point, at_cost, pareto_front
from tokred.bench.environment import Device, Versions
from tokred.bench.json_file import write_json
from tokred.metrics import psnr
from tokred.parts import Variable
from tokred.plain import read_plain
from tokred.registry import build_method

OUT = Path(__file__).parents[1] / "docs" / "results" / "presets.json"
SAMPLES = {"emoji-dit": 4, "emoji-sd3": 4, "emoji-flux": 2}
STEPS = (6, 10, 28, 50)
SEED = 6000
TOKENS = {"stride": (4, 4), "gain": "fitted", "keys": "recovered"}
RATIO = 0.9375


@dataclass(frozen=True)
class Preset:
    """A program that fits any number of steps.

    Attributes:
        first: dense steps at the start.
        gap: steps between two dense ones.
        last: dense steps at the end.
        order: of the forecast.
        reduces: whether the last step of each gap reduces tokens, rather than skipping the model.
        ends_whole: whether the first gap is cut to make all fit, rather than the last.
        variable: what the forecast runs over.
        first_every: one more dense step at the start for every so many steps; 0 for none.
        last_every: one more at the end likewise.
    """

    first: int
    gap: int
    last: int
    order: int
    reduces: bool
    ends_whole: bool
    variable: Variable = "log_snr"
    first_every: int = 0
    last_every: int = 0

    @property
    def program(self) -> str:
        """The program as a line."""
        gap = ["1"] * (self.gap - self.reduces) + [f"{RATIO:g}"] * self.reduces
        dense = ["D"] * (self.first - 1) + ["M" if self.reduces else "D"]
        repeated = f"{' '.join(gap)} {'M' if self.reduces else 'D'}"
        dense += [f"D/{self.first_every}"] * bool(self.first_every)
        last = ["D"] * self.last + [f"D/{self.last_every}"] * bool(self.last_every)
        filling = f"*({repeated})" if self.ends_whole else f"({repeated})*"
        return " ".join([*dense, filling, *last])

    def contender(self) -> Contender:
        """Return the method that does it."""
        params: dict[str, Any] = {"program": self.program, "order": self.order}
        params |= {"variable": self.variable} if self.variable != "log_snr" else {}
        name = "delta" if self.reduces else "step_cache"
        params |= TOKENS if self.reduces else {}
        return Contender(name, "method", params, build_method(name, params))


@dataclass(frozen=True)
class Run:
    """What was measured of one program on one model.

    Attributes:
        model: its name.
        steps: denoising steps.
        label: of the method.
        preset: what was tried.
        compute: operations of the sites over dense.
        psnr: of each picture against the dense one, in dB.
        below: how far the mean lies below the front of the model and number of steps at the same compute, in dB.
    """

    model: str
    steps: int
    label: str
    preset: Preset
    compute: float
    psnr: tuple[float, ...]
    below: float


@dataclass(frozen=True)
class Choice:
    """How a program does over all models and numbers of steps.

    Attributes:
        label: of the method.
        preset: what was tried.
        compute: mean over the runs.
        below: mean over the runs of how far it lies below the front, in dB.
        worst: the greatest of these.
    """

    label: str
    preset: Preset
    compute: float
    below: float
    worst: float


@dataclass(frozen=True)
class Presets:
    """All that was found.

    Attributes:
        versions: of what it ran on.
        device: likewise.
        seed: of the first picture; the next ones count up.
        choices: the programs, by gap, the nearest to the fronts first.
        runs: all runs.
    """

    versions: Versions
    device: Device
    seed: int
    choices: tuple[Choice, ...]
    runs: tuple[Run, ...]


def space() -> list[Preset]:
    """Return what is tried."""
    skipping = itertools.product((1, 2, 3), (1, 2, 3), (0, 1), (1, 2), (False,), (False,))
    whole = itertools.product((1, 2, 3), (1, 2, 3), (0, 1), (1, 2), (False,), (True,))
    reducing = itertools.product((2,), (1, 2, 3), (0, 1), (1,), (True,), (False,))
    by_noise = itertools.product((1, 2), (2, 3), (0,), (1,), (False,), (False, True))
    growing = itertools.product((1,), (2, 3), (0,), (1, 2), (False,), (True,), ("log_snr",), (0, 9, 14), (15,))
    log_snr = [Preset(*values) for values in (*skipping, *whole, *reducing, *growing)]
    return [*log_snr, *(Preset(*values, variable="noise") for values in by_noise)]


def measure(subject: Subject, steps: int, tried: list[Preset]) -> list[Run]:
    """Run all programs on a model."""
    settings = subject.settings(SEED, steps=steps, samples=SAMPLES[subject.name], pairs=1)
    batches = [settings.seeds[i : i + settings.batch] for i in range(0, settings.samples, settings.batch)]

    def made() -> torch.Tensor:
        return torch.cat([subject.generate(batch, steps) for batch in batches])

    dense, runs = made(), []
    for preset in tried:
        contender = preset.contender()
        with contender.applied(subject.model) as run:
            values = tuple(psnr(made(), dense).tolist())
            assert run is not None
            runs.append(Run(subject.name, steps, contender.label, preset, run.report().compute, values, 0.0))
    return [run for run in runs if run.compute < 1]


def placed(runs: list[Run]) -> list[Run]:
    """Return the runs with how far each lies below the front of its model and number of steps."""
    fronts: dict[tuple[str, int], tuple[Point, ...]] = {}
    for key in {(run.model, run.steps) for run in runs}:
        those = (run for run in runs if (run.model, run.steps) == key)
        fronts[key] = pareto_front(map(_point, those), higher=True)
    return [replace(run, below=_below(run, fronts[run.model, run.steps])) for run in runs]


def _point(run: Run) -> Point:
    return Point(run.label, run.compute, statistics.fmean(run.psnr), run.psnr)


def _below(run: Run, front: tuple[Point, ...]) -> float:
    place = at_cost(front, run.compute)
    best = statistics.fmean(place.values) if place else front[-1].mean
    return best - statistics.fmean(run.psnr)


def choices(runs: list[Run]) -> list[Choice]:
    """Return the programs by gap, the nearest to the fronts first."""
    by_label: dict[str, list[Run]] = {}
    for run in runs:
        by_label.setdefault(run.label, []).append(run)
    found = [
        Choice(
            label,
            those[0].preset,
            statistics.fmean(run.compute for run in those),
            statistics.fmean(run.below for run in those),
            max(run.below for run in those),
        )
        for label, those in by_label.items()
    ]
    return sorted(found, key=lambda choice: (choice.preset.gap, choice.below))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(SAMPLES))
    parser.add_argument("--steps", nargs="+", type=int, default=list(STEPS))
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    done = json.loads(arguments.out.read_text()) if arguments.out.exists() else None
    runs = list(read_plain(Presets, done, "presets").runs) if done else []
    for name in arguments.models:
        subject = load_subject(name)
        for steps in arguments.steps:
            known = {run.label for run in runs if (run.model, run.steps) == (name, steps)}
            if missing := [preset for preset in space() if preset.contender().label not in known]:
                runs = placed([*runs, *measure(subject, steps, missing)])
                found = Presets(Versions.here(), Device.of(subject.device), SEED, tuple(choices(runs)), tuple(runs))
                write_json(found, arguments.out)
                print(name, steps, "done", flush=True)
    for choice in choices(runs):
        print(f"{choice.compute:.3f} {choice.below:6.2f} {choice.worst:6.2f} {choice.label}")


if __name__ == "__main__":
    main()
