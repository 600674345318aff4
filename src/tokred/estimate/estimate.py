"""What a method would give on a device that need not be there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokred.bench.contender import parse_contenders
from tokred.errors import SpecError
from tokred.estimate.counts import Counts, count, pretended
from tokred.estimate.devices import Device, find_device
from tokred.estimate.models import MODELS, RealModel
from tokred.estimate.times import Times, times
from tokred.method import Method


@dataclass(frozen=True)
class Estimate:
    """What a generation would take.

    Attributes:
        model: its name.
        pixels: height and width of the picture.
        method: what is done; "dense" for nothing.
        phases: how long one step of each phase takes.
        steps: how many steps of each phase there are.
        bytes: of the weights and of what the method remembers; activations come on top.
        speedup: time of a dense generation over this one's.
    """

    model: str
    pixels: int
    method: str
    phases: dict[str, Times]
    steps: dict[str, int]
    bytes: int
    speedup: float

    @property
    def seconds(self) -> float:
        """Of the model's calls in a whole generation."""
        return generation(self.phases, self.steps)


def estimate(
    model: str,
    methods: Sequence[str | Method] = (),
    *,
    device: str | Device = "h200",
    pixels: int | None = None,
    steps: int = 28,
    compiled: bool = False,
) -> list[Estimate]:
    """Say what methods would give, by counts of their operations and by the few figures of a device.

    Args:
        model: one of `tokred.estimate.MODELS`, at real size, with random weights that take no memory here.
        methods: as `tokred bench` takes them, such as "dito:ratio=0.5".
        device: a name in `tokred.estimate.DEVICES`, or any figures.
        pixels: height and width of the picture; by default the model's usual ones.
        steps: of a generation; a classifier has one.
        compiled: whether the model is compiled.

    Returns:
        The dense generation, then one estimate for each method.

    Raises:
        SpecError: if a name is unknown, or a method cannot be counted.
    """
    real, figures = find_model(model), find_device(device)
    pixels, steps = pixels or real.pixels[0], 1 if real.family == "vit" else steps
    contenders = [None, *parse_contenders(methods)] if methods else [None]
    with pretended(real, pixels, steps) as subject:
        counts = [(c.label if c else "dense", count(subject, c)) for c in contenders]
    return list(_estimates(real.name, pixels, counts, figures, compiled))


def find_model(name: str) -> RealModel:
    """Return the model of that name.

    Raises:
        SpecError: if there is none.
    """
    for model in MODELS:
        if model.name == name:
            return model
    raise SpecError(f"model={name!r} is not known. Known: {', '.join(model.name for model in MODELS)}.")


def break_even(
    model: str, method: str | Method, *, device: str | Device = "h200", steps: int = 28, compiled: bool = False
) -> int | None:
    """Return the height of the least picture, of the sizes that the model is used at, from which a method pays."""
    for pixels in sorted(find_model(model).pixels):
        found = estimate(model, [method], device=device, pixels=pixels, steps=steps, compiled=compiled)
        if found[-1].speedup > 1:
            return pixels
    return None


def generation(phases: dict[str, Times], steps: dict[str, int]) -> float:
    """Add up the steps of a generation."""
    return sum(phases[phase].seconds * number for phase, number in steps.items())


def _estimates(
    model: str, pixels: int, counts: Sequence[tuple[str, Counts]], device: Device, compiled: bool
) -> Iterator[Estimate]:
    dense = 0.0
    for label, counted in counts:
        phases = {phase: times(work, device, compiled) for phase, work in counted.work.items()}
        seconds = generation(phases, counted.steps)
        dense = dense or seconds
        size = counted.weights + counted.remembered
        yield Estimate(model, pixels, label, phases, counted.steps, size, dense / seconds)
