"""Part `compile`: the same with torch.compile, and with CUDA graphs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import nn

from jobs import AFTER_MODELS, Job, Options
from loop import counted, first_loop, methods, timed
from speed import describe, workbench
from tokred.bench.contender import Contender
from tokred.estimation.models import MODELS, TINY_PIXELS, RealModel
from tokred.estimation.workbench import Workbench
from tokred.family.sites import sites_of
from tokred.registry import family_for

FIRST_LOOPS = 2
"""Before anything is timed: each phase is called at least three times, and by then CUDA graphs are recorded."""
GUESS_SECONDS = {"full": 60.0, "tiny": 0.0}
DRAWING = (
    "balanced",
    "dito:ratio=0.5,dense_first=4",
    "tomesd:ratio=0.5",
    "delta:ratio=0.9,stride=4x4,interval=3,keys=recovered",
)
CLASSIFYING = ("tomesd:ratio=0.5",)
"""Methods that compile into whole graphs on every family that they fit."""


@dataclass(frozen=True)
class Way:
    """A way to compile a model.

    Attributes:
        scope: each block for itself, or the whole model.
        mode: of torch.compile; "reduce-overhead" uses CUDA graphs.
    """

    scope: Literal["blocks", "whole"]
    mode: Literal["default", "reduce-overhead"]

    def __str__(self) -> str:
        return f"{self.scope} {self.mode}"


def jobs(options: Options) -> Iterator[Job]:
    """Yield a job for each way to compile a model, dense and with each method."""
    for model, way in ways(options.device):
        for pixels in model.compiled if options.sizes == "full" else [TINY_PIXELS]:
            for contender in [None, *methods(model, DRAWING, CLASSIFYING)]:
                yield Job(
                    part="compile",
                    what=describe(options, model, pixels, str(way), contender),
                    run=partial(measure, workbench(options), model, pixels, way, contender, options.sizes),
                    like=f"{model.name} {way} {options.sizes} {options.device}",
                    size=pixels**2,
                    guess=GUESS_SECONDS[options.sizes],
                    rank=MODELS.index(model) if way.scope == "blocks" else AFTER_MODELS,
                )


def ways(device: str) -> list[tuple[RealModel, Way]]:
    """List which model is compiled how: first all block by block, then some as a whole, on CUDA as CUDA graphs."""
    models = [model for model in MODELS if model.compiled]
    whole = Way("whole", "reduce-overhead" if device == "cuda" else "default")
    return [(m, Way("blocks", "default")) for m in models] + [(m, whole) for m in models if m.compiles_whole]


def measure(
    workbench: Workbench,
    model: RealModel,
    pixels: int,
    way: Way,
    contender: Contender | None,
    sizes: str,
    seconds: float,
) -> dict[str, Any]:
    """Time one way to compile, and say how far its output is from the eager one's; see `speed.measure`."""
    subject = workbench.subject(model, pixels)
    with contender.applied(subject.model) if contender else nullcontext() as run:
        flops, eager = counted(subject), first_loop(subject)
        with compiled(subject.model, way) as call:
            begin = time.monotonic()
            outputs = [first_loop(subject, call) for _ in range(FIRST_LOOPS)][-1]
            first = time.monotonic() - begin
            times = timed(subject, run, flops, sizes, call)
    far = max(relative_difference(*pair) for pair in zip(outputs, eager, strict=True))
    return {"first_loops_seconds": first, "difference": far, **times}


def relative_difference(output: torch.Tensor, expected: torch.Tensor) -> float:
    """Return the norm of the difference over that of what was expected."""
    difference: float = ((output.float() - expected.float()).norm() / expected.float().norm()).item()
    return difference


@contextmanager
def compiled(model: nn.Module, way: Way) -> Iterator[Callable[..., Any]]:
    """Compile a model and give what is called in its place; forget it all at the end.

    On the CPU nothing is generated, only traced: that tells whether the model compiles into whole graphs.
    """
    on_cuda = next(model.parameters()).is_cuda
    options: dict[str, Any] = {"mode": way.mode, "dynamic": False} if on_cuda else {"backend": "eager"}
    blocks = [site.module for site in sites_of(family_for(model, "compiling"), model) if site.kind == "block"]
    torch._dynamo.reset()
    try:
        if way.scope == "blocks":
            for block in blocks:
                block.compile(fullgraph=True, **options)
            yield model
        else:
            yield graph_by_graph(torch.compile(model, fullgraph=True, **options))
    finally:
        for block in blocks:
            block._compiled_call_impl = None
        torch._dynamo.reset()


def graph_by_graph(call: Callable[..., Any]) -> Callable[..., Any]:
    """Tell CUDA graphs that the outputs of the last call are not needed any more."""

    def begin_and_call(**arguments: Any) -> Any:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        return call(**arguments)

    return begin_and_call
