"""What was estimated, as numbers, as a table, and as a notebook shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from math import log

from tokred.estimation.times import Times

LEAST, MOST, GRAIN = 128, 8192, 64
"""Heights of square pictures, in pixels, among which the least one is looked for that pays."""
HEADER = ("", "step", "number", "ms", "limited by")


@dataclass(frozen=True)
class Way:
    """A generation, dense and with a method, in eager or in compiled code.

    Attributes:
        dense: one step of the dense model.
        phases: one step of each phase of the method.
        steps: how many steps are of each phase.
        break_even: height in pixels of the smallest square picture for which the method pays, in steps of 64 from 128
            on; None where it pays at none up to 8192, or the size cannot be changed. Not counted at each size: a power
            of the number of tokens, from two sizes.
    """

    dense: Times
    phases: Mapping[str, Times]
    steps: Mapping[str, int]
    break_even: int | None = None

    @property
    def seconds(self) -> float:
        """Of the model's calls in a generation with the method."""
        return sum(self.phases[phase].seconds * number for phase, number in self.steps.items())

    @property
    def dense_seconds(self) -> float:
        """Of those in a dense generation."""
        return self.dense.seconds * sum(self.steps.values())

    @property
    def speedup(self) -> float:
        """Time of the dense generation over the method's; below 1 the method is slower."""
        return self.dense_seconds / self.seconds

    def scaled(self, other: Way, power: float) -> Way:
        """Return the same at another number of tokens: this one's where `power` is 0, the other's where it is 1."""
        phases = {phase: times.scaled(other.phases[phase], power) for phase, times in self.phases.items()}
        return Way(self.dense.scaled(other.dense, power), phases, self.steps)


@dataclass(frozen=True, repr=False)
class Estimate:
    """What a method would give on a device.

    Attributes:
        model: class of the pipeline or model, or its name.
        method: what is done.
        device: where.
        dtype: of the weights.
        tokens: of the picture, in a dense call.
        weights: bytes of the weights.
        remembered: bytes of what the method remembers; what activations take comes on top of both.
        eager: without torch.compile.
        compiled: with it.
    """

    model: str
    method: str
    device: str
    dtype: str
    tokens: int
    weights: int
    remembered: int
    eager: Way
    compiled: Way

    @property
    def title(self) -> str:
        """What was estimated, in a line."""
        steps = sum(self.eager.steps.values())
        return f"{self.method} on {self.model}, {self.device}, {self.tokens:,} tokens, {steps} steps, {self.dtype}"

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The table: a row for the dense step and one for each phase, in each way."""
        found: list[tuple[str, ...]] = []
        for name, way in (("eager", self.eager), ("compiled", self.compiled)):
            total = str(sum(way.steps.values()))
            found.append((name, "dense model", total, f"{1000 * way.dense.seconds:.1f}", way.dense.limit))
            for phase, times in way.phases.items():
                found.append(("", phase, str(way.steps[phase]), f"{1000 * times.seconds:.1f}", times.limit))
        return found

    @property
    def summary(self) -> list[str]:
        """What it comes to, in lines."""
        lines = [_said(name, way) for name, way in (("eager", self.eager), ("compiled", self.compiled))]
        return [*lines, f"memory: {_gib(self.weights)} of weights, {_gib(self.remembered)} remembered by the method"]

    def __repr__(self) -> str:
        table = [HEADER, *self.rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in table]
        return "\n".join([self.title, *(f"  {line}" for line in [*lines, *self.summary])])

    def _repr_html_(self) -> str:
        cells = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in [HEADER, *self.rows]]
        rows = "".join(f"<tr>{row}</tr>" for row in cells)
        notes = "<br>".join(map(escape, self.summary))
        return f"<table><caption>{escape(self.title)}</caption>{rows}</table><p>{notes}</p>"


def break_even(way: Way, other: Way, tokens: int, more: int, pixels: float) -> int | None:
    """Return the height of the smallest square picture for which a method pays; see `Way.break_even`.

    Args:
        way: at one size.
        other: at another.
        tokens: at the one size.
        more: tokens at the other.
        pixels: height of a square picture of `tokens` tokens.
    """
    for height in range(LEAST, MOST + 1, GRAIN):
        power = 2 * log(height / pixels) / log(more / tokens)
        if way.scaled(other, power).speedup > 1:
            return height
    return None


def _said(name: str, way: Way) -> str:
    pays = f", pays from {way.break_even} x {way.break_even} pixels on" if way.break_even else ""
    dense, other = (_time(seconds) for seconds in (way.dense_seconds, way.seconds))
    return f"{name}: {dense} dense, {other} with the method, {way.speedup:.2f} times as fast{pays}"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"


def _gib(number: int) -> str:
    return f"{number / 2**30:.2f} GiB"
