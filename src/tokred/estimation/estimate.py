"""What a method would give on a device that need not be there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Any

import torch

from tokred.bench.contender import Contender
from tokred.engine.usual import DRAWS, usual_method
from tokred.errors import SpecError
from tokred.estimation.asked import Asked
from tokred.estimation.counting import Work
from tokred.estimation.counts import Counts, count
from tokred.estimation.devices import Device, find_device
from tokred.estimation.looped import Looped
from tokred.estimation.result import Estimate, Way, break_even
from tokred.estimation.times import Times, times
from tokred.interfaces import Phase
from tokred.method import Method
from tokred.registry import build_method


def estimate(
    target: Any,
    method: str | Path | Method | None = None,
    *,
    device: str | Path | Device = "h200",
    height: int | None = None,
    width: int | None = None,
    steps: int | None = None,
    dtype: torch.dtype | None = None,
    **call: Any,
) -> Estimate:
    """Say what a method would give on a GPU that need not be there.

    The model is called on tensors that hold nothing: its operations are counted, and a few figures of the device make
    times of them. A pipeline really runs up to its denoiser's first call, with its text encoders; nothing of it is
    changed, and no weight is copied. A generation is taken to be like its first step.

    Args:
        target: a diffusers pipeline, one of its denoisers, a vision model, or the name of a released model,
            `tokred.estimation.MODELS`.
        method: as `tokred.apply` takes it, such as "dito:ratio=0.5".
        device: a name in `tokred.estimation.DEVICES`, a `Device`, or a file that `tokred estimate --measure` wrote.
        height: of the picture, in pixels; by default the target's own.
        width: likewise.
        steps: of the generation; by default the pipeline's own.
        dtype: of weights and inputs; by default their own.
        **call: what a call of the pipeline, or of the model, is given: a prompt of yours, `guidance_scale=1.0`, the
            picture to be edited. A denoiser by itself needs all of its arguments.

    Returns:
        Times of each phase, the speedup, memory and the smallest picture for which the method pays; printed, a table.

    Raises:
        SpecError: if a name or a size is unknown or refused, or the method decides by values that it computes.
        UnsupportedModel: if the method does not fit the model.
        ConflictError: if a method is applied to the model already.

    Examples:
        >>> tokred.estimate(pipe, "dito", device="h200", height=1024, width=1024)  # doctest: +SKIP
    """
    usual = DRAWS if isinstance(target, str) else usual_method(target)
    made = build_method(usual if method is None else method, {})
    name = str(method) if isinstance(method, (str, Path)) else made.name
    asked = Asked(target, height, width, steps, dtype, call)
    return Estimates(asked, device).of(Contender(name, "method", {}, made))


class Estimates:
    """Estimates methods on one model and device.

    Args:
        asked: what is drawn.
        device: where.
    """

    def __init__(self, asked: Asked, device: str | Path | Device) -> None:
        self.device, self.name = find_device(device), asked.name
        self.sizes = list(_sizes(asked))
        self.dense = [count(size.subject, None) for size in self.sizes]

    def of(self, contender: Contender) -> Estimate:
        """Estimate a method."""
        counts = [count(size.subject, contender) for size in self.sizes]
        eager, compiled = (self._way(counts, compiled) for compiled in (False, True))
        subject = self.sizes[0].subject
        weight = next(subject.model.parameters())
        dtype = str(weight.dtype).removeprefix("torch.")
        tokens, remembered = subject.layout.image, counts[0].remembered
        method, device = contender.label, self.device.name
        return Estimate(self.name, method, device, dtype, tokens, subject.weights, remembered, eager, compiled)

    def _way(self, counts: Sequence[Counts], compiled: bool) -> Way:
        """Make times of counts at one or two sizes."""
        way, *others = (
            Way(
                self._times(dense.work[Phase.DENSE.value], compiled),
                {phase: self._times(work, compiled) for phase, work in each.work.items()},
                each.steps,
            )
            for dense, each in zip(self.dense, counts, strict=True)
        )
        if not others or others[0].steps != way.steps:
            return way
        first, second = self.sizes
        return replace(way, break_even=break_even(way, others[0], first.tokens, second.tokens, first.pixels))

    def _times(self, work: Work, compiled: bool) -> Times:
        return times(work, self.device, compiled)


@dataclass(frozen=True)
class _Size:
    """A generation at one size.

    Attributes:
        subject: its steps.
        pixels: height of a square picture of as many pixels.
    """

    subject: Looped
    pixels: float = 0.0

    @property
    def tokens(self) -> int:
        """Of the picture."""
        return self.subject.layout.image


def _sizes(asked: Asked) -> Iterator[_Size]:
    """Yield what is asked for, and the same at another size where it has one."""
    subject = asked.looped()
    tokens = subject.layout.image
    for other in asked.others():
        with suppress(SpecError):  # a size that the pipeline refuses
            size = _Size(other.looped(), sqrt((other.height or 0) * (other.width or 0)))
            if size.tokens != tokens:
                yield _Size(subject, size.pixels * sqrt(tokens / size.tokens))
                yield size
                return
    yield _Size(subject)
