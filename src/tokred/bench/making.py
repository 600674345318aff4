"""What is made to be measured: generations of a contender, their operations and their time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch

from tokred.bench.contender import Contender
from tokred.bench.measure import count_flops, peak_bytes, reset_peak, seconds, timed_pairs
from tokred.bench.settings import Settings
from tokred.bench.subject import Subject
from tokred.engine.run import Run
from tokred.engine.token_map import TokenMap
from tokred.metrics.metric import DRAWN

CALIBRATION = 4
"""Samples that baselines are calibrated on."""


@dataclass(frozen=True)
class Cost:
    """What a contender costs.

    Attributes:
        flops: operations of a generation of one sample.
        site_compute: what the report of a method's run has; None of a baseline.
        pairs: seconds of the dense model and of the contender, in turns.
        peak_bytes: the most memory that the contender took on a CUDA device; None on others.
    """

    flops: int
    site_compute: float | None
    pairs: tuple[tuple[float, float], ...]
    peak_bytes: int | None


@dataclass(frozen=True)
class Made:
    """What a contender, or the dense model, made of some batches.

    Attributes:
        outputs: of each batch, `[B, ...]`.
        tokens: what one site of a method computed of the tokens of the first batch's first picture, step by step.
    """

    outputs: tuple[torch.Tensor, ...]
    tokens: tuple[TokenMap, ...] = ()


class Making:
    """Has a subject make what is measured, in whichever process it is.

    Args:
        subject: what is measured.
        settings: how much of it.
        tell: is told of every generation, and whose it was.
    """

    def __init__(self, subject: Subject, settings: Settings, tell: Callable[[str], None] = lambda label: None) -> None:
        self.subject = subject
        self.settings = settings
        self.tell = tell

    def prepared(self, contender: Contender) -> Contender:
        """Return a contender with what it has to see first: none of the samples that are measured."""
        start = max(self.settings.seeds) + 1
        seen = range(start, start + CALIBRATION)
        return contender.prepared(self.subject.model, lambda: self.subject.generate(seen, self.settings.steps))

    def cost(self, contender: Contender) -> Cost:
        """Count the operations of a prepared contender, and take its time."""
        with contender.applied(self.subject.model) as run:
            flops = self.flops(contender.steps(self.settings.steps), contender.label)
            site_compute = run.report().compute if run else None
        pairs, peak = self._timed_pairs(contender)
        return Cost(flops, site_compute, tuple(pairs), peak)

    def made(self, contender: Contender | None, places: Sequence[int]) -> Made:
        """Make the outputs of the batches at some places, of a prepared contender or of the dense model."""
        label = contender.label if contender else "dense"
        steps = contender.steps(self.settings.steps) if contender else self.settings.steps
        outputs: list[torch.Tensor] = []
        tokens: tuple[TokenMap, ...] = ()
        with contender.applied(self.subject.model) if contender else nullcontext() as run:
            for place in places:
                outputs.append(self.subject.generate(self.settings.batches[place], steps))
                self.tell(label)
                if place == 0:
                    tokens = self._tokens(run, outputs[-1])
        return Made(tuple(outputs), tokens)

    def flops(self, steps: int, label: str) -> int:
        """Count the operations of a generation of one sample."""
        flops = count_flops(lambda: self.subject.generate(self.settings.seeds[:1], steps))
        self.tell(label)
        return flops

    def seconds(self, steps: int, label: str) -> float:
        """Take the time of a generation of as many samples as are timed."""
        taken = seconds(lambda: self.subject.generate(self.settings.seeds[: self.settings.timing_batch], steps))
        self.tell(label)
        return taken

    def _tokens(self, run: Run | None, outputs: torch.Tensor) -> tuple[TokenMap, ...]:
        """Return what a run can tell of its last batch's first picture; of a video it would be of all frames."""
        shown = run is not None and self.subject.outputs in DRAWN and outputs.ndim == 4
        return run.report().token_maps if run and shown else ()

    def _timed_pairs(self, contender: Contender) -> tuple[list[tuple[float, float]], int | None]:
        """Time the dense model and the contender in turns; applying it and taking it away is not timed.

        Returns:
            The times of each pair, and the most memory that the contender took.
        """
        steps, peaks = self.settings.steps, []

        def other() -> float:
            with contender.applied(self.subject.model):
                reset_peak(self.subject.device)
                taken = self.seconds(contender.steps(steps), contender.label)
                peaks.append(peak_bytes(self.subject.device))
                return taken

        pairs = timed_pairs(lambda: self.seconds(steps, contender.label), other, self.settings.pairs)
        return pairs, peaks[-1]


def generations_of(settings: Settings, runs: int, *, dense: bool, outputs: bool) -> int:
    """Return how many generations a number of runs takes, with the cost of the dense reference or its outputs."""
    made, timed = len(settings.batches), 1 + settings.pairs
    return (1 + timed) * dense + made * outputs + runs * (1 + made + 2 * timed)


def samples_of(settings: Settings, runs: int, *, dense: bool, outputs: bool) -> int:
    """Return how many samples these generations make."""
    made, timed = settings.samples, (1 + settings.pairs) * settings.timing_batch
    return (1 + timed) * dense + made * outputs + runs * (1 + made + 2 * timed)
