"""`tokred estimate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tokred.cli.options import Steps, source_of, takes_models
from tokred.cli.options import size as read_size
from tokred.errors import SpecError

TIMM = "timm:"


@takes_models("offload", "batch")
def estimate(
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Argument(
            help="A released model whose weights you need not have: dit-xl-2, vit-l-16, pixart-sigma-xl-2, "
            "sd3.5-medium, flux-dev, sdxl or wan-1.3b; or what `tokred bench --model` takes."
        ),
    ] = None,
    methods: Annotated[
        list[str] | None, typer.Argument(help="NAME or NAME:key=value,..., as `tokred bench` takes.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="h200, h100, a100, l40s, rtx4090, rtx3090, l4 or t4, or a file that --measure wrote. Default: h200. "
            "With --measure: what is measured, such as cuda or cpu.",
        ),
    ] = None,
    steps: Steps = None,
    dtype: Annotated[
        str, typer.Option(metavar="NAME", help="Data type of the model: float32, bfloat16 or float16.")
    ] = "bfloat16",
    measure: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Measure this machine instead, in a minute, and write FILE for --device."),
    ] = None,
) -> None:
    """Estimate the speedup of methods on a GPU that you need not have."""
    import torch

    from tokred.bench.contender import parse_contenders
    from tokred.estimation.asked import Asked
    from tokred.estimation.devices import find_device
    from tokred.estimation.estimate import Estimates

    if measure is not None:
        if model is not None:
            raise SpecError(f"--measure measures this machine alone. Leave {model} out, and estimate it afterwards.")
        _measure(measure, device)
        return
    if model is None:
        raise SpecError("Name a model, such as flux-dev, or use --measure FILE.")
    contenders, figures = parse_contenders(methods or ["balanced"]), find_device(device or "h200")
    height, width = read_size(context.params["size"]) or (None, None)
    target, given = _target(context, model)
    kind: torch.dtype | None = None if isinstance(target, str) else getattr(torch, dtype)
    estimates = Estimates(Asked(target, height, width, steps, kind, given), figures)
    for contender in contenders:
        Console().print(repr(estimates.of(contender)), markup=False, highlight=False, soft_wrap=True)


def _target(context: typer.Context, model: str) -> tuple[Any, dict[str, Any]]:
    """Return what a name stands for, and what it is called with."""
    from tokred.bench.prompting import PipelineSubject
    from tokred.estimation.models import MODELS
    from tokred.zoo.catalog import zoo_models

    if model in {each.name for each in MODELS}:
        return model, {}
    if model.startswith(TIMM):
        import timm

        return timm.create_model(model.removeprefix(TIMM)), {}
    ours = model in {zoo.name for zoo in zoo_models()}
    prompts = context.params["prompts"] or (None if ours else "")
    subject = source_of(context, device="cpu", size=None, prompts=prompts).load()
    if isinstance(subject, PipelineSubject):
        return subject.model, {**subject.call, **subject.requests[0]}
    return subject.model, {}


def _measure(file: Path, device: str | None) -> None:
    """Measure this machine."""
    import torch

    from tokred.bench.subject import check_device
    from tokred.estimation.measuring import measure

    name = device or ("cuda" if torch.cuda.is_available() else "cpu")
    check_device(name)
    found = measure(torch.device(name))
    found.write(file)
    rates = f"{found.half / 1e12:.3g} TFLOP/s in bfloat16, {found.single / 1e12:.3g} in float32"
    moved = f"{found.bandwidth / 1e9:.0f} GB/s, {1e6 * found.start:.1f} us to start an operation"
    Console().print(f"{found.name}: {rates}, {moved}", markup=False, highlight=False, soft_wrap=True)
    Console().print(f"Written to {file}. Use it: --device {file}", markup=False, highlight=False, soft_wrap=True)
