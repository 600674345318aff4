"""Part `speed`: how long a step of a real-size model takes, dense and reduced, without torch.compile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

from configs import MODELS, TINY_PIXELS, RealModel
from jobs import Job, Options
from loop import STEPS, first_loop, methods, timed
from subject import Workbench
from tokred.bench.contender import Contender


def jobs(options: Options) -> Iterator[Job]:
    """Yield a job for each model, picture size and method; the dense model is the first of each."""
    workbench = Workbench(options.device, options.sizes == "tiny", STEPS[options.sizes])
    for model in MODELS:
        for pixels in model.pixels if options.sizes == "full" else [TINY_PIXELS]:
            for contender in [None, *methods(model)]:
                yield Job(
                    part="speed",
                    what=describe(options, model, pixels, "eager", contender),
                    run=partial(measure, workbench, model, pixels, contender, options.sizes),
                    like=f"{model.name} {options.sizes} {options.device}",
                    size=pixels**2,
                )


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
        first_loop(subject)
        return timed(subject, run, sizes)
