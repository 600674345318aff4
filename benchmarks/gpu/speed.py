"""Part `speed`: how long a step of a real-size model takes, dense and reduced, without torch.compile."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

from jobs import AFTER_MODELS, Job, Options
from loop import STEPS, counted, methods, timed
from tokred.bench.contender import Contender
from tokred.estimation.models import MODELS, TINY_PIXELS, RealModel
from tokred.estimation.workbench import Workbench

DRAWING = (
    "balanced",
    "dito:ratio=0.5,dense_first=4",
    "delta:ratio=0.9,stride=4x4,interval=3,keys=recovered",
    "tomesd:ratio=0.5",
    "toma:ratio=0.5",
)
CLASSIFYING = ("tome:r=8", "evit:ratio=0.3", "tomesd:ratio=0.5")


def jobs(options: Options) -> Iterator[Job]:
    """Yield a job for each model, picture size and method; the dense model is the first of each.

    Each model at the size that it is used at most; at the others when all else of all models is done.
    """
    for model, pixels in pictures(options):
        for contender in [None, *methods(model, DRAWING, CLASSIFYING)]:
            yield Job(
                part="speed",
                what=describe(options, model, pixels, "eager", contender),
                run=partial(measure, workbench(options), model, pixels, contender, options.sizes),
                like=f"{model.name} {options.sizes} {options.device}",
                size=pixels**2,
                rank=MODELS.index(model) if pixels in (model.pixels[0], TINY_PIXELS) else AFTER_MODELS + 2,
            )


@functools.cache
def workbench(options: Options) -> Workbench:
    """Return the one that holds the model at hand: the largest would not fit twice on a small device."""
    return Workbench(options.device, options.sizes == "tiny", STEPS[options.sizes])


def pictures(options: Options) -> list[tuple[RealModel, int]]:
    """List the models with the heights of their pictures: the first one of every model, then the second ones."""
    if options.sizes == "tiny":
        return [(model, TINY_PIXELS) for model in MODELS]
    most = max(len(model.pixels) for model in MODELS)
    return [(model, model.pixels[rank]) for rank in range(most) for model in MODELS if rank < len(model.pixels)]


def describe(options: Options, model: RealModel, pixels: int, how: str, contender: Contender | None) -> dict[str, Any]:
    """Tell a measurement apart from all others."""
    method = contender.label if contender else "dense"
    where = {"device": options.device, "sizes": options.sizes, "batch": model.batch}
    return {"model": model.name, "pixels": pixels, "how": how, "method": method, **where}


def measure(
    workbench: Workbench, model: RealModel, pixels: int, contender: Contender | None, sizes: str, seconds: float
) -> dict[str, Any]:
    """Time one model, picture size and method; it is short against the `seconds` that are left."""
    subject = workbench.subject(model, pixels)
    with contender.applied(subject.model) if contender else nullcontext() as run:
        return timed(subject, run, counted(subject), sizes)
